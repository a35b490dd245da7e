import Foundation
import TestBrowser
import Testing

extension EndToEnd {
  /// An agent who talks from a page, and a visitor who does.
  @Suite("An agent's phone in a browser", .enabled(if: Peers.areIsolated && Peers.have("chromium", "chromedriver")))
  struct BrowserPhoneTests {
    @Test(
      "Two browsers hear each other's tone in two calls, accepted in the console and on the page, over one connection")
    func twoCalls() async throws {
      let site = try await RunningSite.ofCalls(.forTest(17), phone: "phone: browser")
      let (visitor, agent) = (try await Browser(), try await Browser())
      try await visitor.probe(playing: Tone.visitor)
      try await agent.openPhone(at: site)
      let console = try await site.console(token: RunningSite.agentToken)
      for call in 1...2 {
        try await visitor.pressCall(at: site)
        if call == 1 {
          #expect(await console.says("OFFER: "), "\(console.text)")
          console.type("a")
        } else {
          try await agent.press("Accept")
        }
        #expect(await agent.hears(Tone.visitor), "call \(call): \(agent.seen)")
        #expect(await visitor.hears(Tone.agent), "call \(call): \(visitor.seen)")
        #expect(try await visitor.codec() == "audio/opus")
        try await visitor.press("Hang up")
        #expect(await agent.says("Waiting for calls"), "call \(call): \(agent.seen)")
      }
      #expect(try await agent.run("return probe.peers.length") as? Int == 1, "the page has connected anew")
      await visitor.stop()
      await agent.stop()
      await console.stop()
      await site.stop()
    }

    @Test("The agent's page is loaded anew between calls and in a call, and is the phone again by itself")
    func reload() async throws {
      let site = try await RunningSite.ofCalls(.forTest(18), phone: "phone: browser")
      let (visitor, agent) = (try await Browser(), try await Browser())
      try await visitor.probe(playing: Tone.visitor)
      try await agent.openPhone(at: site)
      try await agent.reload()
      #expect(await agent.says("Waiting for calls"), "\(agent.seen)")
      try await visitor.pressCall(at: site)
      try await agent.press("Accept")
      #expect(await visitor.hears(Tone.agent), "\(visitor.seen)")
      try await agent.reload()
      #expect(await agent.hears(Tone.visitor), "\(agent.seen)")
      #expect(await visitor.hears(Tone.agent), "\(visitor.seen)")
      try await agent.press("Hang up")
      #expect(await visitor.says("The call has ended"), "\(visitor.seen)")
      #expect(await site.reportsOneCall(), "\(site.server.text)")
      await visitor.stop()
      await agent.stop()
      await site.stop()
    }
  }
}

extension Browser {
  /// Logs the agent in at the phone page, which plays the agent's tone, and waits until it can be called.
  func openPhone(at site: RunningSite) async throws {
    try await probe(playing: Tone.agent)
    try await go(to: "http://127.0.0.1:\(site.ports.http)/phone")
    #expect(await waits(for: "return !!document.querySelector('#token')"))
    try await run(
      "const field = document.querySelector('#token'); field.value = arguments[0]; field.form.requestSubmit()",
      [RunningSite.agentToken])
    try await press("Sign in")
    #expect(await says("Waiting for calls"), "\(seen)")
  }
}
