import Foundation
import Primitives
import SIP
import Testing

/// Files of messages, and checks that hold for any bytes.
enum Samples {
  static let vectors = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

  /// The folder that holds conformance data, if the environment names one.
  static let testdata = ProcessInfo.processInfo.environment["SWITCHBOARD_TESTDATA"].map {
    URL(fileURLWithPath: $0, isDirectory: true)
  }

  static func has(_ folder: String) -> Bool {
    testdata.map { FileManager.default.fileExists(atPath: $0.appending(path: folder).path) } ?? false
  }

  /// All files in a folder of the conformance data whose names pass, in order of name.
  static func files(_ folder: String, where passes: (String) -> Bool) throws -> [(name: String, bytes: [UInt8])] {
    guard let testdata else { return [] }
    let folder = testdata.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().filter(passes).map {
      ($0, [UInt8](try Data(contentsOf: folder.appending(path: $0))))
    }
  }

  /// The rows of a manifest, without comments.
  static func rows(_ url: URL) throws -> [[String]] {
    try String(contentsOf: url, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
  }

  /// The manifest of a folder of the conformance data; empty if it has none.
  static func expectations(_ folder: String) -> [[String]] {
    testdata.flatMap { try? rows($0.appending(path: folder).appending(path: "EXPECT.tsv")) } ?? []
  }

  static func corpus() throws -> [(row: [String], bytes: [UInt8])] {
    let folder = vectors.appending(path: "corpus")
    return try rows(folder.appending(path: "manifest.tsv")).map {
      ($0, [UInt8](try Data(contentsOf: folder.appending(path: $0[0]))))
    }
  }
}

/// A small generator with a fixed seed: every run meets the same bytes.
struct Generator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}

/// What the datagram parser makes of bytes, and what the framer makes of them when they come in pieces, must be one:
/// the same first message, or none. Returns what is wrong, nil if nothing.
func disagreement(_ bytes: [UInt8], _ generator: inout Generator) -> String? {
  let parsed = Result { () throws(ParseError) in try Message(parsing: bytes) }
  var framer = StreamFramer()
  var first: Result<StreamFramer.Frame, ParseError>?
  var i = 0
  while i < bytes.count, first == nil {
    let end = min(bytes.count, i + 1 + generator.below(generator.below(4) == 0 ? 8 : 700))
    framer.append(bytes[i..<end])
    i = end
    do throws(ParseError) {
      if let frame = try framer.next() { first = .success(frame) }
    } catch {
      first = .failure(error)
    }
  }
  if bytes.first == 0x0d {
    // Line ends before a message are a matter of streams only.
    if case .success = parsed { return "the parser accepts a line end before the start line" }
    return nil
  }
  switch (parsed, first) {
  case (.success(let message), .success(.message(let framed))):
    return message.bytes == framed.bytes ? nil : "parser and framer end the message at different bytes"
  case (.success(let message), .failure(let error)):
    let hasLength = message.header("Content-Length") != nil
    return hasLength ? "the parser accepts what the framer refuses: \(error)" : nil
  case (.success, _): return "the parser accepts what the framer does not take for a message"
  case (.failure(let error), .success(.message)): return "the framer accepts what the parser refuses: \(error)"
  case (.failure(let error), .success(.refused(let other, _))):
    return error == other ? nil : "two refusals: \(error), \(other)"
  case (.failure(let error), .failure(let other)):
    // Without a length the stream ends before the headers are looked into.
    return error == other || other.reason.hasPrefix("Content-Length missing") ? nil : "two refusals: \(error), \(other)"
  case (.failure, _): return nil
  }
}

/// Written anew and read again, a message says the same; written twice, it stays as it is.
func roundTripFault(_ message: Message) -> String? {
  let bytes = MessageWriter.rewritten(message)
  do throws(ParseError) {
    let again = try Message(parsing: bytes)
    if MessageWriter.rewritten(again) != bytes { return "written twice it changes" }
    let same =
      message.kind == again.kind && message.requestURI == again.requestURI && message.from == again.from
      && message.to == again.to && message.callID == again.callID && message.cseq == again.cseq
      && message.method == again.method && message.contacts == again.contacts && message.vias == again.vias
      && message.isWildcardContact == again.isWildcardContact && message.routes == again.routes
      && message.recordRoutes == again.recordRoutes && message.body == again.body
      && message.reason == again.reason && message.contentType == again.contentType
      && message.maxForwards == again.maxForwards && message.expires == again.expires
    guard same else { return "written anew it says something else" }
    for name in ["Subject", "Authorization", "Allow", "Supported", "Require", "Refer-To", "Event", "Replaces"]
    where message.headers(name) != again.headers(name) {
      return "\(name) changes"
    }
    return nil
  } catch {
    return "written anew it is refused: \(error)"
  }
}

/// Every accessor of a message; none may trap.
func readAll(_ message: Message) -> Int {
  let texts = [
    message.from.displayName, message.to.tag, message.requestURI.description, message.callID, message.contentType,
    message.userAgent, message.reason, message.topVia.branch, message.header("Subject"),
  ]
  let counts = [
    message.contacts.count, message.vias.count, message.routes.count, message.recordRoutes.count, message.body.count,
    message.require.count, message.allow.count, message.authorizations.count, message.headers("Warning").count,
    message.status, Int(message.expires ?? 0), message.maxForwards ?? 0, message.contacts.count,
    message.topVia.responseEndpoint.map { Int($0.port) } ?? 0,
  ]
  return texts.compactMap { $0?.utf8.count }.reduce(0, +) &+ counts.reduce(0, &+)
}
