import SDP
import Testing

/// Keys in the description (RFC 4568).
@Suite struct SDESTests {
  typealias F = Fixtures
  /// The key of the example in RFC 4568 section 4.
  static let example = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

  private func offer(_ cryptos: String..., transport: String = "RTP/SAVP") throws -> SessionDescription {
    try F.parse(
      F.session + ["c=IN IP4 192.0.2.1", "m=audio 4000 \(transport) 0"] + cryptos.map { "a=crypto:" + $0 })
  }
  private func answer(_ offer: SessionDescription) throws -> (line: String?, media: NegotiatedMedia) {
    var negotiation = Negotiation(sessionID: 40)
    let (bytes, media) = try negotiation.answer(offer, with: F.sdes)
    return (AnswerChecker(bytes).media[0].value("crypto"), media)
  }

  @Test("The first key that is valid is taken, and answered with ours under its tag")
  func answered() throws {
    let (line, media) = try answer(
      offer(
        "1 AES_CM_192_HMAC_SHA1_80 \(Self.example)", "2 AES_CM_128_HMAC_SHA1_80 inline:short",
        "7 AES_CM_128_HMAC_SHA1_32 \(Self.example)|2^20 WSH=128 -X=1", "8 AES_CM_128_HMAC_SHA1_80 \(Self.example)"))
    let theirs = SDESKey(suite: .aesCM128HMAC32, key: Array("YS___semctl () {\t220;}\n}\nunles".utf8))
    #expect(media.security == .sdes(outgoing: F.keys[2], incoming: theirs))
    #expect(line == "7 AES_CM_128_HMAC_SHA1_32 inline:" + String(repeating: "AwMD", count: 10))
  }

  @Test("Each suite's key has its length, padded or not", arguments: SRTPSuite.allCases)
  func suites(_ suite: SRTPSuite) throws {
    let key = (0..<UInt8(suite.keyBytes + suite.saltBytes)).map { $0 }
    var caller = Negotiation(sessionID: 1)
    let bytes = caller.offer(F.local(.sdes([SDESKey(suite: suite, key: key)]), codecs: AudioCodec.g711))
    let (_, media) = try answer(SessionDescription(parsing: bytes))
    guard case .sdes(let outgoing, let incoming) = media.security else { throw NegotiationError.keys }
    #expect(incoming == SDESKey(suite: suite, key: key) && outgoing.suite == suite)
    let bare = String(decoding: bytes, as: UTF8.self).replacing("=\r\n", with: "\r\n").replacing("=\r\n", with: "\r\n")
    #expect(try answer(SessionDescription(parsing: bare.utf8)).media.security == media.security)
  }

  @Test(
    "A key that must not be taken is refused",
    arguments: [
      "", "1", "1 AES_CM_128_HMAC_SHA1_80", "1 AES_CM_128_HMAC_SHA1_80 \(example.dropFirst(7))",
      "x AES_CM_128_HMAC_SHA1_80 \(example)", "1a AES_CM_128_HMAC_SHA1_80 \(example)",
      "01 AES_CM_128_HMAC_SHA1_80 \(example)", "1234567890 AES_CM_128_HMAC_SHA1_80 \(example)",
      "-1 AES_CM_128_HMAC_SHA1_80 \(example)", "1 AES_CM_192_HMAC_SHA1_80 \(example)",
      "1 F8_128_HMAC_SHA1_80 \(example)",
      "1 AES_CM_128_HMAC_SHA1_80 \(example.dropLast(4))", "1 AES_CM_128_HMAC_SHA1_80 \(example)AAAA",
      "1 AES_CM_128_HMAC_SHA1_80 \(example)=", "1 AES_CM_128_HMAC_SHA1_80 \(example.dropLast())=",
      "1 AES_CM_128_HMAC_SHA1_80 \(example.dropLast())*", "1 AES_CM_128_HMAC_SHA1_80 inline:",
      "1 AES_CM_128_HMAC_SHA1_80 \(example)|1:4", "1 AES_CM_128_HMAC_SHA1_80 \(example)|2^20|1:4",
      "1 AES_CM_128_HMAC_SHA1_80 \(example);\(example)", "1 AES_CM_128_HMAC_SHA1_80 \(example)|2^19",
      "1 AES_CM_128_HMAC_SHA1_80 \(example)|2^49", "1 AES_CM_128_HMAC_SHA1_80 \(example)|2^99",
      "1 AES_CM_128_HMAC_SHA1_80 \(example)|0", "1 AES_CM_128_HMAC_SHA1_80 \(example)|",
      "1 AES_CM_128_HMAC_SHA1_80 \(example) UNENCRYPTED_SRTP", "1 AES_CM_128_HMAC_SHA1_80 \(example) UNENCRYPTED_SRTCP",
      "1 AES_CM_128_HMAC_SHA1_80 \(example) UNAUTHENTICATED_SRTP", "1 AES_CM_128_HMAC_SHA1_80 \(example) KDR=4",
      "1 AES_CM_128_HMAC_SHA1_80 \(example) FEC_ORDER=FEC_SRTP", "1 AES_CM_128_HMAC_SHA1_80 \(example) WSH=16",
      "1 AES_CM_128_HMAC_SHA1_80 \(example) WSH", "1 AES_CM_128_HMAC_SHA1_80 \(example) dummy",
    ])
  func refused(_ crypto: String) throws {
    #expect(throws: NegotiationError.keys) { try answer(offer(crypto)) }
  }

