import AsyncHTTPClient
import CallControl
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import TestAuthority
import Testing

@testable import Web

@Suite struct SecureServerTests {
  private func get(_ port: Int, trusting authority: TestAuthority, versions: (least: TLSVersion, most: TLSVersion))
    async throws
    -> Int
  {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.certificate.utf8)))
    tls.minimumTLSVersion = versions.least
    tls.maximumTLSVersion = versions.most
    let client = HTTPClient(configuration: .init(tlsConfiguration: tls, timeout: .init(connect: .seconds(2))))
    defer { Task { try? await client.shutdown() } }
    let request = HTTPClientRequest(url: "https://localhost:\(port)/-/healthy")
    return Int(try await client.execute(request, timeout: .seconds(5)).status.code)
  }

  private func write(_ issued: TestAuthority.Issued, in folder: URL, _ name: String) throws -> Site.Listen.Certificate {
    let files = ["pem", "key"].map { folder.appending(path: "\(name).\($0)").path }
    try issued.certificate.write(toFile: files[0], atomically: true, encoding: .utf8)
    try issued.key.write(toFile: files[1], atomically: true, encoding: .utf8)
    return .init(file: files[0], keyFile: files[1])
  }

  @Test("Pages come by HTTPS, TLS 1.2 and 1.3, and a renewed certificate is seen by the next connection")
  func https() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "https-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (old, new) = (TestAuthority("Old"), TestAuthority("New"))
    try await withServer(certificate: write(old.issue(), in: folder, "old")) { server in
      #expect(try await get(server.port, trusting: old, versions: (.tlsv12, .tlsv12)) == 200)
      #expect(try await get(server.port, trusting: old, versions: (.tlsv13, .tlsv13)) == 200)
      await #expect(throws: (any Error).self) {
        try await get(server.port, trusting: old, versions: (.tlsv1, .tlsv11))
      }
      await #expect(throws: (any Error).self) {
        try await get(server.port, trusting: new, versions: (.tlsv12, .tlsv13))
      }
      #expect(throws: (any Error).self) { try server.server.renew(.init(file: "/nowhere", keyFile: "/nowhere")) }
      try server.server.renew(write(new.issue(kind: .rsa(bits: 2048)), in: folder, "new"))
      #expect(try await get(server.port, trusting: new, versions: (.tlsv12, .tlsv12)) == 200)
      #expect(try await get(server.port, trusting: new, versions: (.tlsv13, .tlsv13)) == 200)
      await #expect(throws: (any Error).self) {
        try await get(server.port, trusting: old, versions: (.tlsv12, .tlsv13))
      }
    }
  }
}
