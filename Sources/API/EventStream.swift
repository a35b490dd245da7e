/// One event of `text/event-stream` (WHATWG HTML 9.2).
public struct ServerSentEvent: Sendable, Equatable {
  /// Nil leaves the reader's last event id as it is.
  public var id: String?
  public var name: String
  public var data: [UInt8]
  public init(id: String? = nil, name: String = "message", data: [UInt8]) {
    self.id = id; self.name = name; self.data = data
  }

  /// The event as it travels. The data must be on one line, as `JSON.encode` makes it.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    if let id { bytes += Array("id: \(id)\n".utf8) }
    bytes += Array("event: \(name)\ndata: ".utf8)
    bytes += data
    bytes += [10, 10]
    return bytes
  }
}

/// Reads an event stream piece by piece. A line may be cut anywhere; lines end with LF, CR or CRLF.
public struct EventStreamReader: Sendable {
  /// Bytes of one event, above which the stream is malformed.
  public static let limit = 1 << 20

  public private(set) var lastEventID: String?
  /// Milliseconds to wait before connecting again, if the server named them.
  public private(set) var retry: Int?
  private var line: [UInt8] = []
  private var name = ""
  private var data: [UInt8] = []
  private var hasData = false
  private var size = 0
  private var afterCarriageReturn = false

  public struct TooLong: Error, Sendable {}

  public init(lastEventID: String? = nil) { self.lastEventID = lastEventID }

  /// The events that these bytes complete.
  public mutating func read(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [ServerSentEvent] {
    var events: [ServerSentEvent] = []
    for byte in bytes {
      if afterCarriageReturn {
        afterCarriageReturn = false
        if byte == 10 { continue }
      }
      if byte == 10 || byte == 13 {
        afterCarriageReturn = byte == 13
        if let event = endLine() { events.append(event) }
      } else {
        size += 1
        guard size <= Self.limit else { throw TooLong() }
        line.append(byte)
      }
    }
    return events
  }

  private mutating func endLine() -> ServerSentEvent? {
    defer { line.removeAll(keepingCapacity: true) }
    guard !line.isEmpty else { return dispatch() }
    let colon = line.firstIndex(of: 58) ?? line.endIndex
    guard colon > 0 else {
      size -= line.count
      return nil
    }
    let field = String(decoding: line[..<colon], as: UTF8.self)
    var value = line[colon...].dropFirst()
    if value.first == 32 { value = value.dropFirst() }
    switch field {
    case "event": name = String(decoding: value, as: UTF8.self)
    case "data":
      if hasData { data.append(10) }
      data += value
      hasData = true
    case "id" where !value.contains(0): lastEventID = String(decoding: value, as: UTF8.self)
    case "retry": retry = Int(String(decoding: value, as: UTF8.self)) ?? retry
    default: break
    }
    return nil
  }

  private mutating func dispatch() -> ServerSentEvent? {
    defer {
      name = ""; data = []; hasData = false; size = 0
    }
    guard hasData else { return nil }
    return ServerSentEvent(id: lastEventID, name: name.isEmpty ? "message" : name, data: data)
  }
}
