import Media
import Primitives
import Testing

/// A browser's side of ICE: checks by which a lite agent learns it.
struct Checker {
  var ufrag = Array("theirs".utf8)
  var remote: ShortTermCredentials
  var role = STUNMessage.Role.controlling(7)
  var transaction = STUNMessage.Transaction(high: 1, low: 0)

  init(_ remote: ShortTermCredentials) { self.remote = remote }

  mutating func check(nominating: Bool = false) -> [UInt8] {
    transaction.low += 1
    var writer = STUNWriter(.request, transaction)
    writer.username(remote.ufrag + [UInt8(ascii: ":")] + ufrag)
    writer.priority(0x6e00_01ff)
    writer.role(role)
    if nominating { writer.useCandidate() }
    writer.sign(remote.password)
    return writer.finish()
  }
}

extension ICELite {
  mutating func receive(_ bytes: [UInt8], from source: NetworkAddress, at now: Instant) -> STUNMessage? {
    bytes.withUnsafeBytes { bytes in
      guard let message = STUNMessage(bytes), let answer = receive(message, in: bytes, from: source, at: now) else {
        return nil
      }
      return parse(answer)
    }
  }
}

@Suite struct ICELiteTests {
  private let ours = ShortTermCredentials(random: Array(1...24))
  private let wifi = NetworkAddress(ipv4: 0xc000_0207, port: 40_000)
  private let mobile = v6
  private let start = Instant(microseconds: 1_000)

  @Test("Credentials are ICE characters of the lengths that RFC 8839 wants, and differ with their random bytes")
  func credentials() {
    let other = ShortTermCredentials(random: Array(2...25))
    #expect(ours.ufrag.count == 8 && ours.password.count == 24 && ours != other)
    let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    #expect((ours.ufrag + ours.password).allSatisfy { characters.contains($0) })
  }

