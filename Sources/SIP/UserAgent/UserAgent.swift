public import Primitives

/// An INVITE session as the layer above names it: a leg's dialog from its INVITE to its BYE.
public struct DialogID: SlotID {
  public let slot: UInt32
  public let generation: UInt32
  public init(slot: UInt32, generation: UInt32) { self.slot = slot; self.generation = generation }
}

/// A server transaction that waits for our response.
public struct ServerTransactionID: SlotID {
  public let slot: UInt32
  public let generation: UInt32
  public init(slot: UInt32, generation: UInt32) { self.slot = slot; self.generation = generation }
}

/// The user agent core: transactions (RFC 3261 section 17, RFC 6026), dialogs (section 12) and reliable
/// provisional responses (RFC 3262) as one value without I/O.
///
/// It answers by itself what needs no decision: 100 to an INVITE, 200 to CANCEL and 487 to its INVITE, 200 to BYE, ACK
/// to a final response other than 2xx, 481 where no dialog matches, 491 to a re-INVITE that crosses ours, 405, 415, 420
/// and 505; it retransmits; a 2xx that comes for an INVITE that was cancelled gets ACK and BYE.
public struct UserAgent: Sendable {
  public struct Settings: Sendable {
    /// Host and port that stand in Via and Contact, by transport.
    public var udp: Endpoint?
    public var tcp: Endpoint?
    public var tls: Endpoint?
    public var product = "Switchboard"
    /// RFC 3261 table 4, in microseconds.
    public var t1: Int64 = .milliseconds(500)
    public var t2: Int64 = .seconds(4)
    public var t4: Int64 = .seconds(5)
    public var dialogs = 20_000
    public var transactions = 100_000
    public init() {}
  }

  /// A header line that the layer above adds; name and value are checked for CR, LF and NUL.
  public struct Header: Sendable, Equatable {
    public var name: String
    public var value: String
    public init(_ name: String, _ value: String) { self.name = name; self.value = value }
  }

  public struct Body: Sendable, Equatable {
    public var contentType: String
    public var bytes: [UInt8]
    public init(contentType: String, bytes: [UInt8]) { self.contentType = contentType; self.bytes = bytes }
    public static func sdp(_ bytes: [UInt8]) -> Body { Body(contentType: "application/sdp", bytes: bytes) }
  }

  /// What the layer above learns.
  public enum Occurrence: Sendable {
    /// A new INVITE outside any dialog; 100 is sent.
    case invite(DialogID, Message, Flow)
    /// The INVITE was cancelled before our final response; 200 and 487 are sent, the dialog is gone.
    case cancelled(DialogID)
    /// The ACK for our 2xx came, or the PRACK for a provisional response that offered; its body is the answer after a
    /// delayed offer.
    case acknowledged(DialogID, Message)
    /// Our 2xx left, which had to wait for a PRACK.
    case accepted(DialogID)
    /// No ACK within 64*T1: the layer above sends BYE (section 13.3.1.4).
    case unacknowledged(DialogID)
    /// 1xx other than 100 for our INVITE.
    case provisional(DialogID, Message)
    /// 100 for our INVITE: the next hop is alive.
    case trying(DialogID)
    /// 2xx for our INVITE; the layer above calls `acknowledge`.
    case answered(DialogID, Message)
    /// Another final response, or none at all (408): acknowledged, the dialog is gone.
    case rejected(DialogID, status: Int, Message?)
    /// A re-INVITE or UPDATE from the far end, or a PRACK with an offer, waits for `respond`.
    case reoffered(DialogID, ServerTransactionID, Message)
    /// 2xx to our re-INVITE; the layer above calls `acknowledge`.
    case reanswered(DialogID, Message)
    /// Our re-INVITE was refused; 491 is retried by the agent itself.
    case rerejected(DialogID, status: Int)
    /// BYE came (200 is sent), or the dialog broke (481, 408, no PRACK): it is gone.
    case ended(DialogID, Message?)
    /// Another request inside a dialog waits for `respond`: INFO, REFER, NOTIFY…
    case request(DialogID, ServerTransactionID, Message)
    /// A request outside dialogs waits for `respond`: REGISTER, OPTIONS, MESSAGE…
    case outOfDialog(ServerTransactionID, Message, Flow)
  }

