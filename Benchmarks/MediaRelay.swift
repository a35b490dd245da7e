import Foundation
import Glibc
import TestPeers

/// What passing on a packet costs, plain and between RTP and SRTP, beside a C program with as many sockets and beside
/// Debian's rtpengine; and what music costs for each caller on hold. `SWITCHBOARD_RTP` names the folder of the generator
/// `rtpgen.c`, `SWITCHBOARD_C` that of the C relay `udprelay.c`; `SWITCHBOARD_SECONDS` is the length of a run, else 8.
func benchmarkRelay() {
  let environment = ProcessInfo.processInfo.environment
  let length = environment["SWITCHBOARD_SECONDS"].flatMap { Int($0) } ?? 8
  benchmarkMusic(for: length)
  guard let folder = environment["SWITCHBOARD_RTP"], let generator = compile("rtpgen", in: folder) else {
    return print("relay: skipped, the environment variable SWITCHBOARD_RTP names no folder with rtpgen.c")
  }
  let c = environment["SWITCHBOARD_C"].flatMap { compile("udprelay", in: $0) }
  if c == nil { print("relay: SWITCHBOARD_C names no folder with udprelay.c, so there is no C beside") }
  let hasEngine = access(RTPEngine.program, X_OK) == 0
  if !hasEngine { print("relay: rtpengine is not installed") }
  for secure in [false, true] {
    var costs: [String: [Double]] = [:]
    for _ in 0..<3 {
      func measure(_ name: String, _ relay: Relay?) {
        guard let relay, let cost = relay.cost(generator, for: length) else { return print("\(name): it failed") }
        costs[name, default: []].append(cost)
      }
      measure("Switchboard", .switchboard(secure: secure))
      if let c { measure("C", .udprelay(c, secure: secure)) }
      if hasEngine { measure("rtpengine", .rtpengine(secure: secure)) }
    }
    report(costs, secure ? "RTP to SRTP" : "RTP to RTP", bars: secure ? ["rtpengine": 2.0 / 3] : ["C": 1.3])
  }
}

private func report(_ costs: [String: [Double]], _ way: String, bars: [String: Double]) {
  func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
  guard let ours = costs["Switchboard"].map(median) else { return }
  for (name, values) in costs.sorted(by: { $0.key < $1.key }) {
    let spread = String(format: "%.2f [%.2f..%.2f] us", median(values), values.min() ?? 0, values.max() ?? 0)
    var line = "\(way), \(Relay.streams) streams, CPU per packet: \(name) \(spread)"
    if name != "Switchboard" {
      line += String(format: "; ratio %.2f", ours / median(values))
      if let bar = bars[name] { line += String(format: ", bar %.2f", bar) }
    }
    print(line)
  }
}

/// Music to waiting callers, who only listen.
private func benchmarkMusic(for length: Int) {
  let callers = 500
  for (task, name) in [
    (MediaLegs.Task.music, "G.711"), (.secureMusic, "G.711 over SRTP"), (.opusMusic, "Opus"),
  ] {
    guard let listener = try? LoopbackSocket(port: MediaLegs.ports.a), let legs = MediaLegs.start(task, legs: callers)
    else {
      print("music: it did not start")
      continue
    }
    defer { legs.stop() }
    listener.enlargeBuffer()
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)
    defer { room.deallocate() }
    func listen(_ length: Int) -> Int {
      let end = seconds() + Double(length)
      var heard = 0
      while seconds() < end {
        guard listener.wait(milliseconds: 10) else { continue }
        while listener.receive(into: room) != nil { heard += 1 }
      }
      return heard
    }
    _ = listen(1)
    let before = legs.seconds
    let heard = listen(length)
    let cost = 1_000 * (legs.seconds - before) / Double(callers * length)
    print(
      String(
        format: "music, %@: %.3f ms of CPU per caller and second, bar 0.3; %.0f %% heard", name, cost,
        100 * Double(heard) / Double(callers * length * 50)))
  }
}

/// Something that passes on what the generator's side A and side B send each other.
private struct Relay {
  static let streams = 300
  /// As `rtpgen` reads them.
  let legs: [String]
  let seconds: () -> Double
  let stop: () -> Void

  static func switchboard(secure: Bool) -> Relay? {
    guard let program = MediaLegs.start(secure ? .secure : .plain, legs: streams) else { return nil }
    return Relay(legs: program.lines, seconds: { program.seconds }, stop: program.stop)
  }

  static func udprelay(_ path: String, secure: Bool) -> Relay? {
    let file = "/tmp/switchboard-streams.\(getpid())"
    unlink(file)
    let arguments = ["perstream", "\(streams)", "3600", file] + (secure ? ["--srtp"] : [])
    guard let program = Program(path, arguments) else { return nil }
    for _ in 0..<100 {
      let lines = ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
      if lines.count == streams, lines.last?.split(separator: " ").count == 6 {
        return Relay(legs: lines, seconds: { program.seconds }, stop: program.stop)
      }
      usleep(50_000)
    }
    program.stop()
    return nil
  }

  static func rtpengine(secure: Bool) -> Relay? {
    guard let engine = RTPEngine(), let legs = engine.open(streams, secure: secure) else { return nil }
    return Relay(legs: legs, seconds: { engine.seconds }, stop: engine.stop)
  }

