import ACD
import CallControl
import Foundation
import class GRDB.DatabaseQueue
import struct GRDB.StatementArguments
import Primitives
import Testing

@testable import Journal

@Suite struct JournalStoreTests {
  private func definitions(within: Int64 = .seconds(20), shortAbandon: Int64 = 0) -> Definitions {
    var definitions = Definitions()
    definitions.names.queues = ["support", "sales"]
    definitions.names.agents = ["amina"]
    for name in definitions.names.queues {
      var queue = QueueDefinition(name: name)
      queue.serviceLevel.within = within
      queue.shortAbandon = shortAbandon
      definitions.queues.append(queue)
    }
    return definitions
  }

  private func records(_ store: JournalStore, after sequence: UInt64 = 0) throws -> [Record] {
    var records: [Record] = []
    try store.reader.forEachRecord(after: sequence) { records.append($0) }
    return records
  }

  // MARK: - Records

  @Test("A new journal restores to nothing")
  func empty() throws {
    let scratch = try ScratchJournal()
    let restored = try scratch.open().reader.restore()
    #expect(restored == Restored(names: Names(), lastSequence: 0))
  }

  @Test("What was appended comes back in order after a restart")
  func restore() throws {
    let scratch = try ScratchJournal()
    var story = Story()
    for event in oneOfEachKind { story.add(1, event) }
    do {
      let store = try scratch.open()
      for record in story.records { try store.append(Batch(records: [record])) }
    }
    let store = try scratch.open(durability: .powerLoss)
    #expect(try records(store) == story.records)
    #expect(try records(store, after: 20) == Array(story.records.dropFirst(20)))
    let restored = try store.reader.restore()
    #expect(restored.lastSequence == UInt64(story.records.count))
    #expect(restored.lastInstant == story.records.last?.at)
  }

