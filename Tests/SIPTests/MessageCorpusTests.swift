import SIP
import Testing

@Suite("The corpus of messages")
struct MessageCorpusTests {
  @Test("Each message is accepted, or refused with its status at its byte")
  func verdicts() throws {
    let corpus = try Samples.corpus()
    #expect(corpus.count >= 100)
    for (row, bytes) in corpus {
      do throws(ParseError) {
        let message = try Message(parsing: bytes)
        #expect(row[1] == "accept", "\(row[0]): \(row[4])")
        #expect(roundTripFault(message) == nil, "\(row[0])")
        #expect(readAll(message) > 0, "\(row[0])")
        #expect(inspect(bytes).isAccepted, "\(row[0])")
      } catch {
        #expect(row[1] == "reject", "\(row[0]): \(row[4]): \(error)")
        #expect("\(error.status)" == row[2], "\(row[0]): \(error)")
        #expect("\(error.offset)" == row[3], "\(row[0]): \(error)")
        #expect(!inspect(bytes).isAccepted, "\(row[0])")
      }
    }
  }

  @Test("Parser and framer agree on every message, in pieces of any size")
  func agreement() throws {
    var generator = Generator(seed: 1)
    for (row, bytes) in try Samples.corpus() {
      for _ in 0..<20 { #expect(disagreement(bytes, &generator) == nil, "\(row[0])") }
    }
  }

  @Test("A hundred thousand mutations: no crash, and parser and framer agree on all of them")
  func mutations() throws {
    var generator = Generator(seed: 0x5e_ed)
    let corpus = try Samples.corpus().filter { $0.bytes.count < 2_000 }
    // Mostly from good messages, so that enough of the mutants reach the code behind the gate.
    let good = corpus.filter { $0.row[1] == "accept" }.map(\.bytes)
    let bad = corpus.filter { $0.row[1] == "reject" }.map(\.bytes)
    var accepted = 0
    for _ in 0..<100_000 {
      let bytes = mutation(of: generator.below(8) == 0 ? bad : good, &generator)
      if let fault = disagreement(bytes, &generator) {
        Issue.record("\(fault): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        return
      }
      guard let message = try? Message(parsing: bytes) else { continue }
      accepted += 1
      _ = readAll(message)
      if let fault = roundTripFault(message) {
        Issue.record("\(fault): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        return
      }
    }
    #expect(accepted > 10_000)
  }

  private func mutation(of seeds: [[UInt8]], _ generator: inout Generator) -> [UInt8] {
    var bytes = seeds[generator.below(seeds.count)]
    let signs = Array("\r\n\r\n ;,:<>\"\\%@?=[]*/\0\t1aZ\u{e9}".utf8)
    for _ in 0...generator.below(2) where !bytes.isEmpty {
      let i = generator.below(bytes.count)
      switch generator.below(7) {
      case 0: bytes[i] = UInt8(truncatingIfNeeded: generator.next())
      case 1: bytes[i] = signs[generator.below(signs.count)]
      case 2: bytes.insert(signs[generator.below(signs.count)], at: i)
      case 3: bytes.remove(at: i)
      case 4: bytes.removeSubrange(i..<min(bytes.count, i + generator.below(40)))
      case 5: bytes.insert(contentsOf: bytes[i..<min(bytes.count, i + generator.below(60))], at: i)
      default:
        let other = seeds[generator.below(seeds.count)]
        let from = generator.below(other.count)
        bytes.replaceSubrange(i..<min(bytes.count, i + 30), with: other[from..<min(other.count, from + 60)])
      }
    }
    return bytes
  }
}
