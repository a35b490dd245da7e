import CallControl
import Drivers
import Foundation
import Logging
import Media
import Primitives
import SIP
import Synchronization
import Web

/// The drivers under call control: SIP listeners and media threads.
final class Telephony: Sendable {
  private let transport: SIPTransport?
  private let known = KnownEndpoints()
  private let mediaThreads: MediaThreads

  /// Starts the media threads and binds the SIP listeners; nothing is handed to the engine before it runs.
  /// - Parameter isOverloaded: new calls get 503 while it is true.
  init(
    site: CurrentSite, mailbox: Mailbox, clock: EngineClock, entropy: Entropy, logger: Logger,
    isOverloaded: @escaping @Sendable () -> Bool
  ) async throws {
    let (current, site) = (site, site.value)
    var media = MediaThreads.Settings(address: try Self.endpoint(site.listen.media.address, 0))
    media.ports = site.listen.media.ports
    media.music += try site.soundFiles.map(Self.recording)
    media.browsers = try Self.browsers(site.listen.media)
    do {
      mediaThreads = try MediaThreads(settings: media, entropy: entropy) { event in
        // Nothing follows from an address, and a far end may change it as fast as it sends packets.
        if case .learned = event { return }
        mailbox.post(.input(.media(event)))
      }
    } catch {
      throw SwitchboardService.Failure(
        "Browsers cannot be heard on \(site.listen.media.address), UDP \(site.listen.media.webPort): \(error). "
          + "Is another server running? Change listen.media.web_port in site.yaml.")
    }
    var settings = SIPTransport.Settings()
    let sip = site.listen.sip
    if sip.udp != 0 { settings.udp = try Self.endpoint(sip.address, sip.udp) }
    if sip.tcp != 0 { settings.tcp = try Self.endpoint(sip.address, sip.tcp) }
    if sip.tls != 0, let certificate = sip.certificate {
      settings.tls = .init(
        try Self.endpoint(sip.address, sip.tls), certificate: certificate, authoritiesFile: sip.authoritiesFile)
    }
    guard settings.udp != nil || settings.tcp != nil || settings.tls != nil else {
      transport = nil
      return
    }
    let own = Mutex<SIPTransport?>(nil)
    let isTrusted: @Sendable (Endpoint) -> Bool = { [known] endpoint in
      current.trusts(endpoint) || known.contains(endpoint)
    }
    let refuse: @Sendable (Message, Flow) -> Void = { message, flow in
      let bytes = UserAgent.statelessResponse(
        to: message, status: 503, headers: [.init("Retry-After", "5")], flow: flow)
      own.withLock { $0 }?.send([.init(bytes: bytes, flow: UserAgent.responseFlow(to: message, from: flow))])
    }
    do {
      let started = try await SIPTransport.start(
        settings: settings, clock: clock, logger: logger,
        sinks: .init(
          received: { messages in
            let overloaded = isOverloaded()
            let letters = messages.compactMap { message, flow -> Mailbox.Letter? in
              // A request inside a dialog is never refused for load: it may be the BYE that ends it.
              guard overloaded, message.kind == .request(.invite), message.to.tag == nil else {
                return .input(.message(message, flow))
              }
              // Strangers hear nothing: the policy point, which would refuse them, is busy.
              if flow.transport != .udp || isTrusted(flow.remote) { refuse(message, flow) }
              return nil
            }
            mailbox.post(letters)
          },
          failed: { flow in mailbox.post(.input(.flowFailed(flow))) },
          isTrusted: isTrusted))
      own.withLock { $0 = started }
      transport = started
    } catch {
      mediaThreads.stop()
      throw SwitchboardService.Failure(
        "SIP cannot listen on \(sip.address), UDP \(sip.udp), TCP \(sip.tcp), TLS \(sip.tls): \(error). "
          + "Is another server running? Change listen.sip in site.yaml.")
    }
  }

  /// The browsers' port: bound to the address of all media, and to that of the other family if browsers reach us there.
  private static func browsers(_ media: Site.Listen.Media) throws -> MediaThreads.Browsers? {
    guard media.webPort != 0 else { return nil }
    let advertised = try media.webAddresses.map { try endpoint($0, media.webPort) }
    var local = [try endpoint(media.address, media.webPort)]
    for address in advertised where (address.ipv4 == nil) != (local[0].ipv4 == nil) && local.count == 1 {
      // One socket for all addresses of IPv6 takes those of IPv4 too.
      local = try ["0.0.0.0", "::"].contains(media.address) ? [endpoint("::", media.webPort)] : local + [address]
    }
    return MediaThreads.Browsers(local: local, advertised: advertised.map(\.address))
  }

  private static func recording(_ file: String) throws -> Recording {
    guard let bytes = FileManager.default.contents(atPath: file) else {
      throw SwitchboardService.Failure("The music \(file) cannot be read.")
    }
    do throws(WaveFileError) {
      return try Recording(waveFile: [UInt8](bytes))
    } catch {
      throw SwitchboardService.Failure("The music \(file) cannot be played: \(error)")
    }
  }

  private static func endpoint(_ address: String, _ port: UInt16) throws -> Endpoint {
    guard let endpoint = Endpoint(address: address == "localhost" ? "127.0.0.1" : address, port: port) else {
      throw SwitchboardService.Failure("\(address) is not an IP address to listen on.")
    }
    return endpoint
  }

  /// The far ends of agents' phones, whose messages are not counted as strangers' are.
  func know(_ endpoints: [Endpoint]) { known.replace(with: endpoints) }

  /// The certificate of a reloaded configuration.
  func use(_ certificate: Site.Listen.Certificate) throws { try transport?.use(certificate) }

  func transmit(_ transmissions: [UserAgent.Transmission]) { transport?.send(transmissions) }

  func media(_ commands: [MediaCommand]) { mediaThreads.perform(commands) }

  func closeIdlePorts() { mediaThreads.closeIdlePorts() }

  func metrics() -> [Metric] {
    func counter(_ name: String, _ help: String, _ value: UInt64) -> Metric {
      Metric("switchboard_sip_\(name)", help, .counter, [.init(Double(value))])
    }
    let counters = transport?.counters ?? .init()
    let browsers = mediaThreads.browserCounters
    return [
      Metric(
        "switchboard_media_browser_datagrams_dropped_total", "Datagrams at the browsers' port that were nobody's.",
        .counter,
        [
          .init(Double(browsers.unknownChecks), labels: [.init("reason", "unknown_check")]),
          .init(Double(browsers.strangers), labels: [.init("reason", "stranger")]),
        ]),
      counter("messages_received_total", "SIP messages received.", counters.received),
      counter("messages_sent_total", "SIP messages sent.", counters.sent),
      counter("datagrams_unsent_total", "SIP datagrams that the system did not take.", counters.unsent),
      counter("messages_malformed_total", "SIP messages refused as malformed.", counters.malformed),
      counter("messages_dropped_total", "SIP messages dropped unread.", counters.dropped),
      counter("sources_banned_total", "Times a source was banned.", counters.banned),
      counter("tls_handshakes_failed_total", "TLS connections that came to nothing.", counters.failedHandshakes),
    ]
  }

  func stop() async {
    await transport?.stop()
    mediaThreads.stop()
  }
}

private final class KnownEndpoints: Sendable {
  private let endpoints = Mutex<Set<Endpoint>>([])
  func contains(_ endpoint: Endpoint) -> Bool { endpoints.withLock { $0.contains(endpoint) } }
  func replace(with new: [Endpoint]) { endpoints.withLock { $0 = Set(new) } }
}