  /// Bytes to send now. What follows from a decision is released by the layer above after the commit.
  public struct Transmission: Sendable {
    public var bytes: [UInt8]
    public var flow: Flow
    /// It repeats what was sent before, or carries out what was decided before: a copy, a CANCEL that waited for its
    /// provisional response. It may not overtake what the layer above still holds back. False of responses that follow
    /// from nothing but the request: 100, 200 to BYE and CANCEL, challenges.
    public var followsEarlier: Bool
    /// Too large for a datagram that may be fragmented (RFC 3261 section 18.1.1). The user agent keeps to the flow it
    /// was given, since behind it may be a translator; whoever chooses flows may choose a stream for such a target.
    public var exceedsDatagram: Bool { flow.transport == .udp && bytes.count > 1_300 }
    public init(bytes: [UInt8], flow: Flow, followsEarlier: Bool = false) {
      self.bytes = bytes; self.flow = flow; self.followsEarlier = followsEarlier
    }
  }

  /// Filled by one call and emptied by the caller; storage is reused.
  public struct Output: Sendable {
    public var occurrences: [Occurrence] = []
    public var transmissions: [Transmission] = []
    public init() {}
    public mutating func removeAll() {
      occurrences.removeAll(keepingCapacity: true)
      transmissions.removeAll(keepingCapacity: true)
    }
  }

  let settings: Settings
  let udp: Local
  let tcp: Local
  let tls: Local
  var entropy: Entropy
  var sessions = SlotMap<DialogID, Session>()
  /// Sessions by our tag.
  var tags = Index<UInt64, DialogID>()
  var servers = SlotMap<ServerTransactionID, ServerTransaction>()
  var serverKeys = Index<TransactionKey, ServerTransactionID>()
  var mergeKeys = Index<TransactionKey, ServerTransactionID>()
  var clients = SlotMap<ClientTransactionID, ClientTransaction>()
  var clientKeys = Index<ClientKey, ClientTransactionID>()
  var timers = TimerHeap<Timer>()

  enum Timer: Hashable, Sendable {
    /// A and E.
    case clientRetransmission(ClientTransactionID)
    /// B, F, D, K and M.
    case clientLifetime(ClientTransactionID)
    /// G.
    case serverRetransmission(ServerTransactionID)
    /// H, I, J and L.
    case serverLifetime(ServerTransactionID)
    /// Our 2xx again, until its ACK comes (section 13.3.1.4).
    case success(DialogID)
    /// 64*T1 after our 2xx.
    case acknowledgement(DialogID)
    /// A provisional response again, before a proxy loses patience (section 13.3.1.1).
    case provisional(DialogID)
    /// A reliable provisional response again, until its PRACK comes (RFC 3262 section 3).
    case reliableProvisional(DialogID)
    /// 64*T1 after it.
    case prack(DialogID)
    /// The pause after a glare (section 14.1).
    case glare(DialogID)
    /// The far end has not refreshed the session (RFC 4028 section 10).
    case session(DialogID)

    /// A call sets and cancels some fifty timers: see `SlotID`.
    func _rawHashValue(seed: Int) -> Int {
      switch self {
      case .clientRetransmission(let id): id.rawHash(kind: 0, seed: seed)
      case .clientLifetime(let id): id.rawHash(kind: 1, seed: seed)
      case .serverRetransmission(let id): id.rawHash(kind: 2, seed: seed)
      case .serverLifetime(let id): id.rawHash(kind: 3, seed: seed)
      case .success(let id): id.rawHash(kind: 4, seed: seed)
      case .acknowledgement(let id): id.rawHash(kind: 5, seed: seed)
      case .provisional(let id): id.rawHash(kind: 6, seed: seed)
      case .reliableProvisional(let id): id.rawHash(kind: 7, seed: seed)
      case .prack(let id): id.rawHash(kind: 8, seed: seed)
      case .glare(let id): id.rawHash(kind: 9, seed: seed)
      case .session(let id): id.rawHash(kind: 10, seed: seed)
      }
    }
  }

  public init(settings: Settings, entropy: Entropy) {
    self.settings = settings
    udp = Local(.udp, settings)
    tcp = Local(.tcp, settings)
    tls = Local(.tls, settings)
    self.entropy = entropy
  }

  /// Live dialogs and transactions, for metrics and for the proof that nothing leaks.
  public var dialogCount: Int { sessions.count }
  public var transactionCount: Int { clients.count + servers.count }
  public var nextDeadline: Instant? { timers.nextDeadline }
}
