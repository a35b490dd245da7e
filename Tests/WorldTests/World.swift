import ACD
import CallControl
import Primitives
import SDP
import SIP

/// A whole site in virtual time: one switchboard, a network that may lose, repeat, delay and reorder datagrams, media
/// threads of paper, and peers. One seed, one world.
final class World {
  /// What the network does to datagrams, as shares of 1.
  struct Weather {
    var loss = 0.0
    var repetition = 0.0
    /// Microseconds; drawn evenly, so datagrams overtake each other.
    var delay: ClosedRange<Int64> = 1_000...1_000
    static let fine = Weather()
  }

  static let address = Endpoint(address: "127.0.0.1", port: 5060).unwrapped

  private(set) var now = Instant(microseconds: 1_700_000_000_000_000)
  var weather: Weather
  private(set) var switchboard: Switchboard
  private(set) var records: [Record] = []
  private(set) var notices: [Notice] = []
  private(set) var replies = Index<RequestID, Reply>()
  private var lastRequest: UInt64 = 0
  let media = PaperMedia()
  var peers: [Peer] = []
  var browsers: [Browser] = []
  private(set) var mistakes: [String] = []
  /// Peers written by hand.
  var listeners = Index<Endpoint, (Message) -> Void>()
  /// Loses a message by name once: "PRACK" or "200 PRACK".
  var dropping: [String] = []
  /// What was sent to a peer by another transport, or over another connection, than the one it has.
  private(set) var misdirected: [String] = []
  /// Streams that we were made to open.
  private(set) var opened: [Endpoint] = []
  /// Every datagram that reached an address nobody listens at, or a raw peer.
  private(set) var captured: [(to: Endpoint, bytes: [UInt8])] = []
  /// All that was sent, for tests that count.
  private(set) var sent = 0
  /// How long the disk takes for a commit.
  var commitDelay: Int64 = 0
  /// Transmissions whose step is not committed yet, and what left although it repeats or follows one of them.
  private var held: [[UInt8]] = []
  private(set) var overtaking: [String] = []
  /// The process is about to die: nothing is committed any more, or nothing committed is released.
  enum Crash { case none, beforeCommit, beforeRelease }
  var crash = Crash.none

  private var random: SplitMix
  private var step = CallControl.Step()
  private var queue = TimerHeap<Int>()
  private var work = Index<Int, () -> Void>()
  private var workCount = 0
  let site: Site

  init(_ site: Site, seed: UInt64 = 1, weather: Weather = .fine) {
    self.site = site
    self.weather = weather
    random = SplitMix(state: seed)
    switchboard = Switchboard(site: site, entropy: Entropy(testing: seed))
  }

  // MARK: Time

  func after(_ interval: Int64, _ body: @escaping () -> Void) {
    workCount += 1
    work[workCount] = body
    queue.set(workCount, at: now + interval)
  }

  func run(for interval: Int64) {
    let end = now + interval
    while true {
      let deadlines =
        [queue.nextDeadline, switchboard.nextDeadline].compactMap(\.self)
        + peers.compactMap(\.userAgent.nextDeadline)
      guard let next = deadlines.min(), next <= end else { break }
      now = max(now, next)
      if let deadline = switchboard.nextDeadline, deadline <= now { feed(.timersDue) }
      for peer in peers { peer.timersDue() }
      while let (id, _) = queue.popDue(at: now) {
        let body = work[id]
        work[id] = nil
        body?()
      }
    }
    now = end
  }

  func draw() -> Double { Double(random.next() >> 11) / Double(1 << 53) }

  // MARK: The switchboard

  func feed(_ input: CallControl.Input) {
    step.removeAll()
    switchboard.handle(input, at: now, into: &step)
    let (records, immediate, afterCommit) = (step.records, step.immediate, step.afterCommit)
    for action in immediate {
      watch(action)
      perform(action)
    }
    guard crash != .beforeCommit else { return }
    guard commitDelay > 0 else { return commit(records, afterCommit) }
    let waiting = afterCommit.compactMap { if case .transmit(let it) = $0 { it.bytes } else { nil } }
    held += waiting
    after(commitDelay) { [unowned self] in
      held.removeFirst(waiting.count)
      commit(records, afterCommit)
    }
  }

  private func commit(_ facts: [Record], _ actions: [CallControl.Action]) {
    records += facts
    guard crash != .beforeRelease else { return }
    for action in actions { perform(action) }
  }

  /// While a step waits for its commit, no copy of what it sends may leave, and no request but an ACK.
  private func watch(_ action: CallControl.Action) {
    guard commitDelay > 0, case .transmit(let it) = action, let message = try? Message(parsing: it.bytes)
    else { return }
    if held.contains(it.bytes) || message.isRequest && message.method != .ack {
      overtaking.append("\(message.method) \(message.status)")
    }
  }

  /// The configuration is swapped between two inputs.
  func reconfigure(_ site: Site) {
    step.removeAll()
    switchboard.reconfigure(site, at: now, into: &step)
    records += step.records
    for action in step.immediate + step.afterCommit { perform(action) }
  }

