import Media
import Primitives
import Testing

/// Repeatable bytes and choices.
struct Draw {
  private var entropy: Entropy
  init(_ seed: UInt64) { entropy = Entropy(testing: seed) }
  mutating func below(_ bound: Int) -> Int { Int(entropy.next() % UInt64(bound)) }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: entropy.next()) } }
}

extension SRTPMasterKey {
  init(_ profile: SRTPProfile, drawn draw: inout Draw) {
    // The lengths are the profile's own.
    self.init(profile, key: draw.bytes(profile.keyLength), salt: draw.bytes(profile.saltLength))!
  }
}

func protect(_ sender: inout SRTPSender, _ packet: [UInt8]) throws(SRTPError) -> [UInt8] {
  var room = packet + [UInt8](repeating: 0, count: SRTPProfile.mostOverhead)
  let count = try onBytes(&room) { bytes throws(SRTPError) in try sender.protect(bytes, count: packet.count) }
  return Array(room[..<count])
}

func protectControl(_ sender: inout SRTPSender, _ packet: [UInt8]) throws(SRTPError) -> [UInt8] {
  var room = packet + [UInt8](repeating: 0, count: SRTPProfile.mostOverhead)
  let count = try onBytes(&room) { bytes throws(SRTPError) in try sender.protectControl(bytes, count: packet.count) }
  return Array(room[..<count])
}

func unprotect(_ receiver: inout SRTPReceiver, _ packet: [UInt8]) throws(SRTPError) -> [UInt8] {
  var room = packet
  let count = try onBytes(&room) { bytes throws(SRTPError) in try receiver.unprotect(bytes) }
  return Array(room[..<count])
}

func unprotectControl(_ receiver: inout SRTPReceiver, _ packet: [UInt8]) throws(SRTPError) -> [UInt8] {
  var room = packet
  let count = try onBytes(&room) { bytes throws(SRTPError) in try receiver.unprotectControl(bytes) }
  return Array(room[..<count])
}

