import Foundation
import FoundationNetworking

/// One HTTP exchange: what the tests need of a client, and no more.
enum Web {
  struct Answer {
    var status: Int
    var data: Data
    var text: String { String(decoding: data, as: UTF8.self) }
    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:] }
  }

  @discardableResult
  static func send(
    _ method: String, _ url: String, headers: [String: String] = [:], body: [String: Any]? = nil
  ) async throws -> Answer {
    guard let address = URL(string: url) else { throw URLError(.badURL) }
    var request = URLRequest(url: address, timeoutInterval: 30)
    request.httpMethod = method
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    if let body {
      request.setValue("application/json", forHTTPHeaderField: "content-type")
      request.httpBody = try JSONSerialization.data(withJSONObject: body)
    }
    let (data, response) = try await URLSession.shared.data(for: request)
    return Answer(status: (response as? HTTPURLResponse)?.statusCode ?? 0, data: data)
  }
}
