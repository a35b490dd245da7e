import Testing

@testable import SIP

private let datagrams = Timing()
private let stream = Timing(isReliable: true)

@Suite("The four transaction machines")
struct TransactionTests {
  @Test("An INVITE over datagrams is repeated at T1, 2*T1, 4*T1… until B, without a ceiling (section 17.1.1.2)")
  func inviteRetransmissions() {
    var machine = InviteClient()
    #expect(
      machine.start(datagrams)
        == Reaction(output: .transmit, retransmission: .start(500_000), lifetime: .start(32_000_000)))
    for interval in [1_000_000, 2_000_000, 4_000_000, 8_000_000] as [Int64] {
      #expect(machine.retransmissionDue(datagrams) == Reaction(output: .transmit, retransmission: .start(interval)))
    }
    #expect(machine.lifetimeOver() == Reaction(output: .timeout, retransmission: .stop))
    #expect(machine.state == .terminated)
  }

  @Test("A provisional response ends the repeating and the waiting")
  func inviteProceeding() {
    var machine = InviteClient()
    _ = machine.start(datagrams)
    #expect(machine.receive(status: 100, datagrams) == .deliver(lifetime: .stop))
    #expect(machine.state == .proceeding)
    #expect(machine.receive(status: 180, datagrams) == .deliver())
    #expect(machine.retransmissionDue(datagrams) == .nothing)
    #expect(machine.cancelled(datagrams) == Reaction(lifetime: .start(32_000_000)))
  }

  @Test("A refusal is acknowledged by the transaction, and each copy again for 32 s; on a stream at once over")
  func inviteRefused() {
    var machine = InviteClient()
    _ = machine.start(datagrams)
    #expect(
      machine.receive(status: 486, datagrams)
        == Reaction(output: [.acknowledge, .deliver], retransmission: .stop, lifetime: .start(32_000_000)))
    #expect(machine.state == .completed)
    #expect(machine.receive(status: 486, datagrams) == Reaction(output: .acknowledge))
    #expect(machine.receive(status: 200, datagrams) == .nothing)
    #expect(machine.receive(status: 180, datagrams) == .nothing)
    #expect(machine.lifetimeOver() == .nothing)
    #expect(machine.state == .terminated)

    var short = InviteClient()
    #expect(short.start(stream).retransmission == .keep)
    #expect(short.receive(status: 486, stream).output == [.acknowledge, .deliver])
    #expect(short.state == .terminated)
  }

  @Test("Every 2xx reaches the core for 64*T1 and nothing else does (RFC 6026)", arguments: [100, 0])
  func inviteAccepted(provisional: Int) {
    var machine = InviteClient()
    _ = machine.start(datagrams)
    if provisional > 0 { _ = machine.receive(status: provisional, datagrams) }
    #expect(machine.receive(status: 200, datagrams) == .deliver(lifetime: .start(32_000_000)))
    #expect(machine.state == .accepted)
    #expect(machine.receive(status: 200, datagrams) == Reaction(output: .deliver))
    #expect(machine.receive(status: 486, datagrams) == .nothing)
    #expect(machine.transportFailed() == .nothing)
    #expect(machine.state == .accepted)
    #expect(machine.lifetimeOver() == .nothing)
    #expect(machine.state == .terminated)
  }

  @Test("Other requests are repeated up to every T2, every T2 once a provisional came (section 17.1.2.2)")
  func requestRetransmissions() {
    var machine = RequestClient()
    _ = machine.start(datagrams)
    var intervals: [Int64] = []
    for _ in 0..<5 {
      if case .start(let interval) = machine.retransmissionDue(datagrams).retransmission { intervals.append(interval) }
    }
    #expect(intervals == [1_000_000, 2_000_000, 4_000_000, 4_000_000, 4_000_000])
    var early = RequestClient()
    _ = early.start(datagrams)
    #expect(early.receive(status: 100, datagrams) == Reaction(output: .deliver))
    #expect(early.retransmissionDue(datagrams).retransmission == .start(4_000_000))
    #expect(early.lifetimeOver().output == .timeout)
  }

  @Test("A final response is delivered once; copies are absorbed for T4 on datagrams")
  func requestCompleted() {
    var machine = RequestClient()
    _ = machine.start(datagrams)
    #expect(machine.receive(status: 200, datagrams) == .deliver(lifetime: .start(5_000_000)))
    #expect(machine.state == .completed)
    #expect(machine.receive(status: 200, datagrams) == .nothing)
    #expect(machine.retransmissionDue(datagrams) == .nothing)
    #expect(machine.lifetimeOver() == .nothing)
    var short = RequestClient()
    _ = short.start(stream)
    #expect(short.receive(status: 404, stream).output == .deliver)
    #expect(short.state == .terminated)
  }

  @Test("A refusal of an INVITE is repeated up to every T2 until its ACK, which is absorbed for T4 (section 17.2.1)")
  func serverRefuses() {
    var machine = InviteServer()
    #expect(machine.receiveAgain() == Reaction(output: .transmit))
    #expect(machine.respond(status: 180, datagrams) == Reaction(output: .transmit))
    #expect(
      machine.respond(status: 486, datagrams)
        == Reaction(output: .transmit, retransmission: .start(500_000), lifetime: .start(32_000_000)))
    var intervals: [Int64] = []
    for _ in 0..<4 {
      if case .start(let interval) = machine.retransmissionDue(datagrams).retransmission { intervals.append(interval) }
    }
    #expect(intervals == [1_000_000, 2_000_000, 4_000_000, 4_000_000])
    #expect(machine.receiveAgain() == Reaction(output: .transmit))
    #expect(machine.respond(status: 200, datagrams) == .nothing)
    #expect(
      machine.receiveAcknowledgement(datagrams) == Reaction(retransmission: .stop, lifetime: .start(5_000_000)))
    #expect(machine.state == .confirmed)
    #expect(machine.receiveAgain() == .nothing)
    #expect(machine.receiveAcknowledgement(datagrams) == .nothing)
    #expect(machine.lifetimeOver() == Reaction(retransmission: .stop))
    #expect(machine.state == .terminated)

    var short = InviteServer()
    #expect(short.respond(status: 486, stream).retransmission == .keep)
    _ = short.receiveAcknowledgement(stream)
    #expect(short.state == .terminated)
  }

  @Test("After a 2xx the transaction only absorbs: the core repeats the response (RFC 6026)")
  func serverAccepts() {
    var machine = InviteServer()
    #expect(machine.respond(status: 200, datagrams) == Reaction(output: .transmit, lifetime: .start(32_000_000)))
    #expect(machine.state == .accepted)
    #expect(machine.receiveAgain() == .nothing)
    #expect(machine.receiveAcknowledgement(datagrams) == Reaction(output: .deliver))
    #expect(machine.respond(status: 200, datagrams) == .nothing)
    #expect(machine.lifetimeOver() == Reaction(retransmission: .stop))
    #expect(machine.state == .terminated)
  }

  @Test("A broken flow tells the core only while the INVITE is unanswered (section 17.2.4)")
  func serverTransport() {
    var open = InviteServer()
    #expect(open.transportFailed() == Reaction(output: .timeout))
    var refused = InviteServer()
    _ = refused.respond(status: 486, stream)
    #expect(refused.transportFailed().output.isEmpty)
    #expect(refused.state == .terminated)
    var accepted = InviteServer()
    _ = accepted.respond(status: 200, stream)
    #expect(accepted.transportFailed() == .nothing)
    #expect(accepted.state == .accepted)
  }

  @Test("Other requests get one final response, no provisional one and no 408 (RFC 4320)")
  func requestServer() {
    var machine = RequestServer()
    #expect(machine.start(datagrams) == Reaction(lifetime: .start(32_000_000)))
    #expect(machine.receiveAgain() == .nothing)
    #expect(machine.respond(status: 100, datagrams) == .nothing)
    #expect(machine.respond(status: 200, datagrams) == Reaction(output: .transmit, lifetime: .start(32_000_000)))
    #expect(machine.receiveAgain() == Reaction(output: .transmit))
    #expect(machine.respond(status: 404, datagrams) == .nothing)
    #expect(machine.lifetimeOver() == .nothing)
    #expect(machine.state == .terminated)
    var late = RequestServer()
    #expect(late.lifetimeOver() == .nothing)
    #expect(late.respond(status: 200, datagrams) == .nothing)
  }
}
