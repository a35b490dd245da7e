internal import Primitives

/// Cuts a byte stream into messages (RFC 3261 section 18.3) and keep-alives (RFC 5626 section 3.5.1).
///
/// It never decides on its own where a message ends: that is `MessageHead`, which the parser of datagrams uses too.
/// On a stream Content-Length is a must. After an error the connection is lost and has to be closed.
public struct StreamFramer: Sendable {
  public enum Frame: Sendable {
    case message(Message)
    /// Two line ends between messages; the answer is one.
    case ping
    /// A message that ends somewhere but is none; the stream goes on behind it.
    case refused(ParseError, bytes: [UInt8])
  }

  private let limits: Limits
  private var buffer: [UInt8] = []
  /// What stands before it was framed.
  private var start = 0
  /// No end of the headers stands before it.
  private var searched = 0
  /// The end of a message whose body has not come whole.
  private var awaited: Int?
  private var failure: ParseError?

  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Bytes that wait for more.
  public var pending: Int { buffer.count - start }

  public mutating func append(_ bytes: some Collection<UInt8>) {
    if start == buffer.count {
      buffer.removeAll(keepingCapacity: true)
      (searched, start) = (0, 0)
    } else if start > 16_384, start > buffer.count / 2 {
      buffer.removeSubrange(..<start)
      searched -= start
      awaited = awaited.map { $0 - start }
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next frame, or nil until more bytes come.
  public mutating func next() throws(ParseError) -> Frame? {
    if let failure { throw failure }
    do throws(ParseError) {
      return try frame()
    } catch {
      failure = error
      throw error
    }
  }

  private mutating func frame() throws(ParseError) -> Frame? {
    if awaited == nil {
      if let ping = skipLineEnds() { return ping ? .ping : nil }
      guard let headEnd = headEnd() else {
        guard pending <= limits.message else {
          throw ParseError(offset: limits.message, reason: "message too long", status: 513)
        }
        return nil
      }
      awaited = start + (try length(headEnd))
    }
    guard let end = awaited, end <= buffer.count else { return nil }
    let bytes = Array(buffer[start..<end])
    awaited = nil
    start = end
    searched = end
    do throws(ParseError) {
      return .message(try Message(parsing: bytes, limits: limits))
    } catch {
      return .refused(error, bytes: bytes)
    }
  }

  private func length(_ headEnd: Int) throws(ParseError) -> Int {
    let head = buffer.span.extracting(start..<headEnd)
    guard let length = try MessageHead(scanning: head, limits: limits).length(head, limits: limits) else {
      throw ParseError(offset: head.count, reason: "Content-Length missing on a stream")
    }
    return length
  }

  /// Line ends between messages: true after a pair, false if more bytes must come to tell, nil at a start line. A
  /// single one before a start line is passed over (RFC 3261 section 7.5).
  private mutating func skipLineEnds() -> Bool? {
    guard start < buffer.count else { return false }
    guard buffer[start] == ASCII.cr else { return nil }
    guard start + 1 < buffer.count else { return false }
    guard buffer[start + 1] == ASCII.lf else { return nil }
    guard start + 2 < buffer.count else { return false }
    guard buffer[start + 2] == ASCII.cr else {
      start += 2
      searched = start
      return nil
    }
    guard start + 3 < buffer.count else { return false }
    guard buffer[start + 3] == ASCII.lf else { return nil }
    start += 4
    searched = start
    return true
  }

  /// Behind the first empty line, or nil while there is none. No byte is looked at twice.
  private mutating func headEnd() -> Int? {
    var i = max(searched, start)
    while true {
      let span = buffer.span
      i = span.indexOfControl(from: i)
      guard i + 3 < span.count else { break }
      if span[i] == ASCII.cr, span[i + 1] == ASCII.lf, span[i + 2] == ASCII.cr, span[i + 3] == ASCII.lf { return i + 4 }
      i += 1
    }
    searched = i
    return nil
  }
}