  /// Microseconds of CPU for each packet that was passed on, in either direction; nil if some were not.
  func cost(_ generator: String, for length: Int) -> Double? {
    defer { stop() }
    let file = "/tmp/switchboard-legs.\(getpid())"
    try? (legs.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    defer { unlink(file) }
    func generate(_ length: Int, from sequence: Int) -> [String: Double] {
      guard let pipe = popen("'\(generator)' '\(file)' \(length) --seq \(sequence)", "r") else { return [:] }
      defer { pclose(pipe) }
      var line = [CChar](repeating: 0, count: 1_024)
      guard fgets(&line, Int32(line.count), pipe) != nil else { return [:] }
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let fields = text.matches(of: /"(\w+)":([0-9.-]+)/).compactMap { match in
        Double(match.2).map { (String(match.1), $0) }
      }
      return Dictionary(fields) { $1 }
    }
    _ = generate(1, from: 1)
    let before = seconds()
    let result = generate(length, from: 100)
    let cost = seconds() - before
    guard let a = result["recv_a"], let b = result["recv_b"], let bad = result["bad"], bad == 0, a + b > 0 else {
      return nil
    }
    if (result["loss"] ?? 1) > 0.01 || (result["late_ticks"] ?? 1) > Double(length) {
      print("  a busy machine: \(result["loss"] ?? 1) lost, \(result["late_ticks"] ?? 0) ticks late")
    }
    return cost / (a + b) * 1e6
  }
}

/// Compiles `NAME.c` of a folder; nil where that does not succeed.
private func compile(_ name: String, in folder: String) -> String? {
  let program = "/tmp/switchboard-\(name)"
  return system("cc -O2 -w '\(folder)/\(name).c' -lsrtp2 -o \(program)") == 0 ? program : nil
}

/// Debian's rtpengine in userspace, driven by its control protocol: bencoded commands in datagrams.
private final class RTPEngine {
  static let program = "/usr/bin/rtpengine"
  private static let control: UInt16 = 42_223
  private let process: Program
  private let socket: LoopbackSocket
  private var cookie = 0

  init?() {
    guard let socket = try? LoopbackSocket(),
      let process = Program(
        Self.program,
        [
          "--foreground", "--interface=127.0.0.1", "--listen-ng=127.0.0.1:\(Self.control)", "--table=-1",
          "--log-level=1", "--log-stderr", "--port-min=50000", "--port-max=60000", "--num-threads=2",
        ])
    else { return nil }
    (self.socket, self.process) = (socket, process)
    for _ in 0..<50 where ask(["command": "ping"]) == nil { usleep(100_000) }
  }

  var seconds: Double { process.seconds }
  func stop() { process.stop() }

  /// Sets calls up, side B with SRTP if `secure`. The lines are as `rtpgen` reads them.
  func open(_ count: Int, secure: Bool) -> [String]? {
    var lines: [String] = []
    for number in 0..<count {
      var call = ["call-id": "call\(number)", "from-tag": "a", "ICE": "remove", "DTLS": "off"]
      call["command"] = "offer"
      call["transport-protocol"] = secure ? "RTP/SAVP" : "RTP/AVP"
      call["sdp"] = sdp(MediaLegs.ports.a, nil)
      guard let offer = ask(call), let portOfB = port(offer) else { return nil }
      var (tag, theirs, ours) = ("", "-", "-")
      if secure {
        guard let match = offer.firstMatch(of: /a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+\/=]+)/)
        else {
          return nil
        }
        (tag, ours) = (String(match.1), String(match.2))
        theirs = Data((0..<30).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
      }
      call["command"] = "answer"
      call["to-tag"] = "b"
      call["transport-protocol"] = nil
      call["sdp"] = sdp(MediaLegs.ports.b, secure ? "\(tag) AES_CM_128_HMAC_SHA1_80 inline:\(theirs)" : nil)
      guard let answer = ask(call), let portOfA = port(answer) else { return nil }
      lines.append("\(portOfA) \(portOfB) - - \(theirs) \(ours)")
    }
    return lines
  }

  private func sdp(_ port: UInt16, _ crypto: String?) -> String {
    "v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      + "m=audio \(port) \(crypto == nil ? "RTP/AVP" : "RTP/SAVP") 0\r\na=rtpmap:0 PCMU/8000\r\n"
      + (crypto.map { "a=crypto:\($0)\r\n" } ?? "") + "a=sendrecv\r\n"
  }

  private func port(_ sdp: String) -> Int? { sdp.firstMatch(of: /m=audio (\d+)/).flatMap { Int($0.1) } }

  /// The answer's text, in which its SDP stands; nil where there is none or an error.
  private func ask(_ command: [String: String]) -> String? {
    cookie += 1
    func string(_ text: String) -> String { "\(text.utf8.count):\(text)" }
    let entries = command.sorted { $0.key < $1.key }.map { string($0.key) + string($0.value) }
    Array("\(cookie) d\(entries.joined())e".utf8).withUnsafeBytes { socket.send($0, to: Self.control) }
    guard socket.wait(milliseconds: 500) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16_384)
    guard let count = bytes.withUnsafeMutableBytes({ socket.receive(into: $0) }) else { return nil }
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    return text.contains("6:result2:ok") || text.contains("6:result4:pong") ? text : nil
  }
}
