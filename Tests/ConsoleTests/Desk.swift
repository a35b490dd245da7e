import API

@testable import Console

/// A console at 14:32:07 UTC, and what a server may tell it.
final class Desk {
  static let start = Timestamp(milliseconds: 1_795_271_527_000)
  var model = Model(now: Desk.start)
  /// Seconds since `start`.
  var seconds: Int64 = 0
  var calls: [Call] = []
  var lines: [String] = []
  var hasLeft = false

  static func ago(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: start.milliseconds - seconds * 1_000) }
  static func later(_ seconds: Int64) -> Timestamp { ago(-seconds) }

  func tell(_ input: Model.Input) {
    for effect in model.receive(input, at: Self.later(seconds)) {
      switch effect {
      case .call(let call): calls.append(call)
      case .say(let line): lines.append(line)
      case .leave: hasLeft = true
      }
    }
  }

  func tell(_ event: StreamEvent) { tell(.event(event)) }
  func type(_ lines: String...) { for line in lines { tell(.line(line)) } }
  func press(_ keys: Key...) { for key in keys { tell(.key(key)) } }
  func press(_ text: String) { for character in text { tell(.key(.character(character))) } }

  func answer(_ call: Call, _ body: some Encodable) throws {
    tell(.answer(call, .success(try JSON.encode(body)), milliseconds: 9))
  }
  func succeed(_ call: Call) { tell(.answer(call, .success([]), milliseconds: 9)) }
  func fail(_ call: Call, _ failure: CallFailure) { tell(.answer(call, .failure(failure), milliseconds: 9)) }

  /// What was called and said since the last time.
  func news() -> (calls: [Call], lines: [String]) {
    defer { (calls, lines) = ([], []) }
    return (calls, lines)
  }

  /// Signed in, ready, with the site's choices.
  static func ready(contacts: [Contact] = [], offer: Offer? = nil, queues: [Queue] = Desk.queues) throws -> Desk {
    let desk = Desk()
    desk.tell(.linkUp)
    desk.tell(.reset(.init(agent: amina(contacts: contacts, offer: offer), queues: queues)))
    try desk.answer(
      .readChoices,
      Choices(reasons: ["lunch", "pause"], codes: ["q_support": ["solved", "follow_up", "other"], "q_sales": []]))
    _ = desk.news()
    return desk
  }

  // MARK: Samples

  static func amina(
    _ state: String = "ready", reason: String? = nil, contacts: [Contact] = [], offer: Offer? = nil
  ) -> Agent {
    Agent(
      id: "ag_amina", name: "Amina Berg", state: state, reason: reason, phone: "ok", contacts: contacts, offer: offer)
  }

  static func contact(
    _ id: String, _ state: String = "talking", channel: String = "chat", name: String? = nil, queue: String = "support",
    entered: Int64 = 200, answered: Int64? = 90, isLost: Bool = false, ending: String? = nil, wrapUpEnds: Int64? = nil,
    attributes: [String: String] = [:]
  ) -> Contact {
    Contact(
      id: "ct_" + id, channel: channel, queue: "q_" + queue, state: state, enteredAt: ago(entered),
      answeredAt: answered.map { ago($0) }, agentName: "Amina Berg", visitorName: name,
      attributes: attributes.merging(["page.url": "/cart"]) { $1 }, isLost: isLost, ending: ending,
      wrapUpEndsAt: wrapUpEnds.map { later($0) })
  }

  static func offer(_ id: String = "of_10", inConsole: Bool = true, name: String = "Jo Lee") -> Offer {
    Offer(
      id: id, contact: contact("offered", "offering", name: name, entered: 190, answered: nil), deadline: later(18),
      acceptsInConsole: inConsole)
  }

  static func message(_ sequence: Int, of contact: String, _ author: String, _ name: String, _ text: String) -> Message
  {
    Message(
      id: "ms_\(sequence)", contact: "ct_" + contact, at: ago(Int64(100 - sequence)), author: author, authorName: name,
      text: text)
  }

  static func queue(
    _ name: String, waiting: Int, oldest: Int64?, ready: Int, signedIn: Int, level: Double?, wait: WaitRange?
  ) -> Queue {
    Queue(
      id: "q_" + name, name: name, waiting: waiting, oldestEnteredAt: oldest.map { ago($0) }, signedIn: signedIn,
      ready: ready, wait: wait,
      serviceLevel: ServiceLevel(metric: "sl.negative", withinSeconds: 20, target: 0.8, value: level),
      counters: Counters())
  }

  static let queues = [
    queue(
      "sales", waiting: 2, oldest: 41, ready: 1, signedIn: 6, level: 0.92,
      wait: WaitRange(lowSeconds: 20, highSeconds: 70)),
    queue(
      "support", waiting: 5, oldest: 190, ready: 0, signedIn: 5, level: 0.61,
      wait: WaitRange(lowSeconds: 170, highSeconds: 310)),
  ]
}
