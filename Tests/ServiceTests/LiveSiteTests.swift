import ACD
import CallControl
import Primitives
import SiteConfiguration
import Testing

@testable import Service

@Suite("A live site as its journal leaves it") struct LiveSiteTests {
  @Test("Who waits, talks and is signed in is there, under the names by which the journal means them")
  func state() throws {
    let centre = try Centre()
    centre.ready(ben)
    centre.wait(.seconds(5))
    _ = try centre.chat("web:shop")
    guard case .agent(let view) = centre.ask(.describeAgent(ben)), let offer = view.offer?.offer else {
      Issue.record("ben has no offer")
      return
    }
    centre.ask(.accept(ben, offer))
    centre.wait(.seconds(30))
    _ = try centre.chat("web:deals")
    let live = try LiveState(dataFolder: centre.path)
    #expect(live.at == centre.now)
    #expect(live.names.agents[Int(ben.index)] == "ben")
    let states = live.engine.contacts.map(\.state)
    #expect(states.count == 2)
    #expect(states.contains(.answered(ben)))
    #expect(states.contains { if case .waiting? = $0 { true } else { false } })
    #expect(live.engine.summary(of: ben).presence == .ready)
    #expect(throws: (any Error).self) { try LiveState(dataFolder: centre.path + "/nowhere") }
  }
}
