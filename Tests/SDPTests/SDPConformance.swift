import Foundation
import SDP
import Testing

/// The folder that `SWITCHBOARD_TESTDATA` names.
private let root = ProcessInfo.processInfo.environment["SWITCHBOARD_TESTDATA"].map { URL(filePath: $0) }

/// Descriptions from other programs, in the folder that `SWITCHBOARD_TESTDATA` names: `sdp/INDEX.tsv` says of each file
/// its kind and its number of `m=` lines; `fuzzseeds/*.sdp` have no verdict and must only be survived.
@Suite(.enabled(if: root != nil))
struct SDPConformance {
  struct Entry: Sendable, CustomTestStringConvertible {
    var file: String
    var kind: String
    var lines: Int
    var testDescription: String { file }
  }

  static let entries: [Entry] = {
    guard let root, let text = try? String(contentsOf: root.appending(path: "sdp/INDEX.tsv"), encoding: .utf8) else {
      return []
    }
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard columns.count >= 3, let lines = Int(columns[2].trimmingCharacters(in: .whitespaces)) else { return nil }
      return Entry(file: columns[0], kind: columns[1], lines: lines)
    }
  }()

  static let seeds: [String] = {
    guard let root else { return [] }
    let names = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "fuzzseeds").path)
    return (names ?? []).filter { $0.hasSuffix(".sdp") }.sorted()
  }()

  @Test("A description of a real peer is read whole, and written again reads the same", arguments: entries)
  func description(_ entry: Entry) throws {
    let folder = try #require(root)
    let bytes = Array(try Data(contentsOf: folder.appending(path: "sdp").appending(path: entry.file)))
    if entry.kind == "malformed" {
      #expect(throws: SDPError.self) { try SessionDescription(parsing: bytes) }
      return
    }
    let session = try SessionDescription(parsing: bytes)
    #expect(session.media.count == entry.lines)
    #expect(try SessionDescription(parsing: session.bytes) == session)
    let parsed = try JSONSerialization.jsonObject(with: Data(inspect(bytes).json.utf8)) as? [String: Any]
    #expect((parsed?["media"] as? [Any])?.count == entry.lines)
  }

  /// What a standard client with our codecs would take must be answered, and all else refused.
  @Test("An offer is answered by the rules, over plain RTP and as a browser's", arguments: entries)
  func answer(_ entry: Entry) throws {
    guard entry.kind == "offer", let root else { return }
    let bytes = Array(try Data(contentsOf: root.appending(path: "sdp").appending(path: entry.file)))
    let session = try SessionDescription(parsing: bytes)
    let offer = AnswerChecker(bytes)
    let g711 = ["pcmu/8000", "pcma/8000"]
    for (local, isTakeable) in [
      (Fixtures.web, offer.media.contains { offer.isWebAudio($0, codecs: g711 + ["opus/48000/2"]) }),
      (
        Fixtures.local(.web(Fixtures.transport), codecs: AudioCodec.g711),
        offer.media.contains { offer.isWebAudio($0, codecs: g711) }
      ),
      (Fixtures.plain, offer.media.contains { offer.isPlainAudio($0, codecs: g711) }),
    ] {
      var negotiation = Negotiation(sessionID: 1)
      guard let answer = try? negotiation.answer(session, with: local).bytes else {
        #expect(!isTakeable, "refused")
        continue
      }
      #expect(isTakeable, "taken")
      #expect(AnswerChecker.faults(of: answer, to: bytes, isWeb: local.security != .none) == [])
      #expect(try SessionDescription(parsing: answer).bytes == answer)
      #expect(try negotiation.answer(session, with: local).bytes == answer, "the same answer again")
    }
  }

  @Test("A key of a fuzz seed is taken by the rules or refused", arguments: seeds.filter { $0.hasPrefix("sdes--") })
  func keys(_ file: String) throws {
    let folder = try #require(root)
    let bytes = Array(try Data(contentsOf: folder.appending(path: "fuzzseeds").appending(path: file)))
    guard var session = try? SessionDescription(parsing: bytes) else { return }
    // The seeds leave the address away.
    session.connection = session.connection ?? Connection(address: "192.0.2.1")
    var negotiation = Negotiation(sessionID: 1)
    do throws(NegotiationError) {
      let answer = try negotiation.answer(session, with: Fixtures.sdes).bytes
      #expect(AnswerChecker.faults(of: answer, to: session.bytes, isWeb: false) == [])
    } catch {
      #expect(error == .keys)
    }
  }

  @Test("A fuzz seed is read or refused", arguments: seeds)
  func seed(_ file: String) throws {
    let folder = try #require(root)
    let bytes = Array(try Data(contentsOf: folder.appending(path: "fuzzseeds").appending(path: file)))
    let session: SessionDescription
    do {
      session = try SessionDescription(parsing: bytes)
    } catch {
      #expect((0...bytes.count).contains(error.offset))
      return
    }
    #expect(try SessionDescription(parsing: session.bytes) == session)
  }
}
