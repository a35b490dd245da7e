import SDP
import Testing

@Suite struct NegotiationTests {
  let local = LocalMedia(address: "198.51.100.1", port: 20_000)

  func parse(_ lines: String...) throws -> SessionDescription {
    try SessionDescription(parsing: lines.joined(separator: "\r\n").utf8)
  }
  func remote(_ media: String, version: Int = 1) throws -> SessionDescription {
    try parse("v=0", "o=- 7 \(version) IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", media)
  }

  @Test("The answer is exactly the text a phone expects")
  func answerText() throws {
    var negotiation = Negotiation(sessionID: 40)
    let offer = try remote("m=audio 4000 RTP/AVP 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\nm=video 4002 RTP/AVP 31")
    let answer = try negotiation.answer(offer, with: local).bytes
    #expect(
      String(decoding: answer, as: UTF8.self) == """
        v=0\r\no=- 10 0 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
        m=audio 20000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n\
        a=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\n
        """)
  }

  @Test("The same answer again keeps the version; another one takes the next")
  func versions() throws {
    var negotiation = Negotiation(sessionID: 40)
    let offer = try remote("m=audio 4000 RTP/AVP 0")
    func version(_ bytes: [UInt8]) throws -> String { try SessionDescription(parsing: bytes).origin.version }
    #expect(try version(negotiation.answer(offer, with: local).bytes) == "0")
    #expect(try version(negotiation.answer(offer, with: local).bytes) == "0")
    let hold = try remote("m=audio 4000 RTP/AVP 0\r\na=sendonly", version: 2)
    #expect(try version(negotiation.answer(hold, with: local).bytes) == "1")
    #expect(try version(negotiation.offer(local)) == "2")
    #expect(try version(negotiation.offer(local)) == "2")
  }

  @Test("A phone that answers our offer is heard as it numbers its telephone events")
  func offerAndAnswer() throws {
    var negotiation = Negotiation(sessionID: 40)
    var wanted = local
    wanted.codecs = [.pcma, .pcmu]
    let offer = try SessionDescription(parsing: negotiation.offer(wanted))
    #expect(offer.media.map(\.formats) == [["8", "0", "101"]])
    #expect(offer.media[0].attributes.direction == .sendrecv)
    let answer = try remote("m=audio 5000 RTP/AVP 8 97\r\na=rtpmap:97 telephone-event/8000")
    let media = try negotiation.receive(answer: answer)
    #expect(media.codec == .pcma)
    #expect(media.payloadType == .init(outgoing: 8, incoming: 8))
    #expect(media.telephoneEvent == .init(outgoing: 97, incoming: 101))
    #expect(media.remote == .init(address: "192.0.2.1", port: 5_000, rtcpPort: 5_001))
    #expect(media.direction == .sendrecv && !media.isHeldByRemote)
  }

  @Test("An answer nobody asked for, a second answer, or one without our line is refused")
  func unexpectedAnswers() throws {
    var negotiation = Negotiation(sessionID: 40)
    let answer = try remote("m=audio 5000 RTP/AVP 0")
    #expect(throws: NegotiationError.unexpectedAnswer) { try negotiation.receive(answer: answer) }
    _ = negotiation.offer(local)
    let empty = try parse("v=0", "o=- 7 1 IN IP4 192.0.2.1", "s=-")
    #expect(throws: NegotiationError.unexpectedAnswer) { try negotiation.receive(answer: empty) }
    _ = try negotiation.receive(answer: answer)
    #expect(throws: NegotiationError.unexpectedAnswer) { try negotiation.receive(answer: answer) }
  }

  @Test("An answer that takes nothing we offered fails the offer")
  func answersWithoutAgreement() throws {
    let faults: [(String, NegotiationError)] = [
      ("m=audio 0 RTP/AVP 0", .noAudio), ("m=audio 5000 RTP/AVP 18", .noCommonCodec),
      ("m=audio 5000 RTP/SAVP 0", .transport), ("m=video 5000 RTP/AVP 0", .unexpectedAnswer),
      ("m=audio 5000 RTP/AVP 0\r\nc=IN IP4 224.1.1.1", .address),
    ]
    for (line, fault) in faults {
      var negotiation = Negotiation(sessionID: 40)
      _ = negotiation.offer(local)
      let answer = try remote(line)
      #expect(throws: fault) { try negotiation.receive(answer: answer) }
      #expect(negotiation.agreed == nil)
      #expect(fault.status == 488 && (300...399).contains(fault.warning.code))
    }
  }

  @Test("A re-offer of ours keeps the lines and payload types that the caller chose")
  func reofferKeepsShape() throws {
    var negotiation = Negotiation(sessionID: 40)
    let offer = try remote(
      "m=video 4002 RTP/AVP 31\r\nm=audio 4000 RTP/AVPF 96 98\r\n"
        + "a=rtpmap:96 PCMU/8000\r\na=rtpmap:98 telephone-event/8000")
    _ = try negotiation.answer(offer, with: local)
    var hold = local
    hold.direction = .sendonly
    let ours = try SessionDescription(parsing: negotiation.offer(hold))
    #expect(ours.media.map(\.kind) == ["video", "audio"])
    #expect(ours.media.map(\.port) == [0, 20_000])
    #expect(ours.media[1].transport == "RTP/AVPF")
    #expect(ours.media[1].formats == ["96", "8", "98"])
    #expect(ours.media[1].attributes.direction == .sendonly)
    #expect(ours.origin.version == "1" && ours.origin.sessionID == "10")
  }

  @Test("A payload type that the caller gave another meaning is not offered for its old one")
  func takenPayloadType() throws {
    var negotiation = Negotiation(sessionID: 40)
    _ = try negotiation.answer(try remote("m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMU/8000"), with: local)
    let ours = try SessionDescription(parsing: negotiation.offer(local))
    #expect(ours.media[0].formats == ["8", "101"])
  }

  @Test("A re-offer with another order keeps the codec in use")
  func reofferKeepsCodec() throws {
    var negotiation = Negotiation(sessionID: 40)
    _ = try negotiation.answer(try remote("m=audio 4000 RTP/AVP 8 0"), with: local)
    let again = try negotiation.answer(try remote("m=audio 4000 RTP/AVP 0 8", version: 2), with: local)
    #expect(again.media.codec == .pcma)
    let only = try negotiation.answer(try remote("m=audio 4000 RTP/AVP 0", version: 3), with: local)
    #expect(only.media.codec == .pcmu)
  }

  @Test("A refused re-offer leaves the session as it was")
  func refusalChangesNothing() throws {
    var negotiation = Negotiation(sessionID: 40)
    let first = try negotiation.answer(try remote("m=audio 4000 RTP/AVP 0"), with: local)
    let bad = try remote("m=audio 4000 RTP/AVP 18", version: 2)
    #expect(throws: NegotiationError.noCommonCodec) { try negotiation.answer(bad, with: local) }
    #expect(negotiation.agreed == first.media)
  }

  @Test("Hold from our side and from theirs limit each other")
  func holdFromBothSides() throws {
    var negotiation = Negotiation(sessionID: 40)
    var holding = local
    holding.direction = .sendonly
    for (theirs, ours, held) in [
      ("sendrecv", Direction.sendonly, false), ("sendonly", .inactive, true), ("recvonly", .sendonly, false),
      ("inactive", .inactive, true),
    ] {
      let answer = try negotiation.answer(try remote("m=audio 4000 RTP/AVP 0\r\na=\(theirs)"), with: holding)
      #expect(answer.media.direction == ours, "\(theirs)")
      #expect(answer.media.isHeldByRemote == held, "\(theirs)")
    }
  }

  @Test("We speak IPv6 when our address is one")
  func ipv6() throws {
    var negotiation = Negotiation(sessionID: 40)
    let offer = try SessionDescription(parsing: negotiation.offer(LocalMedia(address: "2001:db8::5", port: 20_000)))
    #expect(offer.connection == Connection(addressType: .ip6, address: "2001:db8::5"))
    #expect(offer.origin.connection.addressType == .ip6)
  }

  @Test("Inspection prints what a description says as JSON")
  func inspection() throws {
    let session = try remote("m=audio 4000 RTP/AVP 0\r\na=tool:say \"hi\"\\")
    let inspection = inspect(session.bytes)
    let json = inspection.json
    #expect(inspection.isAccepted)
    #expect(json.contains(#""name": "PCMU""#))
    #expect(json.contains(#""value": "say \"hi\"\\""#))
    #expect(json.contains(#""direction": "sendrecv""#))
    let refused = inspect(Array("v=0\r\nx".utf8))
    #expect(!refused.isAccepted && refused.json.contains(#""offset": 5"#))
  }
}
