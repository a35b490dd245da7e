import ACD
import Primitives
import SDP
import SIP

/// One side of a call: a caller, or one of an agent's phones.
struct LegID: SlotID {
  let slot: UInt32
  let generation: UInt32
  static let none = LegID(slot: .max, generation: 0)
}

/// One side of a call: its media, its side of the offers and answers, and the way in which its far end is told. What
/// each step sends is decided by the switchboard; the leg knows which steps are possible.
///
///     a caller:  arrived ──opened──▶ waiting ──200, 201──▶ established ──hang-up──▶ gone
///                   │                   └──183──▶ early ──200──▶┘
///                   └──refused──▶ gone ◀──CANCEL, refused── from waiting and early
///     a phone:   opening ──opened──▶ inviting ──1xx──▶ ringing ──2xx──▶ established ──hang-up──▶ gone
///                   ▲                   └──4 s, 300-699──▶ gone ◀──┘ 300-699, CANCEL
///                   └──SRTP refused, plain RTP allowed── from inviting and ringing
///     an agent's page:  arrived ──opened, 201──▶ established, between calls too ──DELETE, replaced, lost──▶ gone
struct Leg: Sendable {
  enum State: Sendable, Equatable {
    /// The caller's or the page's sdpOffer was judged; its media is being opened.
    case arrived
    /// The caller has no final response yet: 180 until an agent answers.
    case waiting
    /// The caller hears us already: a reliable 183 brought our SDP, and the 200 will bring none (RFC 3262 section 5).
    case early
    /// The phone is wanted; its media is being opened.
    case opening
    /// Our INVITE is out, and nothing came back.
    case inviting
    /// The phone, or a proxy before it, is alive.
    case ringing
    /// It has our final answer, or we have its.
    case established
  }

  /// How the far end is told.
  enum Signalling: Sendable, Equatable {
    /// By a SIP dialog over this flow.
    case sip(Flow)
    /// By the replies to a web page's commands; its event stream tells the rest.
    case page
  }

  /// The way of a page's packets. A SIP leg counts as up from the beginning, over DTLS-SRTP too: what it is told does not
  /// wait for its media.
  enum Link: Sendable, Equatable {
    /// Its DTLS is not done yet.
    case awaited
    case up
    /// It was up; the page may come back, or be loaded anew.
    case lost
  }

  /// Why a phone could not be won, the word that counts most last (`CALLS.md` 2).
  enum Failure: Int, Sendable, Comparable {
    case unreachable, media, busy, declined
    static func < (a: Failure, b: Failure) -> Bool { a.rawValue < b.rawValue }

    /// A redirection is never followed, and a challenge never answered: both mean that the phone is not there.
    init(status: Int) {
      switch status {
      case 486, 600: self = .busy
      case 415, 488, 606: self = .media
      case 603, 607, 608: self = .declined
      default: self = .unreachable
      }
    }
  }

  let side: Side
  let signalling: Signalling
  private(set) var transport: MediaTransport
  /// Of a page it changes with each reload, for a new page has a new transport.
  private(set) var media: MediaID
  /// Of a SIP leg; nil while a phone's port is being opened.
  var dialog: DialogID?
  /// Nil until the caller's contact is born, and for an agent's page between calls.
  var contact: ContactID?
  /// Of a phone: where its INVITE goes.
  var target: URI?
  /// Of an agent's page, which stays between calls.
  private(set) var phone: Phone?
  private(set) var state: State
  private(set) var opened = OpenedMedia(port: 0)
  private(set) var link: Link
  private(set) var negotiation: Negotiation {
    // What legs are asked all the time stands beside it: to reach into it in the table would copy the leg.
    didSet {
      codec = negotiation.agreed?.codec
      isHeldByRemote = negotiation.agreed?.isHeldByRemote ?? false
    }
  }
  /// What its two ends talk with, once they have agreed.
  private(set) var codec: AudioCodec?
  /// The far end does not want to hear us.
  private(set) var isHeldByRemote = false
  /// The caller's sdpOffer until it is answered; nil where the INVITE brought none.
  private(set) var pendingOffer: Offer?
  /// What a page waits for.
  var demand: Demand?
  /// What the caller would talk with, as its sdpOffer says.
  private let offeredCodec: AudioCodec?
  /// Our offer waits for its answer.
  private(set) var awaitsAnswer = false
  private(set) var codecs: [AudioCodec]
  /// Of a caller: the entry it came to, and who it is.
  var arrival: Arrival?

