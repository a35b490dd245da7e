import Foundation
import Testing

extension EndToEnd {
  /// A visitor whose client is no browser: aiortc has an ICE, a DTLS and an RTP of its own.
  @Suite("A call by aiortc", .enabled(if: Peers.areIsolated && Peers.have("baresip") && Aiortc.isHere))
  struct AiortcTests {
    @Test("aiortc and desk phone, Opus end to end: music while waiting, then each side hears the other's tone")
    func opus() async throws { try await talk(.forTest(25), phone: "opus/48000/2", codec: "opus") }

    @Test("aiortc with G.711 alone and desk phone: music while waiting, then each side hears the other's tone")
    func g711() async throws {
      try await talk(.forTest(26), phone: "PCMU/8000/1", offer: "audio/PCMU", codec: "PCMU")
    }

    @Test("aiortc with G.711 alone and desk phone with Opus alone: each side hears the other's tone, transcoded")
    func transcoded() async throws {
      try await talk(.forTest(27), phone: "opus/48000/2", offer: "audio/PCMU", codec: "PCMU")
    }

    /// - Parameters:
    ///   - phone: what the agent's phone speaks.
    ///   - offer: the only codec that aiortc offers; nil for all it has.
    ///   - codec: what it is to speak.
    private func talk(_ ports: RunningSite.Ports, phone: String, offer: String? = nil, codec: String) async throws {
      let desk = try await Desk(ports, phone: phone, site: "opus, pcmu")
      let visitor = try Aiortc(calling: desk.site, hertz: Tone.visitor, codec: offer)
      try await desk.talk(with: visitor)

      // Loss and round trip are what aiortc reports by RTCP, once it has had a report of ours.
      var contact: [String: Any] = [:]
      let isMeasured = await eventually(within: 30) {
        let agent = try? await desk.site.call("GET", "/v1/agents/me", token: RunningSite.agentToken).json
        contact = (agent?["contacts"] as? [[String: Any]])?.first ?? [:]
        return (contact["quality"] as? [String: Any])?["round_trip_seconds"] is Double
      }
      #expect(isMeasured && contact["codec"] as? String == codec, "\(contact)")

      visitor.peer.closeInput()
      #expect(await visitor.peer.ends(within: 10) == 0, "\(visitor.peer.text)")
      #expect(await desk.site.reportsOneCall(), "\(desk.site.server.text)")
      await desk.close()
    }
  }
}
