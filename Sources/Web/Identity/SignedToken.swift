/// A JSON Web Signature in compact form (RFC 7515 section 7.1) with claims (RFC 7519) as payload: read, not believed.
struct SignedToken {
  /// `alg` as it is written: to be compared with the key's, never to choose by.
  let algorithm: String
  let keyID: String?
  let claims: JSONObject
  /// What the signature is of.
  let signed: [UInt8]
  let signature: [UInt8]

  /// Bytes of a token, far more than names and an address need.
  static let limit = 4_096

  /// Why it is none, for who integrates: "The token has no signature".
  struct Malformed: Error, Equatable {
    var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  init(parsing text: String) throws(Malformed) {
    let bytes = Array(text.utf8)
    guard bytes.count <= Self.limit else { throw Malformed("The token has more than \(Self.limit) bytes") }
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw Malformed("The token has not three parts") }
    let header = try Self.object(parts[0], "header")
    guard case .string(let algorithm)? = header["alg"] else { throw Malformed("The token's header names no alg") }
    // Whoever marks a header as critical wants it understood, and none is here (RFC 7515 section 4.1.11).
    guard header["crit"] == nil else { throw Malformed("The token's header has a crit that is not known here") }
    switch header["typ"] {
    case nil: break
    case .string(let type)? where ["jwt", "application/jwt"].contains(type.lowercased()): break
    default: throw Malformed("The token's typ is not JWT")
    }
    switch header["kid"] {
    case nil: keyID = nil
    case .string(let id)?: keyID = id
    default: throw Malformed("The token's kid is no text")
    }
    claims = try Self.object(parts[1], "payload")
    guard let signature = Self.decoded(parts[2]) else { throw Malformed("The token's signature is not base64url") }
    guard !signature.isEmpty else { throw Malformed("The token has no signature") }
    self.algorithm = algorithm
    self.signature = signature
    signed = Array(bytes[..<parts[1].endIndex])
  }

  private static func object(_ part: ArraySlice<UInt8>, _ name: String) throws(Malformed) -> JSONObject {
    guard let text = decoded(part) else { throw Malformed("The token's \(name) is not base64url") }
    do throws(JSONObject.Malformed) {
      return try JSONObject(parsing: text)
    } catch {
      throw Malformed("The token's \(name) is no JSON object: \(error.reason) at byte \(error.offset)")
    }
  }

  /// base64url without padding (RFC 7515 section 2). Nil for any other character, and where bits are left over that are
  /// not zero, so that one value has one form.
  static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var (word, bits): (UInt32, UInt32) = (0, 0)
    for character in text {
      let digit: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = character - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = character - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0") + 52
      case UInt8(ascii: "-"): digit = 62
      case UInt8(ascii: "_"): digit = 63
      default: return nil
      }
      word = word << 6 | UInt32(digit)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: word >> bits))
        word &= (1 << bits) - 1
      }
    }
    return bits < 6 && word == 0 ? bytes : nil
  }
}
