import Digest
import Foundation
import Primitives
import Testing

@testable import Media

/// The folder that `SWITCHBOARD_TESTDATA` names.
private let root = ProcessInfo.processInfo.environment["SWITCHBOARD_TESTDATA"].map { URL(filePath: $0) }

private func files(_ folder: String, _ matches: (String) -> Bool) -> [String] {
  guard let root else { return [] }
  let names = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
  return (names ?? []).filter(matches).sorted()
}

private func bytes(_ folder: String, _ file: String) throws -> [UInt8] {
  let folder = try #require(root).appending(path: folder)
  return Array(try Data(contentsOf: folder.appending(path: file)))
}

private func text(_ folder: String, _ file: String) throws -> String {
  String(decoding: try bytes(folder, file), as: UTF8.self)
}

/// Sample messages of RFC 5769 and captured ones; their user names and passwords stand in a text beside them.
@Suite(.enabled(if: root != nil))
struct STUNConformance {
  static let messages = files("stun") { $0.hasSuffix(".bin") }
  static let seeds = files("fuzzseeds") { $0.hasPrefix("stun--") }

  /// The paragraph of a file in the list of parameters, by the end of its name.
  private func parameters(_ file: String) throws -> String {
    let name = try #require(file.split(separator: "-", maxSplits: 1).last).replacing(".bin", with: "")
    let lines = try files("stun") { $0.hasSuffix("PARAMETERS.txt") }.flatMap { file in
      try text("stun", file).split(separator: "\n").map(String.init)
    }
    return try #require(lines.first { $0.hasPrefix(name + ":") })
  }

  private func password(_ file: String) throws -> [UInt8] {
    var line = try parameters(file)
    // Later samples share the first one's password.
    if line.contains("same password") { line = try parameters("rfc5769-request.bin") }
    if let match = line.firstMatch(of: /after it "([^"]*)"/) {
      let realm = try #require(line.firstMatch(of: /realm "([^"]*)"/)).1
      let scalars = try #require(line.firstMatch(of: /username ((?:U\+[0-9A-F]{4} ?)+)/)).1
        .split(separator: " ").compactMap { UInt32($0.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init) }
      var name = ""
      name.unicodeScalars.append(contentsOf: scalars)
      return HashFunction.md5.hash(Array("\(name):\(realm):\(match.1)".utf8))
    }
    return Array(try #require(line.firstMatch(of: /password "([^"]*)"/)).1.utf8)
  }

  @Test("A sample message is read, is authentic with its password and with no other", arguments: messages)
  func sample(_ file: String) throws {
    let bytes = try bytes("stun", file)
    let message = try #require(parse(bytes))
    let parameters = try parameters(file)
    let key = try password(file)
    #expect(message.hasFingerprint == !parameters.contains("no FINGERPRINT"))
    #expect(bytes.withUnsafeBytes { message.isAuthentic($0, key: key) })
    #expect(!bytes.withUnsafeBytes { message.isAuthentic($0, key: key + [1]) })
    if let match = parameters.firstMatch(of: /username "([^"]*)"/) {
      #expect(message.username.map { Array(bytes[$0]) } == Array(match.1.utf8))
    }
    if let match = parameters.firstMatch(of: /PRIORITY 0x([0-9a-f]+)/) {
      #expect(message.priority == UInt32(match.1, radix: 16))
    }
    if let match = parameters.firstMatch(of: /ICE-CONTROLLED 0x([0-9a-f]+)/) {
      #expect(message.role == UInt64(match.1, radix: 16).map { .controlled($0) })
    }
    if let match = parameters.firstMatch(of: /mapped address (\S+) port (\d+)/) {
      let address = try #require(message.mappedAddress)
      #expect(address == NetworkAddress(text: String(match.1), port: try #require(UInt16(match.2))))
    }
  }

  @Test("A captured message, whole or damaged, is read or refused", arguments: seeds)
  func seed(_ file: String) throws {
    let seed = try bytes("fuzzseeds", file)
    var draw = Draw(41)
    for round in 0..<400 {
      var bytes = seed
      for _ in 0..<(round == 0 ? 0 : 1 + draw.below(4)) where !bytes.isEmpty {
        bytes[draw.below(bytes.count)] = UInt8(draw.below(256))
      }
      bytes.withUnsafeBytes { bytes in
        if let message = STUNMessage(bytes) { #expect(!message.isAuthentic(bytes, key: [1, 2, 3, 4])) }
      }
    }
  }
}

