import Primitives
import SIP
import Testing

/// Runs many calls at once and lets both layers above behave like people.
private func crowd(_ seed: UInt64, calls: Int, faults: VirtualNetwork.Faults) -> (VirtualNetwork, [DialogID]) {
  var network = VirtualNetwork(seed: seed, faults: faults)
  network.behave = { network, side, occurrence in
    network.act(side) { agent, now, output in
      switch occurrence {
      case .invite(let id, _, _):
        agent.respond(to: id, status: 180, at: now, into: &output)
        agent.respond(to: id, status: 200, body: sdpAnswer, at: now, into: &output)
      case .answered(let id, _), .reanswered(let id, _): agent.acknowledge(id, at: now, into: &output)
      case .reoffered(_, let id, _): agent.respond(to: id, status: 200, body: sdpAnswer, at: now, into: &output)
      default: break
      }
    }
  }
  var ids: [DialogID] = []
  for _ in 0..<calls {
    let flow = network.flow(to: .callee)
    ids.append(
      network.act(.caller) {
        $0.invite(bob.uri, over: flow, from: alice, to: bob, body: sdpOffer, at: $1, into: &$2)
      })
    network.run(for: .milliseconds(20))
  }
  return (network, ids)
}

@Suite("Calls over a bad network")
struct UserAgentWorldTests {
  @Test(
    "No call fails and nothing is left when datagrams are lost, repeated and reordered",
    arguments: 1...8 as ClosedRange<UInt64>)
  func badNetwork(seed: UInt64) {
    // A tenth lost and a tenth repeated, delays of up to 300 ms: worse than a network on which people would talk.
    var (network, calls) = crowd(seed, calls: 50, faults: .init(lost: 100, repeated: 100, jitter: 300_000))
    network.run(for: .seconds(20))
    #expect(network.heard(.caller).filter { $0 == "answered" }.count == 50)
    #expect(network.heard(.callee).filter { $0 == "invite" }.count == 50)
    #expect(network.heard(.callee).filter { $0 == "acknowledged" }.count == 50)
    #expect(network.agents.map(\.dialogCount) == [50, 50])
    for (place, call) in calls.enumerated() where place % 2 == 0 {
      network.act(.caller) { $0.reinvite(call, body: sdpOffer, at: $1, into: &$2) }
    }
    network.run(for: .seconds(40))
    #expect(network.heard(.caller).filter { $0 == "reanswered" }.count == 25)
    for call in calls { network.act(.caller) { $0.end(call, at: $1, into: &$2) } }
    network.run(for: .seconds(75))
    #expect(network.heard(.callee).filter { $0 == "ended" }.count == 50)
    #expect(network.isEmpty)
  }

  @Test(
    "Whoever hangs up when, over a bad network, no dialog, transaction or timer is left",
    arguments: 1...8 as ClosedRange<UInt64>)
  func hangingUp(seed: UInt64) {
    var choice = Entropy(testing: seed)
    var (network, calls) = crowd(seed, calls: 60, faults: .init(lost: 150, repeated: 100, jitter: 200_000))
    for call in calls {
      let callees = network.reports.filter { $0.side == .callee }.compactMap(\.occurrence.arrived)
      switch choice.next() % 4 {
      case 0: network.act(.caller) { $0.cancel(call, at: $1, into: &$2) }
      case 1: network.act(.caller) { $0.end(call, at: $1, into: &$2) }
      case 2:
        if let callee = callees.randomElement(using: &choice) {
          network.act(.callee) { $0.end(callee, at: $1, into: &$2) }
        }
      default: network.act(.caller) { $0.reinvite(call, body: sdpOffer, at: $1, into: &$2) }
      }
      network.run(for: .milliseconds(Int64(choice.next() % 100)))
    }
    network.run(for: .seconds(10))
    for call in calls { network.act(.caller) { $0.end(call, at: $1, into: &$2) } }
    for callee in network.reports.filter({ $0.side == .callee }).compactMap(\.occurrence.arrived) {
      network.act(.callee) { $0.end(callee, at: $1, into: &$2) }
    }
    network.run(for: .seconds(75))
    #expect(network.isEmpty)
  }

  @Test("One seed, one world: the same messages in the same order")
  func repeatable() {
    let faults = VirtualNetwork.Faults(lost: 100, repeated: 100, jitter: 100_000)
    var first = crowd(7, calls: 20, faults: faults).0
    var second = crowd(7, calls: 20, faults: faults).0
    first.run(for: .seconds(40))
    second.run(for: .seconds(40))
    #expect(first.sent.map(\.message.bytes) == second.sent.map(\.message.bytes))
  }
}

extension Entropy: RandomNumberGenerator {}

@Suite("Fuzz of the user agent")
struct UserAgentFuzzTests {
  private static let methods = [
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REFER", "NOTIFY", "PRACK", "REGISTER", "MESSAGE",
  ]

