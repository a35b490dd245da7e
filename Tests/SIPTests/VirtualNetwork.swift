import Primitives
import SIP

/// Two user agents on a network in virtual time that loses, repeats and reorders by a seed. No clock, no sockets.
struct VirtualNetwork {
  enum Side: Int { case caller = 0, callee = 1 }

  struct Faults {
    /// Of a thousand.
    var lost = 0
    var repeated = 0
    /// Longest extra delay in microseconds; more than a round trip reorders.
    var jitter: Int64 = 0
    static let none = Faults()
  }

  /// What a user agent told its layer above, with when.
  struct Report {
    var side: Side
    var at: Instant
    var occurrence: UserAgent.Occurrence
  }

  var agents: [UserAgent]
  private(set) var now = Instant(microseconds: 1_700_000_000_000_000)
  let start: Instant
  var faults = Faults.none
  var transport: Flow.Transport
  /// Every message that left a side, lost or not, in order.
  private(set) var sent: [(side: Side, message: Message)] = []
  private(set) var reports: [Report] = []
  /// Drops a message by name once: "ACK" or "200 INVITE".
  var dropping: [String] = []
  /// Answers what the layer above would; called with the network so that it can act.
  var behave: (inout VirtualNetwork, Side, UserAgent.Occurrence) -> Void = { _, _, _ in }

  private struct Packet {
    var arrival: Instant
    var sequence: Int
    var to: Side
    var bytes: [UInt8]
  }
  private var packets: [Packet] = []
  private var sequence = 0
  private var random: Entropy

  static let addresses = [Endpoint(ipv4: 0x0a00_0001, port: 5060), Endpoint(ipv4: 0x0a00_0002, port: 5060)]

  init(
    transport: Flow.Transport = .udp, seed: UInt64 = 1, faults: Faults = .none,
    settings change: (inout UserAgent.Settings) -> Void = { _ in }
  ) {
    self.transport = transport
    self.faults = faults
    start = now
    random = Entropy(testing: seed)
    agents = Self.addresses.enumerated().map { place, address in
      var settings = UserAgent.Settings()
      settings.udp = address
      settings.tcp = address
      settings.product = place == 0 ? "Caller" : "Callee"
      change(&settings)
      return UserAgent(settings: settings, entropy: Entropy(testing: seed &* 2 &+ UInt64(place)))
    }
  }

  func flow(to side: Side) -> Flow {
    Flow(transport: transport, remote: Self.addresses[side.rawValue], connection: transport == .udp ? 0 : 1)
  }
  func flow(from side: Side) -> Flow { flow(to: side == .caller ? .callee : .caller) }

  /// Lets a side act, and takes what it sends and reports.
  mutating func act<Result>(
    _ side: Side, _ body: (inout UserAgent, Instant, inout UserAgent.Output) -> Result
  ) -> Result {
    var output = UserAgent.Output()
    let result = body(&agents[side.rawValue], now, &output)
    for transmission in output.transmissions { send(transmission, from: side) }
    for occurrence in output.occurrences {
      reports.append(Report(side: side, at: now, occurrence: occurrence))
      let behave = behave
      behave(&self, side, occurrence)
    }
    return result
  }

  private mutating func send(_ transmission: UserAgent.Transmission, from side: Side) {
    guard let message = try? Message(parsing: transmission.bytes) else {
      preconditionFailure("a user agent sent no message: \(String(decoding: transmission.bytes, as: UTF8.self))")
    }
    sent.append((side, message))
    if let place = dropping.firstIndex(of: message.name) {
      dropping.remove(at: place)
      return
    }
    guard Int(random.next() % 1000) >= faults.lost,
      let to = Self.addresses.firstIndex(of: transmission.flow.remote)
    else { return }
    let copies = Int(random.next() % 1000) < faults.repeated ? 2 : 1
    for _ in 0..<copies {
      sequence += 1
      let delay = 5_000 + (faults.jitter > 0 ? Int64(random.next() % UInt64(faults.jitter)) : 0)
      packets.append(
        Packet(arrival: now + delay, sequence: sequence, to: to == 0 ? .caller : .callee, bytes: transmission.bytes))
    }
  }

  /// Runs the world for so long; at one instant timers fire before packets.
  mutating func run(for interval: Int64) {
    let end = now + interval
    while true {
      let packet = packets.indices.min {
        (packets[$0].arrival, packets[$0].sequence) < (packets[$1].arrival, packets[$1].sequence)
      }
      let deadlines = agents.map { $0.nextDeadline ?? .distantFuture }
      let timer = min(deadlines[0], deadlines[1])
      let next = min(timer, packet.map { packets[$0].arrival } ?? .distantFuture)
      guard next <= end else { break }
      now = max(now, next)
      if timer <= now {
        for side in [Side.caller, .callee] where deadlines[side.rawValue] <= now {
          act(side) { $0.timersDue(at: $1, into: &$2) }
        }
      } else if let packet {
        let packet = packets.remove(at: packet)
        let from = flow(from: packet.to)
        guard let message = try? Message(parsing: packet.bytes) else { continue }
        act(packet.to) { $0.receive(message, from: from, at: $1, into: &$2) }
      }
    }
    now = end
  }

  /// Puts a message on the wire as if the other side had sent it.
  mutating func inject(_ text: String, to side: Side) {
    guard let message = try? Message(parsing: Array(text.utf8)) else {
      preconditionFailure("the test's message is none:\n\(text)")
    }
    let from = flow(from: side)
    act(side) { $0.receive(message, from: from, at: $1, into: &$2) }
  }

  /// As "INVITE" or "200 INVITE", of one side.
  func names(_ side: Side) -> [String] { sent.filter { $0.side == side }.map(\.message.name) }
  func last(_ side: Side) -> Message? { sent.last { $0.side == side }?.message }
  func count(_ name: String, _ side: Side) -> Int { names(side).filter { $0 == name }.count }
  func heard(_ side: Side) -> [String] { reports.filter { $0.side == side }.map(\.occurrence.name) }
  var isEmpty: Bool { agents.allSatisfy { $0.dialogCount == 0 && $0.transactionCount == 0 && $0.nextDeadline == nil } }
}

extension Message {
  /// As "INVITE" or "200 INVITE".
  var name: String {
    switch kind {
    case .request(let method): method.name
    case .response(let status): "\(status) \(method.name)"
    }
  }
}

extension UserAgent.Occurrence {
  var name: String {
    switch self {
    case .invite: "invite"
    case .cancelled: "cancelled"
    case .acknowledged: "acknowledged"
    case .accepted: "accepted"
    case .unacknowledged: "unacknowledged"
    case .provisional(_, let message): "provisional \(message.status)"
    case .trying: "trying"
    case .answered: "answered"
    case .rejected(_, let status, _): "rejected \(status)"
    case .reoffered: "reoffered"
    case .reanswered: "reanswered"
    case .rerejected(_, let status): "rerejected \(status)"
    case .ended: "ended"
    case .request(_, _, let message): "request \(message.method)"
    case .outOfDialog(_, let message, _): "outOfDialog \(message.method)"
    }
  }
  /// The dialog of an INVITE that came.
  var arrived: DialogID? {
    if case .invite(let id, _, _) = self { return id }
    return nil
  }
}