  @Test("A lifetime that outlasts a call is taken", arguments: ["2^20", "2^31", "2^48", "1048576", "281474976710656"])
  func lifetimes(_ lifetime: String) throws {
    #expect(try answer(offer("1 AES_CM_128_HMAC_SHA1_80 \(Self.example)|\(lifetime)")).line?.hasPrefix("1 AES") == true)
  }

  @Test("Plain RTP where keys are wanted, and keys where plain RTP is wanted, are refused")
  func kinds() throws {
    let crypto = "1 AES_CM_128_HMAC_SHA1_80 \(Self.example)"
    #expect(throws: NegotiationError.transport) { try answer(offer(crypto, transport: "RTP/AVP")) }
    var plain = Negotiation(sessionID: 1)
    let secure = try offer(crypto)
    #expect(throws: NegotiationError.transport) { try plain.answer(secure, with: F.plain) }
    #expect(throws: NegotiationError.keys) { try answer(offer()) }
    #expect(try answer(offer(crypto, transport: "RTP/SAVPF")).media.codec == .pcmu)
  }

  @Test("Our offer lists a key for each suite, and the answer picks one by its tag")
  func offered() throws {
    var negotiation = Negotiation(sessionID: 40)
    let ours = AnswerChecker(negotiation.offer(F.sdes)).media[0]
    #expect(ours.fields == ["audio", "20000", "RTP/SAVP", "0", "8", "101"])
    #expect(
      ours.values("crypto").map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
        == SRTPSuite.allCases.enumerated().map { "\($0 + 1) \($1.rawValue)" })
    let media = try negotiation.receive(answer: offer("2 AES_CM_128_HMAC_SHA1_80 \(Self.example)"))
    guard case .sdes(F.keys[1], let incoming) = media.security else { throw NegotiationError.keys }
    #expect(incoming.key.count == 30)
    // A later offer keeps transport and keys, so nothing changes for the far end.
    #expect(AnswerChecker(negotiation.offer(F.sdes)).media[0].values("crypto") == ours.values("crypto"))
  }

  @Test("An answer with another suite under a tag, an unknown tag, two keys, none, or plain RTP is refused")
  func wrongAnswers() throws {
    let key = Self.example
    let faults: [(SessionDescription, NegotiationError)] = [
      (try offer("1 AES_CM_128_HMAC_SHA1_80 \(key)"), .keys), (try offer("9 AES_CM_128_HMAC_SHA1_80 \(key)"), .keys),
      (try offer("0 AES_CM_128_HMAC_SHA1_80 \(key)"), .keys),
      (try offer("2 AES_CM_128_HMAC_SHA1_80 \(key)", "3 AES_CM_128_HMAC_SHA1_32 \(key)"), .keys),
      (try offer(), .keys), (try offer("2 AES_CM_128_HMAC_SHA1_80 \(key)", transport: "RTP/AVP"), .transport),
    ]
    for (answer, fault) in faults {
      var negotiation = Negotiation(sessionID: 40)
      _ = negotiation.offer(F.sdes)
      #expect(throws: fault) { try negotiation.receive(answer: answer) }
    }
  }

  /// Our offer with plain RTP beside SRTP, answered by these lines.
  private func choice(
    _ answer: String...
  ) throws -> (lines: [AnswerChecker.Section], negotiation: Negotiation, media: NegotiatedMedia) {
    var local = F.sdes
    local.offersPlain = true
    var negotiation = Negotiation(sessionID: 40)
    let lines = AnswerChecker(negotiation.offer(local)).media
    let media = try negotiation.receive(answer: F.parse(F.session + ["c=IN IP4 192.0.2.1"] + answer))
    return (lines, negotiation, media)
  }

  @Test("Where plain RTP is offered beside SRTP the far end takes either line, and later offers keep to it")
  func alternatives() throws {
    let key = "a=crypto:2 AES_CM_128_HMAC_SHA1_80 \(Self.example)"
    var (lines, negotiation, media) = try choice("m=audio 0 RTP/SAVP 0", "m=audio 4000 RTP/AVP 0")
    #expect(lines.map { $0.fields[2] } == ["RTP/SAVP", "RTP/AVP"])
    #expect(lines.map { $0.values("crypto").count } == [SRTPSuite.allCases.count, 0])
    #expect(media.security == .none && media.remote?.port == 4_000)
    let plain = AnswerChecker(negotiation.offer(F.plain)).media
    #expect(plain.map { $0.fields[1] } == ["0", "20000"])

    (_, negotiation, media) = try choice("m=audio 4000 RTP/SAVP 0", key, "m=audio 0 RTP/AVP 0")
    guard case .sdes(F.keys[1], _) = media.security else { throw NegotiationError.keys }
    let secure = AnswerChecker(negotiation.offer(F.sdes)).media
    #expect(secure.map { $0.fields[1] } == ["20000", "0"])
    // Who takes both is spoken to under keys.
    media = try choice("m=audio 4000 RTP/SAVP 0", key, "m=audio 4002 RTP/AVP 0").media
    #expect(media.security != .none && media.remote?.port == 4_000)
  }

  @Test("An answer that takes neither line, or plain RTP in the line of SRTP, is refused")
  func noAlternative() {
    #expect(throws: NegotiationError.noAudio) { try choice("m=audio 0 RTP/SAVP 0", "m=audio 0 RTP/AVP 0") }
    #expect(throws: NegotiationError.transport) { try choice("m=audio 4000 RTP/AVP 0", "m=audio 0 RTP/AVP 0") }
    #expect(throws: NegotiationError.unexpectedAnswer) {
      try choice("m=audio 0 RTP/SAVP 0", "m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 0")
    }
  }

  @Test("Opus offered by us brings the telephone-events of both clock rates, and the answer chooses")
  func opusOffer() throws {
    var negotiation = Negotiation(sessionID: 40)
    let ours = AnswerChecker(negotiation.offer(F.local(.none))).media[0]
    #expect(ours.fields == ["audio", "20000", "RTP/AVP", "111", "0", "8", "110", "101"])
    let answer = try F.parse(
      F.session + [
        "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:97 telephone-event/48000",
      ])
    let media = try negotiation.receive(answer: answer)
    #expect(media.codec == .opus && media.payloadType == .init(outgoing: 96, incoming: 111))
    #expect(media.telephoneEvent == .init(outgoing: 97, incoming: 110))
    // What the other side numbers stays apart from what we number anew.
    var callee = Negotiation(sessionID: 41)
    let odd =
      F.session + [
        "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0 111", "a=rtpmap:111 telephone-event/8000",
      ]
    _ = try callee.answer(F.parse(odd), with: F.local(.none))
    #expect(AnswerChecker(callee.offer(F.local(.none))).media[0].fields.dropFirst(3) == ["96", "0", "8", "110", "111"])
  }
}
