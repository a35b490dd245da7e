public import Primitives

/// Where the users of our addresses-of-record can be reached (RFC 3261 section 10.3). A value without I/O: the layer
/// above authenticates first, journals the changes and answers with the outcome.
public struct Registrar: Sendable {
  public struct Settings: Sendable {
    /// Seconds. A longer wish is cut, a shorter one gets 423.
    public var longest: UInt32 = 300
    public var shortest: UInt32 = 30
    /// Bindings of one address; beyond, the one that ends first makes room.
    public var bindings = 10
    /// Addresses with bindings; beyond, 503.
    public var addresses = 20_000
    public init() {}
  }

  public struct Binding: Sendable, Equatable {
    /// As `Registrar.addressOfRecord(of:)` writes it.
    public var address: String
    public var contact: URI
    /// The way the REGISTER came, on which an INVITE goes back (RFC 3581, RFC 5626).
    public var flow: Flow
    public var callID: String
    public var sequence: UInt32
    public var deadline: Instant
    /// Thousandths of the q value (section 20.10).
    public var preference: UInt16
    /// `+sip.instance`: the device, whatever its address (RFC 5626 section 4.1).
    public var instance: String?
    public init(
      address: String, contact: URI, flow: Flow, callID: String, sequence: UInt32, deadline: Instant,
      preference: UInt16 = 1000, instance: String? = nil
    ) {
      self.address = address
      self.contact = contact
      self.flow = flow
      self.callID = callID
      self.sequence = sequence
      self.deadline = deadline
      self.preference = preference
      self.instance = instance
    }
  }

  public enum Change: Sendable, Equatable {
    /// A new binding, or an old one with a new deadline or flow.
    case bound(Binding)
    case unbound(Binding)
  }

  /// The response, and what became of the bindings.
  public struct Outcome: Sendable {
    public var status: Int
    public var headers: [UserAgent.Header] = []
    public var changes: [Change] = []
  }

  private let settings: Settings
  private var table = Index<String, [Binding]>()
  /// The first deadline of each address.
  private var timers = TimerHeap<String>()

  public init(settings: Settings = Settings()) { self.settings = settings }

  /// The address that a REGISTER is about: scheme, user and host of its To, without parameters (section 10.3 item 5).
  public static func addressOfRecord(of message: Message) -> String {
    let uri = message.to.uri
    return URI(scheme: "sip", user: uri.user, host: uri.host).description
  }

  public var nextDeadline: Instant? { timers.nextDeadline }
  /// Addresses with at least one binding.
  public var count: Int { timers.count }

  /// The bindings of an address, most preferred first, then the newest.
  public func bindings(of address: String, at now: Instant) -> [Binding] {
    (table[address] ?? []).filter { $0.deadline > now }
      .sorted { ($0.preference, $0.deadline) > ($1.preference, $1.deadline) }
  }

  /// Handles a REGISTER whose sender may speak for `address`.
  public mutating func register(
    _ message: Message, for address: String, from flow: Flow, at now: Instant
  ) -> Outcome {
    var changes = expire(at: now)
    let current = table[address] ?? []
    guard !current.isEmpty || timers.count < settings.addresses else {
      return Outcome(status: 503, headers: [UserAgent.Header("Retry-After", "30")], changes: changes)
    }
    let updated: [Binding]
    switch message.isWildcardContact {
    case true:
      // Section 10.2.2: only with Expires 0, and only newer than what it removes.
      guard message.headers("contact").count == 1, message.expires == 0 else {
        return Outcome(status: 400, changes: changes)
      }
      guard current.allSatisfy({ Self.isNewer(message, than: $0) }) else {
        return Outcome(status: 500, changes: changes)
      }
      updated = []
    case false:
      switch update(current, by: message, address, flow, at: now) {
      case .success(let bindings): updated = bindings
      case .failure(let refusal): return Outcome(status: refusal.status, headers: refusal.headers, changes: changes)
      }
    }
    changes += Self.changes(from: current, to: updated)
    store(updated, for: address)
    let contacts = bindings(of: address, at: now).map { binding in
      let seconds = max(0, (binding.deadline - now) / 1_000_000)
      return UserAgent.Header("Contact", "<\(binding.contact)>;expires=\(seconds)")
    }
    return Outcome(status: 200, headers: contacts, changes: changes)
  }

