import Foundation
import Glibc

/// How soon the agent's console shows what happened: from a key to the paint, and from a visitor's message at the server
/// to the screen. `SWITCHBOARD` names the program; the console runs in a terminal of 80x24 that this process reads.
func benchmarkConsole() {
  guard let program = ProcessInfo.processInfo.environment["SWITCHBOARD"] else {
    print("console: skipped, the environment variable SWITCHBOARD names no server program")
    return
  }
  let token = "token-of-the-benchmark-agent"
  let yaml = """
    listen: { http: { address: 127.0.0.1, port: 14930 }, sip: { address: 127.0.0.1, udp: 14932, tcp: 14932 } }
    entries: { "web:shop": { queue: support, channels: [chat], origins: ["http://shop.example"] } }
    queues: { support: { channels: [chat], ring: 60s, wrap_up: { default: 0s } } }
    agents: { amina: { name: Amina, phone: none, queues: [support], token_file: amina.token } }

    """
  guard let server = Server(program, name: "console", http: 14_930, yaml: yaml, files: ["amina.token": token]) else {
    return print("console: the server did not start")
  }
  defer { server.stop() }
  guard let terminal = Pseudoterminal(program, ["console", "--server", "http://127.0.0.1:14930", "--token", token])
  else { return print("console: no terminal") }
  defer { terminal.stop() }
  guard terminal.shows("READY", within: 5) else { return print("console: it did not come up") }
  let opened = server.request(
    "POST", "/v1/contacts?entry=shop", json: #"{"name":"Visitor"}"#, origin: "http://shop.example")
  guard let body = opened?.body, let contact = field("id", of: body), let visitor = field("token", of: body),
    terminal.shows("OFFER", within: 5)
  else { return print("console: no chat could be opened") }
  terminal.type("a")
  guard terminal.shows("TALK", within: 5) else { return print("console: the chat was not accepted") }

  var paints: [Double] = []
  terminal.type("i")
  for _ in 0..<300 {
    paints.append(contentsOf: terminal.delay(until: "Q") { terminal.type($0) })
    terminal.type("\u{7F}")
    usleep(20_000)
  }
  var events: [Double] = []
  for number in 0..<100 {
    // No letter stands where the last word had it, for only cells that changed are painted.
    let word = String(repeating: Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8(number % 26))), count: 6)
    events.append(
      contentsOf: terminal.delay(until: word) { word in
        _ = server.request("POST", "/v1/contacts/\(contact)/messages", token: visitor, json: #"{"text":"\#(word)"}"#)
      })
    // Slower than a visitor may write.
    usleep(300_000)
  }
  print("key to paint \(Harness.quantiles(paints)), \(paints.count) of 300 seen (at most 30 ms)")
  print("message to screen \(Harness.quantiles(events)), \(events.count) of 100 seen (at most 250 ms)")
}

/// The first text of this name in a JSON answer.
private func field(_ name: String, of json: String) -> String? {
  json.firstRange(of: "\"\(name)\":\"").map { String(json[$0.upperBound...].prefix { $0 != "\"" }) }
}

/// A program in a terminal of 80x24, and what it has written lately.
private final class Pseudoterminal {
  private let process = Process()
  private let master: Int32

  init?(_ program: String, _ arguments: [String]) {
    var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
    var (ours, theirs): (Int32, Int32) = (-1, -1)
    guard openpty(&ours, &theirs, nil, nil, &size) == 0 else { return nil }
    master = ours
    let handle = FileHandle(fileDescriptor: theirs, closeOnDealloc: true)
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = ["TERM": "xterm-256color", "LANG": "C.UTF-8"]
    process.standardInput = handle
    process.standardOutput = handle
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    _ = fcntl(master, F_SETFL, O_NONBLOCK)
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
    close(master)
  }

  func type(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { write(master, $0.baseAddress, $0.count) }
  }

  /// Does it, and waits for `text` in what is written from then on: the seconds until then, or nothing after 2 s.
  func delay(until text: String, after cause: (String) -> Void) -> [Double] {
    while read(for: 0) != nil {}
    let start = seconds()
    cause(text)
    return shows(text, within: 2) ? [seconds() - start] : []
  }

  /// Waits for a text. Cursor movements may stand between letters of different paints, never inside one word's paint.
  func shows(_ text: String, within limit: Double) -> Bool {
    let deadline = seconds() + limit
    var seen = ""
    while seconds() < deadline {
      seen += read(for: 50) ?? ""
      if seen.contains(text) { return true }
    }
    return false
  }

  private func read(for milliseconds: Int32) -> String? {
    var descriptor = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    guard poll(&descriptor, 1, milliseconds) > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = Glibc.read(master, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
