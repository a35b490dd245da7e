import API

/// A JSON value, for documents that are built here.
indirect enum Document: Encodable, Sendable, Equatable {
  case string(String)
  case flag(Bool)
  case array([Document])
  case object([String: Document])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .string(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}

/// The JSON Schema of a struct that travels. It is read off the struct's own decoding, so it cannot disagree.
struct Schema: Sendable {
  /// As in `components/schemas`.
  var name: String
  /// By name, with those it refers to.
  var components: [String: Document]

  static func of(_ type: (some Decodable).Type) -> Schema {
    let recorder = Recorder()
    _ = recorder.schema(of: type)
    return Schema(name: Recorder.name(type), components: recorder.components)
  }

  var reference: Document { Recorder.reference(name) }
}

/// Decodes made-up values and notes which keys and types were asked for.
private final class Recorder {
  var components: [String: Document] = [:]

  static func reference(_ name: String) -> Document { .object(["$ref": .string("#/components/schemas/" + name)]) }

  /// `Page<Message>` becomes `MessagePage`.
  static func name(_ type: Any.Type) -> String {
    let name = String(describing: type)
    guard name.hasSuffix(">"), let open = name.firstIndex(of: "<") else { return name }
    return String(name[name.index(after: open)...].dropLast() + name[..<open])
  }

  static func plain(_ type: Any.Type) -> Document? {
    func named(_ name: String, _ more: [String: Document] = [:]) -> Document {
      .object(["type": .string(name)].merging(more) { first, _ in first })
    }
    return switch type {
    case is String.Type: named("string")
    case is Bool.Type: named("boolean")
    case is Double.Type: named("number")
    case is Int.Type, is UInt64.Type: named("integer")
    case is Timestamp.Type: named("string", ["format": .string("date-time")])
    case is [String: String].Type: named("object", ["additionalProperties": named("string")])
    case is [String: [String]].Type:
      named("object", ["additionalProperties": named("array", ["items": named("string")])])
    default: nil
    }
  }

  func schema<Value: Decodable>(of type: Value.Type) -> (Document, Value?) {
    if let plain = Self.plain(type) { return (plain, Self.sample(type)) }
    let decoder = RecordingDecoder(recorder: self)
    let value = try? Value(from: decoder)
    if let items = decoder.items { return (.object(["type": .string("array"), "items": items]), value) }
    let name = Self.name(type)
    components[name] = .object([
      "type": .string("object"), "properties": .object(decoder.properties),
      "required": .array(decoder.required.sorted().map { .string($0) }),
    ])
    return (Self.reference(name), value)
  }

  private static func sample<Value>(_: Value.Type) -> Value? {
    let samples: [Any] = [
      "", false, 0.0, 0, UInt64(0), Timestamp(milliseconds: 0), [String: String](), [String: [String]](),
    ]
    return samples.lazy.compactMap { $0 as? Value }.first
  }
}

private struct NotPlain: Error {}

private final class RecordingDecoder: Decoder {
  let recorder: Recorder
  var properties: [String: Document] = [:]
  var required: Set<String> = []
  var items: Document?
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  init(recorder: Recorder) { self.recorder = recorder }

  func container<Key: CodingKey>(keyedBy _: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(KeyedRecording<Key>(decoder: self))
  }
  func unkeyedContainer() -> any UnkeyedDecodingContainer { ListRecording(decoder: self) }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw NotPlain() }
}

private struct KeyedRecording<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: RecordingDecoder
  let codingPath: [any CodingKey] = []
  let allKeys: [Key] = []

  func contains(_: Key) -> Bool { true }

  /// Asked only for what may be absent.
  func decodeNil(forKey key: Key) -> Bool {
    decoder.required.remove(key.stringValue)
    decoder.properties[key.stringValue] = .object([:])
    return false
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    if decoder.properties[key.stringValue] == nil { decoder.required.insert(key.stringValue) }
    let (schema, value) = decoder.recorder.schema(of: type)
    decoder.properties[key.stringValue] = schema
    guard let value else { throw NotPlain() }
    return value
  }

  func nestedContainer<Other: CodingKey>(keyedBy _: Other.Type, forKey _: Key) throws -> KeyedDecodingContainer<Other> {
    throw NotPlain()
  }
  func nestedUnkeyedContainer(forKey _: Key) throws -> any UnkeyedDecodingContainer { throw NotPlain() }
  func superDecoder() throws -> any Decoder { throw NotPlain() }
  func superDecoder(forKey _: Key) throws -> any Decoder { throw NotPlain() }
}

private struct ListRecording: UnkeyedDecodingContainer {
  let decoder: RecordingDecoder
  let codingPath: [any CodingKey] = []
  let count: Int? = nil
  private(set) var currentIndex = 0

  init(decoder: RecordingDecoder) { self.decoder = decoder }

  /// One element is enough to know them all.
  var isAtEnd: Bool { currentIndex == 1 }

  mutating func decodeNil() -> Bool { false }
  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    currentIndex += 1
    let (schema, value) = decoder.recorder.schema(of: type)
    decoder.items = schema
    guard let value else { throw NotPlain() }
    return value
  }
  mutating func nestedContainer<Key: CodingKey>(keyedBy _: Key.Type) throws -> KeyedDecodingContainer<Key> {
    throw NotPlain()
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw NotPlain() }
  mutating func superDecoder() throws -> any Decoder { throw NotPlain() }
}