  /// Gives a command; its reply may come later.
  func give(_ command: Command) -> RequestID {
    lastRequest += 1
    let request = RequestID(number: lastRequest)
    feed(.command(request, command))
    return request
  }

  @discardableResult
  func ask(_ command: Command) -> Reply { replies[give(command)] ?? .done }

  private func perform(_ action: CallControl.Action) {
    switch action {
    case .transmit(let transmission):
      let flow = transmission.flow
      if flow.transport != .udp, flow.connection == 0 { opened.append(flow.remote) }
      if let peer = peers.first(where: { $0.endpoint == flow.remote }), peer.flow != flow {
        misdirected.append("\(flow)")
        return
      }
      send(transmission.bytes, from: World.address, to: transmission.flow.remote)
    case .media(let command):
      if case .close(let id) = command { browsers.first { $0.media == id }?.closed() }
      if let event = media.carryOut(command) { after(200) { [unowned self] in feed(.media(event)) } }
    case .reply(let request, let reply):
      if replies[request] != nil { mistakes.append("a command was answered twice") }
      replies[request] = reply
      for browser in browsers { browser.follow(reply, to: request) }
    case .notify(let notice): notices.append(notice)
    }
  }

  /// The process dies and starts again over its journal; media and SIP transactions are gone.
  func restart() {
    crash = .none
    var restored = Switchboard(site: site, entropy: Entropy(testing: 99))
    for record in records { restored.replay(record) }
    switchboard = restored
    step = CallControl.Step(sequence: (records.last?.sequence ?? 0) + 1)
    media.closeAll()
    feed(.restarted)
  }

  // MARK: The network

  func send(_ bytes: [UInt8], from: Endpoint, to: Endpoint) {
    sent += 1
    if !dropping.isEmpty, let message = try? Message(parsing: bytes) {
      let name = message.isRequest ? message.method.name : "\(message.status) \(message.method)"
      if let place = dropping.firstIndex(of: name) {
        dropping.remove(at: place)
        return
      }
    }
    guard draw() >= weather.loss else { return }
    deliver(bytes, from: from, to: to)
    if draw() < weather.repetition { deliver(bytes, from: from, to: to) }
  }

  private func deliver(_ bytes: [UInt8], from: Endpoint, to: Endpoint) {
    let spread = Double(weather.delay.upperBound - weather.delay.lowerBound)
    let delay = weather.delay.lowerBound + Int64(spread * draw())
    after(delay) { [unowned self] in
      if to == World.address {
        guard let message = try? Message(parsing: bytes) else { return }
        let peer = peers.first { $0.endpoint == from }
        feed(.message(message, peer?.flow ?? Flow(transport: .udp, remote: from)))
      } else if let peer = peers.first(where: { $0.endpoint == to && !$0.isDead }) {
        guard let message = try? Message(parsing: bytes) else { return }
        peer.receive(message)
      } else if let listener = listeners[to] {
        guard let message = try? Message(parsing: bytes) else { return }
        listener(message)
      } else {
        captured.append((to, bytes))
      }
    }
  }

  // MARK: What tests ask

  static func checkpoint(of switchboard: Switchboard) -> [UInt8] {
    var writer = ByteWriter()
    switchboard.writeCheckpoint(into: &writer)
    return writer.bytes
  }
  var checkpoint: [UInt8] { Self.checkpoint(of: switchboard) }
  /// The state that the journal alone leads to.
  var replayed: [UInt8] {
    var replayed = Switchboard(site: site, entropy: Entropy(testing: 99))
    for record in records { replayed.replay(record) }
    return Self.checkpoint(of: replayed)
  }

  /// Call control's and the ACD's events by name, without payloads.
  var events: [String] {
    records.map { record in
      let event = if case .acd(let event) = record.event { "\(event)" } else { "\(record.event)" }
      return String(event.prefix { $0 != "(" })
    }
  }

  func outcomes() -> [Outcome] {
    records.compactMap { if case .acd(.outcomeFixed(_, _, _, let outcome)) = $0.event { outcome } else { nil } }
  }

  func endCauses() -> [EndCause] {
    records.compactMap { if case .acd(.contactEnded(_, _, let cause)) = $0.event { cause } else { nil } }
  }

  var counts: Counts {
    guard case .counts(let counts) = ask(.describeCounts) else { return Counts() }
    return counts
  }

  func ready(_ agents: Int...) {
    for agent in agents {
      ask(.signIn(AgentID(index: UInt32(agent))))
      ask(.ready(AgentID(index: UInt32(agent))))
    }
  }

  func view(_ agent: Int) -> AgentView? {
    guard case .agent(let view) = ask(.describeAgent(AgentID(index: UInt32(agent)))) else { return nil }
    return view
  }
}

struct SplitMix {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

extension Optional {
  /// For constants of a test that cannot be absent.
  var unwrapped: Wrapped {
    guard let self else { fatalError("the constant is malformed") }
    return self
  }
}
