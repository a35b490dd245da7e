import Primitives
import SDP
import Testing

@Suite struct FuzzTests {
  @Test(
    "Any bytes are read or refused, and what is read survives writing and reading", arguments: 0..<8 as Range<UInt64>)
  func mutations(seed: UInt64) throws {
    var entropy = Entropy(testing: seed)
    let seeds = try VectorTests.vectors.map { try VectorTests.bytes($0.file) }.filter { $0.count < 2_000 }
    func below(_ bound: Int) -> Int { Int(entropy.next() % UInt64(max(bound, 1))) }
    let spice = Array("\r\n=:/ \0amvoct09".utf8)
    var read = 0
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
      var negotiation = Negotiation(sessionID: seed)
      if let answer = try? negotiation.answer(session, with: LocalMedia(address: "192.0.2.9", port: 9_000)) {
        let ours = try SessionDescription(parsing: answer.bytes)
        #expect(ours.media.count == session.media.count)
        #expect(ours.media.filter { $0.port != 0 }.count == 1)
      }
    }
    #expect(read > 100)
  }
}
