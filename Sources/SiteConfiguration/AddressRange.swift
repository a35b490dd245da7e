import CallControl
import Digest
import SIP

/// `192.0.2.0/24`, `2001:db8::/32`, or one address. Bits beyond the prefix do not count.
func addressRange(in text: String) -> AddressRange? {
  let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
  guard let network = Endpoint(address: String(parts[0]), port: 0) else { return nil }
  let isIPv4 = !parts[0].contains(":")
  guard parts.count == 2 else { return AddressRange(network: network, prefix: 128) }
  guard parts[1].allSatisfy(\.isNumber), let prefix = UInt8(parts[1]), prefix <= (isIPv4 ? 32 : 128) else { return nil }
  return AddressRange(network: network, prefix: isIPv4 ? prefix + 96 : prefix)
}

func hexadecimalSHA256(of bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(
    decoding: HashFunction.sha256.hash(bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
