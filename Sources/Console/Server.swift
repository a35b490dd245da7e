import API
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The server as a console sees it.
struct Server: Sendable {
  /// Without a slash at the end.
  let address: String
  let token: String
  let client: HTTPClient

  init(address: String, token: String) {
    var address = address
    while address.hasSuffix("/") { address.removeLast() }
    self.address = address
    self.token = token
    // A silent stream says something every 15 s.
    let timeout = HTTPClient.Configuration.Timeout(connect: .seconds(3), read: .seconds(25))
    client = HTTPClient(configuration: HTTPClient.Configuration(timeout: timeout))
  }

  /// What to say where it does not answer.
  var silence: String { "The server at \(address) does not answer." }

  private func request(_ method: String, _ path: String) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: address + path)
    request.method = HTTPMethod(rawValue: method)
    request.headers.add(name: "authorization", value: "Bearer " + token)
    return request
  }

  /// Commands that got no answer are sent once more: their `Idempotency-Key` sees to it that they happen once.
  func perform(_ call: Call) async -> Result<[UInt8], CallFailure> {
    let content = call.request
    var request = request(content.method, content.path)
    if content.method == "POST" { request.headers.add(name: "idempotency-key", value: UUID().uuidString) }
    if let body = content.body {
      request.headers.add(name: "content-type", value: "application/json")
      request.body = .bytes(body)
    }
    let answer = await perform(request)
    guard !call.isRead, answer == .failure(.unreachable) else { return answer }
    try? await Task.sleep(for: .milliseconds(500))
    return await perform(request)
  }

  func read(_ path: String) async -> Result<[UInt8], CallFailure> { await perform(request("GET", path), timeout: 60) }

  private func perform(_ request: HTTPClientRequest, timeout: Int64 = 4) async -> Result<[UInt8], CallFailure> {
    do {
      let response = try await client.execute(request, timeout: .seconds(timeout))
      let body = Array(try await response.body.collect(upTo: 8 << 20).readableBytesView)
      if (200..<300).contains(response.status.code) { return .success(body) }
      return .failure(.refused(status: Int(response.status.code), detail: Self.detail(of: response, body)))
    } catch {
      return .failure(.unreachable)
    }
  }

  private static func detail(of response: HTTPClientResponse, _ body: [UInt8]) -> String {
    guard let problem: Problem = try? JSON.decode(body) else {
      return "\(response.status.code) \(response.status.reasonPhrase)"
    }
    return problem.detail ?? problem.title
  }

  /// Follows the agent's event stream for ever, and connects again with a growing pause whenever it breaks.
  func follow(_ tell: @Sendable (Model.Input) -> Void) async {
    var lastEventID: String?
    var pause = Duration.milliseconds(250)
    while !Task.isCancelled {
      do {
        var request = request("GET", "/v1/agents/me/events")
        if let lastEventID { request.headers.add(name: "last-event-id", value: lastEventID) }
        let response = try await client.execute(request, deadline: .distantFuture)
        switch response.status.code {
        case 200:
          pause = .milliseconds(250)
          tell(.linkUp)
          try await read(response.body, lastEventID: &lastEventID, tell)
        case 401, 403:
          let body = Array(try await response.body.collect(upTo: 1 << 16).readableBytesView)
          return tell(.barred("the server refuses the token: " + Self.detail(of: response, body)))
        default: break
        }
      } catch {
        // Whatever broke the link, the cure is the same.
      }
      tell(.linkLost)
      try? await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(5))
    }
  }

  private func read(
    _ body: HTTPClientResponse.Body, lastEventID: inout String?, _ tell: @Sendable (Model.Input) -> Void
  ) async throws {
    var reader = EventStreamReader(lastEventID: lastEventID)
    for try await piece in body {
      for event in try reader.read(piece.readableBytesView) {
        if let event = try StreamEvent(name: event.name, json: event.data) { tell(.event(event)) }
        lastEventID = event.id
      }
    }
  }
}
