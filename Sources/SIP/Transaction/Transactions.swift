import Primitives

struct ClientTransactionID: SlotID {
  let slot: UInt32
  let generation: UInt32
}

/// A request of ours with its machine.
struct ClientTransaction: Sendable {
  enum Machine: Sendable {
    case invite(InviteClient)
    case request(RequestClient)

    var isTerminated: Bool {
      switch self {
      case .invite(let machine): machine.state == .terminated
      case .request(let machine): machine.state == .terminated
      }
    }
  }
  struct Content: Sendable {
    var headers: [UserAgent.Header] = []
    var body: UserAgent.Body?
    /// With what a challenge may be answered.
    var credentials: DigestCredentials?
    /// The answer that the request carries already.
    var authorization: UserAgent.Header?
  }
  /// Whom its responses concern.
  enum Purpose: Sendable, Equatable {
    /// The first INVITE of a dialog.
    case invitation(DialogID)
    case reinvitation(DialogID)
    /// An INVITE given up: a 2xx that comes late gets ACK and BYE.
    case abandoned
    /// BYE and CANCEL: nobody waits for them.
    case none
  }

  var machine: Machine
  var key: ClientKey
  var method: Method
  var purpose: Purpose
  var flow: Flow
  /// The request as sent, for retransmission.
  var bytes: [UInt8]
  /// The dialog when the request left: what ACK, CANCEL and the end of a fork are made from.
  var dialog: Dialog
  /// The ACK for a refusal, made when it comes.
  var refusalAcknowledgement: [UInt8] = []
  /// ACKs for 2xx by the tag of the fork, repeated with each copy of it (section 13.2.2.4).
  var acknowledgements: [(tag: String, transmission: UserAgent.Transmission)] = []
  /// What the request was made from, to make it again when it is challenged.
  var content = Content()
  /// CANCEL waits for a provisional response (section 9.1).
  var isCancelWanted = false

  /// Runs one step of whichever machine this is.
  mutating func step(
    _ invite: (inout InviteClient) -> Reaction, _ request: (inout RequestClient) -> Reaction
  ) -> Reaction {
    switch machine {
    case .invite(var inner):
      let reaction = invite(&inner)
      machine = .invite(inner)
      return reaction
    case .request(var inner):
      let reaction = request(&inner)
      machine = .request(inner)
      return reaction
    }
  }
}

/// A request of the far end with its machine.
struct ServerTransaction: Sendable {
  enum Machine: Sendable {
    case invite(InviteServer)
    case request(RequestServer)

    var isTerminated: Bool {
      switch self {
      case .invite(let machine): machine.state == .terminated
      case .request(let machine): machine.state == .terminated
      }
    }

    /// Still without a final response.
    var isOpen: Bool {
      switch self {
      case .invite(let machine): machine.state == .proceeding
      case .request(let machine): machine.state == .trying
      }
    }
  }
  /// Who answers it.
  enum Purpose: Sendable, Equatable {
    /// The first INVITE of a dialog.
    case invitation(DialogID)
    case reinvitation(DialogID)
    case update(DialogID)
    /// A PRACK that brings a new offer.
    case prack(DialogID)
    /// INFO, REFER and others in a dialog.
    case inDialog(DialogID)
    case outOfDialog
    /// Answered by the user agent itself.
    case none

    var dialog: DialogID? {
      switch self {
      case .invitation(let id), .reinvitation(let id), .update(let id), .prack(let id), .inDialog(let id): id
      case .outOfDialog, .none: nil
      }
    }
  }

  var machine: Machine
  var key: TransactionKey
  var mergeKey: TransactionKey?
  var purpose: Purpose
  /// Where responses go: RFC 3261 section 18.2.2, RFC 3581 section 4.
  var flow: Flow
  /// Where the request came from.
  var source: Flow
  /// Kept until the final response is made from it.
  var request: Message?
  /// Added to To, unless it has a tag already.
  var tag: String
  var response: [UInt8] = []

  mutating func step(
    _ invite: (inout InviteServer) -> Reaction, _ request: (inout RequestServer) -> Reaction
  ) -> Reaction {
    switch machine {
    case .invite(var inner):
      let reaction = invite(&inner)
      machine = .invite(inner)
      return reaction
    case .request(var inner):
      let reaction = request(&inner)
      machine = .request(inner)
      return reaction
    }
  }
}