  struct Arrival: Sendable {
    var entry: Site.Entry
    var person: Contact.Person
  }

  /// A sdpOffer of a far end, judged.
  struct Offer: Sendable {
    var session: SessionDescription
    /// What an answer would agree on.
    var outcome: Negotiation.Outcome
    /// What our answer may choose from.
    var codecs = AudioCodec.g711

    var transport: MediaTransport {
      switch outcome.media.security {
      case .none: .rtp
      case .sdes: .srtp
      case .web: .web
      }
    }
  }

  /// A page as an agent's phone.
  struct Phone: Sendable {
    var agent: AgentID
    var id: PhoneID
  }

  /// A page's request that is answered once the media threads have made ready what it needs.
  struct Demand: Sendable {
    var request: RequestID
    /// The medium that is being opened, or whose ICE restarts.
    var media: MediaID
    /// What to answer; nil where only fresh credentials are wanted.
    var offer: Offer?
    /// The browser's own fresh credentials, where there is no offer.
    var ice: ICECredentials?
    /// The page that takes an agent's phone over.
    var phone: PhoneID?
  }

  private init(
    _ side: Side, _ state: State, _ signalling: Signalling, over transport: MediaTransport, codecs: [AudioCodec],
    offer: Offer?, media: MediaID, session: UInt64
  ) {
    self.side = side; self.state = state; self.signalling = signalling; self.transport = transport
    self.codecs = codecs; self.media = media
    link = signalling == .page ? .awaited : .up
    pendingOffer = offer
    offeredCodec = offer?.outcome.media.codec
    negotiation = Negotiation(sessionID: session)
  }

  /// A caller whose INVITE was judged. Without an offer ours decides: SRTP over TLS, and plain RTP beside it.
  init(
    caller dialog: DialogID, arrival: Arrival, offer: Offer?, flow: Flow, over transport: MediaTransport,
    media: MediaID, session: UInt64
  ) {
    self.init(
      .contact, .arrived, .sip(flow), over: transport, codecs: offer?.codecs ?? AudioCodec.g711, offer: offer,
      media: media, session: session)
    self.dialog = dialog
    self.arrival = arrival
  }

  /// A visitor of a web page whose sdpOffer was judged.
  init(visitor arrival: Arrival, offer: Offer, request: RequestID, media: MediaID, session: UInt64) {
    self.init(
      .contact, .arrived, .page, over: .web, codecs: offer.codecs, offer: offer, media: media, session: session)
    self.arrival = arrival
    demand = Demand(request: request, media: media, offer: offer)
  }

  /// The page that is an agent's phone.
  init(phone: Phone, offer: Offer, request: RequestID, media: MediaID, session: UInt64) {
    self.init(
      .agent, .arrived, .page, over: .web, codecs: offer.codecs, offer: offer, media: media, session: session)
    self.phone = phone
    demand = Demand(request: request, media: media, offer: offer)
  }

  /// A phone that is to ring, of an agent or of a customer who is called back; its offer begins with the other side's
  /// codec.
  init(
    phone target: URI, of side: Side = .agent, for contact: ContactID, codecs: [AudioCodec], flow: Flow,
    over transport: MediaTransport = .rtp, media: MediaID, session: UInt64
  ) {
    self.init(
      side, .opening, .sip(flow), over: transport, codecs: codecs, offer: nil, media: media, session: session)
    self.contact = contact
    self.target = target
  }

  // Inlined and made of fields: a leg is asked in its table, and a getter that is called would copy the whole of it.

  @inline(__always)
  var flow: Flow? { if case .sip(let flow) = signalling { flow } else { nil } }
  @inline(__always)
  var isEstablished: Bool { state == .established }
  /// A caller without a final answer.
  @inline(__always)
  var isUnanswered: Bool {
    switch state {
    case .waiting, .early: true
    case .arrived, .opening, .inviting, .ringing, .established: false
    }
  }
  /// It has our SDP and we have its, so audio may flow.
  @inline(__always)
  var hasMedia: Bool {
    guard link == .up, codec != nil else { return false }
    switch state {
    case .early, .established: return true
    case .arrived, .waiting, .opening, .inviting, .ringing: return false
    }
  }
  @inline(__always)
  var listens: Bool { hasMedia && !isHeldByRemote }

  // MARK: Steps

