import SDP
import Testing

/// Offers of browsers.
@Suite struct WebTests {
  typealias F = Fixtures

  private func answer(
    _ offer: [String], _ local: LocalMedia = Fixtures.web
  ) throws -> (text: String, media: NegotiatedMedia) {
    var negotiation = Negotiation(sessionID: 40)
    let (bytes, media) = try negotiation.answer(F.parse(offer), with: local)
    return (String(decoding: bytes, as: UTF8.self), media)
  }

  @Test("The answer is exactly the text a browser expects")
  func answerText() throws {
    let (text, media) = try answer(
      F.offer(
        sessionAttributes: ["a=group:BUNDLE 0 d"],
        media: [
          "a=rtcp-rsize", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:d", "a=sctp-port:5000",
        ]))
    let digest = (0..<32).map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16).uppercased() }
    #expect(
      text == """
        v=0\r\no=- 10 0 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
        a=ice-lite\r\na=ice-options:trickle ice2\r\na=group:BUNDLE 0\r\n\
        m=audio 20000 UDP/TLS/RTP/SAVPF 111 110\r\na=rtpmap:111 opus/48000/2\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-15\r\n\
        a=ptime:20\r\na=sendrecv\r\na=mid:0\r\na=msid:switchboard audio\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
        a=fingerprint:sha-256 \(digest.joined(separator: ":"))\r\na=setup:passive\r\n\
        a=ice-ufrag:sbUF\r\na=ice-pwd:0123456789abcdefghijkl\r\n\
        a=candidate:1 1 udp 2130706431 198.51.100.1 20000 typ host\r\n\
        a=candidate:2 1 udp 2130706175 2001:db8::5 20000 typ host\r\na=end-of-candidates\r\n\
        m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n
        """)
    #expect(media.codec == .opus && media.remote == nil && media.direction == .sendrecv)
    let remote = ICECredentials(ufrag: "aBcD", password: "abcdefghijklmnopqrstuv")
    let fingerprint = Fingerprint(hash: "sha-256", digest: Array(repeating: 0xab, count: 32))
    #expect(media.security == .web(remote: remote, fingerprints: [fingerprint], weAreClient: false))
  }

  @Test("Beside Opus the telephone-event of 8000 Hz is taken where there is no other, as in Firefox")
  func telephoneEventOfFirefox() throws {
    let offer = try F.parse(
      F.offer(formats: "111 9 0 8 126").filter { !$0.hasSuffix("telephone-event/48000") })
    var negotiation = Negotiation(sessionID: 40)
    let (bytes, media) = try negotiation.answer(offer, with: F.web)
    #expect(AnswerChecker(bytes).media[0].fields.dropFirst(3) == ["111", "126"])
    #expect(media.codec == .opus && media.telephoneEvent == .init(outgoing: 126, incoming: 126))
    #expect(media.telephoneEventRate == 8_000)
    let both = try negotiation.answer(F.parse(F.offer()), with: F.web).media
    #expect(both.telephoneEvent == .init(outgoing: 110, incoming: 110) && both.telephoneEventRate == 48_000)
  }

  @Test("The codecs allowed decide: G.711 takes the telephone-event of 8000 Hz")
  func codecs() throws {
    let g711 = try answer(F.offer(), F.local(.web(F.transport), codecs: AudioCodec.g711))
    #expect(g711.text.contains("m=audio 20000 UDP/TLS/RTP/SAVPF 0 126\r\n"))
    #expect(g711.media.telephoneEvent == .init(outgoing: 126, incoming: 126))
    let silent = try answer(F.offer(formats: "111 0"))
    #expect(silent.text.contains("m=audio 20000 UDP/TLS/RTP/SAVPF 111\r\n"))
    #expect(throws: NegotiationError.noCommonCodec) {
      try answer(F.offer(formats: "111"), F.local(.web(F.transport), codecs: AudioCodec.g711))
    }
  }

  @Test(
    "We open the association only where the browser will not",
    arguments: [
      ("actpass", false), ("active", false), ("passive", true), (nil, false),
    ])
  func setup(_ offered: String?, _ weAreClient: Bool) throws {
    let (text, media) = try answer(F.offer(setup: offered))
    #expect(text.contains("a=setup:\(weAreClient ? "active" : "passive")\r\n"))
    guard case .web(_, _, let isClient) = media.security else { throw NegotiationError.transport }
    #expect(isClient == weAreClient)
  }

  @Test(
    "What a browser leaves out is named",
    arguments: [
      ("fingerprint", NegotiationError.fingerprint), ("ice-ufrag", .ice), ("ice-pwd", .ice),
      ("rtcp-mux", .multiplexing),
    ])
  func missing(_ attribute: String, _ fault: NegotiationError) {
    #expect(throws: fault) { try answer(F.offer(without: attribute)) }
  }

  @Test(
    "What must not be taken is named",
    arguments: [
      ("a=ice-lite", NegotiationError.ice), ("a=setup:holdconn", .transport),
    ])
  func forbidden(_ line: String, _ fault: NegotiationError) {
    #expect(throws: fault) { try answer(F.offer(setup: nil, sessionAttributes: [line])) }
  }

  @Test("A weak hash is no fingerprint, and a strong one beside it is")
  func hashes() throws {
    let weak = "a=fingerprint:sha-1 " + Array(repeating: "AA", count: 20).joined(separator: ":")
    let strong = "a=fingerprint:SHA-512 " + Array(repeating: "0b", count: 64).joined(separator: ":")
    let short = "a=fingerprint:sha-256 AA:BB"
    for lines in [[weak], [short], [weak, short]] {
      #expect(throws: NegotiationError.fingerprint) {
        try answer(F.offer(media: lines, without: "fingerprint:sha-256 ab"))
      }
    }
    let media = try answer(F.offer(media: [weak, strong], without: "fingerprint:sha-256")).media
    guard case .web(_, let fingerprints, _) = media.security else { throw NegotiationError.transport }
    #expect(fingerprints == [Fingerprint(hash: "sha-512", digest: Array(repeating: 0x0b, count: 64))])
  }

  @Test("Keys in the description are never taken from a browser, and never sent to one")
  func sdesIsForbidden() throws {
    let crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    #expect(throws: NegotiationError.fingerprint) { try answer(F.offer(media: [crypto], without: "fingerprint")) }
    #expect(try !answer(F.offer(media: [crypto])).text.contains("crypto"))
  }

  @Test("A line says its transport itself, or the session does; the line wins")
  func levels() throws {
    let lines = F.offer(
      sessionAttributes: ["a=group:BUNDLE 0", "a=ice-ufrag:session", "a=ice-pwd:session0session0session0"])
    guard case .web(let atLine, _, _) = try answer(lines).media.security else { throw NegotiationError.transport }
    #expect(atLine.ufrag == "aBcD")
    let above = lines.filter { !$0.hasPrefix("a=ice-ufrag:aBcD") && !$0.hasPrefix("a=ice-pwd:abc") }
    guard case .web(let atSession, _, _) = try answer(above).media.security else { throw NegotiationError.transport }
    #expect(atSession == ICECredentials(ufrag: "session", password: "session0session0session0"))
  }

  @Test("A line in a bundle takes the transport of the line that carries it")
  func bundled() throws {
    var lines = F.offer(without: "ice-")
    lines[4] = "a=group:BUNDLE v 0"
    lines += ["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:v", "a=ice-ufrag:carry", "a=ice-pwd:carry0carry0carry0carry0"]
    guard case .web(let ice, _, _) = try answer(lines).media.security else { throw NegotiationError.transport }
    #expect(ice.ufrag == "carry")
    lines[4] = "a=group:BUNDLE v"
    #expect(throws: NegotiationError.ice) { try answer(lines) }
  }

  @Test("A browser's placeholder address and multicast DNS names are no fault and no hold")
  func placeholder() throws {
    let media = try answer(F.offer(media: ["a=candidate:0 1 UDP 1 4f.local 5000 typ host", "a=sendonly"])).media
    #expect(media.direction == .recvonly && !media.isHeldByRemote == false)
    #expect(try answer(F.offer()).media.isHeldByRemote == false)
  }

  @Test("A re-offer keeps the roles of a running association, and a new certificate begins one")
  func rolesStay() throws {
    var negotiation = Negotiation(sessionID: 40)
    func isClient(_ offer: [String]) throws -> Bool {
      guard case .web(_, _, let isClient) = try negotiation.answer(F.parse(offer), with: F.web).media.security else {
        throw NegotiationError.transport
      }
      return isClient
    }
    #expect(try isClient(F.offer(setup: "passive")))
    #expect(try isClient(F.offer(setup: "actpass")))
    #expect(try isClient(F.offer(setup: "actpass", ufrag: "new1")))
    #expect(try !isClient(F.offer(setup: "actpass", fingerprint: 0x11)))
  }

  @Test("Hold, a line added and a line taken away keep the audio's line and number the answers")
  func reoffers() throws {
    var negotiation = Negotiation(sessionID: 40)
    func text(_ offer: [String]) throws -> String {
      String(decoding: try negotiation.answer(F.parse(offer), with: F.web).bytes, as: UTF8.self)
    }
    let first = try text(F.offer())
    #expect(try text(F.offer()) == first)
    let hold = try text(F.offer(media: ["a=sendonly"]))
    #expect(hold.contains("o=- 10 1 ") && hold.contains("a=recvonly\r\n") && !hold.contains("a=msid"))
    let video = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=rtpmap:96 VP8/90000"]
    let added = try text(F.offer(sessionAttributes: ["a=group:BUNDLE 0 1"], media: video))
    #expect(added.contains("o=- 10 2 ") && added.contains("m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"))
    #expect(added.contains("a=group:BUNDLE 0\r\n"))
    let stopped = try text(F.offer(media: ["m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:1"]))
    #expect(stopped.contains("m=video 0 ") && stopped.contains("m=audio 20000 "))
  }

  @Test("An audio line that is offered before the call's own does not take its place")
  func audioLineStays() throws {
    var negotiation = Negotiation(sessionID: 40)
    let session = F.session + ["c=IN IP4 192.0.2.1"]
    _ = try negotiation.answer(F.parse(session + ["m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 0"]), with: F.plain)
    let again = session + ["m=audio 4002 RTP/AVP 0", "m=audio 4000 RTP/AVP 0"]
    #expect(try negotiation.answer(F.parse(again), with: F.plain).media.remote?.port == 4_000)
    let moved = session + ["m=audio 4002 RTP/AVP 0", "m=audio 0 RTP/AVP 0"]
    #expect(try negotiation.answer(F.parse(moved), with: F.plain).media.remote?.port == 4_002)
  }

  @Test("Printing keys and credentials shows no secret")
  func secrets() throws {
    let media = try answer(F.offer()).media
    #expect(!"\(media)".contains("abcdefghijklmnopqrstuv"))
    #expect(!"\(F.web)".contains("0123456789abcdefghijkl"))
    #expect("\(F.keys[1])" == "AES_CM_128_HMAC_SHA1_80")
  }
}

