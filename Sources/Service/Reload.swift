import ACD
import CallControl
@preconcurrency import Dispatch
import Glibc
import Logging
import ServiceLifecycle
import SiteConfiguration

/// Reads the configuration anew on SIGHUP: parse, validate, swap between two inputs. A bad folder changes nothing and
/// is named in the log. Certificates are read anew, too, since they are renewed under the same name.
struct Reload: Service {
  let folder: String
  let isDemo: Bool
  let current: CurrentSite
  let mailbox: Mailbox
  let logger: Logger
  let showCertificates: @Sendable (Site.Listen) throws -> Void

  func run() async throws {
    signal(SIGHUP, SIG_IGN)
    let hangUps = AsyncStream<Void> { continuation in
      let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
      source.setEventHandler { @Sendable in continuation.yield() }
      continuation.onTermination = { @Sendable _ in source.cancel() }
      source.resume()
    }
    for await _ in hangUps.cancelOnGracefulShutdown() { reload() }
  }

  private func reload() {
    let old = current.value
    do {
      let read = try SiteFolder(reading: folder, names: old.definitions.names)
      for warning in read.warnings { logger.warning("\(warning)") }
      var site = isDemo ? SiteFolder.demo(read.site) : read.site
      try showCertificates(read.site.listen)
      site.listen = old.listen
      let pending = site.listen.adopt(read.site.listen)
      // The demo's login stays.
      if isDemo { site.tokens += old.tokens.filter { !site.tokens.contains($0) } }
      current.value = site
      mailbox.post(.reconfigure(site, sources: read.sources))
      logger.notice("The configuration \(site.hash.prefix(12)) is in force.")
      if !pending.isEmpty {
        let keys = pending.map { "listen.\($0)" }.joined(separator: ", ")
        logger.warning("Only a restart changes \(keys): until then what was read at the start holds.")
      }
    } catch {
      logger.error("The configuration was not changed:\n\(error)")
    }
  }
}

extension Site.Listen {
  /// Takes over what needs no other socket, as long as the server runs: trusted proxies, the addresses that are told
  /// to far ends, and renewed certificates.
  /// - Returns: the changed keys of all else, which stays as it is until the next start.
  mutating func adopt(_ new: Site.Listen) -> [String] {
    var pending: [String] = []
    func compare<Value: Equatable>(_ key: String, _ path: KeyPath<Site.Listen, Value>) {
      if self[keyPath: path] != new[keyPath: path] { pending.append(key) }
    }
    compare("http.address", \.http.address)
    compare("http.port", \.http.port)
    compare("sip.address", \.sip.address)
    compare("sip.advertised_address", \.sip.advertisedAddress)
    compare("sip.udp", \.sip.udp)
    compare("sip.tcp", \.sip.tcp)
    compare("sip.tls", \.sip.tls)
    compare("sip.authorities_file", \.sip.authoritiesFile)
    compare("media.address", \.media.address)
    compare("media.ports", \.media.ports)
    compare("media.web_port", \.media.webPort)
    compare("media.web_addresses", \.media.webAddresses)
    http.trustedProxies = new.http.trustedProxies
    media.advertisedAddress = new.media.advertisedAddress
    // Where there was none, nobody listens who could show it; and nobody takes TLS away from who uses it.
    func renew(_ key: String, _ path: WritableKeyPath<Site.Listen, Site.Listen.Certificate?>) {
      if self[keyPath: path] != nil, new[keyPath: path] != nil {
        self[keyPath: path] = new[keyPath: path]
      } else {
        compare(key, path)
      }
    }
    renew("http.certificate_file", \.http.certificate)
    renew("sip.certificate_file", \.sip.certificate)
    return pending
  }
}
