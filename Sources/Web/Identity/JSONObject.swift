/// A JSON object read strictly (RFC 8259), for text that a signature vouches for: a name that stands twice is an error,
/// since two readers might take another one of the two (RFC 7515 section 10.12).
struct JSONObject: Equatable {
  enum Value: Equatable {
    case string(String)
    /// As it is written.
    case number(String)
    case flag(Bool)
    case null
    case list([Value])
    case object(JSONObject)
  }
  private(set) var members: [(name: String, value: Value)] = []

  subscript(name: String) -> Value? { members.first { $0.name == name }?.value }

  static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.members.elementsEqual(b.members) { $0.name == $1.name && $0.value == $1.value }
  }

  struct Malformed: Error, Equatable {
    /// Counted in bytes.
    var offset: Int
    var reason: String
  }

  /// Reads UTF-8 text that is one object and nothing else.
  init(parsing bytes: [UInt8]) throws(Malformed) {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw Malformed(offset: 0, reason: "not UTF-8") }
    var reader = Reader(bytes: bytes)
    reader.skipSpace()
    guard reader.next == UInt8(ascii: "{") else { throw reader.error("no object") }
    self = try reader.object(depth: 0)
    reader.skipSpace()
    guard reader.next == nil else { throw reader.error("text behind the object") }
  }

  private init() {}

  private struct Reader {
    let bytes: [UInt8]
    var offset = 0

    private static let depthLimit = 8

    init(bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func error(_ reason: String) -> Malformed { Malformed(offset: offset, reason: reason) }

    mutating func skipSpace() {
      while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard next == UInt8(ascii: character) else { return false }
      offset += 1
      skipSpace()
      return true
    }

    mutating func object(depth: Int) throws(Malformed) -> JSONObject {
      guard depth < Self.depthLimit else { throw error("nested too deeply") }
      var object = JSONObject()
      guard skip("{") else { throw error("no object") }
      if skip("}") { return object }
      repeat {
        let start = offset
        let name = try string()
        guard object[name] == nil else {
          offset = start
          throw error("the name stands twice")
        }
        guard skip(":") else { throw error("a colon is missing") }
        object.members.append((name, try value(depth: depth + 1)))
      } while skip(",")
      guard skip("}") else { throw error("the object does not end") }
      return object
    }

    private mutating func list(depth: Int) throws(Malformed) -> [Value] {
      guard depth < Self.depthLimit else { throw error("nested too deeply") }
      var values: [Value] = []
      guard skip("[") else { throw error("no list") }
      if skip("]") { return values }
      repeat { values.append(try value(depth: depth + 1)) } while skip(",")
      guard skip("]") else { throw error("the list does not end") }
      return values
    }

    private mutating func value(depth: Int) throws(Malformed) -> Value {
      switch next {
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "{"): return .object(try object(depth: depth))
      case UInt8(ascii: "["): return .list(try list(depth: depth))
      case UInt8(ascii: "t"): return try word("true", .flag(true))
      case UInt8(ascii: "f"): return try word("false", .flag(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      default: return .number(try number())
      }
    }

    private mutating func word(_ word: String, _ value: Value) throws(Malformed) -> Value {
      guard bytes[offset...].starts(with: word.utf8) else { throw error("no value") }
      offset += word.utf8.count
      return value
    }

    private mutating func digits() -> Int {
      let start = offset
      while let byte = next, 0x30...0x39 ~= byte { offset += 1 }
      return offset - start
    }

    private mutating func number() throws(Malformed) -> String {
      let start = offset
      if next == UInt8(ascii: "-") { offset += 1 }
      let first = next
      let whole = digits()
      guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else { throw error("no value") }
      if next == UInt8(ascii: ".") {
        offset += 1
        guard digits() > 0 else { throw error("a digit is missing") }
      }
      if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
        offset += 1
        if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
        guard digits() > 0 else { throw error("a digit is missing") }
      }
      return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func string() throws(Malformed) -> String {
      guard next == UInt8(ascii: "\"") else { throw error("no string") }
      offset += 1
      var text: [UInt8] = []
      while let byte = next {
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
        case UInt8(ascii: "\\"): text += String(try escape()).utf8
        case ..<0x20: throw error("a control character in a string")
        default: text.append(byte)
        }
      }
      throw error("the string does not end")
    }

    private mutating func escape() throws(Malformed) -> Unicode.Scalar {
      guard let byte = next else { throw error("the string does not end") }
      offset += 1
      switch byte {
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{c}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
      case UInt8(ascii: "u"): break
      default: throw error("no such escape")
      }
      let unit = try codeUnit()
      guard 0xd800..<0xe000 ~= unit else { return Unicode.Scalar(unit) ?? "\u{fffd}" }
      // Two code units of UTF-16 make one character; half of a pair is none.
      guard unit < 0xdc00, next == UInt8(ascii: "\\") else { throw error("half a surrogate pair") }
      offset += 1
      guard next == UInt8(ascii: "u") else { throw error("half a surrogate pair") }
      offset += 1
      let low = try codeUnit()
      guard 0xdc00..<0xe000 ~= low, let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)) else {
        throw error("half a surrogate pair")
      }
      return scalar
    }

    private mutating func codeUnit() throws(Malformed) -> UInt32 {
      var unit: UInt32 = 0
      for _ in 0..<4 {
        guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
          throw error("four hexadecimal digits are missing")
        }
        unit = unit << 4 | UInt32(digit)
        offset += 1
      }
      return unit
    }
  }
}
