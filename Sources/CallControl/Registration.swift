import ACD
import Primitives
import SIP

/// Who may register, and where the agents' phones are now.
struct Registrations: Sendable {
  private var registrar = Registrar()
  private var authenticator: Authenticator
  private let realm: String
  /// What each account may use, best first. A challenge names what its address may use, for many a phone gives up at
  /// the sight of an algorithm it does not know; an address without an account borrows the list of some account, always
  /// the same one, so that no challenge tells whether its user exists.
  private var algorithms: [[DigestAlgorithm]] = [[.sha256]]
  /// By agent: the address of record of a phone that registers, and who may speak for it.
  private var accounts: [(address: String, isSecure: Bool, account: Authenticator.Account)?] = []
  private var agentsByAddress = Index<String, AgentID>()
  /// Flows of live bindings, counted: their far ends may speak to us.
  private var flows = Index<Flow, Int>()

  init(site: Site, entropy: Entropy) {
    var entropy = entropy
    realm = site.domain
    authenticator = Authenticator(settings: .init(realm: realm), entropy: &entropy)
    reconfigure(site)
  }

  mutating func reconfigure(_ site: Site) {
    let lists: [[DigestAlgorithm]] = site.agents.compactMap { agent in
      if case .registers(_, let credentials) = agent.phone { credentials.algorithms } else { nil }
    }
    algorithms = lists.isEmpty ? [[.sha256]] : lists
    agentsByAddress = Index()
    accounts = site.agents.enumerated().map { number, agent in
      guard case .registers(let uri, let credentials) = agent.phone else { return nil }
      let address = URI(scheme: "sip", user: uri.user, host: uri.host).description
      agentsByAddress[address] = AgentID(index: UInt32(number))
      let account = Authenticator.Account(
        username: credentials.user, realm: realm, password: credentials.password, algorithms: credentials.algorithms)
      return (address, uri.scheme == "sips", account)
    }
  }

  /// Bindings that the new site gives to nobody, or to somebody else, or would not have taken without TLS.
  func bindings(lostIn site: Site) -> [Registrar.Binding] {
    var next = self
    next.reconfigure(site)
    return accounts.flatMap { bindings(at: $0?.address) }.filter { binding in
      agent(of: binding) != next.agent(of: binding)
        || binding.flow.transport != .tls && next.agent(of: binding).map(next.isSecure) == true
    }
  }

  var count: Int { registrar.count }
  var nextDeadline: Instant? { registrar.nextDeadline }
  func isRegistered(_ flow: Flow) -> Bool { flows[flow] != nil }

  /// The bindings of the agent's phone, most preferred first.
  func phones(of agent: AgentID) -> [(target: URI, flow: Flow)] {
    guard accounts.indices.contains(Int(agent.index)) else { return [] }
    return bindings(at: accounts[Int(agent.index)]?.address).map { ($0.contact, $0.flow) }
  }

  /// Those whose time is over are gone already: timers fire before everything else.
  private func bindings(at address: String?) -> [Registrar.Binding] {
    address.map { registrar.bindings(of: $0, at: .distantPast) } ?? []
  }

  /// Bindings to streams: no stream outlives the process.
  var onStreams: [Registrar.Binding] {
    accounts.flatMap { bindings(at: $0?.address) }.filter { $0.flow.transport != .udp }
  }

  enum Answer {
    /// 200 and what changed, or the registrar's refusal.
    case done(Registrar.Outcome)
    case challenge([UserAgent.Header])
    case locked
    /// The phone may register over TLS only: its address is a SIPS URI.
    case insecure
  }

  /// Judges a REGISTER. Whoever it names, a wrong answer is told the same.
  mutating func register(_ message: Message, from flow: Flow, isBrief: Bool, at now: Instant) -> Answer {
    let address = Registrar.addressOfRecord(of: message)
    let agent = agentsByAddress[address]
    // Credentials count for their own address only.
    let account = agent.flatMap { accounts[Int($0.index)]?.account }
    let verdict = authenticator.verify(message, from: flow.remote, account: account, at: now)
    switch verdict {
    case .accepted where flow.transport != .tls && agent.map(isSecure) == true: return .insecure
    case .accepted: return .done(registrar.register(message, for: address, from: flow, at: now))
    case .locked: return .locked
    case .challenge, .refused:
      let isStale = verdict == .challenge(stale: true)
      return .challenge(challenges(of: address, to: flow, stale: isStale, isBrief: isBrief, at: now))
    }
  }

