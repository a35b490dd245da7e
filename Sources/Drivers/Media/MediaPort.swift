import CallControl
import Media
import Primitives
import SIP
import Synchronization

/// The sockets of one leg and its machine. Packets of a port are read by one thread; another thread may send through it,
/// so the state stands behind a lock, which is free nearly always and held for one packet. Its sockets outlive the leg:
/// after a rest they serve another.
final class MediaPort: Sendable {
  /// What the far end hears.
  enum Feed {
    case nothing
    case port(MediaPort)
    case recording(Int)
    case echo
  }

  struct State {
    var id: MediaID
    var leg: MediaLeg
    var feed = Feed.nothing
    /// Where the leg's packets go, in the kernel's form.
    var destination: KernelAddress?
    /// No leg has the port: what comes is thrown away.
    var isIdle = false
    var isClosed = false
    var rtcpPackets: UInt64 = 0
  }

  let number: UInt16
  let rtp: DatagramSocket
  let rtcp: DatagramSocket
  let state: Mutex<State>

  init(id: MediaID, number: UInt16, rtp: DatagramSocket, rtcp: DatagramSocket, outgoing: OutgoingStream) {
    self.number = number; self.rtp = rtp; self.rtcp = rtcp
    state = Mutex(State(id: id, leg: MediaLeg(outgoing: outgoing)))
  }

  func setFarEnd(_ farEnd: FarEnd, at now: Instant) {
    state.withLock { state in
      state.leg.setFarEnd(farEnd, at: now)
      aim(&state)
    }
  }

  func setFeed(_ feed: Feed) { state.withLock { $0.feed = feed } }

  /// The leg is over; the sockets wait for another.
  func vacate() {
    state.withLock { state in
      state.isIdle = true
      state.feed = .nothing
      state.destination = nil
    }
  }

  /// Serves another leg.
  func reopen(for id: MediaID, outgoing: OutgoingStream) {
    state.withLock { $0 = State(id: id, leg: MediaLeg(outgoing: outgoing)) }
  }

  func close() {
    vacate()
    state.withLock { state in
      guard !state.isClosed else { return }
      state.isClosed = true
      rtp.close()
      rtcp.close()
    }
  }

  /// Reads one RTP packet, if one is waiting, and passes it to whom it is for.
  func relay(through buffer: UnsafeMutableRawBufferPointer, at now: Instant, into events: inout [MediaEvent]) {
    var target: MediaPort?
    var verdict = MediaLeg.Verdict.ignored
    var count = 0
    state.withLock { state in
      guard !state.isClosed, let received = rtp.receive(into: buffer), !state.isIdle else { return }
      var learned = false
      let sender = received.sender.networkAddress
      let packet = UnsafeRawBufferPointer(rebasing: buffer[..<received.count])
      count = received.count
      verdict = state.leg.receive(packet, from: sender, at: now, learned: &learned)
      if learned {
        aim(&state)
        events.append(.learned(state.id, Endpoint(sender)))
      }
      if case .event(_, _, let digit?, _) = verdict { events.append(.digit(state.id, digit)) }
      switch state.feed {
      case .port(let partner): target = partner
      case .echo: target = self
      case .nothing, .recording: break
      }
    }
    guard verdict != .ignored, let target else { return }
    target.send(verdict, in: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), from: self, at: now)
  }

  /// Sends a packet that another port received, unless this one hears something else by now.
  private func send(
    _ verdict: MediaLeg.Verdict, in packet: UnsafeMutableRawBufferPointer, from source: MediaPort, at now: Instant
  ) {
    state.withLock { state in
      guard let destination = state.destination else { return }
      switch state.feed {
      case .port(let partner): guard partner === source else { return }
      case .echo: guard source === self else { return }
      case .nothing, .recording: return
      }
      guard let range = state.leg.forward(verdict, in: packet, at: now) else { return }
      rtp.send(UnsafeRawBufferPointer(rebasing: packet[range]), to: destination)
    }
  }

  /// Sends the frame that is due, if this port hears a recording. `frames` holds a packet for each recording and law,
  /// its header still to be written.
  func play(_ frames: PlayedFrames, at now: Instant) {
    state.withLock { state in
      guard case .recording(let index) = state.feed, let destination = state.destination,
        let (header, codec) = state.leg.nextGenerated(at: now), case .g711(let law) = codec
      else { return }
      let packet = frames.packet(index, law)
      header.write(to: packet)
      rtp.send(UnsafeRawBufferPointer(packet), to: destination)
    }
  }

  /// Who has fallen silent, if the leg has.
  func lost(at now: Instant) -> MediaID? {
    state.withLock { !$0.isIdle && $0.leg.isLost(at: now) ? $0.id : nil }
  }

  /// RTCP is counted and otherwise left alone: no decision rests on what a far end says of itself.
  func countRTCP(through buffer: UnsafeMutableRawBufferPointer) {
    state.withLock { state in
      guard !state.isClosed, rtcp.receive(into: buffer) != nil else { return }
      state.rtcpPackets += 1
    }
  }

  private func aim(_ state: inout State) {
    state.destination = state.leg.destination.flatMap { KernelAddress($0, family: rtp.family) }
  }
}

/// One packet for each recording and law, refilled at each tick: callers hear one shared stream, and only the header
/// differs between them.
final class PlayedFrames {
  private static let packetSize = RTPHeader.size + Recording.frameSize
  private let recordings: [Recording]
  private let packets: UnsafeMutableRawBufferPointer

  init(_ recordings: [Recording]) {
    self.recordings = recordings
    packets = .allocate(byteCount: recordings.count * 2 * Self.packetSize, alignment: 16)
  }
  deinit { packets.deallocate() }

  func fill(tick: Int) {
    for (index, recording) in recordings.enumerated() {
      for law in CompandingLaw.allCases {
        recording.copyFrame(
          tick, law, to: UnsafeMutableRawBufferPointer(rebasing: packet(index, law)[RTPHeader.size...]))
      }
    }
  }

  func packet(_ index: Int, _ law: CompandingLaw) -> UnsafeMutableRawBufferPointer {
    let start = (index * 2 + Int(law.rawValue)) * Self.packetSize
    return UnsafeMutableRawBufferPointer(rebasing: packets[start..<start + Self.packetSize])
  }
}