extension NetworkAddress {
  /// An IPv4 address, or an IPv6 address without `::`.
  init?(text: String, port: UInt16) {
    let parts = text.split(separator: text.contains(":") ? ":" : ".")
    if parts.count == 8 {
      let words = parts.compactMap { UInt64($0, radix: 16) }
      self.init(
        high: words[..<4].reduce(0) { $0 << 16 | $1 }, low: words[4...].reduce(0) { $0 << 16 | $1 }, port: port)
    } else {
      self.init(ipv4: parts.compactMap { UInt32($0) }.reduce(0) { $0 << 8 | $1 }, port: port)
    }
  }
}

/// Key derivation and packets of RFC 3711, RFC 6188 and RFC 7714, read from excerpts of their texts.
@Suite(.enabled(if: root != nil))
struct SRTPConformance {
  static let texts = files("srtp") { $0.hasSuffix(".txt") && $0 != "SOURCES.md" }

  /// The hexadecimal digits behind a label, which may go on in the next lines.
  private func digits(_ text: Substring, after label: String) -> [UInt8]? {
    guard let range = text.range(of: label) else { return nil }
    var digits = ""
    for (number, line) in text[range.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      let words = line.split(separator: " ").prefix { $0.allSatisfy(\.isHexDigit) && $0.count % 2 == 0 }
      if words.isEmpty, number > 0 { break }
      digits += words.joined()
      if words.count < line.split(separator: " ").count { break }
    }
    return digits.isEmpty ? nil : hex(digits)
  }

  @Test("Session keys of a text's derivation examples come out", arguments: texts)
  func derivation(_ file: String) throws {
    let text = try text("srtp", file)
    var rest = text[...]
    var examples = 0
    while let start = rest.range(of: "master key:") {
      let example = rest[start.lowerBound...]
      rest = rest[start.upperBound...]
      guard let key = digits(example, after: "master key:"), let salt = digits(example, after: "master salt:"),
        let master = SRTPMasterKey(key.count == 16 ? .aes128CM80 : .aes256CM80, key: key, salt: salt)
      else { continue }
      var expected: [(SRTPMasterKey.Label, [UInt8])] = []
      if let key = digits(example, after: "cipher key:") { expected.append((.encryption, key)) }
      if let salt = digits(example, after: "cipher salt:") { expected.append((.salt, salt)) }
      if let code = digits(example, after: "auth key:") ?? column(example) { expected.append((.authentication, code)) }
      #expect(expected.count == 3)
      for (label, value) in expected {
        // The text's last column stops within a block.
        #expect(master.sessionKey(label, count: value.count) == value, "\(file) \(label)")
      }
      examples += 1
    }
    #expect(examples >= (text.contains("AES-256-CM") || text.contains("AES-CM") ? 1 : 0), "none was found")
  }

