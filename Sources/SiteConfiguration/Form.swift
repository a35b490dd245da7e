import Foundation
import SIP

/// What a piece of text must look like.
struct Form: Sendable {
  /// For "must be …".
  var noun: String
  /// The type a JSON Schema calls it.
  var type = "string"
  var bounds: ClosedRange<Double>?
  var accepts: @Sendable (String) -> Bool

  static let text = Form(noun: "text") { !$0.isEmpty }
  static let flag = Form(noun: "true or false", type: "boolean") { $0 == "true" || $0 == "false" }
  static let file = Form(noun: "the path of a file, from this folder") { !$0.isEmpty }
  static let duration = Form(noun: "a duration such as `20s`, `1h30m` or `90d`") { microseconds(in: $0) != nil }
  static let level = count(0...100, "a level from 0 to 100")
  static let port = count(0...65535, "a port from 0 to 65535")
  static let fraction = number(0...1, "a number from 0 to 1")
  /// Of queues, agents and skills. No dot: `support.voice` in a threshold is a queue and its channel.
  static let name = Form(noun: "a name of letters, digits, `-` and `_`") { name in
    (1...64).contains(name.utf8.count) && !name.hasPrefix("-")
      && name.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_".unicodeScalars.contains($0)
      }
  }
  static let host = Form(noun: "a host name or an address") { host in
    (1...253).contains(host.utf8.count)
      && host.utf8.allSatisfy {
        UInt8(ascii: "a") <= $0 | 0x20 && $0 | 0x20 <= UInt8(ascii: "z") || "0123456789.-:[]".utf8.contains($0)
      }
  }
  static let address = Form(noun: "an IP address such as `127.0.0.1`") { Endpoint(address: $0, port: 0) != nil }
  static let addressRange = Form(noun: "addresses such as `192.0.2.0/24` or `::1`") {
    SiteConfiguration.addressRange(in: $0) != nil
  }
  static let portRange = Form(noun: "ports such as `20000-29999`") { SiteConfiguration.portRange(in: $0) != nil }
  static let timeZone = Form(noun: "a time zone such as `Europe/Berlin`") { TimeZone(identifier: $0) != nil }
  static let sha256 = Form(noun: "a SHA-256 of 64 hexadecimal digits") { octets(inHexadecimal: $0)?.count == 32 }
  static let entry = Form(noun: "an entry such as `web:shop`, `sip:sales@acme.example` or `tel:+49301234567`") {
    EntryScheme($0) != nil
  }

  static func count(_ range: ClosedRange<Int>, _ noun: String? = nil) -> Form {
    Form(
      noun: noun ?? "a whole number from \(range.lowerBound) to \(range.upperBound)", type: "integer",
      bounds: Double(range.lowerBound)...Double(range.upperBound)
    ) { Int($0).map(range.contains) ?? false }
  }
  static func number(_ range: ClosedRange<Double>, _ noun: String) -> Form {
    Form(noun: noun, type: "number", bounds: range) { decimal(in: $0).map(range.contains) ?? false }
  }
}

/// The three ways to us.
enum EntryScheme: String {
  case sip, tel, web

  init?(_ entry: String) {
    guard let colon = entry.firstIndex(of: ":"), let scheme = EntryScheme(rawValue: String(entry[..<colon])) else {
      return nil
    }
    let rest = entry[entry.index(after: colon)...]
    let isGood =
      switch scheme {
      case .web: Form.name.accepts(String(rest))
      case .tel: rest.first == "+" && rest.count > 3 && rest.dropFirst().allSatisfy { "0123456789-".contains($0) }
      case .sip: (try? URI(parsing: entry))?.user != nil
      }
    guard isGood else { return nil }
    self = scheme
  }
}

/// Digits with an optional fraction, in no other spelling that `Double` would take (`inf`, `0x1p3`, `1e9`).
func decimal(in text: some StringProtocol) -> Double? {
  guard text.count <= 20, text.allSatisfy({ "0123456789.-".contains($0) }) else { return nil }
  return Double(text)
}

/// `60s`, `20m`, `90d`, `1h30m`, `0.5s`, `250ms`: largest unit first, each once; at most ten years. Nil if it is none.
func microseconds(in text: some StringProtocol) -> Int64? {
  let units: [(name: String, microseconds: Double)] = [
    ("d", 86_400e6), ("h", 3_600e6), ("m", 60e6), ("s", 1e6), ("ms", 1e3),
  ]
  var rest = text[...]
  var allowed = units[...]
  var sum = 0.0
  guard !rest.isEmpty else { return nil }
  while !rest.isEmpty {
    let number = rest.prefix { "0123456789.".contains($0) }
    rest = rest[number.endIndex...]
    let unit = rest.prefix { !"0123456789.".contains($0) }
    rest = rest[unit.endIndex...]
    guard let value = decimal(in: number), let index = allowed.firstIndex(where: { $0.name == unit }) else {
      return nil
    }
    sum += value * units[index].microseconds
    allowed = units[(index + 1)...]
  }
  guard sum <= 3_653 * 86_400e6 else { return nil }
  return Int64(sum.rounded())
}

func portRange(in text: String) -> ClosedRange<UInt16>? {
  let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
  guard ends.count == 2, let low = ends[0], let high = ends[1], low >= 1024, low < high else { return nil }
  return low...high
}

func octets(inHexadecimal text: String) -> [UInt8]? {
  let digits = text.map(\.hexDigitValue)
  guard digits.count.isMultiple(of: 2), text.utf8.count == digits.count else { return nil }
  var octets: [UInt8] = []
  for index in stride(from: 0, to: digits.count, by: 2) {
    guard let high = digits[index], let low = digits[index + 1] else { return nil }
    octets.append(UInt8(high << 4 | low))
  }
  return octets
}
