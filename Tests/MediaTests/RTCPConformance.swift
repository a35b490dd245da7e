import Foundation
import Media
import Testing

/// The folder that `SWITCHBOARD_TESTDATA` names.
private let root = ProcessInfo.processInfo.environment["SWITCHBOARD_TESTDATA"].map { URL(filePath: $0) }

/// RTCP and RTP of other programs, `fuzzseeds/rtcp--*` and `fuzzseeds/rtp--*`: without verdicts, so only to be survived,
/// and to be judged alike whoever asks.
@Suite(.enabled(if: root != nil))
struct RTCPConformance {
  static let seeds: [String] = {
    guard let root else { return [] }
    let names = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "fuzzseeds").path)
    return (names ?? []).filter { $0.hasPrefix("rtcp--") || $0.hasPrefix("rtp--") }.sorted()
  }()

  @Test("A seed, and every part of it, is read or refused, whatever source is asked for", arguments: seeds)
  func seed(_ file: String) throws {
    let folder = try #require(root)
    let bytes = Array(try Data(contentsOf: folder.appending(path: "fuzzseeds").appending(path: file)))
    for end in 0...bytes.count {
      let part = Array(bytes[..<end])
      let packet = RTCPTests.parse(part, about: 0)
      for ssrc in [1, 0x1234_5678, 0x2345_6789, UInt32.max] {
        let other = RTCPTests.parse(part, about: ssrc)
        #expect((packet == nil) == (other == nil))
        #expect(packet?.source == other?.source && packet?.senderReport == other?.senderReport)
      }
      // What is whole ends with a whole packet, so a word less is not.
      if packet != nil, end >= 12 { #expect(end % 4 == 0) }
      _ = part.withUnsafeBytes { RTPHeader.parse($0) }
    }
  }
}
