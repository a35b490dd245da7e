import CallControl
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import Web

private let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].first {
  FileManager.default.isExecutableFile(atPath: $0)
}

/// A page of another origin with a strict policy, and a script on it that plays the visitor.
@Suite(.enabled(if: chromium != nil), .timeLimit(.minutes(2))) struct WidgetTests {
  @Test("In a browser, on another site's page, a visitor chats, reloads, goes on, and ends the chat")
  func story() async throws {
    let site = try await VisitedSite.start()
    try await withServer(FakeSwitchboard(shop: site.origin)) { server in
      site.desk.withLock { $0 = server.url }
      let fake = server.fake
      let agent = Task {
        for await case .post(let contact, .visitor, let text) in fake.heard {
          fake.say(text, in: contact)
          fake.change(contact, to: .talking)
          fake.say("Hello from Amina", in: contact, by: .agent(AgentIDs.amina))
        }
      }
      defer { agent.cancel() }
      let browser = try site.visit()
      defer { browser.terminate() }
      let report = await site.report()
      #expect(report == "ok")
      let opened = fake.commands.compactMap { if case .openChat(let request) = $0 { request } else { nil } }
      #expect(opened.count == 1, "a reload goes on with the same contact")
      #expect(opened.first?.entry == "web:shop")
      #expect(opened.first?.name == "Jo")
      #expect(opened.first?.origin == site.origin)
      #expect(opened.first?.attributes.contains { $0.name == "page.cart" && $0.value == "12" } == true)
      // The page says so before the server has heard of it.
      var hasHungUp = false
      for _ in 0..<100 where !hasHungUp {
        hasHungUp = fake.commands.contains { if case .hangUp(_, .visitor) = $0 { true } else { false } }
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(hasHungUp)
    }
    await site.stop()
  }
}

/// A web site of its own origin that shows the widget: the files of `Page`, with a strict policy.
final class VisitedSite: Sendable {
  let desk = Mutex("")
  let origin: String
  private let group: ServiceGroup
  private let running: Task<Void, any Error>
  private let reports: AsyncStream<String>
  private let tell: AsyncStream<String>.Continuation

  private init(
    origin: String, group: ServiceGroup, running: Task<Void, any Error>, reports: AsyncStream<String>,
    tell: AsyncStream<String>.Continuation
  ) {
    self.origin = origin
    self.group = group
    self.running = running
    self.reports = reports
    self.tell = tell
  }

  static func start() async throws -> VisitedSite {
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let (reports, tell) = AsyncStream.makeStream(of: String.self)
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Page")
    let box = Mutex<VisitedSite?>(nil)
    let router = Router()
    router.get("/identity") { _, _ in "header.claims.signature" }
    router.get("/:file") { _, context in
      let file = try context.parameters.require("file")
      guard let text = try? String(contentsOf: folder.appending(path: file), encoding: .utf8) else {
        throw HTTPError(.notFound)
      }
      let desk = box.withLock { $0 }?.desk.withLock { $0 } ?? ""
      // What the README tells a site to allow, and nothing more.
      // The agent's phone page is ours and has a style sheet.
      let styles = file == "phone.html" ? "; style-src \(desk)" : ""
      let policy = "default-src 'none'; script-src 'self' \(desk); connect-src 'self' \(desk)" + styles
      return Response(
        status: .ok,
        headers: [
          .contentType: file.hasSuffix(".js") ? "text/javascript" : "text/html", .contentSecurityPolicy: policy,
        ],
        body: .init(byteBuffer: ByteBuffer(string: text.replacing("{{desk}}", with: desk))))
    }
    router.post("/report") { request, _ in
      tell.yield(String(buffer: try await request.body.collect(upTo: 65_536)))
      return HTTPResponse.Status.noContent
    }
    var logger = Logger(label: "page")
    logger.logLevel = .critical
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
    let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
    let running = Task { try await group.run() }
    var iterator = ports.makeAsyncIterator()
    let number = try #require(await iterator.next())
    let site = VisitedSite(
      origin: "http://127.0.0.1:\(number)", group: group, running: running, reports: reports, tell: tell)
    box.withLock { $0 = site }
    return site
  }

  func visit() throws -> Process {
    let browser = Process()
    browser.executableURL = chromium.map { URL(filePath: $0) }
    let profile = FileManager.default.temporaryDirectory.appending(path: "switchboard-widget-\(UUID())")
    browser.arguments = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--user-data-dir=" + profile.path,
      "--window-size=320,640", origin + "/page.html",
    ]
    browser.standardOutput = FileHandle.nullDevice
    browser.standardError = FileHandle.nullDevice
    browser.terminationHandler = { _ in try? FileManager.default.removeItem(at: profile) }
    try browser.run()
    return browser
  }

  func report() async -> String? {
    for await report in reports { return report }
    return nil
  }

  func stop() async {
    await group.triggerGracefulShutdown()
    _ = try? await running.value
  }
}
