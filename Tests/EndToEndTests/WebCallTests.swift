import Foundation
import TestAuthority
import TestBrowser
import Testing

extension EndToEnd {
  /// A visitor's voice in headless Chromium: ICE, DTLS-SRTP and audio over the browsers' port.
  @Suite("A call from a page", .enabled(if: Peers.areIsolated && Peers.have("chromium", "chromedriver", "baresip")))
  struct WebCallTests {
    @Test("A visitor presses the button, talks with the demo's echo phone, hangs up, and the call is in the report")
    func echo() async throws {
      let site = try await RunningSite.ofCalls(.forTest(11), phone: "phone: demo")
      let console = try await site.console(token: RunningSite.agentToken)
      let browser = try await Browser()
      try await browser.probe(playing: nil)
      try await browser.pressCall(at: site)
      #expect(await browser.says("You are talking with Amina Berg"), "\(browser.seen)\n\(console.text)")
      #expect(await console.says("talking voice"), "\(console.text)")
      // The fake microphone beeps once a second; what comes back is what was sent.
      let heard = await browser.waits(
        for: """
          const { sent, received } = await probe.stats();
          return sent?.packets > 50 && received?.packets > 50 && received.energy > 0.01;
          """)
      #expect(heard, "\(browser.seen)")
      try await browser.press("Hang up")
      #expect(await site.reportsOneCall(), "\(site.server.text)\n\(console.text)")
      console.type("q")
      #expect(await console.ends(within: 10) == 0)
      await browser.stop()
      await site.stop()
    }

    @Test("Page and desk phone, G.711 end to end: music while waiting, then each side hears the other's tone")
    func g711() async throws {
      try await talk(.forTest(14), phone: "PCMU/8000/1", site: "pcmu", codec: "audio/PCMU")
    }

    @Test("Page and desk phone, Opus end to end: music while waiting, then each side hears the other's tone")
    func opus() async throws {
      try await talk(.forTest(15), phone: "opus/48000/2", site: "opus, pcmu", codec: "audio/opus")
    }

    @Test("Page with Opus and desk phone with G.711: each side hears the other's tone, transcoded")
    func transcoded() async throws {
      // The phone could have had Opus, so the page got it.
      try await talk(.forTest(16), phone: "PCMU/8000/1", site: "opus, pcmu", codec: "audio/opus")
    }

    @Test("Page and a desk phone over TLS that insists on SRTP: each side hears the other's tone, G.711 end to end")
    func secureG711() async throws {
      try await talk(.forTest(22), phone: "PCMU/8000/1", site: "pcmu", codec: "audio/PCMU", isSecure: true)
    }

    @Test("Page and a desk phone over TLS that insists on SRTP: each side hears the other's tone, Opus end to end")
    func secureOpus() async throws {
      try await talk(
        .forTest(23), phone: "opus/48000/2", site: "opus, pcmu", codec: "audio/opus", isSecure: true)
    }

    /// A visitor waits with music until the agent accepts in the console and the agent's phone is called.
    /// - Parameters:
    ///   - phone: what the agent's phone speaks.
    ///   - site: what the site says that it speaks.
    ///   - codec: what the page is to speak.
    ///   - isSecure: the phone is on TLS, and its media has keys in SDP.
    private func talk(
      _ ports: RunningSite.Ports, phone: String, site codecs: String, codec: String, isSecure: Bool = false
    ) async throws {
      let desk = try await Desk(ports, phone: phone, site: codecs, isSecure: isSecure)
      let browser = try await Browser()
      try await browser.probe(playing: Tone.visitor)
      try await browser.pressCall(at: desk.site)
      try await desk.talk(with: browser) { try await browser.note("accepted") }
      #expect(try await browser.codec() == codec)

      let ringBack = try await browser.milliseconds(from: "pressed", to: "\(Tone.music)")
      let first = try await browser.milliseconds(from: "answer", to: "\(Tone.music)")
      let agentHeard = try await browser.milliseconds(from: "accepted", to: "\(Tone.agent)")
      print(
        "\(codec)\(isSecure ? " and SRTP" : ""): press to music \(ringBack) ms, our answer to music \(first) ms, "
          + "the agent's accept to the agent's voice \(agentHeard) ms")
      #expect(ringBack <= 1_000)
      try await browser.press("Hang up")
      await desk.close()
      await browser.stop()
    }
  }
}

extension RunningSite {
  /// A site whose demo page calls one agent.
  /// - Parameters:
  ///   - phone: the keys that say what the agent's phone is.
  ///   - web: where browsers reach the media edge, if not at 127.0.0.1.
  static func ofCalls(
    _ ports: Ports, phone: String, web: String = "127.0.0.1", certificate: TestAuthority.Issued? = nil
  ) async throws -> RunningSite {
    try await RunningSite(
      ports,
      yaml: """
        federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
        entries:
          "web:demo": { queue: support, channels: [voice] }
        queues:
          support: { channels: [voice], music: music.wav, ring: 60s, wrap_up: { default: 0s } }
        agents:
          amina: { name: Amina Berg, queues: [support], token_file: amina.token, \(phone) }

        """,
      files: ["amina.token": agentToken, "amina.phone": "phone-password-of-amina"], music: Tone.music, web: web,
      certificate: certificate,
      arguments: ["--demo"])
  }

  /// Waits until the report has one contact, a call that was answered.
  func reportsOneCall() async -> Bool {
    await eventually(within: 5) {
      let contacts = (try? self.report("contacts")) ?? []
      return contacts.count == 1 && contacts[0]["outcome"] as? String == "answered"
        && contacts[0]["channel"] as? String == "voice"
    }
  }
}

extension Browser {
  /// Opens the demo page and presses its button. The entry takes calls only, so that is all a visitor does.
  func pressCall(at site: RunningSite) async throws {
    try await go(to: "http://127.0.0.1:\(site.ports.http)/demo")
    #expect(await waits(for: "return !!document.querySelector('switchboard-call')?.shadowRoot"))
    try await run("probe.note('pressed'); probe.root.querySelector('.launcher').click()")
  }
}
