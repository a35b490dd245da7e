import SIP
import Testing

@Suite("RFC 4475 and RFC 5118 torture messages", .enabled(if: Samples.has("rfc4475") || Samples.has("rfc5118")))
struct SIPTortureConformance {
  @Test("Each message by its verdict", arguments: ["rfc4475", "rfc5118"])
  func verdicts(folder: String) throws {
    guard Samples.has(folder) else { return }
    let rows = Samples.expectations(folder)
    var generator = Generator(seed: 4475)
    for (name, bytes) in try Samples.files(folder, where: { $0.hasSuffix(".dat") || $0.hasSuffix(".sip") }) {
      #expect(disagreement(bytes, &generator) == nil, "\(name)")
      guard let row = rows.first(where: { $0[0] == name }), row.count >= 4 else {
        // A file without a verdict must only not break us.
        _ = inspect(bytes)
        continue
      }
      check(name, row, bytes)
    }
  }

  private func check(_ name: String, _ row: [String], _ bytes: [UInt8]) {
    let result = Result { () throws(ParseError) in try Message(parsing: bytes) }
    switch (row[3], result) {
    case ("accept", .success(let message)):
      #expect(message.isRequest == (row[2] == "request"), "\(name)")
      #expect(roundTripFault(message) == nil, "\(name)")
      #expect(readAll(message) > 0, "\(name)")
    case ("accept", .failure(let error)): Issue.record("\(name) must be accepted: \(error)")
    case ("reject", .failure(let error)):
      // The text begins with the status where the RFC names one.
      let text = row.count > 4 ? row[4] : ""
      if text.first?.isNumber == true { #expect(text.contains("\(error.status)"), "\(name): \(error)") }
    case ("drop", .failure(let error)):
      #expect(MessageWriter.refusal(of: bytes, for: error, tag: "t", source: nil) == nil, "\(name) is answered")
    case ("reject", .success), ("drop", .success): Issue.record("\(name) must be refused: \(row.last ?? "")")
    case (_, .success(let message)): #expect(roundTripFault(message) == nil, "\(name)")
    case (_, .failure): break
    }
  }
}

@Suite("Messages of RFC 3665 and RFC 5359", .enabled(if: Samples.has("sip-flows")))
struct SIPFlowsConformance {
  @Test("Every message parses and survives being written anew")
  func flows() throws { try expectAllAccepted("sip-flows") }
}

@Suite("Messages of real user agents", .enabled(if: Samples.has("real-ua")))
struct RealUserAgentsConformance {
  @Test("Every message parses and survives being written anew")
  func realUserAgents() throws { try expectAllAccepted("real-ua") }
}

@Suite("Seeds for mutation", .enabled(if: Samples.has("fuzzseeds")))
struct SIPSeedsConformance {
  @Test("No seed and no mutation of one crashes, and parser and framer agree")
  func seeds() throws {
    var generator = Generator(seed: 7)
    let seeds = try Samples.files("fuzzseeds") { $0.hasPrefix("sip-") || $0.contains("-sip-") && $0.hasSuffix(".raw") }
    for (name, seed) in seeds {
      // Seeds with bare LF are refused at their first line; with CRLF they reach the rest.
      for bytes in [seed, withLineEnds(seed)] {
        #expect(disagreement(bytes, &generator) == nil, "\(name)")
        for _ in 0..<300 where !bytes.isEmpty {
          var mutated = bytes
          for _ in 0...generator.below(4) {
            mutated[generator.below(mutated.count)] = UInt8(truncatingIfNeeded: generator.next())
          }
          #expect(disagreement(mutated, &generator) == nil, "\(name)")
          if let message = try? Message(parsing: mutated) { #expect(roundTripFault(message) == nil, "\(name)") }
        }
      }
      expectProgress(name, seed)
    }
  }

  private func withLineEnds(_ bytes: [UInt8]) -> [UInt8] {
    bytes.filter { $0 != 0x0d }.flatMap { $0 == 0x0a ? [0x0d, 0x0a] : [$0] }
  }

  /// A whole stream frames to its end, whatever it says, and never yields a frame without taking bytes.
  private func expectProgress(_ name: String, _ bytes: [UInt8]) {
    var framer = StreamFramer()
    framer.append(bytes)
    var pending = framer.pending
    while let frame = try? framer.next() {
      if case .message(let message) = frame { #expect(roundTripFault(message) == nil, "\(name)") }
      #expect(framer.pending < pending, "\(name)")
      pending = framer.pending
    }
  }
}

private func expectAllAccepted(_ folder: String) throws {
  var generator = Generator(seed: 3665)
  for (name, bytes) in try Samples.files(folder, where: { $0.hasSuffix(".sip") }) {
    do throws(ParseError) {
      let message = try Message(parsing: bytes)
      #expect(roundTripFault(message) == nil, "\(name)")
      #expect(readAll(message) > 0, "\(name)")
      #expect(message.bytes == bytes, "\(name) has a tail")
    } catch {
      Issue.record("\(name): \(error)")
    }
    for _ in 0..<10 { #expect(disagreement(bytes, &generator) == nil, "\(name)") }
  }
}
