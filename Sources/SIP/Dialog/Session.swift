import Primitives

/// An INVITE session: a dialog and how far its offers and its ending have come.
///
///     ringing ──2xx──▶ accepted ──ACK──▶ confirmed        (the far end called)
///                          └──end──▶ ending ──ACK or 64*T1──▶ BYE
///     calling ──2xx──▶ answered ──our ACK──▶ confirmed    (we called)
struct Session: Sendable {
  enum State: Sendable, Equatable {
    /// Our INVITE waits for its final response.
    case calling(ClientTransactionID)
    /// Their INVITE waits for our final response.
    case ringing(ServerTransactionID)
    /// Our 2xx waits for its ACK.
    case accepted
    /// Their 2xx waits for our ACK.
    case answered
    case confirmed
    /// To be ended, but BYE must wait for the ACK (section 15).
    case ending
  }

  /// Our 2xx to an INVITE or re-INVITE, repeated until its ACK comes (section 13.3.1.4).
  struct Success: Sendable {
    var sequence: UInt32
    var transmission: UserAgent.Transmission
    var interval: Int64
    /// The INVITE brought no offer, so ours waits for its answer in the ACK.
    var carriesOffer: Bool
  }

  /// An offer that waits for its re-INVITE: for another INVITE to finish, or for the pause after a glare.
  struct Offer: Sendable {
    var body: UserAgent.Body?
    var refusals = 0
  }

  var dialog: Dialog
  var state: State
  /// Of somebody unknown over a stream: it ends with the stream, and nothing is opened to where its Contact points.
  var isConfined = false
  var success: Success?
  /// Of an INVITE whose sender knows PRACK.
  var provisionals: ReliableProvisionals?
  /// Their 2xx that waits for our ACK: CSeq and transaction.
  var unacknowledged: (sequence: UInt32, transaction: ClientTransactionID)?
  /// Our re-INVITE under way, and what it offers.
  var reinvitation: (transaction: ClientTransactionID, offer: Offer)?
  /// Requests of the far end that wait for the layer above.
  var open: [ServerTransactionID] = []
  /// The newest offer to be made as soon as section 14.1 lets us.
  var wanted: Offer?
  /// A pause after a glare is running.
  var isPausing = false
  /// Header lines of the BYE that waits for the ACK.
  var endHeaders: [UserAgent.Header] = []
  /// Of the trunk behind the dialog.
  var credentials: DigestCredentials?
  /// The interval of RFC 4028 that the far end refreshes within, in microseconds.
  var sessionInterval: Int64?

  init(dialog: Dialog, state: State) {
    self.dialog = dialog
    self.state = state
  }

  /// RFC 3311 section 5.1: an early dialog too, once an offer and its answer were exchanged reliably.
  var mayBeReoffered: Bool {
    guard case .ringing = state else { return state == .confirmed }
    return provisionals?.hasDescribed == true && provisionals?.unacknowledged == nil
  }

  /// Section 14.1: no INVITE is under way in either direction.
  func mayReinvite(_ isOpenInvite: (ServerTransactionID) -> Bool) -> Bool {
    state == .confirmed && success == nil && unacknowledged == nil && reinvitation == nil && !isPausing
      && !open.contains(where: isOpenInvite)
  }
}
