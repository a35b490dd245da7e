public struct Agent: Codable, Sendable, Equatable {
  /// `ag_<name>`
  public var id: String
  /// As people write it.
  public var name: String
  /// `signed_out`, `ready` or `not_ready`.
  public var state: String
  /// Why not ready, by name.
  public var reason: String?
  /// `ok`, `unreachable`, `demo` or `none`.
  public var phone: String
  public var contacts: [Contact]
  public var offer: Offer?
  /// Contacts that wait to be picked, the first to come first; nil for who is no attendant.
  public var waiting: [Contact]?
  /// The page that is the agent's phone now, `ph_…`: a page with another id has been replaced.
  public var phoneID: String?
  public init(
    id: String, name: String, state: String, reason: String? = nil, phone: String, contacts: [Contact] = [],
    offer: Offer? = nil
  ) {
    self.id = id; self.name = name; self.state = state; self.reason = reason; self.phone = phone
    self.contacts = contacts; self.offer = offer
  }
  enum CodingKeys: String, CodingKey {
    case id, name, state, reason, phone, contacts, offer, waiting
    case phoneID = "phone_id"
  }
}

/// One contact presented to one agent.
public struct Offer: Codable, Sendable, Equatable {
  /// `of_<sequence>`
  public var id: String
  public var contact: Contact
  /// When it ends as missed.
  public var deadline: Timestamp
  /// Whether `POST /v1/offers/{id}/accept` takes it, or only the phone's answer.
  public var acceptsInConsole: Bool
  public init(id: String, contact: Contact, deadline: Timestamp, acceptsInConsole: Bool) {
    self.id = id; self.contact = contact; self.deadline = deadline; self.acceptsInConsole = acceptsInConsole
  }
  enum CodingKeys: String, CodingKey {
    case id, contact, deadline
    case acceptsInConsole = "accepts_in_console"
  }
}

public struct OfferEnd: Codable, Sendable, Equatable {
  public var id: String
  /// `accepted`, `declined`, `missed`, `withdrawn` or `failed`.
  public var ending: String
  public init(id: String, ending: String) { self.id = id; self.ending = ending }
}

/// Reasons an agent may give, codes a contact may be wrapped up with, and queues it may be transferred to.
public struct Choices: Codable, Sendable, Equatable {
  public var reasons: [String]
  /// Wrap-up codes by queue id.
  public var codes: [String: [String]]
  /// Queues to which contacts may be transferred, by name.
  public var queues: [String]
  public init(reasons: [String], codes: [String: [String]], queues: [String] = []) {
    self.reasons = reasons; self.codes = codes; self.queues = queues
  }
}