/// Fragments of a PATCH.
@Suite struct FragmentTests {
  typealias F = Fixtures

  private func negotiated() throws -> Negotiation {
    var negotiation = Negotiation(sessionID: 40)
    _ = try negotiation.answer(F.parse(F.offer()), with: F.web)
    return negotiation
  }
  private func fragment(_ lines: String...) throws -> ICEFragment {
    try ICEFragment(parsing: (lines.joined(separator: "\r\n") + "\r\n").utf8)
  }
  static let new = ["a=ice-ufrag:nEw1", "a=ice-pwd:new0new0new0new0new0new0"]

  @Test("Candidates, the same credentials or none restart nothing")
  func trickle() throws {
    let negotiation = try negotiated()
    let candidate = "a=candidate:1 1 udp 1 192.0.2.1 4000 typ host"
    #expect(try negotiation.restart(in: fragment("m=audio 9 RTP/AVP 0", "a=mid:0", candidate)) == nil)
    let known = ["a=ice-ufrag:aBcD", "a=ice-pwd:abcdefghijklmnopqrstuv"]
    #expect(try negotiation.restart(in: fragment(known[0], known[1], "m=audio 9 RTP/AVP 0", "a=mid:0")) == nil)
    #expect(try negotiation.restart(in: ICEFragment(parsing: [])) == nil)
    let other = try fragment("m=video 9 RTP/AVP 0", "a=mid:1", Self.new[0], Self.new[1])
    #expect(try negotiation.restart(in: other) == nil)
  }