private func onBytes(
  _ room: inout [UInt8], _ body: (UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int
) throws(SRTPError) -> Int {
  var result: Result<Int, SRTPError> = .failure(.malformed)
  room.withUnsafeMutableBytes { bytes in
    do throws(SRTPError) { result = .success(try body(bytes)) } catch { result = .failure(error) }
  }
  return try result.get()
}

/// A packet with CSRCs and an extension now and then, and any payload.
private func packet(_ draw: inout Draw, sequence: UInt16, ssrc: UInt32) -> [UInt8] {
  var bytes: [UInt8] = [0x80, UInt8(draw.below(128)), UInt8(sequence >> 8), UInt8(sequence & 0xff)]
  bytes += draw.bytes(4)
  bytes += withUnsafeBytes(of: ssrc.bigEndian, Array.init)
  if draw.below(4) == 0 {
    let sources = draw.below(4)
    bytes[0] |= UInt8(sources)
    bytes += draw.bytes(sources * 4)
  }
  if draw.below(4) == 0 {
    let words = draw.below(4)
    bytes[0] |= 0x10
    bytes += [0xbe, 0xde, 0, UInt8(words)] + draw.bytes(words * 4)
  }
  return bytes + draw.bytes(draw.below(4) == 0 ? draw.below(300) : 160)
}

@Suite struct SRTPTests {
  @Test("Packets are protected as libsrtp2 protects them, bit for bit", arguments: SRTPProfile.allCases)
  func sender(_ profile: SRTPProfile) throws {
    var draw = Draw(UInt64(profile.rawValue) + 1)
    let key = SRTPMasterKey(profile, drawn: &draw)
    let reference = try #require(LibSRTP(key, outgoing: true))
    var sender = SRTPSender(key)
    var place = 65_000 - draw.below(1_000)
    var refused = 0
    for step in 0..<4_000 {
      // Forward with jumps over several roll-overs, and now and then back, within and beyond the window.
      switch draw.below(20) {
      case 0: place += draw.below(3_000)
      case 1: place -= draw.below(300)
      default: place += 1
      }
      let plain = packet(
        &draw, sequence: UInt16(truncatingIfNeeded: place), ssrc: step % 5 == 0 ? 0x1234_5678 : 0x9abc_def0)
      let ours = try? protect(&sender, plain)
      #expect(ours == reference.protect(plain))
      if ours == nil { refused += 1 }
    }
    // The run met repeated and late packets, and did not consist of them.
    #expect(refused > 100 && refused < 3_000, "\(refused)")
  }

  @Test("What libsrtp2 accepts and refuses, we do", arguments: SRTPProfile.allCases)
  func receiver(_ profile: SRTPProfile) throws {
    var draw = Draw(UInt64(profile.rawValue) + 100)
    let key = SRTPMasterKey(profile, drawn: &draw)
    let reference = try #require(LibSRTP(key, outgoing: false))
    var sender = SRTPSender(key)
    var receiver = SRTPReceiver(key)
    // All packets in order, over more than three roll-overs, with losses; then delivered out of order.
    var sequence = 64_000
    var sent: [[UInt8]] = []
    var verdicts = (accepted: 0, refused: 0)
    for _ in 0..<6_000 {
      sequence += draw.below(30) == 0 ? draw.below(2_000) : 1
      sent.append(
        try protect(&sender, packet(&draw, sequence: UInt16(truncatingIfNeeded: sequence), ssrc: 0x7700_0000)))
      var arrived = sent[max(0, sent.count - 1 - draw.below(draw.below(10) == 0 ? 200 : 4))]
      if draw.below(8) == 0 { arrived[draw.below(arrived.count)] ^= UInt8(1 << draw.below(8)) }
      if draw.below(50) == 0 { arrived.removeLast(1 + draw.below(arrived.count)) }
      let ours = try? unprotect(&receiver, arrived)
      #expect(ours == reference.unprotect(arrived))
      if ours == nil { verdicts.refused += 1 } else { verdicts.accepted += 1 }
    }
    #expect(verdicts.accepted > 1_500 && verdicts.refused > 500)
  }

  @Test("RTCP is protected and read as libsrtp2 does it", arguments: SRTPProfile.allCases)
  func control(_ profile: SRTPProfile) throws {
    var draw = Draw(UInt64(profile.rawValue) + 200)
    let key = SRTPMasterKey(profile, drawn: &draw)
    let reference = (
      sender: try #require(LibSRTP(key, outgoing: true)), receiver: try #require(LibSRTP(key, outgoing: false))
    )
    var sender = SRTPSender(key)
    var receiver = SRTPReceiver(key)
    var sent: [[UInt8]] = []
    for _ in 0..<1_500 {
      let plain: [UInt8] = [0x80, 200, 0, 6, 0, 0, 0, UInt8(draw.below(2))] + draw.bytes(draw.below(30) * 4)
      let ours = try protectControl(&sender, plain)
      #expect(ours == reference.sender.protectControl(plain))
      sent.append(ours)
      var arrived = sent[max(0, sent.count - 1 - draw.below(draw.below(10) == 0 ? 200 : 3))]
      if draw.below(8) == 0 { arrived[draw.below(arrived.count)] ^= UInt8(1 << draw.below(8)) }
      let received = try? unprotectControl(&receiver, arrived)
      #expect(received == reference.receiver.unprotectControl(arrived))
    }
  }

  @Test("A packet that was changed, cut short or protected with another key is refused and changes nothing")
  func tampering() throws {
    var draw = Draw(5)
    for profile in SRTPProfile.allCases {
      let key = SRTPMasterKey(profile, drawn: &draw)
      var sender = SRTPSender(key)
      var receiver = SRTPReceiver(key)
      var stranger = SRTPSender(SRTPMasterKey(profile, drawn: &draw))
      let plain = packet(&draw, sequence: 9, ssrc: 3)
      let good = try protect(&sender, plain)
      for place in good.indices {
        var changed = good
        changed[place] ^= 0x10
        #expect(throws: SRTPError.self) { try unprotect(&receiver, changed) }
        #expect(throws: SRTPError.self) { try unprotect(&receiver, Array(good[..<place])) }
      }
      let foreign = try protect(&stranger, plain)
      #expect(throws: SRTPError.unauthentic) { try unprotect(&receiver, foreign) }
      #expect(try unprotect(&receiver, good) == plain)
      #expect(throws: SRTPError.replayed) { try unprotect(&receiver, good) }
    }
  }

  @Test("A sender refuses to use an index twice, and a packet too old to know")
  func reuse() throws {
    var draw = Draw(6)
    var sender = SRTPSender(SRTPMasterKey(.aeadAES128GCM, drawn: &draw))
    for sequence in [200, 201] { _ = try protect(&sender, packet(&draw, sequence: UInt16(sequence), ssrc: 1)) }
    #expect(throws: SRTPError.replayed) { try protect(&sender, packet(&draw, sequence: 200, ssrc: 1)) }
    #expect(throws: SRTPError.tooOld) { try protect(&sender, packet(&draw, sequence: 73, ssrc: 1)) }
    _ = try protect(&sender, packet(&draw, sequence: 74, ssrc: 1))
  }

  @Test("More sources than one far end needs are refused, and the known ones stay")
  func sources() throws {
    var draw = Draw(7)
    let key = SRTPMasterKey(.aes128CM80, drawn: &draw)
    var receiver = SRTPReceiver(key)
    var sender = SRTPSender(key)
    for ssrc in 0..<16 as Range<UInt32> {
      _ = try unprotect(&receiver, try protect(&sender, packet(&draw, sequence: 1, ssrc: ssrc)))
    }
    var another = SRTPSender(key)
    let seventeenth = try protect(&another, packet(&draw, sequence: 1, ssrc: 99))
    #expect(throws: SRTPError.tooManySources) { try unprotect(&receiver, seventeenth) }
    let next = packet(&draw, sequence: 2, ssrc: 3)
    #expect(try unprotect(&receiver, try protect(&sender, next)) == next)
  }

  @Test("No bytes that a stranger sends are accepted, and none harm", arguments: SRTPProfile.allCases)
  func fuzz(_ profile: SRTPProfile) throws {
    var draw = Draw(UInt64(profile.rawValue) + 300)
    let key = SRTPMasterKey(profile, drawn: &draw)
    var receiver = SRTPReceiver(key)
    for _ in 0..<4_000 {
      var bytes = draw.bytes(draw.below(80))
      if !bytes.isEmpty, draw.below(2) == 0 { bytes[0] = 0x80 | UInt8(draw.below(32)) }
      #expect(throws: SRTPError.self) { try unprotect(&receiver, bytes) }
      #expect(throws: SRTPError.self) { try unprotectControl(&receiver, bytes) }
    }
  }
}
