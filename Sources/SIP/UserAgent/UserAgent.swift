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

/// The user agent core: transactions (RFC 3261 section 17, RFC 6026) and dialogs (section 12) as one value without I/O.
///
/// It answers by itself what needs no decision: 100 to an INVITE, 200 to CANCEL and 487 to its INVITE, 200 to BYE, ACK
/// to a final response other than 2xx, 481 where no dialog matches, 491 to a re-INVITE that crosses ours, 405, 415, 420
/// and 505; it retransmits; a 2xx that comes for an INVITE that was cancelled gets ACK and BYE.
public struct UserAgent: Sendable {
  public struct Settings: Sendable {
    /// Host and port that stand in Via and Contact, by transport.
    public var udp: Endpoint?
    public var tcp: Endpoint?
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
    /// The ACK for our 2xx came; its body is the answer after a delayed offer.
    case acknowledged(DialogID, Message)
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
    /// A re-INVITE or UPDATE from the far end waits for `respond`.
    case reoffered(DialogID, ServerTransactionID, Message)
    /// 2xx to our re-INVITE; the layer above calls `acknowledge`.
    case reanswered(DialogID, Message)
    /// Our re-INVITE was refused; 491 is retried by the agent itself.
    case rerejected(DialogID, status: Int)
    /// BYE came (200 is sent), or the dialog broke (481, 408): it is gone.
    case ended(DialogID, Message?)
    /// Another request inside a dialog waits for `respond`: INFO, REFER, NOTIFY…
    case request(DialogID, ServerTransactionID, Message)
    /// A request outside dialogs waits for `respond`: REGISTER, OPTIONS, MESSAGE…
    case outOfDialog(ServerTransactionID, Message, Flow)
  }

  /// Bytes to send now. Retransmissions and automatic responses are ready at once; what follows from a decision is
  /// released by the layer above after the commit.
  public struct Transmission: Sendable {
    public var bytes: [UInt8]
    public var flow: Flow
    public init(bytes: [UInt8], flow: Flow) { self.bytes = bytes; self.flow = flow }
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

  public init(settings: Settings, entropy: Entropy) { fatalError("unwritten") }

  // What comes in.

  public mutating func receive(_ message: Message, from flow: Flow, at now: Instant, into output: inout Output) {
    fatalError("unwritten")
  }
  /// Sending on the flow failed, or its connection closed: the transactions on it end as RFC 3261 section 17.1.4 says.
  public mutating func flowFailed(_ flow: Flow, at now: Instant, into output: inout Output) { fatalError("unwritten") }
  public mutating func timersDue(at now: Instant, into output: inout Output) { fatalError("unwritten") }
  public var nextDeadline: Instant? { fatalError("unwritten") }
  /// Live dialogs and transactions, for metrics and for the proof that nothing leaks.
  public var dialogCount: Int { fatalError("unwritten") }
  public var transactionCount: Int { fatalError("unwritten") }

  // What the layer above wants.

  /// Responds to the INVITE of a dialog: 1xx, 2xx or a refusal (after which the dialog is gone).
  public mutating func respond(
    to dialog: DialogID, status: Int, reason: String? = nil, headers: [Header] = [], body: Body? = nil,
    at now: Instant, into output: inout Output
  ) { fatalError("unwritten") }

  /// Responds to a re-INVITE, an in-dialog request or a request outside dialogs.
  public mutating func respond(
    to transaction: ServerTransactionID, status: Int, reason: String? = nil, headers: [Header] = [], body: Body? = nil,
    at now: Instant, into output: inout Output
  ) { fatalError("unwritten") }

  /// Sends an INVITE to `target` over `flow`.
  public mutating func invite(
    _ target: URI, over flow: Flow, from: Address, to: Address, headers: [Header] = [], body: Body?,
    at now: Instant, into output: inout Output
  ) -> DialogID { fatalError("unwritten") }

  /// Gives an INVITE up: CANCEL once a provisional came, and ACK and BYE should a 2xx cross it. No occurrence follows.
  public mutating func cancel(_ dialog: DialogID, at now: Instant, into output: inout Output) { fatalError("unwritten") }

  /// ACK for a 2xx to an INVITE or re-INVITE, with the answer after a delayed offer.
  public mutating func acknowledge(_ dialog: DialogID, body: Body? = nil, at now: Instant, into output: inout Output) {
    fatalError("unwritten")
  }

  public mutating func reinvite(_ dialog: DialogID, body: Body?, at now: Instant, into output: inout Output) {
    fatalError("unwritten")
  }

  /// Ends a dialog: BYE when it is confirmed or waits for its ACK (section 15), a 480 when it is still unanswered.
  public mutating func end(_ dialog: DialogID, headers: [Header] = [], at now: Instant, into output: inout Output) {
    fatalError("unwritten")
  }

  // Restart (`CALLS.md` 6).

  /// What must be stored to send BYE after a restart: Call-ID, tags, CSeq, target, routes, flow.
  public struct SavedDialog: Sendable, Equatable {
    public var bytes: [UInt8]
    public init(bytes: [UInt8]) { self.bytes = bytes }
  }
  public func saved(_ dialog: DialogID) -> SavedDialog? { fatalError("unwritten") }
  /// Takes a stored dialog up again, to end it; nil if the bytes are of another version.
  public mutating func restore(_ dialog: SavedDialog) -> DialogID? { fatalError("unwritten") }
}