  @Test("A check is answered with its source address, signed with our password, and proves the address")
  func check() throws {
    var ice = ICELite(credentials: ours, at: start)
    var browser = Checker(ours)
    #expect(!ice.isValidated(wifi, at: start))
    let request = browser.check()
    let parsed = try #require(parse(request))
    let answer = try #require(
      request.withUnsafeBytes { ice.receive(parsed, in: $0, from: wifi, at: start) })
    let message = try #require(parse(answer))
    #expect(message.kind == .success && message.transaction == browser.transaction && message.hasFingerprint)
    #expect(message.mappedAddress == wifi)
    #expect(answer.withUnsafeBytes { message.isAuthentic($0, key: ours.password) })
    #expect(ice.isValidated(wifi, at: start) && !ice.isValidated(mobile, at: start))
    #expect(ice.selected == nil)
  }

  @Test("The pair that was nominated last is selected: regular, aggressive, and after a change of networks")
  func nomination() {
    var ice = ICELite(credentials: ours, at: start)
    var browser = Checker(ours)
    _ = ice.receive(browser.check(), from: wifi, at: start)
    #expect(ice.selected == nil)
    _ = ice.receive(browser.check(nominating: true), from: wifi, at: start)
    #expect(ice.selected == wifi)
    // A check of another pair without nomination moves nothing.
    _ = ice.receive(browser.check(), from: mobile, at: start + .seconds(1))
    #expect(ice.selected == wifi)
    _ = ice.receive(browser.check(nominating: true), from: mobile, at: start + .seconds(2))
    #expect(ice.selected == mobile)
    _ = ice.receive(browser.check(nominating: true), from: wifi, at: start + .seconds(3))
    #expect(ice.selected == wifi)
  }

  @Test("Consent ends 30 seconds after the last authentic check, for each address and for the browser")
  func consent() {
    var ice = ICELite(credentials: ours, at: start)
    var browser = Checker(ours)
    #expect(ice.consentDeadline == start + .seconds(30))
    _ = ice.receive(browser.check(), from: wifi, at: start + .seconds(5))
    _ = ice.receive(browser.check(), from: mobile, at: start + .seconds(20))
    #expect(ice.isValidated(wifi, at: start + .seconds(34)) && !ice.isValidated(wifi, at: start + .seconds(35)))
    #expect(ice.consentDeadline == start + .seconds(50))
    var stranger = Checker(ShortTermCredentials(ufrag: ours.ufrag, password: [1]))
    _ = ice.receive(stranger.check(), from: wifi, at: start + .seconds(40))
    #expect(ice.consentDeadline == start + .seconds(50))
  }

  @Test("A wrong password or name is refused unsigned, and proves nothing")
  func strangers() {
    var ice = ICELite(credentials: ours, at: start)
    var wrongPassword = Checker(ShortTermCredentials(ufrag: ours.ufrag, password: Array("guess".utf8)))
    let refusal = ice.receive(wrongPassword.check(nominating: true), from: wifi, at: start)
    #expect(refusal?.errorCode == 401 && refusal?.integrity == nil)
    var wrongName = Checker(ShortTermCredentials(ufrag: Array("nobody".utf8), password: ours.password))
    #expect(ice.receive(wrongName.check(), from: wifi, at: start)?.errorCode == 401)
    #expect(!ice.isValidated(wifi, at: start) && ice.selected == nil)
  }

  @Test("A request without integrity is 400, a required attribute that is unknown 420, and both change nothing")
  func malformed() throws {
    var ice = ICELite(credentials: ours, at: start)
    var bare = STUNWriter(.request, transaction)
    bare.username(ours.ufrag + Array(":theirs".utf8))
    bare.priority(1)
    #expect(ice.receive(bare.finish(), from: wifi, at: start)?.errorCode == 400)
    var writer = STUNWriter(.request, transaction)
    writer.username(ours.ufrag + Array(":theirs".utf8))
    writer.attribute(0x7abc, [1, 2, 3])
    writer.sign(ours.password)
    let refusal = ice.receive(writer.finish(), from: wifi, at: start)
    #expect(refusal?.errorCode == 420 && refusal?.integrity != nil)
    #expect(!ice.isValidated(wifi, at: start))
  }

  @Test("A browser that thinks it is controlled hears of the conflict and then is believed")
  func roleConflict() {
    var ice = ICELite(credentials: ours, at: start)
    var browser = Checker(ours)
    browser.role = .controlled(9)
    let refusal = ice.receive(browser.check(nominating: true), from: wifi, at: start)
    #expect(refusal?.errorCode == 487 && refusal?.integrity != nil && ice.selected == nil)
    browser.role = .controlling(9)
    #expect(ice.receive(browser.check(nominating: true), from: wifi, at: start)?.kind == .success)
    #expect(ice.selected == wifi)
  }

  @Test("Indications, responses, other methods and messages without a fingerprint are not answered")
  func silence() throws {
    var ice = ICELite(credentials: ours, at: start)
    for kind in [STUNMessage.Kind.indication, .success, .error] {
      var writer = STUNWriter(kind, transaction)
      writer.username(ours.ufrag + Array(":theirs".utf8))
      writer.sign(ours.password)
      #expect(ice.receive(writer.finish(), from: wifi, at: start) == nil)
    }
    var browser = Checker(ours)
    var bytes = Array(browser.check().dropLast(8))
    bytes[3] = UInt8(bytes.count - 20)
    #expect(ice.receive(bytes, from: wifi, at: start) == nil)
    #expect(!ice.isValidated(wifi, at: start))
  }

  @Test("No error response is longer than its request")
  func amplification() {
    var ice = ICELite(credentials: ours, at: start)
    var bare = STUNWriter(.request, transaction)
    #expect(ice.receive(bare.finish(), from: wifi, at: start) == nil)
  }

  @Test("Through a restart the old credentials live until a pair is nominated under the new ones")
  func restart() {
    var ice = ICELite(credentials: ours, at: start)
    var old = Checker(ours)
    _ = ice.receive(old.check(nominating: true), from: wifi, at: start)
    let new = ShortTermCredentials(random: Array(101...124))
    ice.restart(new)
    #expect(ice.credentials == new)
    var fresh = Checker(new)
    #expect(ice.receive(old.check(nominating: true), from: wifi, at: start)?.kind == .success)
    #expect(ice.receive(fresh.check(), from: mobile, at: start)?.kind == .success)
    #expect(ice.selected == wifi && ice.previousCredentials == ours)
    #expect(ice.receive(fresh.check(nominating: true), from: mobile, at: start)?.kind == .success)
    #expect(ice.selected == mobile && ice.previousCredentials == nil)
    #expect(ice.receive(old.check(nominating: true), from: wifi, at: start)?.errorCode == 401)
    #expect(ice.selected == mobile)
  }

  @Test("A restart that comes before the last one was done leaves the first credentials alive")
  func restartTwice() {
    var ice = ICELite(credentials: ours, at: start)
    let second = ShortTermCredentials(random: Array(51...74))
    let third = ShortTermCredentials(random: Array(101...124))
    ice.restart(second)
    ice.restart(third)
    var old = Checker(ours)
    var dropped = Checker(second)
    #expect(ice.receive(old.check(), from: wifi, at: start)?.kind == .success)
    #expect(ice.receive(dropped.check(), from: wifi, at: start)?.errorCode == 401)
  }

  @Test("Addresses beyond the limit push out the one heard least recently, never the selected one")
  func manyAddresses() {
    var ice = ICELite(credentials: ours, at: start)
    var browser = Checker(ours)
    _ = ice.receive(browser.check(nominating: true), from: wifi, at: start)
    for port in 1...UInt16(ICELite.mostPairs) {
      let address = NetworkAddress(ipv4: 0xc000_0208, port: port)
      _ = ice.receive(browser.check(), from: address, at: start + Int64(port))
    }
    #expect(ice.isValidated(wifi, at: start + 100) && ice.selected == wifi)
    #expect(!ice.isValidated(NetworkAddress(ipv4: 0xc000_0208, port: 1), at: start + 100))
    #expect(ice.isValidated(NetworkAddress(ipv4: 0xc000_0208, port: 16), at: start + 100))
  }

  @Test("Damaged checks are refused or ignored and never prove an address")
  func fuzz() {
    var draw = Draw(31)
    var ice = ICELite(credentials: ours, at: start)
    var browser = Checker(ours)
    for _ in 0..<20_000 {
      var bytes = browser.check(nominating: true)
      // The fingerprint goes on fitting: a stranger can compute it, but not the integrity.
      bytes.removeLast(8)
      bytes[draw.below(bytes.count - 24)] ^= UInt8(1 << draw.below(8))
      bytes += withUnsafeBytes(of: (checksum(bytes) ^ 0x5354_554e).bigEndian) { [0x80, 0x28, 0, 4] + $0 }
      _ = ice.receive(bytes, from: wifi, at: start)
    }
    #expect(!ice.isValidated(wifi, at: start) && ice.selected == nil)
  }
}

/// The CRC of FINGERPRINT, bit by bit.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
  var sum = ~UInt32(0)
  for byte in bytes {
    sum ^= UInt32(byte)
    for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0xedb8_8320 }
  }
  return ~sum
}
