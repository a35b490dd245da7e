import API
import CallControl
import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Web

@Suite struct PageTests {
  @Test("The OpenAPI document and the routes are the same")
  func openAPI() async throws {
    try await withServer { server in
      let reply = try await server.send(.GET, "/openapi.json")
      let document = try #require(JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any])
      #expect(document["openapi"] as? String == "3.1.0")
      let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
      let written = Set(paths.flatMap { path, operations in operations.keys.map { "\($0) \(path)" } })
      let desk = Desk(
        backend: server.fake.backend, feed: server.fake.feed, visitorKey: VisitorKey([UInt8](repeating: 7, count: 32)),
        options: .init())
      let routes = WebServer.routes(desk, demo: nil)
      let there = Set(
        routes.filter { $0.path.hasPrefix("/v1/") || $0.path.hasPrefix("/-/") || $0.path == "/metrics" }
          .map { "\($0.method.rawValue.lowercased()) \($0.path)" })
      #expect(written == there)
      #expect(there.count == routes.filter { !$0.path.hasPrefix("/switchboard") && $0.path != "/phone" }.count - 1)

      // Each operation is answered by the running server, and by no 404 of the router.
      for operation in written {
        let parts = operation.split(separator: " ")
        let path = parts[1].replacing("{contact}", with: "ct_00000000000000000000000001").replacing(
          "{offer}", with: "of_1")
        let reply = try await server.send(.init(rawValue: parts[0].uppercased()), String(path))
        #expect(reply.status != 405 && !reply.text.contains("nothing at this address"), "\(operation)")
      }
      let names = paths.values.flatMap(\.values).compactMap { $0["operationId"] as? String }
      #expect(Set(names).count == written.count)
      let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: Any])
      let references = reply.text.matches(of: /"#\/components\/schemas\/(\w+)"/).map { String($0.1) }
      #expect(Set(references).isSubset(of: schemas.keys))
      #expect(references.contains("MessagePage"))
    }
  }

  @Test("A schema names every field of its struct, and which may be absent")
  func schemas() throws {
    var contact = Contact(
      id: "ct_1", channel: "chat", queue: "q_a", state: "queued", enteredAt: Timestamp(milliseconds: 0),
      answeredAt: Timestamp(milliseconds: 0), ahead: 0, wait: WaitRange(lowSeconds: 0, highSeconds: 1), agentName: "a",
      visitorName: "b", address: "c", attributes: ["d": "e"], isLost: false, ending: "f",
      wrapUpEndsAt: Timestamp(milliseconds: 0))
    (contact.origin, contact.codec) = ("web", "opus")
    contact.quality = Quality(lossIn: 0, lossOut: 0, jitterSeconds: 0, roundTripSeconds: 0)
    let full = try #require(try JSONSerialization.jsonObject(with: Data(JSON.encode(contact))) as? [String: Any])
    guard case .object(let schema) = Schema.of(Contact.self).components["Contact"],
      case .object(let properties) = schema["properties"], case .array(let required) = schema["required"]
    else { return fail("there is no schema") }
    #expect(Set(properties.keys) == Set(full.keys))
    let always = ["channel", "entered_at", "id", "is_lost", "queue", "state"]
    #expect(required == always.map { .string($0) })
    #expect(properties["entered_at"] == .object(["type": .string("string"), "format": .string("date-time")]))
    #expect(Set(Schema.of(Agent.self).components.keys) == ["Agent", "Contact", "Offer", "Quality", "WaitRange"])
  }

  @Test("Every time is RFC 3339 with milliseconds, every id has its prefix")
  func times() async throws {
    try await withServer { server in
      let (id, _) = try await server.openChat()
      server.fake.state.withLock { $0.agentContacts = [id] }
      for path in ["/v1/agents", "/v1/agents/me", "/v1/contacts/\(id)", "/v1/intervals", "/v1/queues"] {
        let token = path == "/v1/intervals" ? "boss" : "amina"
        let text = try await server.send(.GET, path, token: token).text
        for match in text.matches(of: /"(\w+_at|start|deadline)":"([^"]*)"/) {
          #expect(match.2.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(path): \(match.0)")
        }
        for match in text.matches(of: /"(id|queue)":"([^"]*)"/) {
          #expect(
            match.2.hasPrefix("ct_") || match.2.hasPrefix("q_") || match.2.hasPrefix("ag_"), "\(path): \(match.0)")
        }
      }
    }
  }

  @Test("Every answer forbids sniffing, framing and caching of what is private")
  func securityHeaders() async throws {
    try await withServer(demo: DemoPage(consoleCommand: "switchboard console")) { server in
      for path in ["/v1/queues", "/nowhere", "/demo", "/switchboard.js", "/openapi.json"] {
        let reply = try await server.send(.GET, path)
        #expect(reply.headers.first(name: "x-content-type-options") == "nosniff")
        #expect(reply.headers.first(name: "referrer-policy") == "no-referrer")
        let policy = try #require(reply.headers.first(name: "content-security-policy"))
        #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe"))
        let caching = reply.headers.first(name: "cache-control")
        #expect(path == "/switchboard.js" ? caching == "public, max-age=300" : caching == "no-store")
      }
    }
  }

  @Test("The demo page is there only when asked for, and holds no script or style of its own")
  func demoPage() async throws {
    try await withServer { server in
      for path in ["/demo", "/"] {
        let reply = try await server.send(.GET, path)
        #expect(reply.status == 404)
      }
    }
    let local = ["127.0.0.1:8080", "localhost", "[::1]:8080"].map { PageRoutes.isLocal($0) }
    #expect(local == [true, true, true])
    let foreign = ["evil.example:8080", "127.0.0.1.evil.example", "192.0.2.1", nil].map { PageRoutes.isLocal($0) }
    #expect(foreign == [false, false, false, false])
    try await withServer(demo: DemoPage(consoleCommand: "switchboard console --token \"<a&b>\"")) { server in
      let page = try await server.send(.GET, "/demo")
      #expect(page.status == 200)
      #expect(page.text.contains(#"<switchboard-call entry="demo">"#))
      #expect(page.text.contains("switchboard console --token &quot;&lt;a&amp;b>&quot;"))
      #expect(!page.text.contains("{{"))
      #expect(page.text.matches(of: /<script[^>]*>/).allSatisfy { $0.0.contains("src=") })
      #expect(!page.text.contains("style=") && !page.text.contains("<style") && !page.text.contains("onclick"))
    }
  }

  @Test("The loader has at most 4 KB and the whole widget 40 KB, compressed")
  func sizes() throws {
    let scripts = Widget.files.filter { $0.path.hasSuffix(".js") }
    let sizes = try scripts.map { try compressed($0.bytes) }
    #expect(scripts.first?.path == "/switchboard.js")
    #expect(sizes[0] <= 4_096)
    #expect(sizes.reduce(0, +) <= 40_960)
    #expect(sizes.allSatisfy { $0 > 200 })
  }

  private func compressed(_ bytes: [UInt8]) throws -> Int {
    let gzip = Process()
    gzip.executableURL = URL(filePath: "/bin/gzip")
    gzip.arguments = ["-9", "-c"]
    let (input, output) = (Pipe(), Pipe())
    gzip.standardInput = input
    gzip.standardOutput = output
    try gzip.run()
    // Each file is smaller than a pipe's buffer, so writing does not wait for reading.
    input.fileHandleForWriting.write(Data(bytes))
    try input.fileHandleForWriting.close()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    gzip.waitUntilExit()
    #expect(gzip.terminationStatus == 0)
    return data.count
  }

  @Test("The widget needs nothing that a strict policy forbids and stores nothing before the first click")
  func widgetRules() throws {
    for file in Widget.files where file.path.hasSuffix(".js") {
      let text = String(decoding: file.bytes, as: UTF8.self)
      for word in [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function", "localStorage", "document.cookie",
        "<style", "<iframe",
      ] {
        #expect(!text.contains(word), "\(file.path) uses \(word)")
      }
    }
    let loader = String(decoding: Widget.files[0].bytes, as: UTF8.self)
    #expect(!loader.contains("setItem") && !loader.contains("fetch("))
  }

  @Test("English and German have the same texts with the same places to fill")
  func languages() throws {
    func texts(_ path: String) throws -> [String: [String]] {
      let file = try #require(Widget.files.first { $0.path == path })
      let text = String(decoding: file.bytes, as: UTF8.self)
      return Dictionary(
        uniqueKeysWithValues: text.matches(of: /\n  (\w+): '([^\n]*)',/).map { match in
          (String(match.1), match.2.matches(of: /\{\w+\}/).map { String($0.0) }.sorted())
        })
    }
    let english = try texts("/switchboard/en.js")
    #expect(english.count > 30)
    #expect(try texts("/switchboard/de.js") == english)
  }

  @Test("The agent's phone page is a file of ours with a strict policy, and names no token")
  func phonePage() async throws {
    try await withServer { server in
      let page = try await server.send(.GET, "/phone")
      #expect(page.status == 200)
      let policy = try #require(page.headers.first(name: "content-security-policy"))
      #expect(policy.contains("script-src 'self'") && !policy.contains("unsafe") && !policy.contains("http"))
      #expect(!page.text.contains("style=") && !page.text.contains("<style") && !page.text.contains("<script>"))
      for match in page.text.matches(of: /(?:src|href)="([^"]+)"/) {
        #expect(try await server.send(.GET, String(match.1)).status == 200, "\(match.1)")
      }
      for file in Widget.phoneFiles where file.path.hasSuffix(".js") {
        let text = String(decoding: file.bytes, as: UTF8.self)
        for match in text.matches(of: /from '\.\/(\w+\.js)'/) {
          #expect(try await server.send(.GET, "/switchboard/\(match.1)").status == 200, "\(match.1)")
        }
      }
    }
  }

  @Test("A file of the widget is asked for again only when it has changed, from any site")
  func widgetCaching() async throws {
    try await withServer { server in
      let first = try await server.send(.GET, "/switchboard/widget.js")
      #expect(first.headers.first(name: "content-type") == "text/javascript; charset=utf-8")
      #expect(first.headers.first(name: "access-control-allow-origin") == "*")
      let tag = try #require(first.headers.first(name: "etag"))
      let second = try await server.send(.GET, "/switchboard/widget.js", headers: [("if-none-match", tag)])
      #expect(second.status == 304 && second.body.isEmpty)
    }
  }

  @Test("Health, readiness and metrics")
  func operations() async throws {
    try await withServer { server in
      #expect(try await server.send(.GET, "/-/healthy").status == 200)
      #expect(try await server.send(.GET, "/-/ready").status == 200)
      server.fake.state.withLock { $0.isReady = false }
      let notReady = try await server.send(.GET, "/-/ready")
      #expect(try notReady.problem().status == 503)
      let metrics = try await server.send(.GET, "/metrics")
      #expect(metrics.headers.first(name: "content-type")?.hasPrefix("text/plain; version=0.0.4") == true)
      #expect(metrics.text.contains("switchboard_uptime_seconds 1.5\n"))
      #expect(metrics.text.contains("switchboard_queue_waiting{queue=\"support\"} 0\n"))
      #expect(metrics.text.contains("switchboard_http_responses_total{route=\"/-/ready\",status=\"503\"} 1\n"))
      for line in metrics.text.split(separator: "\n") {
        #expect(
          line.wholeMatch(of: /# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[0-9.e+-]+/) != nil,
          "\(line)")
      }
      let labels = Set(metrics.text.matches(of: /[{,](\w+)=/).map { String($0.1) })
      #expect(labels == ["estimator", "queue", "route", "status"])
    }
  }
}