  /// The left column of a table of blocks.
  private func column(_ text: Substring) -> [UInt8]? {
    guard let range = text.range(of: "AES input blocks\n") else { return nil }
    let rows = text[range.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { !$0.allSatisfy(\.isWhitespace) }
    return hex(rows.compactMap { $0.split(separator: " ").first.map(String.init) }.joined())
  }

  @Test("Key streams of counter mode come out", arguments: texts)
  func keyStream(_ file: String) throws {
    let text = try text("srtp", file)
    var rest = text[...]
    while let start = rest.range(of: "Session Key:") {
      let example = rest[start.lowerBound...]
      rest = rest[start.upperBound...]
      guard let key = digits(example, after: "Session Key:"), key.count == 16 || key.count == 32 else { continue }
      let cipher = SRTPCipher(key.count == 16 ? .aes128CM80 : .aes256CM80, key: key)
      let until = rest.range(of: "Session Key:")?.lowerBound ?? text.endIndex
      let rows = text[start.lowerBound..<until].matches(of: /(?m)^ +([0-9A-Fa-f]{32}) +([0-9A-Fa-f]{32})\s*$/)
      #expect(rows.count >= 6)
      for row in rows.prefix(6) {
        var stream = [UInt8](repeating: 0, count: 16)
        cipher.apply(hex(String(row.1)).reduce(0) { $0 << 8 | UInt128($1) }, to: &stream)
        #expect(stream == hex(String(row.2)))
      }
    }
  }

  @Test("Packets of Galois counter mode are sealed and opened as a text shows", arguments: texts)
  func galois(_ file: String) throws {
    let text = try text("srtp", file)
    var packets = 0
    for section in text.split(separator: /(?m)^1[67]\.\d\.(\d\.)? +/) {
      guard let key = digits(section, after: "Key:"), let vector = digits(section, after: "\n    IV:"),
        let associated = digits(section, after: "AAD:"), key.count == 16 || key.count == 32
      else { continue }
      let profile = key.count == 16 ? SRTPProfile.aeadAES128GCM : .aeadAES256GCM
      let start = vector.reduce(0) { $0 << 8 | UInt128($1) } << 32
      if let sealed = digits(section, after: "Cipher with tag\n") ?? digits(section, after: "Append the tag\n") {
        let plain = digits(section, after: "PT:") ?? []
        #expect(try seal(plain, profile, key, start, associated) == sealed, "\(section.prefix(60))")
      }
      if let sealed = digits(section, after: "CT:") {
        let opened = try open(sealed, profile, key, start, associated)
        #expect(opened != nil, "\(section.prefix(60))")
        #expect(try open(sealed.dropLast() + [sealed[sealed.count - 1] ^ 1], profile, key, start, associated) == nil)
      }
      packets += 1
    }
    #expect(packets >= (text.contains("AEAD_AES_128_GCM") ? 8 : 0), "only \(packets) were found")
  }

  private func seal(
    _ plain: [UInt8], _ profile: SRTPProfile, _ key: [UInt8], _ start: UInt128, _ associated: [UInt8]
  ) throws -> [UInt8] {
    var room = plain + [UInt8](repeating: 0, count: 16)
    let isDone = room.withUnsafeMutableBytes { room in
      associated.withUnsafeBytes { associated in
        SRTPCipher(profile, key: key).apply(
          start, header: associated, index: nil, to: UnsafeMutableRawBufferPointer(rebasing: room[..<plain.count]),
          tag: room.baseAddress! + plain.count)
      }
    }
    try #require(isDone)
    return room
  }

  private func open(
    _ sealed: [UInt8], _ profile: SRTPProfile, _ key: [UInt8], _ start: UInt128, _ associated: [UInt8]
  ) throws -> [UInt8]? {
    var room = sealed
    let length = sealed.count - 16
    try #require(length >= 0)
    let isDone = room.withUnsafeMutableBytes { room in
      associated.withUnsafeBytes { associated in
        SRTPCipher(profile, key: key, encrypts: false).apply(
          start, header: associated, index: nil, to: UnsafeMutableRawBufferPointer(rebasing: room[..<length]),
          tag: room.baseAddress! + length)
      }
    }
    return isDone ? Array(room[..<length]) : nil
  }
}

/// Recorded handshakes, as records in a row. They are no handshake with us, so nothing may come of them.
@Suite(.enabled(if: root != nil))
struct DTLSConformance {
  static let recordings = files("dtls") { $0.hasSuffix(".raw") }

  @Test("A recorded side of a handshake, whole, damaged and cut, gives no keys and no crash", arguments: recordings)
  func replay(_ file: String) throws {
    let recording = try bytes("dtls", file)
    let certificate = try DTLSCertificate()
    var records: [ArraySlice<UInt8>] = []
    var rest = recording[...]
    while rest.count >= 13 {
      let length = min(rest.count, 13 + Int(rest[rest.startIndex + 11]) << 8 + Int(rest[rest.startIndex + 12]))
      records.append(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    #expect(!records.isEmpty && rest.isEmpty)
    var draw = Draw(51)
    for round in 0..<60 {
      for role in [DTLSSession.Role.server, .client] {
        var session = try DTLSSession(role, certificate, expecting: [CertificateFingerprint(.sha256, [1])])
        session.start(at: Instant(microseconds: 0))
        for record in records {
          var datagram = Array(record)
          for _ in 0..<(round == 0 ? 0 : draw.below(4)) {
            datagram[draw.below(datagram.count)] = UInt8(draw.below(256))
          }
          datagram.withUnsafeBytes { session.receive($0, at: Instant(microseconds: 0)) }
          _ = session.takeOutgoing()
        }
        let keys = session.keys
        #expect(keys == nil)
      }
    }
  }
}

/// RTP and RTCP that other programs made, which a far end without keys might send.
@Suite(.enabled(if: root != nil))
struct SRTPSeedConformance {
  static let seeds = files("fuzzseeds") { $0.hasPrefix("rtp--") || $0.hasPrefix("rtcp--") }

  @Test("A plain or damaged packet is refused under every profile", arguments: seeds)
  func seed(_ file: String) throws {
    let seed = try bytes("fuzzseeds", file)
    var draw = Draw(61)
    for profile in SRTPProfile.allCases {
      var receiver = SRTPReceiver(SRTPMasterKey(profile, drawn: &draw))
      for round in 0..<40 {
        var packet = seed
        for _ in 0..<(round == 0 ? 0 : draw.below(4)) where !packet.isEmpty {
          packet[draw.below(packet.count)] = UInt8(draw.below(256))
        }
        #expect(throws: SRTPError.self) { try unprotect(&receiver, packet) }
        #expect(throws: SRTPError.self) { try unprotectControl(&receiver, packet) }
      }
    }
  }
}
