import Media
import TestPeers
import Testing

@Suite struct CompandingTests {
  @Test("Bytes of the ends and the middle of both laws are those of G.711")
  func knownValues() {
    #expect(CompandingLaw.mu.encode(0) == 0xff)
    #expect(CompandingLaw.mu.decode(0xff) == 0)
    #expect(CompandingLaw.mu.decode(0x00) == -32_124)
    #expect(CompandingLaw.mu.decode(0x80) == 32_124)
    #expect(CompandingLaw.mu.encode(32_767) == 0x80)
    #expect(CompandingLaw.mu.encode(-32_768) == 0x00)
    #expect(CompandingLaw.mu.encode(1_000) == 0xce)
    #expect(CompandingLaw.a.encode(0) == 0xd5)
    #expect(CompandingLaw.a.decode(0xd5) == 8)
    #expect(CompandingLaw.a.decode(0x55) == -8)
    #expect(CompandingLaw.a.decode(0xaa) == 32_256)
    #expect(CompandingLaw.a.decode(0x2a) == -32_256)
    #expect(CompandingLaw.a.encode(32_767) == 0xaa)
    #expect(CompandingLaw.a.encode(-32_768) == 0x2a)
    #expect(CompandingLaw.a.encode(1_000) == 0xfa)
  }

  @Test("Every byte comes back from decoding and encoding", arguments: CompandingLaw.allCases)
  func everyByte(law: CompandingLaw) {
    for byte in UInt8.min...UInt8.max where !(law == .mu && byte == 0x7f) {
      #expect(law.encode(law.decode(byte)) == byte)
    }
  }

  @Test("No sample moves by more than half a step of its segment", arguments: CompandingLaw.allCases)
  func quantisation(law: CompandingLaw) {
    for sample in stride(from: -32_000, through: 32_000, by: 7) {
      let error = abs(Int(law.decode(law.encode(Int16(sample)))) - sample)
      #expect(error <= max((abs(sample) + 132) / 32, 8), "\(sample)")
    }
  }

  @Test("A tone keeps its strength through both laws, and through one into the other")
  func toneThroughLaws() {
    let tone = makeTone(440, samples: 8_000, amplitude: 8_000)
    let clean = strength(of: 440, in: tone)
    for law in CompandingLaw.allCases {
      var bytes = tone.map(law.encode)
      let direct = bytes.map(law.decode)
      #expect(abs(strength(of: 440, in: direct) / clean - 1) < 0.01)
      #expect(strength(of: 880, in: direct) < clean / 100)
      let other: CompandingLaw = law == .mu ? .a : .mu
      bytes.withUnsafeMutableBytes { law.transcode($0, to: other) }
      let through = bytes.map(other.decode)
      #expect(abs(strength(of: 440, in: through) / clean - 1) < 0.03)
      #expect(strength(of: 880, in: through) < clean / 50)
    }
  }
}
