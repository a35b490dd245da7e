import Foundation
import Glibc
import Media
import SDP
import TestPeers

/// What the whole server holds for a caller who waits with music and for a browser in talk, and how much of it is back
/// some time after they have hung up. `SWITCHBOARD` names the server program.
func benchmarkCallMemory() {
  guard let site = CallSite(agents: 220) else { return }
  defer { site.server.stop() }
  print("memory: this takes two minutes, most of them after the calls")
  // What the first calls of all bring in is not theirs: code, and pools of one size.
  for begin in [site.waitingCallers, site.browsers] {
    guard let end = begin(20) else { return print("memory: the first calls did not come about") }
    end()
  }
  usleep(3_000_000)
  let before = site.server.memory
  var memory = before
  var ends: [() -> Void] = []
  for (name, count, bar, begin) in [
    ("waiting SIP caller", 400, 20, site.waitingCallers), ("browser in talk", 200, 64, site.browsers),
  ] {
    guard let end = begin(count) else { return print("memory: not all calls came about (\(name))") }
    ends.append(end)
    usleep(3_000_000)
    let during = site.server.memory
    print(String(format: "memory, %@: %.1f KiB each, bar %d", name, Double(during - memory) / Double(count), bar))
    memory = during
  }
  for end in ends { end() }
  // Transactions live for 32 s; ports are closed after a minute, and what is free goes back twice a minute.
  usleep(100_000_000)
  let after = site.server.memory
  print(
    String(
      format: "memory, after all hung up: %.0f %% is back; %d KiB before, %d during, %d after",
      100 * Double(memory - after) / Double(memory - before), before, memory, after))
}

/// Three hundred browsers hear the demo's echo for a minute: none may drop, or lose more than a packet in ten thousand.
func benchmarkBrowsers() {
  guard let site = CallSite(agents: 300) else { return }
  defer { site.server.stop() }
  let length = ProcessInfo.processInfo.environment["SWITCHBOARD_SECONDS"].flatMap { Double($0) } ?? 60
  guard let pages = site.connect(300) else { return print("browsers: not all came through") }
  usleep(100_000)
  for page in pages {
    page.browser.read()
    _ = page.browser.forget()
  }
  let before = site.server.usage.seconds
  let start = seconds()
  var frames = 0
  while seconds() < start + length {
    for page in pages {
      page.browser.send([UInt8](repeating: 0x55, count: 160), sequence: UInt16(truncatingIfNeeded: frames + 1))
      // Consent, every five seconds (RFC 7675).
      if frames % 250 == 0 { page.browser.check() }
      page.browser.read()
    }
    frames += 1
    usleep(useconds_t(max(0, start + Double(frames) / 50 - seconds()) * 1e6))
  }
  usleep(200_000)
  let cpu = site.server.usage.seconds - before
  let heard = pages.map { page in
    page.browser.read()
    return page.browser.forget()
  }
  let lost = pages.count * frames - heard.reduce(0, +)
  let dropped = pages.count { $0.browser.isClosed } + heard.count { $0 < frames / 2 }
  print(
    String(
      format: "300 browsers, %.0f s: %d dropped, %d of %d packets lost, server %.1f %% of a core", length, dropped,
      max(0, lost), pages.count * frames, 100 * cpu / length))
  for page in pages { site.hangUp(page) }
}

/// A server with one queue for SIP callers whom nobody takes, and one for browsers whom the demo's echo takes.
private final class CallSite {
  let server: Server
  private let callers: UDPSocket
  private let certificate: DTLSCertificate
  private static let token = "token-of-the-benchmark's-administrator"
  private enum Port {
    static let http = 14_940
    static let sip = 14_942
    static let callers = 14_944
  }

  struct Page {
    var browser: ScriptedBrowser
    var location: String
    var token: String
  }

