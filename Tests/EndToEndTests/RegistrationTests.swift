import Foundation
import Testing

extension EndToEnd {
  /// A phone of a few lines, whose hashes are made by coreutils: nothing here is the server's own code.
  @Suite("Registration", .enabled(if: Peers.have("sha256sum", "md5sum"))) struct RegistrationTests {
    @Test("A phone registers with SHA-256; MD5 and a wrong password are refused alike")
    func algorithms() async throws {
      let ports = RunningSite.Ports.forTest(8)
      let site = try await RunningSite(
        ports,
        yaml: """
          federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
          queues:
            support: { channels: [voice] }
          agents:
            amina: { name: Amina Berg, phone: "sip:2001@test.example", password_file: amina.phone, queues: [support],
                     token_file: amina.token }

          """,
        files: ["amina.phone": "a phone's password", "amina.token": RunningSite.agentToken])
      let phone = try Phone(port: ports.sip + 20, server: ports.sip)
      let first = try phone.register(authorization: nil)
      #expect(first.hasPrefix("SIP/2.0 401 "), "\(first)")
      #expect(!first.contains("algorithm=MD5"), "MD5 is offered although no account may use it")
      func answer(_ algorithm: String, _ password: String) throws -> String {
        let challenge = try phone.register(authorization: nil)
        let nonce = try #require(challenge.split(separator: "nonce=\"").dropFirst().first?.prefix { $0 != "\"" })
        let program = algorithm == "MD5" ? "md5sum" : "sha256sum"
        let secret = try hash(program, "2001:test.example:\(password)")
        let request = try hash(program, "REGISTER:sip:test.example")
        let response = try hash(program, "\(secret):\(nonce):00000001:0a4f113b:auth:\(request)")
        return try phone.register(
          authorization:
            "Digest username=\"2001\", realm=\"test.example\", nonce=\"\(nonce)\", algorithm=\(algorithm), "
            + "uri=\"sip:test.example\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"\(response)\"")
      }
      #expect(try answer("MD5", "a phone's password").hasPrefix("SIP/2.0 401 "))
      #expect(try answer("SHA-256", "another password").hasPrefix("SIP/2.0 401 "))
      #expect(await site.metric("switchboard_sip_registrations") == 0)
      let accepted = try answer("SHA-256", "a phone's password")
      #expect(accepted.hasPrefix("SIP/2.0 200 "), "\(accepted)")
      #expect(await site.metric("switchboard_sip_registrations") == 1)
      await site.stop()
    }

    private func hash(_ program: String, _ text: String) throws -> Substring {
      let process = Process()
      process.executableURL = URL(filePath: try #require(find(program)))
      let (input, output) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardOutput = output
      try process.run()
      input.fileHandleForWriting.write(Data(text.utf8))
      try input.fileHandleForWriting.close()
      let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return try #require(answer.split(separator: " ").first)
    }
  }
}

/// A UDP socket that can say REGISTER.
private final class Phone {
  private let descriptor: Int32
  private let port: Int
  private let server: Int
  private var sequence = 0

  init(port: Int, server: Int) throws {
    self.port = port
    self.server = server
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    try #require(withLoopback(port) { bind(descriptor, $0, $1) } == 0)
    try #require(withLoopback(server) { connect(descriptor, $0, $1) } == 0)
  }

  deinit { close(descriptor) }

  func register(authorization: String?) throws -> String {
    sequence += 1
    let request = """
      REGISTER sip:test.example SIP/2.0
      Via: SIP/2.0/UDP 127.0.0.1:\(port);branch=z9hG4bK\(sequence);rport
      Max-Forwards: 70
      From: <sip:2001@test.example>;tag=one
      To: <sip:2001@test.example>
      Call-ID: registration-of-2001
      CSeq: \(sequence) REGISTER
      Contact: <sip:2001@127.0.0.1:\(port)>
      Expires: 300
      \(authorization.map { "Authorization: \($0)\n" } ?? "")Content-Length: 0


      """.replacing("\n", with: "\r\n")
    try #require(send(descriptor, request, request.utf8.count, 0) == request.utf8.count)
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    try #require(count > 0, "no answer to REGISTER \(sequence)")
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
