public import API
import AsyncHTTPClient
import Foundation

/// What the command line asks of a running server.
public struct Remote: Sendable {
  public struct Refusal: Error, Sendable, CustomStringConvertible {
    public var description: String
  }

  private let address: String
  private let token: String

  /// - Parameter address: as `http://127.0.0.1:8080`.
  public init(_ address: String, token: String) { self.address = address; self.token = token }

  /// `switchboard why`
  public func why(_ contact: String, agent: String?, offer: String?) async throws -> Why {
    let query = [("agent", agent), ("offer", offer)].compactMap { name, value in
      value.map { "\(name)=\(Self.escaped($0))" }
    }
    let path =
      "/v1/contacts/\(Self.escaped(contact))/why" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    return try await ask { await $0.read(path) }
  }

  /// `switchboard migrate-waiting`
  public func migrateWaiting(in queue: String) async throws -> Migration {
    try await ask { await $0.perform(.migrateWaiting(queue: Self.escaped(queue))) }
  }

  private func ask<Answer: Decodable>(
    _ question: (Server) async -> Result<[UInt8], CallFailure>
  ) async throws -> Answer {
    let server = Server(address: address, token: token)
    let answer = await question(server)
    try await server.client.shutdown()
    switch answer {
    case .success(let body): return try JSON.decode(body)
    case .failure(.refused(_, let detail)): throw Refusal(description: detail)
    case .failure(.unreachable): throw Refusal(description: server.silence)
    }
  }

  private static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["_", "-", "."])) ?? ""
  }
}