  init?(agents: Int) {
    guard let program = ProcessInfo.processInfo.environment["SWITCHBOARD"] else {
      print("skipped, the environment variable SWITCHBOARD names no server program")
      return nil
    }
    var yaml = """
      listen:
        http: { address: 127.0.0.1, port: \(Port.http) }
        sip: { address: 127.0.0.1, advertised_address: 127.0.0.1, udp: \(Port.sip), tcp: \(Port.sip) }
        media: { address: 127.0.0.1, advertised_address: 127.0.0.1, ports: 20000-29999 }
      federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
      entries:
        "sip:wait@127.0.0.1": { queue: wait }
        "web:shop": { queue: shop, channels: [voice], origins: ["http://shop.example"] }
      queues:
        wait: { channels: [voice], answer: on_entry, limits: { waiting: 5000, wait: 30m } }
        shop: { channels: [voice], ring: 20s, wrap_up: { default: 0s } }
      tokens: { admin: { scopes: [admin, widget], token_file: admin.token } }
      agents:

      """
    var files = ["admin.token": Self.token]
    for agent in 0..<agents {
      yaml += "  a\(agent): { name: A\(agent), phone: demo, queues: [shop], token_file: a\(agent).token }\n"
      files["a\(agent).token"] = "token-of-the-benchmark-agent-\(agent)"
    }
    guard let callers = UDPSocket(port: Port.callers), let certificate = try? DTLSCertificate(),
      let server = Server(program, name: "calls", http: Port.http, yaml: yaml, files: files)
    else {
      print("the server did not start")
      return nil
    }
    (self.server, self.callers, self.certificate) = (server, callers, certificate)
    for agent in 0..<agents {
      _ = server.request("POST", "/v1/agents/me/sign-in", token: "token-of-the-benchmark-agent-\(agent)")
    }
  }

  // MARK: SIP

  private var calls = 0

  /// Callers who have their 200 and hear music.
  func waitingCallers(_ count: Int) -> (() -> Void)? {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 14990 RTP/AVP 0\r\n"
    var answers: [String: SIPText] = [:]
    func take() {
      while let text = callers.receive().map({ SIPText($0) }) {
        guard text.status == 200, text["cseq"] == "1 INVITE", answers[text["call-id"]] == nil else { continue }
        answers[text["call-id"]] = text
        request("ACK", in: text)
      }
    }
    for _ in 0..<count {
      calls += 1
      let text = """
        INVITE sip:wait@127.0.0.1:\(Port.sip) SIP/2.0
        Via: SIP/2.0/UDP 127.0.0.1:\(Port.callers);branch=z9hG4bKi\(calls)
        Max-Forwards: 70
        From: <sip:c\(calls)@127.0.0.1>;tag=c\(calls)
        To: <sip:wait@127.0.0.1:\(Port.sip)>
        Call-ID: memory-\(calls)
        CSeq: 1 INVITE
        Contact: <sip:c\(calls)@127.0.0.1:\(Port.callers)>
        Content-Type: application/sdp
        Content-Length: \(sdp.utf8.count)


        """.replacing("\n", with: "\r\n") + sdp
      callers.send(text, to: Port.sip)
      UDPSocket.wait(for: [callers], seconds: 0.01)
      take()
    }
    let end = seconds() + 5
    while answers.count < count, seconds() < end {
      UDPSocket.wait(for: [callers], seconds: 0.5)
      take()
    }
    guard answers.count == count else { return nil }
    return { [self] in
      for answer in answers.values {
        request("BYE", in: answer)
        UDPSocket.wait(for: [callers], seconds: 0.005)
        take()
      }
    }
  }

  private func request(_ method: String, in answer: SIPText) {
    callers.send(
      """
      \(method) \(answer.contact) SIP/2.0
      Via: SIP/2.0/UDP 127.0.0.1:\(Port.callers);branch=z9hG4bK\(method)\(answer["call-id"])
      Max-Forwards: 70
      From: \(answer["from"])
      To: \(answer["to"])
      Call-ID: \(answer["call-id"])
      CSeq: \(method == "ACK" ? 1 : 2) \(method)
      Content-Length: 0


      """.replacing("\n", with: "\r\n"), to: Port.sip)
  }

  // MARK: Browsers

  /// Browsers in talk, each with the demo's echo.
  func browsers(_ count: Int) -> (() -> Void)? {
    connect(count).map { pages in { [self] in for page in pages { hangUp(page) } } }
  }

  func connect(_ count: Int) -> [Page]? {
    var pages: [Page] = []
    let offer = String(decoding: ScriptedBrowser.sdpOffer(certificate: certificate), as: UTF8.self)
    for number in 0..<count {
      guard
        let answer = server.request(
          "POST", "/v1/contacts?entry=shop", token: Self.token, body: offer, type: "application/sdp"),
        answer.status == 201, let location = header("location", in: answer.head),
        let token = header("switchboard-token", in: answer.head),
        let web = WebTransport(answer: Array(answer.body.utf8)),
        let browser = try? ScriptedBrowser(web, certificate: certificate, ssrc: UInt32(1_000 + number)),
        browser.connect()
      else { return nil }
      browser.send([UInt8](repeating: 0x55, count: 160), sequence: 0)
      pages.append(Page(browser: browser, location: location, token: token))
    }
    return pages
  }

  func hangUp(_ page: Page) { _ = server.request("DELETE", page.location, token: page.token) }

  private func header(_ name: String, in head: String) -> String? {
    head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ":") }
      .map { $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) }
  }
}
