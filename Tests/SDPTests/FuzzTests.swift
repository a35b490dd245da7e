import Primitives
import SDP
import Testing

@Suite struct FuzzTests {
  @Test(
    "Any bytes are read or refused, and what is read survives writing and reading", arguments: 0..<8 as Range<UInt64>)
  func mutations(seed: UInt64) throws {
    var entropy = Entropy(testing: seed)
    let seeds = try VectorTests.vectors.map { try VectorTests.bytes($0.file) }.filter { $0.count < 3_000 }
    func below(_ bound: Int) -> Int { Int(entropy.next() % UInt64(max(bound, 1))) }
    let spice = Array("\r\n=:/ \0amvoct09".utf8)
    var (read, answered) = (0, 0)
    for _ in 0..<2_500 {
      var bytes = seeds[below(seeds.count)]
      for _ in 0...below(4) where !bytes.isEmpty {
        let place = below(bytes.count)
        switch below(6) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: entropy.next())
        case 1: bytes[place] = spice[below(spice.count)]
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(spice[below(spice.count)], at: place)
        case 4: bytes.removeLast(below(bytes.count - place))
        default:
          let other = seeds[below(seeds.count)]
          bytes.replaceSubrange(place..., with: other.dropFirst(below(other.count)))
        }
      }
      let session: SessionDescription
      do {
        session = try SessionDescription(parsing: bytes)
      } catch {
        #expect((0...bytes.count).contains(error.offset))
        continue
      }
      read += 1
      let written = session.bytes
      #expect(try SessionDescription(parsing: written).bytes == written, "seed \(seed): \(bytes)")
      for local in [Fixtures.plain, Fixtures.web, Fixtures.sdes] {
        var negotiation = Negotiation(sessionID: seed)
        guard let answer = try? negotiation.answer(session, with: local).bytes else { continue }
        answered += 1
        // A number written in an odd way, or mapped in vain, is right to us and unknown to the checker.
        let faults = AnswerChecker.faults(of: answer, to: written, isWeb: local == Fixtures.web)
        #expect(faults.filter { !$0.hasPrefix("format ") && !$0.hasPrefix("telephone-event") } == [], "\(bytes)")
        #expect(try SessionDescription(parsing: answer).bytes == answer)
      }
      if let fragment = try? ICEFragment(parsing: bytes) {
        #expect(try ICEFragment(parsing: fragment.bytes) == fragment)
      }
    }
    #expect(answered > 100)
    #expect(read > 100)
  }
}
