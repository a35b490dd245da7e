import Foundation
import TestAuthority
import Testing

/// A running server over a site written for one test, on loopback ports of its own.
final class RunningSite: @unchecked Sendable {
  let folder: URL
  let ports: Ports
  private(set) var server: Peer
  private let arguments: [String]

  struct Ports {
    var http: Int
    var sip: Int
    /// The first of them; browsers use the last.
    var media: Int
    var web: Int { media + 999 }
    /// Each test takes a range of its own, below the ephemeral ports. Those of media come round again: only neighbours
    /// run at the same time.
    static func forTest(_ number: Int) -> Ports {
      Ports(http: 18_500 + number * 10, sip: 15_000 + number * 100, media: 20_000 + number % 12 * 1_000)
    }
  }

  static let adminToken = "admin-token-of-the-end-to-end-tests"
  static let agentToken = "the-token-of-amina-berg"
  static let otherAgentToken = "the-token-of-ben-okafor"

  /// - Parameters:
  ///   - yaml: with `queues`, `agents`, `entries`.
  ///   - music: Hz of the tone in `music.wav`.
  ///   - web: the address at which browsers are told to reach the media edge.
  ///   - certificate: SIP listens for TLS, too, on the port after that of TCP.
  init(
    _ ports: Ports, yaml: String, files: [String: String] = [:], music: Int? = nil, web: String = "127.0.0.1",
    certificate: TestAuthority.Issued? = nil, arguments: [String] = []
  ) async throws {
    self.ports = ports
    folder = URL(filePath: NSTemporaryDirectory()).appending(path: "switchboard-\(UUID().uuidString)")
    let site = folder.appending(path: "Queues")
    try FileManager.default.createDirectory(at: site, withIntermediateDirectories: true)
    let tls = certificate == nil ? "" : ", tls: \(ports.sip + 1), certificate_file: site.pem, key_file: site.key"
    let listen = """
      site: { name: Test, domain: test.example, time_zone: UTC }
      listen:
        http: { address: 127.0.0.1, port: \(ports.http) }
        sip: { address: 127.0.0.1, advertised_address: 127.0.0.1, udp: \(ports.sip), tcp: \(ports.sip)\(tls) }
        media:
          { address: 127.0.0.1, advertised_address: 127.0.0.1, ports: \(ports.media)-\(ports.web),
            web_addresses: [\(web)] }
      tokens:
        admin: { scopes: [admin, read], token_file: admin.token }

      """
    try listen.write(to: site.appending(path: "site.yaml"), atomically: true, encoding: .utf8)
    try Self.adminToken.write(to: site.appending(path: "admin.token"), atomically: true, encoding: .utf8)
    for (name, text) in files {
      try text.write(to: site.appending(path: name), atomically: true, encoding: .utf8)
    }
    if let music { try Recording.tone(hertz: music, seconds: 10).write(to: site.appending(path: "music.wav")) }
    if let certificate { try Self.write(certificate, in: site) }
    try yaml.write(to: site.appending(path: "queues.yaml"), atomically: true, encoding: .utf8)
    self.arguments =
      ["serve", site.path, "--data", folder.appending(path: "data").path, "--log-format", "text"] + arguments
    server = try Peer(try #require(Peers.server), self.arguments, in: folder)
    try await isReady()
  }

  /// Writes the certificate and its key; the server shows them after its next start or SIGHUP.
  func show(_ certificate: TestAuthority.Issued) throws {
    try Self.write(certificate, in: folder.appending(path: "Queues"))
  }

  private static func write(_ certificate: TestAuthority.Issued, in folder: URL) throws {
    for (text, name) in [(certificate.certificate, "site.pem"), (certificate.key, "site.key")] {
      try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }
  }

  /// Starts the server again over the same journal.
  func restart() async throws {
    server = try Peer(try #require(Peers.server), arguments, in: folder)
    try await isReady()
  }

  private func isReady() async throws {
    let ready = await eventually(within: 15) { (try? await self.call("GET", "/-/ready").status) == 200 }
    // Another server on the same port would answer as well.
    try #require(ready && server.process.isRunning, "the server did not become ready:\n\(server.text)")
  }

  /// One HTTP request with a bearer token; the JSON answer as nested dictionaries.
  @discardableResult
  func call(
    _ method: String, _ path: String, token: String? = nil, body: [String: Any]? = nil, origin: String? = nil
  ) async throws -> Web.Answer {
    var headers: [String: String] = [:]
    if let token { headers["authorization"] = "Bearer \(token)" }
    if let origin { headers["origin"] = origin }
    return try await Web.send(method, "http://127.0.0.1:\(ports.http)\(path)", headers: headers, body: body)
  }

  /// A value of `/metrics`, summed over labels.
  func metric(_ name: String) async -> Double? {
    guard let text = try? await call("GET", "/metrics", token: Self.adminToken).text else { return nil }
    let values = text.split(separator: "\n").filter { $0.hasPrefix(name + " ") || $0.hasPrefix(name + "{") }
      .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
    return values.isEmpty ? nil : values.reduce(0, +)
  }

  /// An agent's console, line by line, once it is ready.
  func console(token: String) async throws -> Peer {
    let arguments = ["console", "--plain", "--server", "http://127.0.0.1:\(ports.http)", "--token", token]
    let console = try Peer(try #require(Peers.server), arguments, in: folder)
    #expect(await console.says("STATE: ready"), "\(console.text)")
    return console
  }

  /// The rows that `switchboard report` prints.
  func report(_ subject: String) throws -> [[String: Any]] {
    let process = Process()
    process.executableURL = URL(filePath: try #require(Peers.server))
    process.arguments = ["report", subject, "--data", folder.appending(path: "data").path, "--format", "json"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONSerialization.jsonObject(with: data) as? [[String: Any]] ?? []
  }

  func stop() async {
    await server.stop()
    try? FileManager.default.removeItem(at: folder)
  }
}

extension RunningSite {
  /// A site whose one queue is for chats, and its two agents.
  /// - Parameter capacity: chats that Amina takes at a time, if not as many as usual.
  static func ofChats(_ ports: Ports, capacity: Int? = nil) async throws -> RunningSite {
    try await RunningSite(
      ports,
      yaml: """
        entries:
          "web:shop": { queue: support, channels: [chat], origins: ["http://shop.example"] }
        queues:
          support: { channels: [chat], ring: 60s, wrap_up: { default: 0s } }
        agents:
          amina:
            name: Amina Berg
            phone: none
            queues: [support]
            token_file: amina.token
            \(capacity.map { "capacity: { chat: \($0) }" } ?? "")
          ben: { name: Ben Okafor, phone: none, queues: [support], token_file: ben.token }
        reasons: [lunch]

        """,
      files: ["amina.token": agentToken, "ben.token": otherAgentToken])
  }

  /// A visitor begins a chat; its id, and the token of the visitor's page.
  func openChat(_ name: String) async throws -> (id: String, token: String) {
    let opened = try await call(
      "POST", "/v1/contacts?entry=shop", body: ["name": name], origin: "http://shop.example")
    let contact = try #require(opened.json["contact"] as? [String: Any], "\(opened.text)")
    return (contact["id"] as? String ?? "", opened.json["token"] as? String ?? "")
  }
}