  private func isSecure(_ agent: AgentID) -> Bool { accounts[Int(agent.index)]?.isSecure == true }

  private mutating func challenges(
    of address: String, to flow: Flow, stale: Bool, isBrief: Bool, at now: Instant
  ) -> [UserAgent.Header] {
    let own = agentsByAddress[address].flatMap { accounts[Int($0.index)]?.account.algorithms }
    let named = own ?? algorithms[authenticator.decoy(for: address, among: algorithms.count)]
    return authenticator.challenges(
      to: flow.remote, stale: stale, algorithms: isBrief ? Array(named.prefix(1)) : named, at: now)
  }

  /// Whether a REGISTER answers a challenge of ours. Nobody can do that for an address that is not theirs.
  func isAnswer(_ message: Message, from flow: Flow) -> Bool { authenticator.isAnswer(message, from: flow.remote) }

  /// The challenge of a stranger's REGISTER, in one algorithm: over UDP it must stay short.
  mutating func challenge(_ message: Message, from flow: Flow, at now: Instant) -> [UserAgent.Header] {
    let isStale = authenticator.username(in: message) != nil
    let address = Registrar.addressOfRecord(of: message)
    return challenges(of: address, to: flow, stale: isStale, isBrief: true, at: now)
  }

  mutating func expire(at now: Instant) -> [Registrar.Change] { registrar.expire(at: now) }

  /// A stream closed: what was bound to it is gone.
  mutating func flowClosed(_ flow: Flow) -> [Registrar.Change] {
    guard isRegistered(flow) else { return [] }
    return accounts.compactMap { $0?.address }.flatMap { registrar.flowClosed(flow, of: $0) }
  }

  func agent(of binding: Registrar.Binding) -> AgentID? { agentsByAddress[binding.address] }

  // MARK: What is journaled

  /// Writes a journaled binding; live, the registrar knows it already.
  mutating func apply(_ bytes: [UInt8], of agent: AgentID) {
    guard let binding = try? Registrar.Binding(reading: bytes) else { return }
    uncount(binding)
    registrar.restore(binding)
    flows[binding.flow] = (flows[binding.flow] ?? 0) + 1
    counted[Key(binding)] = binding.flow
  }

  mutating func remove(_ bytes: [UInt8], of agent: AgentID) {
    guard let binding = try? Registrar.Binding(reading: bytes) else { return }
    uncount(binding)
    registrar.forget(binding)
  }

  /// The flow that each journaled binding is counted under.
  private var counted = Index<Key, Flow>()
  private struct Key: Hashable, Sendable {
    var address: String
    var contact: URI
    init(_ binding: Registrar.Binding) { address = binding.address; contact = binding.contact }
  }

  private mutating func uncount(_ binding: Registrar.Binding) {
    guard let flow = counted[Key(binding)] else { return }
    counted[Key(binding)] = nil
    let uses = (flows[flow] ?? 1) - 1
    flows[flow] = uses == 0 ? nil : uses
  }

  func write(into writer: inout ByteWriter) {
    let all = accounts.flatMap { bindings(at: $0?.address) }
    writer.write(UInt32(all.count))
    for binding in all { writer.write(counted: binding.bytes) }
  }

  mutating func read(from reader: inout ByteReader) throws(ByteReader.Truncated) {
    for _ in 0..<(try reader.read(UInt32.self)) { apply(try reader.readCounted(), of: .none) }
  }
}

extension Registrar.Binding {
  private static let version: UInt8 = 1

  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.version)
    writer.write(address)
    writer.write(contact.description)
    writer.write(flow.transport.rawValue)
    writer.write(flow.remote.high)
    writer.write(flow.remote.low)
    writer.write(flow.remote.port)
    writer.write(flow.connection)
    writer.write(callID)
    writer.write(sequence)
    writer.write(deadline)
    writer.write(preference)
    writer.write(instance ?? "")
    return writer.bytes
  }

  /// - Throws: where the bytes are of another version or cut short.
  init(reading bytes: [UInt8]) throws(ByteReader.Truncated) {
    var reader = ByteReader(bytes)
    guard try reader.read(UInt8.self) == Self.version else { throw ByteReader.Truncated(offset: 0) }
    let address = try reader.readString()
    guard let contact = try? URI(parsing: try reader.readString()),
      let transport = Flow.Transport(rawValue: try reader.read())
    else { throw ByteReader.Truncated(offset: reader.offset) }
    let remote = Endpoint(high: try reader.read(), low: try reader.read(), port: try reader.read())
    let flow = Flow(transport: transport, remote: remote, connection: try reader.read())
    let callID = try reader.readString()
    let sequence = try reader.read(UInt32.self)
    let deadline = try reader.readInstant()
    let preference = try reader.read(UInt16.self)
    let instance = try reader.readString()
    self.init(
      address: address, contact: contact, flow: flow, callID: callID, sequence: sequence, deadline: deadline,
      preference: preference, instance: instance.isEmpty ? nil : instance)
  }
}

