import SIP
import Testing

private let head =
  "MESSAGE sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n"
  + "From: <sip:b@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"

private func name(_ frame: StreamFramer.Frame?) -> String {
  switch frame {
  case .message(let message): "message \(String(decoding: message.body, as: UTF8.self))"
  case .ping: "ping"
  case .refused(let error, _): "refused \(error.status)"
  case nil: "nothing"
  }
}

@Suite("Messages on a stream")
struct MessageFramerTests {
  @Test("Messages, keep-alives and a refused message, byte by byte and at once")
  func frames() throws {
    let stream =
      "\r\n\r\n" + head + "Content-Length: 2\r\n\r\nhi" + "\r\n" + head + "l: 4\r\n\r\n\r\n\r\n" + "\r\n\r\n\r\n\r\n"
      + head + "CSeq: 2 MESSAGE\r\nContent-Length: 3\r\n\r\nbad" + head + "Content-Length: 0\r\n\r\n"
    let expected = ["ping", "message hi", "message \r\n\r\n", "ping", "ping", "refused 400", "message "]
    for size in [1, 2, 3, 7, 100, 10_000] {
      var framer = StreamFramer()
      var names: [String] = []
      var rest = Array(stream.utf8)[...]
      while !rest.isEmpty {
        framer.append(rest.prefix(size))
        rest = rest.dropFirst(size)
        while let frame = try framer.next() { names.append(name(frame)) }
      }
      #expect(names == expected, "\(size)")
      #expect(framer.pending == 0)
    }
  }

  @Test(
    "A stream that cannot be cut is closed",
    arguments: [
      ("Content-Length: 1\r\nContent-Length: 2\r\n", 400), ("Content-Length: -1\r\n", 400), ("", 400),
      ("Subject: a\nContent-Length: 0\r\n", 400), ("Content-Length: 70000\r\n", 513), ("Nothing\r\n", 400),
    ])
  func closed(header: String, status: Int) {
    var framer = StreamFramer()
    framer.append(Array((head + header + "\r\n").utf8))
    // What follows is never read.
    framer.append(Array((head + "Content-Length: 0\r\n\r\n").utf8))
    for _ in 0..<2 {
      let error = #expect(throws: ParseError.self) { try framer.next() }
      #expect(error?.status == status)
    }
  }

  @Test("Headers without an end are refused at the limit, however slowly they come")
  func endless() {
    var framer = StreamFramer()
    var error: ParseError?
    for _ in 0..<1_000 where error == nil {
      framer.append(Array(repeating: UInt8(ascii: "a"), count: 100))
      do throws(ParseError) { _ = try framer.next() } catch let fault { error = fault }
    }
    #expect(error?.status == 513)
    #expect(framer.pending < 70_000)
  }

  @Test("A long-lived stream keeps no more than what waits")
  func longLived() throws {
    var framer = StreamFramer()
    let bytes = Array((head + "Content-Length: 2\r\n\r\nhi").utf8)
    var stream: [UInt8] = []
    var count = 0
    for _ in 0..<2_000 {
      stream += bytes
      framer.append(stream.prefix(300))
      stream.removeFirst(min(300, stream.count))
      while let frame = try framer.next() {
        #expect(name(frame) == "message hi")
        count += 1
      }
    }
    framer.append(stream)
    while try framer.next() != nil { count += 1 }
    #expect(count == 2_000)
  }
}
