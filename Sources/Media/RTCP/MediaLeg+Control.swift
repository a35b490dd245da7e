public import Primitives

extension MediaLeg {
  /// Where our reports go: to where the far end's come from, else where its SDP says. Also while it is held.
  public var controlDestination: NetworkAddress? {
    if let controlSource { return controlSource }
    guard let farEnd, var address = locked ?? farEnd.address ?? signalled else { return nil }
    address.port = locked == nil || locked == signalled ? farEnd.controlPort ?? address.port &+ 1 : address.port &+ 1
    return address
  }

  /// How well packets travel, as of our last report.
  public var quality: LegQuality { reports.quality }

  /// Takes RTCP of the far end's; false if it is malformed or a stranger's. Only the host has to be that of its RTP: a
  /// NAT gives RTCP a port of its own.
  /// - Parameter sender: nil for what was authenticated by SRTCP, or came over RTP's own path.
  /// - Parameter isGoodbye: set when the far end says that its stream is over.
  public mutating func receiveControl(
    _ datagram: UnsafeRawBufferPointer, from sender: NetworkAddress?, at now: Instant, isGoodbye: inout Bool
  ) -> Bool {
    if let sender {
      guard let host = locked ?? signalled, sender.high == host.high, sender.low == host.low else { return false }
    }
    guard reports.receive(datagram, about: outgoing.ssrc, at: now, isGoodbye: &isGoodbye) else { return false }
    if let sender { controlSource = sender }
    return true
  }

  /// The report that is due, and with it `quality` is new; nil if none is. Call it every second or more often.
  /// - Precondition: `buffer` holds `ReportExchange.mostBytes`.
  public mutating func nextControl(to buffer: UnsafeMutableRawBufferPointer, at now: Instant) -> Int? {
    guard farEnd != nil else { return nil }
    return reports.write(to: buffer, outgoing, reception, at: now)
  }

  private var locked: NetworkAddress? { if case .locked(let address) = source { address } else { nil } }
}
