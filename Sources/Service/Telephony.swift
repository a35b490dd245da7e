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
    mediaThreads = try MediaThreads(settings: media, entropy: entropy) { event in
      // Nothing follows from an address, and a far end may change it as fast as it sends packets.
      if case .learned = event { return }
      mailbox.post(.input(.media(event)))
    }
    var settings = SIPTransport.Settings()
    let sip = site.listen.sip
    if sip.udp != 0 { settings.udp = try Self.endpoint(sip.address, sip.udp) }
    if sip.tcp != 0 { settings.tcp = try Self.endpoint(sip.address, sip.tcp) }
    guard settings.udp != nil || settings.tcp != nil else {
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
        "SIP cannot listen on \(sip.address), UDP \(sip.udp) and TCP \(sip.tcp): \(error). "
          + "Is another server running? Change listen.sip in site.yaml.")
    }
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

  func transmit(_ transmissions: [UserAgent.Transmission]) { transport?.send(transmissions) }

  func media(_ commands: [MediaCommand]) { mediaThreads.perform(commands) }

  func metrics() -> [Metric] {
    func counter(_ name: String, _ help: String, _ value: UInt64) -> Metric {
      Metric("switchboard_sip_\(name)", help, .counter, [.init(Double(value))])
    }
    let counters = transport?.counters ?? .init()
    return [
      counter("messages_received_total", "SIP messages received.", counters.received),
      counter("messages_sent_total", "SIP messages sent.", counters.sent),
      counter("datagrams_unsent_total", "SIP datagrams that the system did not take.", counters.unsent),
      counter("messages_malformed_total", "SIP messages refused as malformed.", counters.malformed),
      counter("messages_dropped_total", "SIP messages dropped unread.", counters.dropped),
      counter("sources_banned_total", "Times a source was banned.", counters.banned),
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
