import CallControl
import Journal
import Primitives
import Synchronization
import Testing

@testable import Service

@Suite("Released actions") struct ReleaserTests {
  @Test("Actions without facts pass at once when nobody is before them, and wait their turn otherwise")
  func order() {
    let told = Told()
    let releaser = Releaser(
      outlets: Outlets(
        transmit: { _ in }, media: { _ in }, reply: { request, _ in told.requests.withLock { $0.append(request) } },
        notify: { _ in }))
    var fact = Batch()
    fact.records = [Record(sequence: 1, at: .distantPast, cause: 1, event: .restarted)]
    func reply(_ number: UInt64) -> [Action] { [.reply(RequestID(number: number), .done)] }

    releaser.submit(Batch(), actions: reply(1))
    #expect(told.all == [RequestID(number: 1)])
    releaser.submit(fact, actions: reply(2))
    releaser.submit(Batch(), actions: reply(3))
    #expect(told.all == [RequestID(number: 1)])
    releaser.release(through: 1)
    #expect(told.all == [RequestID(number: 1), RequestID(number: 2)])
    releaser.release(through: 2)
    releaser.submit(Batch(), actions: reply(4))
    #expect(told.all == (1...4).map { RequestID(number: $0) })
  }
}

private final class Told: Sendable {
  let requests = Mutex<[RequestID]>([])
  var all: [RequestID] { requests.withLock { $0 } }
}