  @Test("Records of one commit share rows, and are read from any place among them")
  func runs() throws {
    let scratch = try ScratchJournal()
    var story = Story()
    for event in oneOfEachKind { story.add(1, event) }
    do {
      let store = try scratch.open()
      try store.append(story.batch)
      for place in 0...story.records.count {
        #expect(try records(store, after: UInt64(place)) == Array(story.records.dropFirst(place)))
      }
      #expect(try store.reader.restore().lastInstant == story.records.last?.at)
    }
    let database = try DatabaseQueue(path: scratch.path)
    let rows = try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM record") } ?? 0
    #expect(rows > 1 && rows < story.records.count / 4)
    // A row that was cut off is damaged, wherever the cut is.
    try database.write { try $0.execute(sql: "UPDATE record SET payload = substr(payload, 1, length(payload) - 1)") }
    try database.close()
    #expect {
      try JournalReader(path: scratch.path).forEachRecord(after: 0) { _ in }
    } throws: { error in
      if case JournalError.malformed(0, _, _) = error { true } else { false }
    }
  }

  @Test("A record out of sequence is refused, and nothing of its batch is stored")
  func gap() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var story = Story()
    story.add(0, .restarted, .restarted)
    var later = Story(after: 3)
    later.add(1, .restarted)
    #expect(throws: JournalError.gap(expected: 3, found: 4)) {
      try store.append([story.batch, later.batch])
    }
    #expect(try records(store).isEmpty)
    try store.append(story.batch)
    #expect(throws: JournalError.gap(expected: 3, found: 1)) { try store.append(story.batch) }
    #expect(try records(store) == story.records)
  }

  @Test("The journal as it stood on disk at any moment ends at a whole batch")
  func abruptEnd() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var story = Story()
    for index in 0..<20 { _ = story.addContact(at: Double(index) * 100, wait: 5) }
    let batches = stride(from: 0, to: story.records.count, by: 7).map {
      Batch(records: Array(story.records[$0..<min($0 + 7, story.records.count)]))
    }
    var stored = 0
    for (index, batch) in batches.enumerated() {
      try store.append(batch)
      // The tables are behind the records by up to three batches.
      if index % 4 == 0 { try store.saveProjections() }
      stored += batch.records.count
      guard index % 5 == 0 else { continue }
      // The files of a process that is killed here; then the same with the end of the log torn off.
      for torn in [0, 1, 5_000] {
        let copy = try ScratchJournal()
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy.path)
        var log = try Data(contentsOf: URL(filePath: scratch.path + "-wal"))
        log.removeLast(min(torn, log.count))
        try log.write(to: URL(filePath: copy.path + "-wal"))
        let reopened = try copy.open()
        let found = try records(reopened)
        #expect(found == Array(story.records.prefix(found.count)))
        #expect(found.count == stored || (torn > 0 && found.count % 7 == 0))
        let contacts = try reopened.reader.contacts(limit: 1_000)
        try reopened.rebuildProjections()
        #expect(try reopened.reader.contacts(limit: 1_000) == contacts)
        // And the server goes on from there.
        try reopened.append(Batch(records: Array(story.records.dropFirst(found.count))))
      }
    }
  }

  @Test("A second server does not open the journal of a running one")
  func locked() throws {
    let scratch = try ScratchJournal()
    var store: JournalStore? = try scratch.open()
    #expect(throws: JournalError.locked(path: scratch.path)) { try scratch.open() }
    #expect(try JournalReader(path: scratch.path).restore() == store?.reader.restore())
    store = nil
    _ = try scratch.open()
  }

  @Test("The journal is for its owner's eyes only")
  func permissions() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    try store.append(Batch(records: [Record(sequence: 1, at: Story.start, cause: 1, event: .restarted)]))
    for suffix in ["", "-wal", ".lock"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path + suffix)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }
  }

  // MARK: - Configuration, names, checkpoints

  @Test("The configuration in force and the names come back after a restart")
  func configuration() throws {
    let scratch = try ScratchJournal()
    var story = Story()
    story.add(0, .configurationApplied(hash: "one"))
    var batch = story.batch
    batch.configuration = StoredConfiguration(hash: "one", body: [1, 2], definitions: definitions())
    try scratch.open().append(batch)
    var more = definitions()
    more.names.agents.append("björn")
    do {
      let store = try scratch.open()
      // Stored, but not applied yet.
      try store.append(
        Batch(configuration: StoredConfiguration(hash: "two", body: [3], definitions: more)))
    }
    let restored = try scratch.open().reader.restore()
    #expect(restored.configuration == Restored.Configuration(hash: "one", body: [1, 2]))
    #expect(restored.names == more.names)
  }

  @Test("Profiles keep their index by the names of their skills, and cannot change")
  func profiles() throws {
    let scratch = try ScratchJournal()
    var first = definitions()
    first.names.skills = ["sales", "german"]
    let (sales, german) = (SkillID(index: 0), SkillID(index: 1))
    first.profiles += [
      Profile(needs: [.init(skill: german, level: 50), .init(skill: sales, level: 0)]),
      Profile(needs: [.init(skill: german, level: 100)]),
    ]
    #expect(first.names.profileTexts == ["", "sales:0,german:50", "german:100"])
    try scratch.open().append(Batch(configuration: .init(hash: "one", body: [], definitions: first)))
    #expect(try scratch.open().reader.restore().names == first.names)
    first.profiles.swapAt(1, 2)
    #expect(throws: JournalError.renamed(kind: "profile", index: 1)) {
      try scratch.open().append(Batch(configuration: .init(hash: "two", body: [], definitions: first)))
    }
  }

  @Test("A journal from before profiles were kept opens with none, and a damaged profile is named")
  func olderProfiles() throws {
    let scratch = try ScratchJournal()
    var names = definitions().names
    names.skills = ["german"]
    names.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 50)]))
    try scratch.open().append(Batch(configuration: .init(hash: "one", body: [], definitions: .init(names: names))))
    let damage = ["german", "german:256", "german:50,", "french:50", ":"]
    for text in damage {
      try change(scratch, "UPDATE name SET name = ? WHERE kind = 'profile' AND idx = 1", [text])
      #expect(throws: JournalError.unreadable(kind: "profile", index: 1)) { try scratch.open().reader.restore() }
    }
    try change(scratch, "DELETE FROM name WHERE kind = 'profile'")
    #expect(try scratch.open().reader.names().profiles == [Profile()])
    try scratch.open().append(Batch(configuration: .init(hash: "two", body: [], definitions: .init(names: names))))
    #expect(try scratch.open().reader.names() == names)
  }

  private func change(_ scratch: ScratchJournal, _ sql: String, _ arguments: StatementArguments = []) throws {
    try DatabaseQueue(path: scratch.path).write { try $0.execute(sql: sql, arguments: arguments) }
  }

  @Test("A name that the journal knows by its index cannot change or go")
  func renamed() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    try store.append(Batch(configuration: .init(hash: "one", body: [], definitions: definitions())))
    var changed = definitions()
    changed.names.queues = ["support", "purchase"]
    #expect(throws: JournalError.renamed(kind: "queue", index: 1)) {
      try store.append(Batch(configuration: .init(hash: "two", body: [], definitions: changed)))
    }
    changed.names.queues = ["support"]
    #expect(throws: JournalError.renamed(kind: "queue", index: 1)) {
      try store.append(Batch(configuration: .init(hash: "two", body: [], definitions: changed)))
    }
  }

  @Test("The three newest checkpoints are kept, each with its record and configuration")
  func checkpoints() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    for index in 1...5 {
      var story = Story(after: UInt64(index - 1))
      story.add(Double(index), .configurationApplied(hash: "h\(index)"))
      var batch = story.batch
      batch.checkpoint = [UInt8](repeating: UInt8(index), count: 100_000)
      try store.append(batch)
    }
    let newest = try #require(try store.reader.restore().checkpoint)
    #expect(newest.sequence == 5)
    #expect(newest.at == Story.start + .seconds(5))
    #expect(newest.configuration == "h5")
    #expect(newest.body == [UInt8](repeating: 5, count: 100_000))
    let older = try #require(try store.reader.checkpoint(before: 5))
    #expect(older.sequence == 4)
    #expect(try store.reader.checkpoint(before: 4)?.sequence == 3)
    #expect(try store.reader.checkpoint(before: 3) == nil)
  }

  @Test("Of older checkpoints those stay that stand far enough apart")
  func oldCheckpoints() throws {
    let scratch = try ScratchJournal()
    let store = try JournalStore(path: scratch.path, checkpointDistance: 4)
    for index in 1...15 {
      var story = Story(after: UInt64(index - 1))
      story.add(Double(index), .configurationApplied(hash: "h\(index)"))
      var batch = story.batch
      batch.checkpoint = [UInt8(index)]
      try store.append(batch)
    }
    var kept: [UInt64] = []
    while let next = try store.reader.checkpoint(before: kept.last ?? .max) { kept.append(next.sequence) }
    #expect(kept == [15, 14, 13, 12, 8, 4])
    #expect(try store.reader.checkpoint(before: 8)?.body == [4])
  }

  // MARK: - Personal data

  @Test("Messages are read in order from any point, each with its author")
  func messages() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var story = Story()
    let contact = ContactID(slot: 0, generation: 0)
    let id = Story.publicID(contact)
    let authors: [Author] = [.visitor, .agent(AgentID(index: 0)), .system]
    for (index, author) in authors.enumerated() {
      story.add(Double(index), .messagePosted(contact, author))
      story.personal.append(
        .message(
          sequence: UInt64(index + 1), contact: id, at: Story.start + .seconds(Int64(index)), author,
          text: "grüße \(index)"))
    }
    try store.append(story.batch)
    let messages = try store.reader.messages(of: id)
    #expect(messages.map(\.author) == authors)
    #expect(messages.map(\.text) == ["grüße 0", "grüße 1", "grüße 2"])
    #expect(try store.reader.messages(of: id, after: 2).map(\.sequence) == [3])
    #expect(try store.reader.messages(of: PublicID(high: 9, low: 9)).isEmpty)

    try store.eraseMessages(olderThan: Story.start + .seconds(1))
    #expect(try store.reader.messages(of: id).map(\.sequence) == [2, 3])
    #expect(try records(store) == story.records)
  }

  @Test("An erased contact leaves no trace of the person, and replay is as before")
  func erasure() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var story = Story()
    let contact = story.addContact(at: 0, wait: 5)
    let id = Story.publicID(contact)
    story.personal = [
      .person(
        contact: id, name: "Jo Park", address: "sip:jo@park.example",
        attributes: [.init(name: "page.url", value: "/secret-cart"), .init(name: "page.lang", value: "")]),
      .message(sequence: 3, contact: id, at: Story.start, .visitor, text: "my card is 4111-1111"),
    ]
    try store.appendAndSave(story.batch)
    let person = try #require(try store.reader.person(of: id))
    #expect(person.name == "Jo Park")
    #expect(person.attributes.map(\.value) == ["/secret-cart", ""])
    let row = try store.reader.contact(id)

    try store.erase(contact: id)
    #expect(try store.reader.person(of: id) == nil)
    #expect(try store.reader.messages(of: id).isEmpty)
    #expect(try records(store) == story.records)
    try store.rebuildProjections()
    #expect(try store.reader.contact(id) == row)
    for suffix in ["", "-wal"] {
      let bytes = try Data(contentsOf: URL(filePath: scratch.path + suffix))
      for secret in ["Jo Park", "4111-1111", "secret-cart", "jo@park"] {
        #expect(bytes.range(of: Data(secret.utf8)) == nil)
      }
    }
  }
}
