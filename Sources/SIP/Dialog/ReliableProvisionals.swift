/// The provisional responses to one INVITE that the far end acknowledges by PRACK (RFC 3262 section 3).
///
///     idle ──1xx──▶ unacknowledged ──PRACK──▶ idle, and the response that waited is sent
///       ▲             │  ╰──T1, 2*T1, 4*T1…: sent again
///       │             ├──64*T1──▶ 504 to the INVITE
///       │             ├──300-699──▶ gone with the dialog
///       └──PRACK──── over ◀──2xx, unless the 1xx had a body: then the 2xx waits
///
/// One response at a time waits for its PRACK; what is to follow stands behind it.
struct ReliableProvisionals: Sendable, Equatable {
  /// A response to the INVITE as the layer above ordered it.
  struct Response: Sendable, Equatable {
    var status: Int
    var reason: String?
    var headers: [UserAgent.Header]
    var body: UserAgent.Body?
  }
  struct Unacknowledged: Sendable, Equatable {
    var bytes: [UInt8]
    var flow: Flow
    var interval: Int64
    var hasBody: Bool
  }

  /// The far end wants each of them acknowledged, not only those with a body.
  let isRequired: Bool
  /// CSeq number of the INVITE.
  let inviteSequence: UInt32
  /// The INVITE brought no offer, so the first response with a body is one.
  let isOfferDelayed: Bool
  /// RSeq of the newest; the first is chosen at random below 2^31, so that it cannot wrap.
  private(set) var sequence: UInt32
  /// Status of the newest; nil before the first.
  private(set) var status: Int?
  private(set) var unacknowledged: Unacknowledged?
  /// One with a body was sent: no later response carries one.
  private(set) var hasDescribed = false
  /// The newest response that must not leave before the PRACK.
  var deferred: Response?

  init(isRequired: Bool, inviteSequence: UInt32, isOfferDelayed: Bool, first: UInt32) {
    self.isRequired = isRequired
    self.inviteSequence = inviteSequence
    self.isOfferDelayed = isOfferDelayed
    sequence = first - 1
  }

  /// Whether a response goes this way: where the far end requires it, where it has an offer or answer to carry, and
  /// whatever follows such a one.
  func isReliable(_ response: Response) -> Bool {
    response.status > 100 && response.status < 200 && (isRequired || response.body != nil || status != nil)
  }

  /// Section 3: no second one before the first is acknowledged, and no 2xx before an offer or answer is.
  func mustWait(_ response: Response) -> Bool {
    guard let unacknowledged else { return false }
    return response.status < 200 ? isReliable(response) : response.status < 300 && unacknowledged.hasBody
  }

  /// RSeq of the next.
  mutating func next() -> UInt32 {
    sequence &+= 1
    return sequence
  }

  mutating func sent(_ response: Response, as bytes: [UInt8], over flow: Flow, interval: Int64) {
    status = response.status
    if response.body != nil { hasDescribed = true }
    unacknowledged = Unacknowledged(bytes: bytes, flow: flow, interval: interval, hasBody: response.body != nil)
  }

  /// Section 3: doubled without a ceiling, on streams too, for a proxy may lose it.
  mutating func repeated() -> (bytes: [UInt8], flow: Flow, interval: Int64)? {
    guard var next = unacknowledged else { return nil }
    next.interval *= 2
    unacknowledged = next
    return (next.bytes, next.flow, next.interval)
  }

  /// A PRACK with this RAck (section 7.2: RSeq, CSeq number and method). Nil unless it acknowledges what waits for it.
  mutating func acknowledge(_ header: String?) -> Unacknowledged? {
    let parts = (header ?? "").split { $0 == " " || $0 == "\t" }
    guard let waiting = unacknowledged, parts.count == 3, UInt32(parts[0]) == sequence,
      UInt32(parts[1]) == inviteSequence, parts[2] == Method.invite.name
    else { return nil }
    unacknowledged = nil
    return waiting
  }
}
