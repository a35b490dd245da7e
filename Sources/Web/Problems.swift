import ACD
import API
import CallControl
import HTTPTypes

/// A request that gets a problem (RFC 9457) instead of what it asked for.
struct Refused: Error {
  var status: HTTPResponse.Status
  /// The last part of the problem's type.
  var kind: String
  var title: String
  var detail: String?
  var headers = HTTPFields()

  static func notFound(_ detail: String) -> Refused {
    Refused(status: .notFound, kind: "not-found", title: "Not found", detail: detail)
  }
  static func invalid(_ detail: String) -> Refused {
    Refused(status: .unprocessableContent, kind: "invalid", title: "The request makes no sense", detail: detail)
  }
  static func badRequest(_ detail: String) -> Refused {
    Refused(status: .badRequest, kind: "bad-request", title: "The request cannot be read", detail: detail)
  }
  static func forbidden(_ detail: String) -> Refused {
    Refused(status: .forbidden, kind: "forbidden", title: "Not allowed", detail: detail)
  }
  static func conflict(_ detail: String) -> Refused {
    Refused(status: .conflict, kind: "conflict", title: "Not possible now", detail: detail)
  }
  /// Told apart from other conflicts, for the cure is to send the same again in a moment.
  static let inProgress = Refused(
    status: .conflict, kind: "in-progress", title: "Not done yet",
    detail: "A request with this Idempotency-Key is still being carried out.", headers: [.retryAfter: "1"])
  static func unauthorized(_ principal: Principal) -> Refused {
    let detail =
      if case .anonymous = principal {
        "Send the header Authorization: Bearer <token>."
      } else {
        "The token is not one of this site, or does not belong to this contact."
      }
    return .unauthorized(detail)
  }
  static func unauthorized(_ detail: String) -> Refused {
    Refused(
      status: .unauthorized, kind: "unauthorized", title: "A valid bearer token is needed", detail: detail,
      headers: [.wwwAuthenticate: "Bearer"])
  }
  static func tooMany(_ verdict: RateLimiter.Verdict) -> Refused {
    Refused(
      status: .tooManyRequests, kind: "too-many-requests", title: "Too many requests",
      detail: "Wait \(verdict.retryAfter) s.", headers: [.retryAfter: String(verdict.retryAfter)])
  }
  static let internalError = Refused(
    status: .internalServerError, kind: "internal", title: "Something went wrong here",
    detail: "Try again; if it stays, the log of the server says more.")

  static func unavailable(_ kind: String, _ title: String, _ detail: String, retryAfter: Int) -> Refused {
    Refused(
      status: .serviceUnavailable, kind: kind, title: title, detail: detail,
      headers: [.retryAfter: String(retryAfter)])
  }

  /// Whether the same request may come out otherwise later, so that its answer is not kept under an
  /// `Idempotency-Key`: what failed for want of room, by a limit or by a fault of ours.
  var isPassing: Bool { status.code >= 500 || status == .tooManyRequests }

  func answer(for path: String) -> Answer {
    let problem = API.Problem(
      type: "urn:switchboard:problem:" + kind, title: title, status: status.code, detail: detail, instance: path)
    var headers = headers
    headers[.contentType] = "application/problem+json"
    // The struct holds strings and a number only, which always encode.
    return Answer(status: status, headers: headers, body: .bytes((try? JSON.encode(problem)) ?? []))
  }
}

extension Refused {
  init(_ problem: CallControl.Problem) {
    switch problem {
    case .notFound(let detail): self = .notFound(detail)
    case .conflict(let detail): self = .conflict(detail)
    case .gone(let detail): self = Refused(status: .gone, kind: "gone", title: "It is over", detail: detail)
    case .forbidden(let detail): self = .forbidden(detail)
    case .invalid(let detail): self = .invalid(detail)
    case .unusable(let reason):
      self = Refused(
        status: .unprocessableContent, kind: "unusable-offer", title: "The sdpOffer cannot be agreed on",
        detail: reason)
    case .refused(let refusal): self = Refused(refusal)
    case .overloaded:
      self = .unavailable("overloaded", "Too much at once", "Try again in a moment.", retryAfter: 1)
    }
  }

  private init(_ refusal: Refusal) {
    switch refusal {
    case .full:
      self = .unavailable("queue-full", "Everybody is busy", "Try again in a few minutes.", retryAfter: 60)
    case .closed:
      self = .unavailable("queue-closed", "We are closed now", "Come back in the opening hours.", retryAfter: 900)
    case .unstaffed:
      self = .unavailable("queue-unstaffed", "Nobody is here now", "Come back a little later.", retryAfter: 300)
    case .policy: self = .forbidden("This site does not take contacts from you.")
    case .channel: self = .invalid("The queue does not take this channel.")
    }
  }

  init(_ error: any Error) { self = error as? Refused ?? .internalError }

  static let tooLarge = Refused(
    status: .contentTooLarge, kind: "too-large", title: "The body is too large",
    detail: "A body may have 65,536 bytes, a message 4,000 characters.")
}
