import Foundation
import TestBrowser
import Testing

extension EndToEnd {
  /// A visitor's voice in headless Firefox, where it is installed: no list of packages asks for it.
  @Suite(
    "A call from a page in Firefox", .enabled(if: Peers.areIsolated && Peers.have("baresip") && Browser.isFirefoxHere))
  struct FirefoxTests {
    @Test("Firefox and desk phone, Opus end to end: music while waiting, then each side hears the other's tone")
    func opus() async throws {
      try await talk(.forTest(28), phone: "opus/48000/2", site: "opus, pcmu", codec: "audio/opus")
    }

    @Test("Firefox and desk phone, G.711 end to end: music while waiting, then each side hears the other's tone")
    func g711() async throws {
      try await talk(.forTest(29), phone: "PCMU/8000/1", site: "pcmu", codec: "audio/PCMU")
    }

    /// The parameters are those of `WebCallTests`.
    private func talk(
      _ ports: RunningSite.Ports, phone: String, site codecs: String, codec: String
    ) async throws {
      let desk = try await Desk(ports, phone: phone, site: codecs)
      let browser = try await Browser.firefox(playing: Tone.visitor)
      try await browser.probe(playing: nil)
      try await browser.pressCall(at: desk.site)
      try await desk.talk(with: browser)
      #expect(try await browser.codec() == codec)
      try await browser.press("Hang up")
      #expect(await desk.site.reportsOneCall(), "\(desk.site.server.text)")
      await desk.close()
      await browser.stop()
    }
  }
}
