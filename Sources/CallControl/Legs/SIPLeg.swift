import ACD
import Primitives
import SDP
import SIP

/// One side of a call: a caller's dialog, or the dialog with one of an agent's phones.
struct LegID: SlotID {
  let slot: UInt32
  let generation: UInt32
  static let none = LegID(slot: .max, generation: 0)
}

/// A SIP dialog with its RTP port and its side of the offers and answers. What each step sends is decided by the
/// switchboard; the leg knows which steps are possible.
///
///     a caller:  arrived ──port──▶ waiting ──200──▶ established ──hang-up──▶ gone
///                   │                 └──183──▶ early ──200──▶┘
///                   └──refused──▶ gone ◀──CANCEL, refused── from waiting and early
///     a phone:   opening ──port──▶ inviting ──1xx──▶ ringing ──2xx──▶ established ──hang-up──▶ gone
///                                     └──4 s, 300-699──▶ gone ◀──┘ 300-699, CANCEL
struct SIPLeg: Sendable {
  enum State: Sendable, Equatable {
    /// The caller's INVITE was judged; the RTP port is being opened.
    case arrived
    /// The caller has no final response yet: 180 until an agent answers.
    case waiting
    /// The caller hears us already: a reliable 183 brought our SDP, and the 200 will bring none (RFC 3262 section 5).
    case early
    /// The phone is wanted; the RTP port is being opened.
    case opening
    /// Our INVITE is out, and nothing came back.
    case inviting
    /// The phone, or a proxy before it, is alive.
    case ringing
    /// A 2xx was sent or received.
    case established
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
      case 603...: self = .declined
      default: self = .unreachable
      }
    }
  }

  private(set) var side: Side
  let media: MediaID
  let flow: Flow
  /// Nil while a phone's port is being opened.
  var dialog: DialogID?
  /// Nil until the caller's contact is born.
  var contact: ContactID?
  /// Of a phone: where its INVITE goes.
  var target: URI?
  private(set) var state: State
  private(set) var port: UInt16 = 0
  private(set) var negotiation: Negotiation
  /// The caller's sdpOffer until it is answered; nil where the INVITE brought none.
  private(set) var pendingOffer: SessionDescription?
  /// What the caller would talk with, as its sdpOffer says.
  private let offeredCodec: AudioCodec?
  /// Our offer waits for its answer.
  private(set) var awaitsAnswer = false
  let codecs: [AudioCodec]
  /// Of a caller: the entry it came to, and who it is.
  var arrival: Arrival?

  struct Arrival: Sendable {
    var entry: Site.Entry
    var person: Contact.Person
  }

  /// A caller whose INVITE was judged.
  init(
    caller dialog: DialogID, arrival: Arrival, offer: (session: SessionDescription, codec: AudioCodec)?, flow: Flow,
    media: MediaID, session: UInt64
  ) {
    side = .contact
    state = .arrived
    codecs = AudioCodec.g711
    self.dialog = dialog
    self.arrival = arrival
    self.flow = flow
    self.media = media
    pendingOffer = offer?.session
    offeredCodec = offer?.codec
    negotiation = Negotiation(sessionID: session)
  }

  /// The phone of a customer who is called back.
  init(customer target: URI, for contact: ContactID, flow: Flow, media: MediaID, session: UInt64) {
    self.init(phone: target, for: contact, codecs: AudioCodec.g711, flow: flow, media: media, session: session)
    side = .contact
  }

  /// A phone that is to ring; its offer begins with the caller's codec.
  init(
    phone target: URI, for contact: ContactID, codecs: [AudioCodec], flow: Flow, media: MediaID, session: UInt64
  ) {
    side = .agent
    state = .opening
    self.contact = contact
    self.target = target
    self.codecs = codecs
    self.flow = flow
    self.media = media
    offeredCodec = nil
    negotiation = Negotiation(sessionID: session)
  }

  var agreed: NegotiatedMedia? { negotiation.agreed }
  var isEstablished: Bool { state == .established }
  /// A caller without a 200.
  var isUnanswered: Bool { state == .waiting || state == .early }
  /// It has our SDP, so audio may flow.
  var hasMedia: Bool { state == .early || state == .established }
  /// The far end does not want to hear us.
  var isHeldByRemote: Bool { negotiation.agreed?.isHeldByRemote ?? false }

  // MARK: Steps

  /// The RTP port is open.
  mutating func opened(_ port: UInt16) {
    self.port = port
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

  mutating func beginEarly() { state = .early }
  mutating func establish() { state = .established }

  // MARK: Offers and answers (RFC 3264)

  func local(at address: String) -> LocalMedia { LocalMedia(address: address, port: port, codecs: codecs) }

  /// The body of our 2xx to the caller's INVITE, or of a reliable 183 before it: the answer to its offer, or our offer.
  mutating func sdpForAnswer(at address: String) throws(NegotiationError) -> [UInt8] {
    guard let offer = pendingOffer else { return sdpOffer(at: address) }
    let answer = try negotiation.answer(offer, with: local(at: address)).bytes
    pendingOffer = nil
    return answer
  }

  mutating func sdpOffer(at address: String) -> [UInt8] {
    awaitsAnswer = true
    return negotiation.offer(local(at: address))
  }

  /// Answers the far end's new offer; an error changes nothing.
  mutating func answer(_ offer: SessionDescription, at address: String) throws(NegotiationError) -> [UInt8] {
    try negotiation.answer(offer, with: local(at: address)).bytes
  }

  /// Reads the answer to our offer.
  mutating func receive(answer message: Message) throws(NegotiationError) {
    awaitsAnswer = false
    guard let session = SessionDescription(in: message) else { throw .unexpectedAnswer }
    _ = try negotiation.receive(answer: session)
  }

  mutating func withdrawOffer() {
    awaitsAnswer = false
    negotiation.withdrawOffer()
  }

  /// What the media threads need to know of the far end.
  var remoteMedia: RemoteMedia? { agreed.map { RemoteMedia($0) } }

  /// What the caller would talk with, as far as it is known: the first codec of its own that we carry.
  var preferredCodec: AudioCodec? { agreed?.codec ?? offeredCodec }
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
