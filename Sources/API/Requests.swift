/// `POST /v1/contacts?entry=…`: a visitor opens a chat.
public struct NewContact: Codable, Sendable, Equatable {
  public var name: String?
  /// At most 16 of at most 256 bytes; they arrive as `page.*`.
  public var attributes: [String: String]?
  public init(name: String? = nil, attributes: [String: String]? = nil) {
    self.name = name; self.attributes = attributes
  }
}

/// The answer: the contact, and the bearer token that only this visitor has.
public struct OpenedContact: Codable, Sendable, Equatable {
  public var contact: Contact
  public var token: String
  public init(contact: Contact, token: String) { self.contact = contact; self.token = token }
}

/// `POST /v1/contacts/{id}/messages`
public struct NewMessage: Codable, Sendable, Equatable {
  /// 1 to 4,000 characters.
  public var text: String
  public init(text: String) { self.text = text }
}

/// `POST /v1/agents/me/not-ready`
public struct NotReady: Codable, Sendable, Equatable {
  public var reason: String?
  public init(reason: String? = nil) { self.reason = reason }
}

/// `POST /v1/contacts/{id}/wrap-up`: ends it, or with `extend_seconds` makes it longer.
public struct WrapUp: Codable, Sendable, Equatable {
  public var code: String?
  public var extendSeconds: Int?
  public init(code: String? = nil, extendSeconds: Int? = nil) { self.code = code; self.extendSeconds = extendSeconds }
  enum CodingKeys: String, CodingKey {
    case code
    case extendSeconds = "extend_seconds"
  }
}

/// `POST /v1/contacts/{id}/transfer`
public struct Transfer: Codable, Sendable, Equatable {
  /// `q_…` or its name.
  public var queue: String
  public init(queue: String) { self.queue = queue }
}

/// A part of a list. The cursor is opaque; nil on the last part.
public struct Page<Item: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
  public var items: [Item]
  public var nextCursor: String?
  public init(items: [Item], nextCursor: String? = nil) { self.items = items; self.nextCursor = nextCursor }
  enum CodingKeys: String, CodingKey {
    case items
    case nextCursor = "next_cursor"
  }
}

/// RFC 9457, sent as `application/problem+json`.
public struct Problem: Codable, Sendable, Equatable, Error {
  /// A URI that names the kind: `urn:switchboard:problem:not-found`.
  public var type: String
  public var title: String
  public var status: Int
  /// A sentence that says what to do.
  public var detail: String?
  /// The request's path.
  public var instance: String?
  public init(type: String, title: String, status: Int, detail: String? = nil, instance: String? = nil) {
    self.type = type; self.title = title; self.status = status; self.detail = detail; self.instance = instance
  }
}

/// What became of `migrate-waiting`.
public struct Migration: Codable, Sendable, Equatable {
  /// `q_<name>`
  public var queue: String
  /// So many waiting contacts go on by the queue's present ladder, that had another one.
  public var contacts: Int
  public init(queue: String, contacts: Int) { self.queue = queue; self.contacts = contacts }
}
