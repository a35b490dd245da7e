import Foundation
import TestBrowser
import Testing

extension EndToEnd {
  /// What a visitor's call survives. The demo's echo phone sends back what the visitor says.
  @Suite(
    "A call from a page that breaks off", .enabled(if: Peers.areIsolated && Peers.have("chromium", "chromedriver")))
  struct WebCallRecoveryTests {
    @Test("A page that is loaded anew keeps its place in the queue, and later its talk")
    func reload() async throws {
      let site = try await RunningSite.ofCalls(.forTest(19), phone: "phone: demo")
      let browser = try await Browser()
      try await browser.probe(playing: Tone.visitor)
      try await browser.pressCall(at: site)
      #expect(await browser.hears(Tone.music), "\(browser.seen)")
      try await browser.reload()
      #expect(await browser.hears(Tone.music), "\(browser.seen)")
      let console = try await site.console(token: RunningSite.agentToken)
      #expect(await browser.hears(Tone.visitor), "\(browser.seen)")

      // Without a standing permission the microphone, and so the sound, waits for a press.
      try await browser.setMicrophone("prompt")
      try await browser.reload()
      try await browser.press("Back to the call")
      #expect(await browser.hears(Tone.visitor), "\(browser.seen)")
      #expect(await browser.says("You are talking with Amina Berg"), "\(browser.seen)")
      try await browser.press("Hang up")
      #expect(await console.says("END: "), "\(console.text)")
      #expect(await site.reportsOneCall(), "\(site.server.text)")
      await browser.stop()
      await console.stop()
      await site.stop()
    }

    @Test("A visitor who changes networks goes on talking after an ICE restart, over the same connection")
    func roaming() async throws {
      let ports = RunningSite.Ports.forTest(20)
      let site = try await RunningSite.ofCalls(ports, phone: "phone: demo", web: "127.0.0.2")
      let relay = try Relay(port: ports.web)
      let console = try await site.console(token: RunningSite.agentToken)
      let browser = try await Browser()
      try await browser.probe(playing: Tone.visitor)
      try await browser.pressCall(at: site)
      #expect(await browser.hears(Tone.visitor), "\(browser.seen)")
      let before = try #require(try await browser.run("return probe.ufrag") as? String)
      try relay.roam()
      try await browser.run("probe.breakOff()")
      #expect(await browser.waits(for: "return probe.ufrag !== '\(before)'"), "\(browser.seen)")
      try await browser.run("probe.counted = await probe.stats()")
      let goesOn = await browser.waits(
        for: """
          const [{ sent, received }, before] = [await probe.stats(), probe.counted];
          return sent.packets > before.sent.packets + 50 && received.packets > before.received.packets + 50;
          """)
      #expect(goesOn, "\(browser.seen)")
      #expect(await browser.hears(Tone.visitor), "\(browser.seen)")
      #expect(try await browser.run("return probe.peers.length") as? Int == 1)
      await browser.stop()
      await console.stop()
      await site.stop()
      relay.stop()
    }
  }
}
