import Foundation

/// A visitor whose WebRTC client is aiortc: it calls the site's demo entry, plays a tone and records what it hears.
struct Aiortc: Visitor {
  let peer: Peer
  private let recording: URL

  /// Debian's Python finds Debian's aiortc; another that comes first in the path would not.
  private static let python = "/usr/bin/python3"
  static let isHere =
    Peers.areRequired || FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/aiortc")

  /// - Parameter codec: the only one that it offers; nil for all it has.
  init(calling site: RunningSite, hertz: Int, codec: String? = nil) throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios/visitor.py")
    recording = site.folder.appending(path: "visitor.wav")
    let arguments = [script.path, "http://127.0.0.1:\(site.ports.http)", "demo", "\(hertz)", recording.path]
    peer = try Peer(Self.python, arguments + (codec.map { [$0] } ?? []), in: site.folder)
  }

  var seen: String { peer.text }

  /// Waits until a tone is heard, and no other.
  func hears(_ hertz: Int, within seconds: Double = 10) async -> Bool {
    await eventually(within: seconds) {
      (try? Data(contentsOf: recording)).flatMap { Recording(wave: $0) }?.holds(hertz) == true
    }
  }
}
