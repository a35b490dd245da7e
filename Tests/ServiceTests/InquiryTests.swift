import ACD
import API
import CallControl
import Foundation
import Journal
import Primitives
import Testing

@testable import Service

@Suite("Why") struct InquiryTests {
  private func why(
    _ centre: Centre, _ contact: PublicID, agent: String? = nil, offer: String? = nil
  ) throws -> Why {
    try Inquiry(dataFolder: centre.path).why(contact.description, agent: agent, offer: offer, now: centre.now)
  }

  private func failed(_ why: Why, _ agent: String) -> [Why.Test] {
    why.decision?.candidates.first { $0.agent == agent }?.tests.filter { !$0.passed } ?? []
  }

  private func accept(_ centre: Centre, _ agent: AgentID) {
    guard case .agent(let view) = centre.ask(.describeAgent(agent)), let offer = view.offer?.offer else {
      Issue.record("\(agent) has no offer")
      return
    }
    centre.ask(.accept(agent, offer))
  }

  @Test("An answered contact: the accepted offer, who was judged, and the way through the journal")
  func answered() throws {
    let centre = try Centre()
    centre.ready(ben)
    centre.wait(.seconds(5))
    centre.ready(amina)
    let chat = try centre.chat("web:shop")
    #expect(centre.offered(ben) == chat)
    centre.wait(.seconds(20))
    #expect(centre.offered(amina) == chat)
    accept(centre, amina)
    let story = try why(centre, chat, agent: "ben")
    let events = story.history.map(\.event)
    #expect(events == ["opened", "queued", "offered", "missed", "offered", "accepted", "answered"])
    #expect(story.history[1].detail == "in support, priority 0, needs german 50")
    let decision = try #require(story.decision)
    #expect(decision.kind == "offered" && decision.agent == "ag_amina" && decision.policy == "longest_idle")
    #expect(decision.needs == [Why.Need(skill: "german", level: 50)])
    #expect(decision.candidates.first?.agent == "ag_amina")
    #expect(decision.candidates.first?.key?.contacts == 0)
    #expect(failed(story, "ag_ben").map(\.test) == ["retry"])
    #expect(failed(story, "ag_cleo").map(\.test) == ["skill", "ready"])
    // The first offer, when both were free: Ben had been idle for longer.
    let first = try why(centre, chat, agent: "amina", offer: "of_\(story.history[2].sequence)")
    #expect(first.decision?.candidates.prefix(2).map(\.agent) == ["ag_ben", "ag_amina"])
    #expect(first.decision?.candidates.prefix(2).allSatisfy(\.passes) == true)
    #expect(
      first.decision.map { $0.candidates[0].key!.since < $0.candidates[1].key!.since } == true,
      "since when idle is what decided")
  }

  @Test("A contact that waits: why, agent by agent, also for an agent who does not serve the queue")
  func waiting() throws {
    let centre = try Centre()
    centre.ready(ben)
    let talk = try centre.chat("web:shop")
    accept(centre, ben)
    let deal = try centre.chat("web:deals")
    centre.wait(.seconds(90))
    let story = try why(centre, deal, agent: "ag_amina")
    #expect(story.decision?.kind == "waiting")
    #expect(failed(story, "ag_ben").map(\.test) == ["slot"])
    #expect(failed(story, "ag_ben").map(\.actual) == ["0 calls, 1 chats"])
    #expect(failed(story, "ag_amina").map(\.test) == ["member", "ready"])
    #expect(failed(story, "ag_amina").first?.actual == "support")
    #expect(story.decision?.place?.queue == "q_sales")
    centre.ask(.hangUp(deal, .visitor))
    let ended = try why(centre, deal)
    #expect(ended.decision?.kind == "ended" && ended.decision?.summary == "left the queue: abandoned")
    #expect(failed(ended, "ag_ben").map(\.test) == ["slot"], "as it was when the visitor left")
    #expect(try why(centre, talk).decision?.agent == "ag_ben")
  }

  @Test("A decision is explained under the configuration that was in force", arguments: [false, true])
  func past(hasCheckpoint: Bool) throws {
    let centre = try Centre()
    centre.ready(amina)
    if hasCheckpoint { try centre.writeCheckpoint() }
    let deal = try centre.chat("web:deals")
    let chat = try centre.chat("web:shop")
    accept(centre, amina)
    try centre.writeCheckpoint()
    try centre.restart(Centre.after)
    centre.wait(.minutes(1))
    try centre.writeCheckpoint()
    let story = try why(centre, chat, agent: "ben")
    #expect(story.decision?.needs == [Why.Need(skill: "german", level: 50)], "it is called deutsch today")
    #expect(failed(story, "ag_ben").map(\.actual) == ["signed out"])
    #expect(try why(centre, deal).decision?.queue == "q_sales")
  }

  @Test("A refused contact: what the queue asked at its door")
  func refused() throws {
    let yaml = Centre.before.replacing(
      "limits: { wait: 10m } }\n  sales", with: "limits: { wait: 10m, waiting: 1 } }\n  sales")
    let centre = try Centre()
    try centre.reload(yaml)
    _ = try centre.chat("web:shop")
    #expect(centre.ask(.openChat(ChatRequest(entry: "web:shop"))) == .refused(.refused(.full)))
    var refused: PublicID?
    try centre.store.reader.forEachRecord(after: 0) { record in
      if case .contactOpened(_, let id, _, _) = record.event { refused = id }
    }
    let story = try why(centre, try #require(refused))
    let decision = try #require(story.decision)
    #expect(decision.kind == "refused" && decision.summary == "refused by support: full")
    #expect(decision.admission.first { $0.test == "waiting" }?.actual == "1 waiting")
    #expect(decision.admission.first { $0.test == "waiting" }?.passed == false)
    #expect(story.history.map(\.event) == ["opened", "refused"])
  }

  @Test("A contact that was transferred is told as one, with a record for each segment")
  func transferred() throws {
    let centre = try Centre()
    centre.ready(amina)
    let chat = try centre.chat("web:shop")
    accept(centre, amina)
    centre.wait(.seconds(90))
    guard case .agent = centre.ask(.transfer(amina, chat, queue: "sales")) else {
      Issue.record("the transfer was refused")
      return
    }
    let waiting = try why(centre, chat, agent: "amina", offer: nil)
    #expect(waiting.history.map(\.event).contains("transferred"))
    centre.ready(ben)
    accept(centre, ben)
    centre.wait(.seconds(10))
    centre.ask(.hangUp(chat, .visitor))
    let story = try why(centre, chat)
    #expect(story.decision?.agent == "ag_ben" && story.decision?.queue == "q_sales")
    #expect(story.history.filter { $0.event == "answered" }.count == 2)
    try centre.store.saveProjections()
    let rows = try centre.store.reader.contacts()
    #expect(rows.map(\.id) == [chat, chat])
    #expect(rows.map(\.talk) == [.seconds(10), .seconds(90)], "scenario 12")
    #expect(rows.map(\.endCause) == [.contactLeft, .transferred])
    #expect(try centre.store.reader.contact(chat)?.talk == .seconds(10))
  }

  @Test("What cannot be told is refused in a sentence that says what there is")
  func refusals() throws {
    let centre = try Centre()
    let chat = try centre.chat("web:shop")
    #expect(throws: Inquiry.Refusal.self) { try why(centre, PublicID(high: 1, low: 2)) }
    #expect(performing: { try why(centre, chat, agent: "amena") }, throws: { "\($0)".contains("amina, ben, cleo") })
    #expect(performing: { try why(centre, chat, offer: "of_3") }, throws: { "\($0)".contains("offered to nobody") })
    #expect(performing: { try why(centre, chat, offer: "x") }, throws: { "\($0)".contains("of_123") })
    #expect(throws: (any Error).self) { try Inquiry(dataFolder: "/nowhere").why("ct_0") }
  }
}
