public import API
import AsyncHTTPClient
import Foundation

/// `switchboard why` asked of a running server.
public struct WhyQuestion: Sendable {
  public struct Refusal: Error, Sendable, CustomStringConvertible {
    public var description: String
  }

  private let contact: String
  private let agent: String?
  private let offer: String?

  public init(contact: String, agent: String?, offer: String?) {
    self.contact = contact; self.agent = agent; self.offer = offer
  }

  private var path: String {
    func escaped(_ text: String) -> String {
      text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["_", "-", "."])) ?? ""
    }
    let query = [("agent", agent), ("offer", offer)].compactMap { name, value in value.map { "\(name)=\(escaped($0))" }
    }
    return "/v1/contacts/\(escaped(contact))/why" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
  }

  /// - Parameter address: as `http://127.0.0.1:8080`.
  public func ask(_ address: String, token: String) async throws -> Why {
    let server = Server(address: address, token: token)
    let answer = await server.read(path)
    try await server.client.shutdown()
    switch answer {
    case .success(let body): return try JSON.decode(body)
    case .failure(.refused(_, let detail)): throw Refusal(description: detail)
    case .failure(.unreachable): throw Refusal(description: "The server at \(address) does not answer.")
    }
  }
}
