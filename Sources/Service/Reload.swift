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
      // Listeners and the demo's login stay as they are until the next start.
      site.listen = old.listen
      if isDemo { site.tokens += old.tokens.filter { !site.tokens.contains($0) } }
      current.value = site
      mailbox.post(.reconfigure(site, sources: read.sources))
      logger.notice("The configuration \(site.hash.prefix(12)) is in force.")
    } catch {
      logger.error("The configuration was not changed:\n\(error)")
    }
  }
}