extension Switchboard {
  /// A REGISTER: the phone of an agent comes, stays or goes.
  mutating func register(
    _ transaction: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Instant, into step: inout Step
  ) {
    // A stranger's challenge over UDP must stay short: one algorithm.
    let isBrief = flow.transport == .udp && !calls.policy.trusts(flow) && !calls.registrations.isRegistered(flow)
    switch calls.registrations.register(message, from: flow, isBrief: isBrief, at: now) {
    case .done(let outcome):
      send(into: &step) {
        $0.respond(to: transaction, status: outcome.status, headers: outcome.headers, at: now, into: &$1)
      }
      follow(outcome.changes, at: now, into: &step)
    case .challenge(let headers):
      sendAtOnce(into: &step) { $0.respond(to: transaction, status: 401, headers: headers, at: now, into: &$1) }
    case .locked: sendAtOnce(into: &step) { $0.respond(to: transaction, status: 403, at: now, into: &$1) }
    case .insecure:
      // RFC 5630 section 5.3.
      let warning = UserAgent.Header("Warning", "381 \(site.domain) \"SIPS Required\"")
      sendAtOnce(into: &step) {
        $0.respond(to: transaction, status: 403, headers: [warning], at: now, into: &$1)
      }
    }
  }

  /// Asks a stranger who is there without keeping anything of it: over UDP the source may be forged.
  mutating func challengeStatelessly(
    _ message: Message, limit: Int, from flow: Flow, at now: Instant, into step: inout Step
  ) {
    let headers = calls.registrations.challenge(message, from: flow, at: now)
    let bytes = UserAgent.statelessResponse(to: message, status: 401, headers: headers, flow: flow)
    guard !bytes.isEmpty, bytes.count <= limit else { return }
    let back = UserAgent.responseFlow(to: message, from: flow)
    step.immediate.append(.transmit(UserAgent.Transmission(bytes: bytes, flow: back)))
  }

  mutating func unregister(_ flow: Flow, at now: Instant, into step: inout Step) {
    // A datagram that could not be sent says nothing about the phone: its binding ends by its own time.
    guard flow.transport != .udp else { return }
    follow(calls.registrations.flowClosed(flow), at: now, into: &step)
  }

  mutating func expireRegistrations(at now: Instant, into step: inout Step) {
    guard let deadline = calls.registrations.nextDeadline, deadline <= now else { return }
    follow(calls.registrations.expire(at: now), at: now, into: &step)
  }

  /// Journals what became of bindings, and tells the ACD whose phone can be reached.
  mutating func follow(_ changes: [Registrar.Change], at now: Instant, into step: inout Step) {
    for change in changes {
      switch change {
      case .bound(let binding):
        guard let agent = calls.registrations.agent(of: binding) else { continue }
        if !calls.registrations.isRegistered(binding.flow) { reconnectLegs(of: agent, over: binding.flow) }
        emit(.phoneRegistered(agent, binding: binding.bytes), at: now, into: &step)
        tell(.agentReachable(agent), at: now, into: &step)
      case .unbound(let binding):
        guard let agent = calls.registrations.agent(of: binding) else {
          // The site changed while the process was down: nobody's phone, but its source must not stay admitted.
          calls.registrations.remove(binding.bytes, of: .none)
          continue
        }
        emit(.phoneUnregistered(agent, binding: binding.bytes), at: now, into: &step)
        if !hasReachablePhone(agent) { tell(.agentUnreachable(agent), at: now, into: &step) }
      }
    }
  }

  /// A phone in a call came back on a new stream: its call goes on there.
  private mutating func reconnectLegs(of agent: AgentID, over flow: Flow) {
    guard flow.transport != .udp else { return }
    for leg in calls.legs.ids {
      guard let leg = calls.legs[leg], leg.side == .agent, let dialog = leg.dialog, let contact = leg.contact,
        contacts[contact]?.agent == agent
      else { continue }
      calls.userAgent.reconnect(dialog, over: flow)
    }
  }
}
