import CallControl
import NIOCore
import NIOSSL
import Synchronization

/// The certificate that browsers see. A reload changes it under the running server: it is looked up for each handshake.
final class ShownCertificate: Sendable {
  private struct Nothing: Error {}
  private let shown = Mutex<NIOSSLContextConfigurationOverride?>(nil)

  /// - Throws: what is wrong with the files.
  func show(_ certificate: Site.Listen.Certificate) throws {
    var next = NIOSSLContextConfigurationOverride()
    next.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate.file).map { .certificate($0) }
    next.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem))
    shown.withLock { $0 = next }
  }

  /// TLS as browsers and their proxies speak it. `show` was called before.
  func configuration() throws -> TLSConfiguration {
    guard let first = shown.withLock({ $0 }), let chain = first.certificateChain, let key = first.privateKey else {
      throw Nothing()
    }
    var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    configuration.sslContextCallback = { [self] _, promise in
      promise.succeed(shown.withLock { $0 } ?? .noChanges)
    }
    return configuration
  }
}
