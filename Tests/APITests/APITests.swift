import API
import FoundationEssentials
import Testing

@Suite struct TimestampTests {
  @Test(
    "A time is written as RFC 3339 with milliseconds",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
      (1_709_164_800_007, "2024-02-29T00:00:00.007Z"),
      (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
    ] as [(Int64, String)])
  func written(milliseconds: Int64, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).description == text)
    #expect(Timestamp(text)?.milliseconds == milliseconds)
  }

  @Test("A day agrees with Foundation's calendar over four centuries")
  func agreesWithFoundation() throws {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    for day in stride(from: Int64(-80_000), through: 80_000, by: 37) {
      let milliseconds = day * 86_400_000 + 12_345_500
      let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
      #expect(Timestamp(milliseconds: milliseconds).description == date.formatted(style))
    }
  }

  @Test("An offset counts, and further fraction digits are dropped")
  func offset() {
    #expect(Timestamp("2026-11-21T09:30:00.1239+01:30")?.description == "2026-11-21T08:00:00.123Z")
    #expect(Timestamp("2026-11-21T08:00:00Z")?.description == "2026-11-21T08:00:00.000Z")
  }

  @Test(
    "What is not RFC 3339 is refused",
    arguments: [
      "", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T08:00:00",
      "2026-11-21T08:00:00.Z", "2026-11-21T08:00:00Zx", "2026-11-21 08:00:00Z",
    ])
  func refused(text: String) { #expect(Timestamp(text) == nil) }
}

@Suite struct EventStreamTests {
  @Test("An event cut anywhere is read the same")
  func cut() throws {
    let contact = Contact(
      id: "ct_1", channel: "chat", queue: "q_support", state: "queued", enteredAt: Timestamp(milliseconds: 5),
      wait: WaitRange(lowSeconds: 180, highSeconds: 360), visitorName: "Jo — \"guest\"\n7")
    let first = ServerSentEvent(id: "7", name: "contact.queued", data: try StreamEvent.contactQueued(contact).json())
    let second = ServerSentEvent(name: "stream.dropped", data: try StreamEvent.dropped.json())
    let bytes = Array(": hello\n\n".utf8) + first.encoded + second.encoded
    for cut in 0...bytes.count {
      var reader = EventStreamReader()
      let events = try reader.read(bytes[..<cut]) + reader.read(bytes[cut...])
      #expect(events.count == 2)
      #expect(try events.first.flatMap { try StreamEvent(name: $0.name, json: $0.data) } == .contactQueued(contact))
      #expect(reader.lastEventID == "7")
    }
  }

  @Test("Line ends of every kind, comments and several data lines are read")
  func lineEnds() throws {
    var reader = EventStreamReader()
    let events = try reader.read(Array("retry: 300\r\n:c\rdata:a\ndata: b\r\n\r\ndata\n\n".utf8))
    #expect(events.map { String(decoding: $0.data, as: UTF8.self) } == ["a\nb", ""])
    #expect(reader.retry == 300)
  }

  @Test("A line without end is refused, not kept")
  func tooLong() {
    var reader = EventStreamReader()
    #expect(throws: EventStreamReader.TooLong.self) {
      _ = try reader.read(repeatElement(UInt8(65), count: EventStreamReader.limit + 1))
    }
  }

  @Test("Every event keeps its payload, and an unknown name is skipped")
  func roundTrip() throws {
    let contact = Contact(
      id: "ct_1", channel: "voice", queue: "q_sales", state: "talking", enteredAt: Timestamp(milliseconds: 1),
      answeredAt: Timestamp(milliseconds: 2), attributes: ["page.url": "/cart"])
    let offer = Offer(id: "of_9", contact: contact, deadline: Timestamp(milliseconds: 3), acceptsInConsole: true)
    let agent = Agent(
      id: "ag_amina", name: "Amina Berg", state: "ready", phone: "demo", contacts: [contact], offer: offer)
    let message = Message(
      id: "ms_4", contact: "ct_1", at: Timestamp(milliseconds: 4), author: "agent", authorName: "Amina", text: "Hi")
    let events: [StreamEvent] = [
      .reset(.init(contact: contact, messages: [message], agent: agent)), .dropped, .contactQueued(contact),
      .contactChanged(contact), .contactAnswered(contact), .contactEnded(contact), .messageCreated(message),
      .offerMade(offer), .offerEnded(OfferEnd(id: "of_9", ending: "missed")), .agentChanged(agent),
      .quality(
        ContactQuality(
          contact: "ct_1", side: "contact", codec: "opus",
          quality: Quality(lossIn: 0.01, lossOut: 0, jitterSeconds: 0.004, roundTripSeconds: nil))),
    ]
    #expect(events.map(\.name) == StreamEvent.names)
    for event in events { #expect(try StreamEvent(name: event.name, json: event.json()) == event) }
    #expect(try StreamEvent(name: "later.kind", json: []) == nil)
    #expect(String(decoding: try JSON.encode(message), as: UTF8.self).contains(#""author_name":"Amina""#))
  }
}
