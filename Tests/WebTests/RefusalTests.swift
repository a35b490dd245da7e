import API
import CallControl
import NIOHTTP1
import Synchronization
import Testing

@testable import Web

@Suite struct RefusalTests {
  @Test("A token that is missing and one that is not believed are told apart")
  func tokens() async throws {
    try await withServer { server in
      let (id, _) = try await server.openChat()
      for path in ["/v1/queues", "/v1/contacts/\(id)"] {
        let missing = try await server.send(.GET, path).problem()
        #expect(missing.status == 401 && missing.detail == "Send the header Authorization: Bearer <token>.")
        let wrong = try await server.send(.GET, path, token: "vt_wrong").problem()
        #expect(wrong.status == 401)
        #expect(wrong.detail == "The token is not one of this site, or does not belong to this contact.")
      }
      let beacon = try await server.send(.POST, "/v1/contacts/\(id)/leave", json: "vt_wrong").problem()
      #expect(beacon.detail == "The body must be the visitor's token for this contact.")
    }
  }

  @Test(
    "What is wrong with JSON is said of the header where it stands in one",
    arguments: [("W10", "must be a JSON object."), ("Ww", "is not JSON.")])
  func visitorHeader(header: String, words: String) async throws {
    try await withServer { server in
      let headers = [("origin", server.origin), ("content-type", "application/sdp"), ("switchboard-visitor", header)]
      let call = try await server.send(.POST, "/v1/contacts?entry=demo", json: "v=0", headers: headers).problem()
      #expect(call.detail == "The header Switchboard-Visitor " + words)
      let chat = try await server.send(
        .POST, "/v1/contacts?entry=demo", json: header == "W10" ? "[]" : "[", headers: [("origin", server.origin)])
      #expect(try chat.problem().detail == "The body " + words)
    }
  }

  @Test("How far a wrap-up may be extended is call control's to say, and nobody else's")
  func extending() async throws {
    try await withServer { server in
      let path = "/v1/contacts/ct_00000000000000000000000001/wrap-up"
      for seconds in [0, 3_601, 86_401] {
        _ = try await server.send(.POST, path, token: "amina", json: "{\"extend_seconds\":\(seconds)}")
      }
      let asked = server.fake.commands.compactMap {
        if case .extendWrapUp(_, _, let seconds) = $0 { seconds } else { nil }
      }
      #expect(asked == [0, 3_601, 86_401])
      server.fake.state.withLock { $0.refusal = .invalid("extend by 1 to 3600 seconds") }
      let refused = try await server.send(.POST, path, token: "amina", json: #"{"extend_seconds":3601}"#).problem()
      #expect(refused.status == 422 && refused.detail == "extend by 1 to 3600 seconds")
    }
  }

  @Test("A visitor's token reads messages as long as the contact is known, as it reads the contact itself")
  func messagesAfterTheEnd() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      server.fake.say("hello", in: id)
      server.fake.change(id, to: .ended)
      #expect(try await server.send(.GET, "/v1/contacts/\(id)/messages", token: token).status == 200)
      server.fake.state.withLock { $0.refusal = .gone("the contact is over") }
      for path in ["/v1/contacts/\(id)", "/v1/contacts/\(id)/messages"] {
        #expect(try await server.send(.GET, path, token: token).status == 410)
      }
      // The archive is the administrator's.
      let kept = try await server.send(.GET, "/v1/contacts/\(id)/messages", token: "boss")
      #expect(kept.status == 200 && kept.text.contains("hello"))
    }
  }
}