  @Test("New credentials above the lines, at our line or at a lone line are a restart")
  func restart() throws {
    let negotiation = try negotiated()
    let wanted = ICECredentials(ufrag: "nEw1", password: "new0new0new0new0new0new0")
    for lines in [
      [Self.new[0], Self.new[1], "m=audio 9 RTP/AVP 0", "a=mid:0"],
      ["a=group:BUNDLE 0 1", "m=audio 9 RTP/AVP 0", "a=mid:0", Self.new[0], Self.new[1], "a=end-of-candidates"],
      ["m=audio 9 RTP/AVP 0", Self.new[0], Self.new[1]], Self.new,
    ] {
      let fragment = try ICEFragment(parsing: lines.joined(separator: "\n").utf8)
      #expect(try negotiation.restart(in: fragment) == wanted, "\(lines)")
    }
  }

  @Test("Half or malformed credentials, and a leg without ICE, are refused")
  func faults() throws {
    let negotiation = try negotiated()
    #expect(throws: NegotiationError.ice) { try negotiation.restart(in: fragment("a=ice-ufrag:nEw1")) }
    #expect(throws: NegotiationError.ice) { try negotiation.restart(in: fragment("a=ice-ufrag:nEw1", "a=ice-pwd:no")) }
    var plain = Negotiation(sessionID: 1)
    _ = plain.offer(F.plain)
    #expect(throws: NegotiationError.transport) { try plain.restart(in: fragment(Self.new[0], Self.new[1])) }
    #expect(throws: SDPError.self) { try fragment("x=1") }
    #expect(throws: SDPError.self) { try fragment("a=") }
  }

