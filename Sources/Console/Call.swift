import API

/// One request to the server.
public enum Call: Sendable, Equatable {
  case signIn
  case signOut
  case ready
  case notReady(reason: String?)
  case accept(offer: String)
  case decline(offer: String)
  case pick(contact: String)
  case hold(contact: String)
  case resume(contact: String)
  case transfer(contact: String, queue: String)
  case hangUp(contact: String)
  case say(contact: String, text: String)
  case wrapUp(contact: String, code: String?)
  case migrateWaiting(queue: String)
  case readMessages(contact: String)
  case readQueues
  case readChoices

  /// Whether it changes nothing. Reads are not announced, and do not wait behind commands.
  public var isRead: Bool {
    switch self {
    case .readMessages, .readQueues, .readChoices: true
    default: false
    }
  }
}

/// What a call sends.
public struct Request: Sendable, Equatable {
  public var method: String
  public var path: String
  /// JSON
  public var body: [UInt8]?
}

/// Why a call has no answer.
public enum CallFailure: Error, Sendable, Equatable {
  /// The server said no.
  case refused(status: Int, detail: String)
  /// No answer arrived: the call may or may not have been carried out.
  case unreachable
}

extension Call {
  public var request: Request {
    switch self {
    case .signIn: Request(method: "POST", path: "/v1/agents/me/sign-in")
    case .signOut: Request(method: "POST", path: "/v1/agents/me/sign-out")
    case .ready: Request(method: "POST", path: "/v1/agents/me/ready")
    case .notReady(let reason): post("/v1/agents/me/not-ready", NotReady(reason: reason))
    case .accept(let offer): Request(method: "POST", path: "/v1/offers/\(offer)/accept")
    case .decline(let offer): Request(method: "POST", path: "/v1/offers/\(offer)/decline")
    case .pick(let contact): Request(method: "POST", path: "/v1/contacts/\(contact)/pick")
    case .hold(let contact): Request(method: "POST", path: "/v1/contacts/\(contact)/hold")
    case .resume(let contact): Request(method: "POST", path: "/v1/contacts/\(contact)/resume")
    case .transfer(let contact, let queue): post("/v1/contacts/\(contact)/transfer", Transfer(queue: queue))
    case .hangUp(let contact): Request(method: "DELETE", path: "/v1/contacts/\(contact)")
    case .say(let contact, let text): post("/v1/contacts/\(contact)/messages", NewMessage(text: text))
    case .wrapUp(let contact, let code): post("/v1/contacts/\(contact)/wrap-up", WrapUp(code: code))
    case .migrateWaiting(let queue): Request(method: "POST", path: "/v1/queues/q_\(queue)/migrate-waiting")
    case .readMessages(let contact): Request(method: "GET", path: "/v1/contacts/\(contact)/messages")
    case .readQueues: Request(method: "GET", path: "/v1/queues")
    case .readChoices: Request(method: "GET", path: "/v1/agents/me/choices")
    }
  }

  private func post(_ path: String, _ body: some Encodable) -> Request {
    // The bodies hold strings and numbers only, which always encode.
    Request(method: "POST", path: path, body: (try? JSON.encode(body)) ?? [])
  }

  /// How `OK:` and `ERR:` name it.
  var title: String {
    switch self {
    case .signIn: "sign-in"
    case .signOut: "sign-out"
    case .ready: "ready"
    case .notReady(let reason): reason.map { "not ready, \($0)" } ?? "not ready"
    case .accept(let offer): "accept \(offer)"
    case .decline(let offer): "reject \(offer)"
    case .pick(let contact): "pick \(contact)"
    case .hold(let contact): "hold \(contact)"
    case .resume(let contact): "resume \(contact)"
    case .transfer(let contact, let queue): "transfer \(contact) to \(queue)"
    case .hangUp(let contact): "hang up \(contact)"
    case .say(let contact, _): "say \(contact)"
    case .wrapUp(let contact, let code): "wrap up \(contact)" + (code.map { ", \($0)" } ?? "")
    case .migrateWaiting(let queue): "migrate \(queue)"
    case .readMessages(let contact): "messages of \(contact)"
    case .readQueues: "queues"
    case .readChoices: "choices"
    }
  }
}
