import CallControl
import Glibc

/// An IP address in 128 bits, IPv4 as IPv4-mapped IPv6.
struct ClientAddress: Hashable, Sendable {
  var high: UInt64
  var low: UInt64
}

extension ClientAddress {
  /// Dotted quad or IPv6 text, perhaps in brackets and with a port as proxies write it.
  init?(_ text: some StringProtocol) {
    var text = String(text)
    if text.first == "[", let end = text.firstIndex(of: "]") {
      text = String(text[text.index(after: text.startIndex)..<end])
    } else if text.contains("."), !text.contains("::"), let colon = text.firstIndex(of: ":") {
      text = String(text[..<colon])
    }
    func word(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &bytes) == 1 {
      self.init(high: 0, low: 0xffff_0000_0000 | word(bytes[..<4]))
    } else if inet_pton(AF_INET6, text, &bytes) == 1 {
      self.init(high: word(bytes[..<8]), low: word(bytes[8...]))
    } else {
      return nil
    }
  }

  /// Who really asks: behind trusted proxies the last address in `X-Forwarded-For` that is not one of theirs.
  init(peer: ClientAddress, forwardedFor: [String], trusting proxies: [AddressRange]) {
    func isTrusted(_ address: ClientAddress) -> Bool {
      proxies.contains { $0.contains(high: address.high, low: address.low) }
    }
    self = peer
    let hops = forwardedFor.flatMap { $0.split(separator: ",") }
    for hop in hops.reversed() where isTrusted(self) {
      guard let address = ClientAddress(hop.drop { $0 == " " }.prefix { $0 != " " }) else { return }
      self = address
    }
  }

  /// What shares a limit: an IPv4 address, or the /64 that one IPv6 customer has.
  var limitKey: ClientAddress { high == 0 ? self : ClientAddress(high: high, low: 0) }
}
