import Foundation
import Glibc

/// Calls through the real server: how soon a free agent gets the next caller, in which order, and what a call costs.
/// `SWITCHBOARD` names the server program. Callers and agents are this process: SIP over two UDP sockets, no media.
func benchmarkDelivery() {
  guard let program = ProcessInfo.processInfo.environment["SWITCHBOARD"] else {
    print("delivery: skipped, the environment variable SWITCHBOARD names no server program")
    return
  }
  print(
    "10 agents, talk 0.3-0.7 s, 20 calls/s arriving, 12 s; Asterisk 22 on 2 such cores: p50 360-630 ms,"
      + " p99 800-1500 ms, 46-50 % of the ideal calls, 2.8x the fair share, up to 18 of 140 out of order")
  for backlog in [20, 100, 1_000] {
    let load = Delivery.Load(agents: 10, backlog: backlog, rate: 20, talk: 0.3...0.7, seconds: 12)
    guard let result = Delivery(load, program: program)?.run() else {
      return print("delivery: the server did not start")
    }
    print("waiting \(backlog): \(result)")
  }
}

/// What a call through the queue costs the whole server, by thread and in system calls of its journal, beside what a
/// plain call costs sipp in the same minute. `SWITCHBOARD` names the server program.
func benchmarkCost() {
  guard let program = ProcessInfo.processInfo.environment["SWITCHBOARD"] else {
    print("cost: skipped, the environment variable SWITCHBOARD names no server program")
    return
  }
  print("100 idle agents, 100 calls/s, talk 0.1 s; Asterisk 22: 2.3 ms as plain B2BUA, 3.0 ms through its queue")
  for answer in ["on_agent", "on_entry"] {
    sippAnchor()
    // Ports rest for 5 s before they serve again: from then on no call opens one.
    let load = Delivery.Load(
      agents: 100, backlog: 0, rate: 100, talk: 0.1...0.1, warmUp: 6, seconds: 10, answer: answer)
    guard let result = Delivery(load, program: program)?.run() else {
      return print("cost: the server did not start")
    }
    print("answer \(answer): \(result)")
    print("  of it, per call: \(result.usage)")
  }
  sippAnchor()
}