  @Test("A restart is answered with our new credentials, and the next answer keeps them")
  func answered() throws {
    var negotiation = try negotiated()
    let remote = ICECredentials(ufrag: "nEw1", password: "new0new0new0new0new0new0")
    var transport = F.transport
    transport.ice = ICECredentials(ufrag: "sbU2", password: "zzzzzzzzzzzzzzzzzzzzzz")
    transport.candidates = [F.transport.candidates[0]]
    let text = String(decoding: negotiation.answer(restart: remote, with: transport), as: UTF8.self)
    #expect(
      text == """
        a=ice-lite\r\na=ice-options:trickle ice2\r\na=group:BUNDLE 0\r\n\
        m=audio 20000 UDP/TLS/RTP/SAVPF 111 110\r\na=mid:0\r\na=ice-ufrag:sbU2\r\n\
        a=ice-pwd:zzzzzzzzzzzzzzzzzzzzzz\r\na=candidate:1 1 udp 2130706431 198.51.100.1 20000 typ host\r\n\
        a=end-of-candidates\r\n
        """)
    guard case .web(remote, _, _) = negotiation.agreed?.security else { throw NegotiationError.ice }
    let again = try negotiation.answer(
      F.parse(F.offer(ufrag: "nEw1")), with: F.local(.web(transport))
    ).bytes
    #expect(String(decoding: again, as: UTF8.self).contains("o=- 10 0 "))
  }
}
