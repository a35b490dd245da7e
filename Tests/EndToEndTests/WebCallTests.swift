import Foundation
import Testing

extension EndToEnd {
  /// A visitor's voice in headless Chromium: ICE, DTLS-SRTP and audio over the browsers' port.
  @Suite("A call from a page", .enabled(if: Peers.have("chromium", "chromedriver"))) struct WebCallTests {
    @Test("A visitor presses the button, talks with the demo's echo phone, hangs up, and the call is in the report")
    func echo() async throws {
      let site = try await RunningSite(
        .forTest(11),
        yaml: """
          entries:
            "web:demo": { queue: support, channels: [voice] }
          queues:
            support: { channels: [voice], ring: 60s, wrap_up: { default: 0s } }
          agents:
            amina: { name: Amina Berg, phone: demo, queues: [support], token_file: amina.token }

          """,
        files: ["amina.token": "the-token-of-amina-berg"], arguments: ["--demo"])
      let console = try Peer(
        try #require(Peers.server),
        [
          "console", "--plain", "--server", "http://127.0.0.1:\(site.ports.http)", "--token", "the-token-of-amina-berg",
        ],
        in: site.folder)
      #expect(await console.says("STATE: ready"), "\(console.text)")
      // On a machine with nothing but loopback, a browser needs leave to use it.
      let browser = try await Browser(
        port: site.ports.sip + 50, in: site.folder,
        arguments: [
          "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
          "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required",
        ])
      try await browser.go(to: "http://127.0.0.1:\(site.ports.http)/demo")
      #expect(await browser.waits(for: "return !!document.querySelector('switchboard-call').shadowRoot"))
      try await browser.run(Self.watchPeers)
      try await browser.run("\(ChatTests.root).querySelector('.launcher').click()")
      #expect(await browser.waits(for: Self.says("You are talking with Amina Berg"), within: 20), "\(console.text)")
      #expect(await console.says("talking voice"), "\(console.text)")
      // The fake microphone beeps once a second; what comes back is what was sent.
      #expect(await browser.waits(for: Self.hears, within: 20))
      try await browser.run(Self.press("Hang up"))
      let ended = await eventually(within: 10) {
        (try? site.report("contacts"))?.first?["outcome"] as? String == "answered"
      }
      let contacts = try site.report("contacts")
      #expect(ended && contacts.count == 1, "\(contacts)\n\(console.text)")
      #expect(contacts.first?["channel"] as? String == "voice", "\(contacts)")
      console.type("q")
      #expect(await console.ends(within: 10) == 0)
      await browser.stop()
      await site.stop()
    }

    private static let watchPeers = """
      const Real = RTCPeerConnection;
      window.peers = [];
      window.RTCPeerConnection = class extends Real {
        constructor(...values) { super(...values); window.peers.push(this); }
      };
      """

    private static func says(_ text: String) -> String {
      "return \(ChatTests.root).textContent.includes('\(text)')"
    }

    private static func press(_ name: String) -> String {
      "[...\(ChatTests.root).querySelectorAll('button')].find((b) => b.textContent.includes('\(name)')).click()"
    }

    /// A second of packets both ways, with sound in them.
    private static let hears = """
      return window.peers[0].getStats().then((stats) => {
        let [received, sent, energy] = [0, 0, 0];
        stats.forEach((report) => {
          if (report.type === 'inbound-rtp') [received, energy] = [report.packetsReceived, report.totalAudioEnergy];
          if (report.type === 'outbound-rtp') sent = report.packetsSent;
        });
        return received > 50 && sent > 50 && energy > 0.01;
      });
      """
  }
}