  /// Its media is ready.
  mutating func opened(_ opened: OpenedMedia) {
    self.opened = opened
    if state == .arrived { state = .waiting }
  }

  mutating func invited(as dialog: DialogID) {
    self.dialog = dialog
    state = .inviting
  }

  /// A 1xx came. True the first time.
  mutating func isAlive() -> Bool {
    guard state == .inviting else { return false }
    state = .ringing
    return true
  }

  /// The phone refused SRTP: it is to be asked for plain RTP, by an INVITE of its own.
  mutating func retryPlainly(session: UInt64) {
    transport = .rtp
    state = .opening
    negotiation = Negotiation(sessionID: session)
  }

  mutating func beginEarly() { state = .early }
  mutating func establish() { state = .established }

  mutating func linkUp() { link = .up }
  mutating func linkLost() { link = .lost }

  /// A page that was loaded anew takes the place of the one before: nothing of the old session holds for it.
  mutating func renew(for demand: Demand, _ opened: OpenedMedia, session: UInt64) {
    media = demand.media
    self.opened = opened
    if link == .up { link = .lost }
    if let offer = demand.offer { codecs = offer.codecs }
    if let id = demand.phone { phone?.id = id }
    negotiation = Negotiation(sessionID: session)
  }

  /// The browser's next connectivity checks are keyed with these.
  mutating func restart(_ ice: ICECredentials) { opened.web?.ice = ice }

  // MARK: Offers and answers (RFC 3264)

  func local(at address: String) -> LocalMedia {
    var local = LocalMedia(address: address, port: opened.port, codecs: codecs)
    switch transport {
    case .rtp: break
    case .srtp: local.security = .sdes(opened.sdes)
    case .web: if let web = opened.web { local.security = .web(web) }
    }
    return local
  }

  /// The body of our final answer to the caller's first offer, or of a reliable 183 before it: the answer to its offer,
  /// or our offer.
  mutating func sdpForAnswer(at address: String) throws(NegotiationError) -> [UInt8] {
    guard let offer = pendingOffer else { return sdpOffer(at: address, offersPlain: transport == .srtp) }
    // Of SRTP and of DTLS our side was not known when it was judged.
    let answer = try negotiation.answer(
      offer.session, with: local(at: address), judged: transport == .rtp ? offer.outcome : nil)
    pendingOffer = nil
    return answer.bytes
  }

  mutating func sdpOffer(at address: String, offersPlain: Bool = false) -> [UInt8] {
    awaitsAnswer = true
    var local = local(at: address)
    local.offersPlain = offersPlain
    return negotiation.offer(local)
  }

  /// Whether ICE would restart, or another association begin, by this offer: then our side would have to change first.
  func isRestart(_ offer: SessionDescription, at address: String) -> Bool {
    guard case .web(let ice, let fingerprints, _)? = negotiation.agreed?.security,
      case .web(let newICE, let newFingerprints, _)? =
        (try? negotiation.outcome(of: offer, with: local(at: address)))?.media.security
    else { return false }
    return ice != newICE || fingerprints != newFingerprints
  }

  /// Answers the far end's new offer; an error changes nothing.
  mutating func answer(_ offer: SessionDescription, at address: String) throws(NegotiationError) -> [UInt8] {
    try negotiation.answer(offer, with: local(at: address)).bytes
  }

  /// Takes a browser's fresh credentials, and answers with ours as a fragment.
  mutating func answer(restart remote: ICECredentials) -> [UInt8]? {
    opened.web.map { negotiation.answer(restart: remote, with: $0) }
  }

  /// Reads the answer to our offer.
  mutating func receive(answer message: Message) throws(NegotiationError) {
    awaitsAnswer = false
    guard let session = SessionDescription(in: message) else { throw .unexpectedAnswer }
    let agreed = try negotiation.receive(answer: session)
    if transport == .srtp, agreed.security == .none { transport = .rtp }
  }

  mutating func withdrawOffer() {
    awaitsAnswer = false
    negotiation.withdrawOffer()
  }

  /// What the caller would talk with, as far as it is known: the first codec of its own that we carry.
  @inline(__always)
  var preferredCodec: AudioCodec? { codec ?? offeredCodec }
}

extension SessionDescription {
  /// The description that a message carries; nil where there is none, or it cannot be read.
  init?(in message: Message) {
    guard message.contentType == "application/sdp", let session = try? SessionDescription(parsing: message.body) else {
      return nil
    }
    self = session
  }
}
