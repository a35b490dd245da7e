import Foundation
import Testing

extension EndToEnd {
  @Suite("Capacity") struct CapacityTests {
    @Test("Scenario 2: three clients accept for one agent, limit 3, four chats: never more than 3")
    func threeClients() async throws {
      let site = try await RunningSite.ofChats(.forTest(10), capacity: 3)
      try await site.call("POST", "/v1/agents/me/sign-in", token: RunningSite.agentToken)

      async let first = Client().run(site)
      async let second = Client().run(site)
      async let third = Client().run(site)
      try await withThrowingTaskGroup { group in
        for number in 1...4 {
          group.addTask { _ = try await site.openChat("Visitor \(number)") }
        }
        try await group.waitForAll()
      }
      let clients = try await [first, second, third]

      #expect(clients.map(\.most).max() == 3, "\(clients)")
      // Each offer had one winner, whoever asked for it; the others were told that it was over.
      #expect(clients.map(\.won).reduce(0, +) == 3, "\(clients)")
      #expect(clients.map(\.other).reduce(0, +) == 0, "\(clients)")
      #expect(await site.metric("switchboard_contacts_answered_total") == 3)
      let me = try await site.call("GET", "/v1/agents/me", token: RunningSite.agentToken).json
      #expect((me["contacts"] as? [Any])?.count == 3)
      #expect(me["offer"] is [String: Any] == false)

      // The fourth is offered when a place is free, and not before.
      let contact = ((me["contacts"] as? [[String: Any]])?.first?["id"] as? String) ?? ""
      try await site.call("DELETE", "/v1/contacts/\(contact)", token: RunningSite.agentToken)
      let last = try await Client(until: 3).run(site)
      #expect(last.won == 1)
      #expect(await site.metric("switchboard_contacts_answered_total") == 4)
      await site.stop()
    }

    /// One program that speaks for the agent: it accepts every offer it sees.
    struct Client {
      /// Contacts in progress that end its work; each client then looks a while longer.
      var until = 3
      var most = 0
      var won = 0
      var lost = 0
      var other = 0

      func run(_ site: RunningSite) async throws -> Client {
        var client = self
        var looks = 0
        for _ in 0..<500 where looks < 20 {
          let me = try await site.call("GET", "/v1/agents/me", token: RunningSite.agentToken).json
          let count = (me["contacts"] as? [Any])?.count ?? 0
          client.most = max(client.most, count)
          if count >= until { looks += 1 }
          guard let offer = (me["offer"] as? [String: Any])?["id"] as? String else { continue }
          let answer = try await site.call("POST", "/v1/offers/\(offer)/accept", token: RunningSite.agentToken)
          switch answer.status {
          case 204: client.won += 1
          case 404, 409, 410: client.lost += 1
          default: client.other += 1
          }
        }
        return client
      }
    }
  }
}
