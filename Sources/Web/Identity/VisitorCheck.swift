import CallControl
import Foundation
import HTTPTypes

extension Exchange {
  /// The visitor as the site of the page vouches for them, by the token in `Authorization`. Nil where nobody does and
  /// the entry does not ask for it.
  ///
  /// A program that holds a token of ours speaks for whom it likes.
  /// - Throws: 401 for a token that is not believed, and for none where the entry requires one.
  func verifiedVisitor(of entry: Site.Entry, in site: Site) throws -> VerifiedVisitor? {
    guard entry.visitors.policy != .none, !principal.has(oneOf: [.widget, .admin]) else { return nil }
    guard case .stranger(let token) = principal else {
      guard entry.visitors.policy == .required else { return nil }
      var refused = Refused.unauthorized(
        "The entry takes visitors with a token of their site only: Authorization: Bearer <JWT>.")
      refused.title = "The visitor must be known to the site"
      throw refused
    }
    do throws(VerifiedVisitor.Disbelief) {
      return try VerifiedVisitor(
        token, keys: entry.visitors.keys, audiences: [entry.name, site.domain], now: Date().timeIntervalSince1970)
    } catch {
      var refused = Refused.unauthorized(error.reason + ".")
      refused.kind = "invalid-token"
      refused.title = "The visitor's token is not believed"
      refused.headers[.wwwAuthenticate] = "Bearer error=\"invalid_token\""
      throw refused
    }
  }
}