  private struct Refusal: Error {
    var status: Int
    var headers: [UserAgent.Header] = []
  }

  /// Section 10.3 items 6 and 7: all contacts or none.
  private func update(
    _ current: [Binding], by message: Message, _ address: String, _ flow: Flow, at now: Instant
  ) -> Result<[Binding], Refusal> {
    var updated = current
    for contact in message.contacts {
      let wish = contact.parameter("expires").flatMap { UInt32($0) } ?? message.expires ?? settings.longest
      guard wish == 0 || wish >= settings.shortest else {
        let header = UserAgent.Header("Min-Expires", String(settings.shortest))
        return .failure(Refusal(status: 423, headers: [header]))
      }
      // A SIPS contact can be bound to a flow of TLS only (RFC 5630 section 5.1.1).
      guard contact.uri.isSIP, contact.uri.scheme != "sips" || flow.transport == .tls else {
        return .failure(Refusal(status: 416))
      }
      let instance = contact.parameter("+sip.instance")
      let place = updated.firstIndex {
        $0.contact.isEquivalent(to: contact.uri) || (instance != nil && $0.instance == instance)
      }
      if let place {
        guard Self.isNewer(message, than: updated[place]) else { return .failure(Refusal(status: 500)) }
        updated.remove(at: place)
      }
      guard wish > 0 else { continue }
      updated.append(
        Binding(
          address: address, contact: contact.uri, flow: flow, callID: message.callID, sequence: message.cseq,
          deadline: now + .seconds(Int64(min(wish, settings.longest))),
          preference: Self.preference(contact.parameter("q")), instance: instance))
      while updated.count > settings.bindings,
        let first = updated.indices.min(by: {
          updated[$0].deadline < updated[$1].deadline
        })
      {
        updated.remove(at: first)
      }
    }
    return .success(updated)
  }

  /// Another Call-ID is another device or another boot of it; the same must count up.
  private static func isNewer(_ message: Message, than binding: Binding) -> Bool {
    binding.callID != message.callID || message.cseq > binding.sequence
  }

  /// Thousandths of `1`, `0.5`…; 1000 for what is no q value.
  private static func preference(_ text: String?) -> UInt16 {
    guard let text, let whole = text.first, whole == "0" || whole == "1" else { return 1000 }
    let digits = text.dropFirst().drop { $0 == "." }.prefix(3)
    guard whole == "0", let fraction = UInt16(digits + String(repeating: "0", count: 3 - digits.count)) else {
      return 1000
    }
    return fraction
  }

  private static func changes(from old: [Binding], to new: [Binding]) -> [Change] {
    old.filter { binding in !new.contains { $0.contact == binding.contact } }.map(Change.unbound)
      + new.filter { !old.contains($0) }.map(Change.bound)
  }

  private mutating func store(_ bindings: [Binding], for address: String) {
    guard let first = bindings.map(\.deadline).min() else {
      table[address] = nil
      timers.cancel(address)
      return
    }
    table[address] = bindings
    timers.set(address, at: first)
  }

  /// Removes what nobody refreshed.
  public mutating func expire(at now: Instant) -> [Change] {
    var changes: [Change] = []
    while let (address, _) = timers.popDue(at: now) {
      let bindings = table[address] ?? []
      changes += bindings.filter { $0.deadline <= now }.map(Change.unbound)
      store(bindings.filter { $0.deadline > now }, for: address)
    }
    return changes
  }

  /// A stream closed: nobody can be reached on it any more, whatever the deadline says.
  public mutating func flowClosed(_ flow: Flow, of address: String) -> [Change] {
    let bindings = table[address] ?? []
    let lost = bindings.filter { $0.flow == flow }
    guard !lost.isEmpty else { return [] }
    store(bindings.filter { $0.flow != flow }, for: address)
    return lost.map(Change.unbound)
  }

  /// Takes a journaled binding up again. Streams died with the last run; what was bound to one waits for its REGISTER.
  public mutating func restore(_ binding: Binding) {
    var bindings = table[binding.address] ?? []
    bindings.removeAll { $0.contact == binding.contact }
    bindings.append(binding)
    store(bindings, for: binding.address)
  }

  /// Takes a journaled end of a binding up again.
  public mutating func forget(_ binding: Binding) {
    let bindings = (table[binding.address] ?? []).filter { $0.contact != binding.contact }
    store(bindings, for: binding.address)
  }
}
