import CallControl
import Drivers
import Foundation
import Primitives
import SDP
import SIP
import Synchronization

/// Legs of the media threads in a process of their own, whose CPU time is theirs alone. It writes a line of where each
/// one listens, and lives until its input ends.
enum MediaLegs {
  static let command = "media-legs"
  /// Where the generator's two sides, or who listens to music, have their socket.
  static let ports: (a: UInt16, b: UInt16) = (40_000, 40_002)

  enum Task: String {
    /// Pairs of legs, side A and side B; `secure` has side B under SRTP.
    case plain, secure
    /// Music to side A.
    case music, secureMusic = "secure-music", opusMusic = "opus-music"
  }

  /// Starts it; nil if it does not come up.
  static func start(_ task: Task, legs: Int) -> Program? {
    Program("/proc/self/exe", [command, task.rawValue, "\(legs)"], ready: { $0.count == legs })
  }

  static func run(_ task: String, legs: Int) -> Never {
    let opened = Mutex<[MediaID: OpenedMedia]>([:])
    var settings = MediaThreads.Settings(address: Endpoint(ipv4: 0x7f00_0001, port: 0))
    settings.ports = 20_000...29_999
    let media = try? MediaThreads(settings: settings, entropy: Entropy(testing: 1)) { event in
      if case .opened(let id, let medium) = event { opened.withLock { $0[id] = medium } }
    }
    guard let media, let task = Task(rawValue: task) else { exit(1) }
    func open(_ number: Int, to port: UInt16, _ codec: AudioCodec, isSecure: Bool) -> (id: MediaID, line: [String]) {
      let id = MediaID(slot: UInt32(number), generation: 0)
      media.perform([.open(id, isSecure ? .srtp : .rtp)])
      guard let medium = opened.withLock({ $0[id] }) else { exit(1) }
      var remote = RemoteMedia(endpoint: Endpoint(ipv4: 0x7f00_0001, port: port), codec: codec, telephoneEvent: nil)
      var line = ["\(medium.port)", "-", "-"]
      if isSecure, let ours = medium.sdes.first(where: { $0.suite == .aesCM128HMAC80 }) {
        let theirs = SDESKey(suite: ours.suite, key: (0..<30).map { _ in UInt8.random(in: 0...255) })
        remote.security = .sdes(outgoing: ours, incoming: theirs)
        line = [line[0]] + [theirs, ours].map { Data($0.key).base64EncodedString() }
      }
      media.perform([.setRemote(id, remote)])
      return (id, line)
    }
    for number in 0..<legs {
      switch task {
      case .plain, .secure:
        let a = open(2 * number, to: ports.a, .pcmu, isSecure: false)
        let b = open(2 * number + 1, to: ports.b, .pcmu, isSecure: task == .secure)
        media.perform([.join(a.id, b.id)])
        print(a.line[0], b.line[0], a.line[1], a.line[2], b.line[1], b.line[2])
      case .music, .secureMusic, .opusMusic:
        let leg = open(number, to: ports.a, task == .opusMusic ? .opus : .pcmu, isSecure: task == .secureMusic)
        media.perform([.play(leg.id, .music(0))])
        print(leg.line[0])
      }
    }
    fflush(nil)
    while readLine() != nil {}
    media.stop()
    exit(0)
  }
}

/// A program that runs beside this one, and the lines that it has written.
final class Program {
  private let process = Process()
  private let input = Pipe()
  let lines: [String]

  /// Starts it and reads its output until it is ready; nil if it ends before.
  init?(_ path: String, _ arguments: [String], ready: ([String]) -> Bool = { _ in true }) {
    let output = Pipe()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    var text = Data()
    var lines: [String] = []
    while !ready(lines) {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { return nil }
      text += more
      lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    self.lines = lines
  }

  var seconds: Double { ProcessUsage(of: process.processIdentifier).seconds }

  func stop() {
    try? input.fileHandleForWriting.close()
    process.terminate()
    process.waitUntilExit()
  }
}
