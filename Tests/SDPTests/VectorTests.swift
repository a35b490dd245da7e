import Foundation
import SDP
import Testing

/// The project's own descriptions with their verdicts: `Vectors/MANIFEST.tsv`.
@Suite struct VectorTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

  struct Vector: Sendable, CustomTestStringConvertible {
    var file: String
    var verdict: String
    var testDescription: String { file }
  }

  static let vectors: [Vector] = {
    let text = (try? String(contentsOf: folder.appending(path: "MANIFEST.tsv"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
      let columns = line.split(separator: "\t")
      return columns.count == 2 ? Vector(file: String(columns[0]), verdict: String(columns[1])) : nil
    }
  }()

  static func bytes(_ file: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: file)))
  }

  @Test("Every description in the folder has a verdict, and every verdict its description")
  func manifestIsComplete() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { $0.hasSuffix(".sdp") }
    #expect(files.count >= 40)
    #expect(files.sorted() == Self.vectors.map(\.file).sorted())
  }

  @Test("A description is read, answered or refused as its verdict says", arguments: vectors)
  func verdict(_ vector: Vector) throws {
    let bytes = try Self.bytes(vector.file)
    #expect(Self.judge(bytes, Self.local(for: vector.file)) == vector.verdict)
  }

  @Test("What was read and written again reads the same", arguments: vectors)
  func roundTrip(_ vector: Vector) throws {
    guard let session = try? SessionDescription(parsing: Self.bytes(vector.file)) else {
      #expect(vector.verdict.hasPrefix("malformed"))
      return
    }
    let again = try SessionDescription(parsing: session.bytes)
    #expect(again.bytes == session.bytes)
    #expect(again.media == session.media)
    #expect(again.origin == session.origin)
    #expect(again.attributes == session.attributes)
  }

  /// What our side brings: browsers' offers are named `web-…`, those with keys `sdes-…`.
  static func local(for file: String) -> LocalMedia {
    file.hasPrefix("web-") ? Fixtures.web : file.hasPrefix("sdes-") ? Fixtures.sdes : Fixtures.plain
  }

  /// The verdict in the words of the manifest.
  static func judge(_ bytes: [UInt8], _ local: LocalMedia) -> String {
    let session: SessionDescription
    do {
      session = try SessionDescription(parsing: bytes)
    } catch {
      return "malformed \(error.reason) \(error.offset)"
    }
    var negotiation = Negotiation(sessionID: 4_711)
    do {
      let (answer, media) = try negotiation.answer(session, with: local)
      let faults = AnswerChecker.faults(of: answer, to: bytes, isWeb: local.security != .none && local != Fixtures.sdes)
      guard faults.isEmpty else { return "our answer is wrong: \(faults)" }
      let ours = try SessionDescription(parsing: answer)
      let lines = ours.media.map { $0.port == 0 ? "refused" : "taken" }
      let remote = media.remote.map {
        $0.address.contains(":") ? "[\($0.address)]:\($0.port)" : "\($0.address):\($0.port)"
      }
      return
        ([
          "answered", media.codec.rawValue, "\(media.payloadType.outgoing)",
          media.telephoneEvent.map { "\($0.outgoing)" } ?? "-", media.direction.rawValue, remote ?? "-",
          "\(media.packetTime)",
        ] + lines).joined(separator: " ")
    } catch let error as NegotiationError {
      return "declined \(error)"
    } catch {
      return "our answer does not parse: \(error)"
    }
  }
}