  @Test(
    "Any messages in any order, with any decisions above, neither crash it nor make it grow",
    arguments: 1...10 as ClosedRange<UInt64>)
  func anyOrder(seed: UInt64) {
    var choice = Entropy(testing: seed)
    var settings = UserAgent.Settings()
    settings.udp = VirtualNetwork.addresses[1]
    settings.dialogs = 20
    settings.transactions = 200
    var agent = UserAgent(settings: settings, entropy: Entropy(testing: seed))
    var output = UserAgent.Output()
    var now = Instant(microseconds: 0)
    var dialogs: [DialogID] = []
    var transactions: [ServerTransactionID] = []
    var tags = [nil, "unknown"] as [String?]
    var requests: [Message] = []
    for _ in 0..<3_000 {
      output.removeAll()
      let transport = [Flow.Transport.udp, .udp, .tcp].randomElement(using: &choice) ?? .udp
      let flow = Flow(
        transport: transport, remote: VirtualNetwork.addresses[0], connection: transport == .udp ? 0 : choice.next() % 3
      )
      if choice.next() % 3 > 0 {
        let text = Self.message(&choice, tags: tags, requests: requests)
        if let message = try? Message(parsing: Array(text.utf8)) {
          agent.receive(message, from: flow, at: now, into: &output)
        }
      } else {
        Self.decide(&agent, &choice, dialogs, transactions, flow, now, &output)
      }
      for transmission in output.transmissions {
        guard let message = try? Message(parsing: transmission.bytes) else {
          Issue.record("sent no message: \(String(decoding: transmission.bytes, as: UTF8.self))")
          return
        }
        if message.isRequest { requests.append(message) } else if let tag = message.to.tag { tags.append(tag) }
      }
      for occurrence in output.occurrences {
        switch occurrence {
        case .invite(let id, _, _): dialogs.append(id)
        case .reoffered(_, let id, _), .request(_, let id, _), .outOfDialog(let id, _, _): transactions.append(id)
        default: break
        }
      }
      (dialogs, transactions, tags, requests) = (
        dialogs.suffix(30), transactions.suffix(30), tags.suffix(30), requests.suffix(30)
      )
      #expect(agent.dialogCount <= 20)
      #expect(agent.transactionCount <= 300)
      if choice.next() % 4 == 0 { now = now + Int64(choice.next() % 3_000_000) }
      agent.timersDue(at: now, into: &output)
    }
    output.removeAll()
    // Whatever lives is given up by the layer above; then time takes all of it.
    for slot in 0..<UInt32(20) {
      for generation in 0..<UInt32(3_000) {
        agent.end(DialogID(slot: slot, generation: generation), at: now, into: &output)
      }
    }
    for _ in 0..<4 {
      now = now + .seconds(33)
      agent.timersDue(at: now, into: &output)
    }
    #expect(agent.dialogCount == 0)
    #expect(agent.transactionCount == 0)
    #expect(agent.nextDeadline == nil)
  }

  private static func message(_ choice: inout Entropy, tags: [String?], requests: [Message]) -> String {
    func pick<T>(_ values: [T]) -> T? { values.randomElement(using: &choice) }
    if choice.next() % 3 == 0, let request = pick(requests) {
      let status = pick([100, 180, 183, 200, 200, 202, 302, 401, 408, 481, 486, 487, 491, 500, 503, 603]) ?? 200
      let bytes = UserAgent.statelessResponse(
        to: request, status: status, headers: [.init("Contact", "<sip:peer@10.0.0.1>")],
        flow: Flow(transport: .udp, remote: VirtualNetwork.addresses[0]))
      return String(decoding: bytes, as: UTF8.self)
    }
    let user = "user\(choice.next() % 4)"
    let number = choice.next() % 6
    return Peer(user: user).request(
      pick(methods) ?? "INVITE", cseq: UInt32(choice.next() % 8), branch: "\(number)",
      toTag: pick(tags) ?? nil, callID: "call\(choice.next() % 2)", fromTag: "tag\(choice.next() % 2)",
      headers: pick([
        [], ["Supported: timer", "Session-Expires: 90"], ["Record-Route: <sip:strict.example.com>"], ["Require: x"],
      ]) ?? [],
      body: pick(["", "v=0"]) ?? "")
  }

  private static func decide(
    _ agent: inout UserAgent, _ choice: inout Entropy, _ dialogs: [DialogID], _ transactions: [ServerTransactionID],
    _ flow: Flow, _ now: Instant, _ output: inout UserAgent.Output
  ) {
    let dialog = dialogs.randomElement(using: &choice) ?? DialogID(slot: 0, generation: 0)
    let transaction = transactions.randomElement(using: &choice) ?? ServerTransactionID(slot: 0, generation: 0)
    let status = [100, 180, 200, 302, 486].randomElement(using: &choice) ?? 200
    switch choice.next() % 10 {
    case 0, 1: agent.respond(to: dialog, status: status, body: sdpAnswer, at: now, into: &output)
    case 2, 3: agent.respond(to: transaction, status: status, at: now, into: &output)
    case 4: _ = agent.invite(bob.uri, over: flow, from: alice, to: bob, body: sdpOffer, at: now, into: &output)
    case 5: agent.cancel(dialog, at: now, into: &output)
    case 6: agent.acknowledge(dialog, at: now, into: &output)
    case 7: agent.reinvite(dialog, body: sdpOffer, at: now, into: &output)
    case 8: if choice.next() % 4 == 0 { agent.flowFailed(flow, at: now, into: &output) }
    default:
      if let saved = agent.saved(dialog), choice.next() % 2 == 0 { _ = agent.restore(saved) }
      agent.end(dialog, at: now, into: &output)
    }
  }
}