/// What one plain call costs sipp's own callee: the anchor of figures from different machines.
private func sippAnchor() {
  let sipp = "/usr/bin/sipp"
  guard access(sipp, X_OK) == 0 else { return print("anchor: sipp is not installed") }
  func start(_ arguments: [String]) -> Process? {
    let process = Process()
    process.executableURL = URL(filePath: sipp)
    process.arguments = arguments + ["-i", "127.0.0.1", "-nostdin"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    return (try? process.run()) == nil ? nil : process
  }
  guard let callee = start(["-sn", "uas", "-p", "14930"]) else { return }
  usleep(500_000)
  let before = ProcessUsage(of: callee.processIdentifier).seconds
  let caller = start(["-sn", "uac", "127.0.0.1:14930", "-p", "14940", "-r", "1000", "-m", "5000"])
  caller?.waitUntilExit()
  let cost = ProcessUsage(of: callee.processIdentifier).seconds - before
  callee.terminate()
  callee.waitUntilExit()
  print("anchor: sipp to sipp, callee \(String(format: "%.3f", cost / 5)) ms CPU per call at 1,000 calls/s")
}

/// One load on one server process.
private final class Delivery {
  struct Load {
    var agents: Int
    /// Callers who wait before the agents come.
    var backlog: Int
    /// Calls a second after that.
    var rate: Double
    /// Seconds of talk, evenly spread.
    var talk: ClosedRange<Double>
    /// Seconds of this before anything is measured.
    var warmUp = 1.0
    var seconds: Double
    var answer = "on_agent"
  }

  struct Result: CustomStringConvertible {
    var gaps: [Double] = []
    var delivered: [Int] = []
    var seconds = 0.0
    var ideal = 0.0
    var outOfOrder = 0
    /// Of the server, for each call.
    var usage = ProcessUsage()
    var resent = 0
    var failed = 0

    var description: String {
      let total = delivered.reduce(0, +)
      let rate = Double(total) / seconds
      let busiest = Double(delivered.max() ?? 0) * Double(delivered.count) / Double(max(1, total))
      return "BYE to next INVITE \(Harness.quantiles(gaps)), "
        + String(
          format: "%.1f calls/s (%.0f %% of %.1f), busiest %.2fx fair, ", rate, 100 * rate / ideal, ideal, busiest)
        + String(
          format: "out of order %d of %d, CPU %.3f ms per call, ", outOfOrder, total,
          1_000 * usage.seconds)
        + "\(resent) resent, \(failed) failed"
    }
  }

  private enum Port {
    static let http = 14_910
    static let server = 14_920
    static let callers = 14_922
    static let agents = 14_924
  }

  private let load: Load
  private let server: Server
  private let callers: UDPSocket
  private let agents: UDPSocket
  private var result = Result()
  private var isMeasuring = false
  /// Requests that have no answer yet: when to send them again.
  private var unanswered: [String: (socket: UDPSocket, text: String, due: Double)] = [:]
  /// Calls in talk: when the agent hangs up, and how.
  private var talking: [(due: Double, agent: Int, bye: String, callID: String)] = []
  private var answers: [String: String] = [:]
  private var freedAt: [Double?]
  private var called = 0
  private var latestServed = -1
  private var random = SystemRandomNumberGenerator()

  /// Starts the server; nil if it does not come up.
  init?(_ load: Load, program: String) {
    guard let callers = UDPSocket(port: Port.callers), let agents = UDPSocket(port: Port.agents) else { return nil }
    self.load = load
    self.callers = callers
    self.agents = agents
    freedAt = Array(repeating: nil, count: load.agents)
    result.delivered = Array(repeating: 0, count: load.agents)
    var yaml = """
      listen:
        http: { address: 127.0.0.1, port: \(Port.http) }
        sip: { address: 127.0.0.1, advertised_address: 127.0.0.1, udp: \(Port.server), tcp: \(Port.server) }
        media: { address: 127.0.0.1, advertised_address: 127.0.0.1, ports: 20000-29999 }
      federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
      entries: { "sip:support@127.0.0.1": { queue: support } }
      queues:
        support:
          channels: [voice]
          ring: 20s
          answer: \(load.answer)
          wrap_up: { default: 0s }
          limits: { waiting: 5000, wait: 30m }
      agents:

      """
    var files: [String: String] = [:]
    for agent in 0..<load.agents {
      yaml +=
        "  a\(agent): { name: A\(agent), phone: \"sip:a\(agent)@127.0.0.1:\(Port.agents)\", "
        + "queues: [support], token_file: a\(agent).token }\n"
      files["a\(agent).token"] = Self.token(agent)
    }
    guard let server = Server(program, name: "delivery", http: Port.http, yaml: yaml, files: files) else { return nil }
    self.server = server
  }

  private static func token(_ agent: Int) -> String { "token-of-the-benchmark-agent-\(agent)" }

  func run() -> Result {
    defer { server.stop() }
    // The backlog comes first, faster than the calls that are measured.
    serve(for: Double(load.backlog) / 250 + 0.5, callsPerSecond: 250, atMost: load.backlog)
    for agent in 0..<load.agents { _ = server.request("POST", "/v1/agents/me/sign-in", token: Self.token(agent)) }
    serve(for: load.warmUp, callsPerSecond: load.rate)
    let before = server.usage
    let start = seconds()
    isMeasuring = true
    serve(for: load.seconds, callsPerSecond: load.rate)
    isMeasuring = false
    result.seconds = seconds() - start
    result.usage = (server.usage - before) / max(1, result.delivered.reduce(0, +))
    result.ideal = min(load.rate, 2 * Double(load.agents) / (load.talk.lowerBound + load.talk.upperBound))
    return result
  }

  /// Plays callers and agents for a while.
  private func serve(for duration: Double, callsPerSecond: Double, atMost most: Int = .max) {
    let start = seconds()
    var placed = 0
    while true {
      let now = seconds()
      guard now < start + duration else { return }
      var next = min(start + duration, now + 0.1)
      let due = start + Double(placed) / callsPerSecond
      if placed < most {
        if due <= now {
          call()
          placed += 1
          continue
        }
        next = min(next, due)
      }
      for talk in talking where talk.due <= now { hangUp(talk) }
      talking.removeAll { $0.due <= now }
      next = talking.reduce(next) { min($0, $1.due) }
      for (key, request) in unanswered where request.due <= now {
        request.socket.send(request.text, to: Port.server)
        unanswered[key]?.due = now + 0.5
        result.resent += 1
      }
      UDPSocket.wait(for: [callers, agents], seconds: next - now)
      while let text = callers.receive() { callerReceives(SIPText(text)) }
      while let text = agents.receive() { agentReceives(SIPText(text)) }
    }
  }

  // MARK: Callers

  private static func sdp(_ port: Int) -> String {
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio \(port) RTP/AVP 0\r\n"
  }

  private func call() {
    let number = called
    called += 1
    let body = Self.sdp(14_990)
    let text = """
      INVITE sip:support@127.0.0.1:\(Port.server) SIP/2.0
      Via: SIP/2.0/UDP 127.0.0.1:\(Port.callers);branch=z9hG4bKi\(number)
      Max-Forwards: 70
      From: <sip:c\(number)@127.0.0.1:\(Port.callers)>;tag=c\(number)
      To: <sip:support@127.0.0.1:\(Port.server)>
      Call-ID: c\(number)-\(load.backlog)
      CSeq: 1 INVITE
      Contact: <sip:c\(number)@127.0.0.1:\(Port.callers)>
      Content-Type: application/sdp
      Content-Length: \(body.utf8.count)


      """.replacing("\n", with: "\r\n") + body
    unanswered["c\(number)-\(load.backlog) 1 INVITE"] = (callers, text, seconds() + 0.5)
    callers.send(text, to: Port.server)
  }

  private func callerReceives(_ message: SIPText) {
    if let status = message.status {
      if message["cseq"] == "1 INVITE" { unanswered[message["call-id"] + " 1 INVITE"] = nil }
      guard status >= 200 else { return }
      if status >= 300 { result.failed += 1 }
      let isAnswer = status < 300
      callers.send(
        "ACK \(isAnswer ? message.contact : "sip:support@127.0.0.1:\(Port.server)") SIP/2.0\r\n"
          + (isAnswer
            ? "Via: SIP/2.0/UDP 127.0.0.1:\(Port.callers);branch=z9hG4bKa\(message["call-id"])\r\n"
            : "Via: \(message["via"])\r\n")
          + "Max-Forwards: 70\r\nFrom: \(message["from"])\r\nTo: \(message["to"])\r\nCall-ID: \(message["call-id"])\r\n"
          + "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n", to: Port.server)
    } else if message.method == "BYE" {
      callers.send(message.response("200 OK"), to: Port.server)
    }
  }

  // MARK: Agents

  private func agentReceives(_ message: SIPText) {
    let callID = message["call-id"]
    if message.status != nil {
      unanswered[callID + " " + message["cseq"]] = nil
      return
    }
    guard message.method == "INVITE" else {
      // An ACK asks for nothing; a CANCEL or BYE does.
      if message.method != "ACK" { agents.send(message.response("200 OK"), to: Port.server) }
      return
    }
    if let answer = answers[callID] { return agents.send(answer, to: Port.server) }
    guard let agent = Int(message.requestUser.dropFirst()), freedAt.indices.contains(agent) else { return }
    let now = seconds()
    if isMeasuring {
      if let freed = freedAt[agent] { result.gaps.append(now - freed) }
      result.delivered[agent] += 1
      if let caller = message.callerNumber {
        if caller < latestServed { result.outOfOrder += 1 }
        latestServed = max(latestServed, caller)
      }
    }
    freedAt[agent] = nil
    let contact = "<sip:a\(agent)@127.0.0.1:\(Port.agents)>"
    let answer = message.response("200 OK", tag: "a\(agent)", contact: contact, body: Self.sdp(14_992))
    answers[callID] = answer
    agents.send(answer, to: Port.server)
    let bye =
      "BYE \(message.contact) SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:\(Port.agents);branch=z9hG4bKb\(callID)\r\n"
      + "Max-Forwards: 70\r\nFrom: \(message["to"]);tag=a\(agent)\r\nTo: \(message["from"])\r\nCall-ID: \(callID)\r\n"
      + "CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
    talking.append((now + Double.random(in: load.talk, using: &random), agent, bye, callID))
  }

  private func hangUp(_ talk: (due: Double, agent: Int, bye: String, callID: String)) {
    agents.send(talk.bye, to: Port.server)
    let now = seconds()
    freedAt[talk.agent] = now
    unanswered[talk.callID + " 1 BYE"] = (agents, talk.bye, now + 0.5)
  }
}

/// As much of SIP as the loads above need.
struct SIPText {
  private let start: String
  private var headers: [(name: String, value: String)] = []

  init(_ text: String) {
    var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).makeIterator()
    start = String(lines.next() ?? "")
    while let line = lines.next(), let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers.append((line[..<colon].lowercased(), String(value)))
    }
  }

  subscript(name: String) -> String { headers.first { $0.name == name }?.value ?? "" }

  var status: Int? { start.hasPrefix("SIP/2.0 ") ? Int(start.dropFirst(8).prefix(3)) : nil }
  var method: Substring { start.prefix { $0 != " " } }
  var requestUser: Substring { start.drop { $0 != ":" }.dropFirst().prefix { $0 != "@" } }
  var contact: Substring { self["contact"].drop { $0 != "<" }.dropFirst().prefix { $0 != ">" } }
  /// From `sip:c17@…` in the From header.
  var callerNumber: Int? { Int(self["from"].split(separator: "sip:c").last?.prefix { $0.isNumber } ?? "") }

  func response(_ status: String, tag: String? = nil, contact: String? = nil, body: String = "") -> String {
    var text = "SIP/2.0 \(status)\r\n"
    for header in headers where ["via", "from", "to", "call-id", "cseq", "record-route"].contains(header.name) {
      let added = header.name == "to" ? tag.map { ";tag=" + $0 } ?? "" : ""
      text += "\(header.name): \(header.value)\(added)\r\n"
    }
    if let contact { text += "Contact: \(contact)\r\n" }
    if !body.isEmpty { text += "Content-Type: application/sdp\r\n" }
    return text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
  }
}

/// A UDP socket on loopback that does not block.
final class UDPSocket {
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init?(port: Int) {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var size: Int32 = 4 << 20
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    guard withLoopback(port, { bind(descriptor, $0, $1) }) == 0 else { return nil }
  }

  deinit { close(descriptor) }

  func send(_ text: String, to port: Int) {
    let bytes = Array(text.utf8)
    _ = withLoopback(port) { address, size in
      Int32(truncatingIfNeeded: sendto(descriptor, bytes, bytes.count, 0, address, size))
    }
  }

  func receive() -> String? {
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  static func wait(for sockets: [UDPSocket], seconds: Double) {
    var descriptors = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    poll(&descriptors, nfds_t(descriptors.count), Int32((max(0, seconds) * 1_000).rounded(.up)))
  }
}
