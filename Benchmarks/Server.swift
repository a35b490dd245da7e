import Foundation
import Glibc

/// The built server on loopback over a site of its own, and just enough HTTP to talk to it.
final class Server {
  let process = Process()
  let folder: URL
  private let http: Int

  /// Starts the program over `yaml`, to which the site's name and the HTTP port are added; nil if it does not come up.
  /// - Parameter files: what else stands in the site's folder, by name.
  init?(_ program: String, name: String, http: Int, yaml: String, files: [String: String]) {
    self.http = http
    folder = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(getpid())")
    let site = folder.appending(path: "Queues")
    let head = "site: { name: \(name), domain: \(name).example, time_zone: UTC }\n"
    do {
      try? FileManager.default.removeItem(at: folder)
      try FileManager.default.createDirectory(at: site, withIntermediateDirectories: true)
      try (head + yaml).write(to: site.appending(path: "site.yaml"), atomically: true, encoding: .utf8)
      for (name, text) in files {
        try text.write(to: site.appending(path: name), atomically: true, encoding: .utf8)
      }
      process.executableURL = URL(filePath: program)
      process.arguments = ["serve", site.path, "--data", folder.appending(path: "data").path]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
    } catch {
      return nil
    }
    let deadline = seconds() + 10
    while request("GET", "/-/ready")?.status != 200 {
      guard seconds() < deadline else {
        stop()
        return nil
      }
      usleep(50_000)
    }
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }

  var usage: ProcessUsage { ProcessUsage(of: process.processIdentifier) }

  /// One request over a connection of its own.
  func request(
    _ method: String, _ path: String, token: String? = nil, json: String = "", origin: String? = nil
  ) -> (status: Int, body: String)? {
    request(method, path, token: token, body: json, type: "application/json", origin: origin).map {
      ($0.status, $0.body)
    }
  }

  func request(
    _ method: String, _ path: String, token: String?, body: String, type: String, origin: String? = nil
  ) -> (status: Int, head: String, body: String)? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard withLoopback(http, { connect(descriptor, $0, $1) }) == 0 else { return nil }
    var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(http)\r\nConnection: close\r\n"
    if let token { text += "Authorization: Bearer \(token)\r\n" }
    if let origin { text += "Origin: \(origin)\r\n" }
    if !body.isEmpty { text += "Content-Type: \(type)\r\n" }
    text += "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    var answer: [UInt8] = []
    var bytes = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = read(descriptor, &bytes, bytes.count)
      guard count > 0 else { break }
      answer += bytes[..<count]
    }
    let all = String(decoding: answer, as: UTF8.self)
    guard let status = Int(all.split(separator: " ").dropFirst().first ?? "") else { return nil }
    let end = all.firstRange(of: "\r\n\r\n") ?? all.endIndex..<all.endIndex
    return (status, String(all[..<end.lowerBound]), String(all[end.upperBound...]))
  }

  /// KiB that the process has for itself. Pages of files do not count: other programs share them, and the count would
  /// follow what those do.
  var memory: Int {
    let path = "/proc/\(process.processIdentifier)/smaps_rollup"
    let line = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").first {
      $0.hasPrefix("Pss_Anon:")
    }
    return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
  }
}

/// Seconds of a clock that never jumps.
func seconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func withLoopback(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

extension Harness {
  /// The share of sorted values as "p50 1.2 p99 3.4 max 5.6" in milliseconds.
  static func quantiles(_ seconds: [Double]) -> String {
    let sorted = seconds.sorted()
    func milliseconds(_ share: Double) -> String {
      guard let last = sorted.indices.last else { return "-" }
      return String(format: "%.1f", 1_000 * sorted[min(last, Int(Double(sorted.count) * share))])
    }
    return "p50 \(milliseconds(0.5)) p99 \(milliseconds(0.99)) max \(milliseconds(1)) ms"
  }
}
