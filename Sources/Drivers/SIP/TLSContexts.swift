import CallControl
import NIOCore
import NIOSSL
import Synchronization

/// What we show of ourselves over TLS, and whom we believe. Phones show no certificate: they prove who they are by
/// digest authentication.
final class TLSContexts: Sendable {
  private let server: Mutex<NIOSSLContext>
  /// For connections that we make. The far end's certificate must name the address we connect to (RFC 5922): nothing
  /// of ours goes to somebody who cannot prove it.
  let client: NIOSSLContext

  init(_ settings: SIPTransport.Settings.TLS) throws {
    server = Mutex(try Self.server(settings.certificate))
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.shutdownTimeout = Self.shutdownTimeout
    if let file = settings.authoritiesFile { configuration.additionalTrustRoots = [.file(file)] }
    client = try NIOSSLContext(configuration: configuration)
  }

  /// For a connection made to us now.
  var forServer: NIOSSLContext { server.withLock { $0 } }

  /// Shows another certificate from now on.
  /// - Throws: what is wrong with it; then the old one is shown on.
  func use(_ certificate: Site.Listen.Certificate) throws {
    let next = try Self.server(certificate)
    server.withLock { $0 = next }
  }

  private static func server(_ certificate: Site.Listen.Certificate) throws -> NIOSSLContext {
    let chain = try NIOSSLCertificate.fromPEMFile(certificate.file).map { NIOSSLCertificateSource.certificate($0) }
    let key = try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.shutdownTimeout = Self.shutdownTimeout
    return try NIOSSLContext(configuration: configuration)
  }

  /// How long a far end may take to say goodbye.
  private static let shutdownTimeout = TimeAmount.seconds(2)
}
