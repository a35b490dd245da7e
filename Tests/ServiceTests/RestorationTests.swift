import ACD
import CallControl
import Foundation
import Journal
import Logging
import Primitives
import SiteConfiguration
import Testing

@testable import Service

/// A site's folder, its journal, and a switchboard that journals what it decides at once.
final class Centre {
  static let before = """
    entries:
      web:shop: { queue: support }
      web:deals: { queue: sales }
    queues:
      support: { channels: [chat], skills: { german: 50 }, ring: 20s, limits: { wait: 10m } }
      sales: { channels: [chat], limits: { wait: 10m } }
    agents:
      amina: { queues: [support], skills: { german: 90 }, token_file: amina.token }
      ben: { queues: [sales, support], skills: { german: 60 } }
      cleo: { queues: [support], phone: "sip:2001@localhost", password_file: cleo.password }
    """
  /// `sales` and cleo are gone, the skill has another name, offers ring and contacts wait for less long.
  static let after = """
    entries:
      web:shop: { queue: support }
    queues:
      support: { channels: [chat], skills: { deutsch: 50 }, ring: 5s, limits: { wait: 1m } }
    agents:
      amina: { queues: [support], skills: { deutsch: 90 }, token_file: amina.token }
      ben: { queues: [support], skills: { deutsch: 60 } }
    """
  static let secrets = ["amina.token": "token-of-amina-berg", "cleo.password": "correct-horse-battery"]

  let path = FileManager.default.temporaryDirectory.appending(path: "centre-\(UUID().uuidString)").path
  var store: JournalStore
  var switchboard: Switchboard
  var site: Site
  var now = Instant(microseconds: 1_767_607_200_000_000)
  private var step = CallControl.Step()

  init() throws {
    try FileManager.default.createDirectory(atPath: path + "/site", withIntermediateDirectories: true)
    for (name, secret) in Self.secrets {
      try secret.write(toFile: path + "/site/" + name, atomically: true, encoding: .utf8)
    }
    try Self.before.write(toFile: path + "/site/site.yaml", atomically: true, encoding: .utf8)
    store = try JournalStore(path: path + "/journal.sqlite")
    let folder = try SiteFolder(reading: path + "/site")
    site = folder.site
    switchboard = Switchboard(site: site, entropy: Entropy(testing: 1))
    try reconfigure(folder)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  private func keep(_ configuration: StoredConfiguration? = nil) throws {
    try store.append(Batch(records: step.records, personal: step.personal, configuration: configuration))
  }

  private func reconfigure(_ folder: SiteFolder) throws {
    step.removeAll()
    switchboard.reconfigure(folder.site, at: now, into: &step)
    site = folder.site
    try keep(.init(hash: site.hash, body: folder.sources, definitions: site.definitions))
  }

  /// What a live reload does.
  func reload(_ yaml: String) throws {
    try yaml.write(toFile: path + "/site/site.yaml", atomically: true, encoding: .utf8)
    try reconfigure(SiteFolder(reading: path + "/site", names: site.definitions.names))
  }

  func writeCheckpoint() throws { try store.append(Batch(checkpoint: Self.bytes(of: switchboard))) }

  static func bytes(of switchboard: Switchboard) -> [UInt8] {
    var writer = ByteWriter()
    switchboard.writeCheckpoint(into: &writer)
    return writer.bytes
  }

  /// The switchboard as the journal tells it to a program that starts with the folder as it is now.
  func restored() throws -> (Switchboard, SiteFolder) {
    let restored = try store.reader.restore()
    let folder = try SiteFolder(reading: path + "/site", names: restored.names)
    let restoration = Restoration(
      reader: store.reader, today: folder.site, isDemo: false, logger: Logger(label: "test"))
    return (try restoration.switchboard(restored, entropy: Entropy(testing: 2)), folder)
  }

  /// The process is killed, and starts again with other files.
  func restart(_ yaml: String) throws {
    try yaml.write(toFile: path + "/site/site.yaml", atomically: true, encoding: .utf8)
    let (restored, folder) = try restored()
    switchboard = restored
    feed(.restarted)
    try reconfigure(folder)
  }

  @discardableResult func feed(_ input: CallControl.Input) -> Reply {
    step.removeAll()
    switchboard.handle(input, at: now, into: &step)
    #expect(throws: Never.self) { try keep() }
    for case .reply(_, let reply) in step.afterCommit { return reply }
    return .done
  }

  @discardableResult func ask(_ command: Command) -> Reply {
    feed(.command(RequestID(number: 1), command))
  }

  func chat(_ entry: String) throws -> PublicID {
    let reply = ask(.openChat(ChatRequest(entry: entry)))
    guard case .contact(let view) = reply else {
      Issue.record("\(reply)")
      return PublicID(high: 0, low: 0)
    }
    ask(.attach(view.id))
    return view.id
  }

  func ready(_ agent: AgentID) {
    ask(.signIn(agent))
    ask(.ready(agent))
  }

  func wait(_ interval: Int64) {
    let end = now + interval
    while let deadline = switchboard.nextDeadline, deadline <= end {
      now = max(now, deadline)
      feed(.timersDue)
    }
    now = end
  }

  func state(_ id: PublicID) -> ContactView.State? {
    guard case .contact(let view) = ask(.describeContact(id)) else { return nil }
    return view.state
  }

  func offered(_ agent: AgentID) -> PublicID? {
    guard case .agent(let view) = ask(.describeAgent(agent)) else { return nil }
    return view.offer?.contact.id
  }
}

let amina = AgentID(index: 0)
let ben = AgentID(index: 1)
let cleo = AgentID(index: 2)

@Suite("Restoration") struct RestorationTests {
  @Test("What waited before a restart with other files keeps what it was promised", arguments: [false, true])
  func promises(hasCheckpoint: Bool) throws {
    let centre = try Centre()
    let deal = try centre.chat("web:deals")
    if hasCheckpoint { try centre.writeCheckpoint() }
    let help = try centre.chat("web:shop")
    try centre.restart(Centre.after)
    for chat in [deal, help] { centre.ask(.attach(chat)) }
    let late = try centre.chat("web:shop")
    centre.wait(.minutes(2))
    // The wait limit is the one each entered under.
    #expect(centre.state(deal) == .queued)
    #expect(centre.state(help) == .queued)
    #expect(centre.state(late) != .queued)
    // Whoever served the queue that is gone still does, also after the next restart.
    try centre.writeCheckpoint()
    try centre.restart(Centre.after)
    for chat in [deal, help] { centre.ask(.attach(chat)) }
    centre.ready(ben)
    #expect(centre.offered(ben) == deal)
  }

  @Test("An offer rings for as long as the configuration says that was in force when it was made")
  func ring() throws {
    let centre = try Centre()
    centre.ready(amina)
    centre.ready(ben)
    let deal = try centre.chat("web:deals")
    #expect(centre.offered(ben) == deal)
    centre.wait(.seconds(10))
    let (restored, _) = try centre.restored()
    #expect(Centre.bytes(of: restored) == Centre.bytes(of: centre.switchboard))
    try Centre.after.write(toFile: centre.path + "/site/site.yaml", atomically: true, encoding: .utf8)
    var (replayed, _) = try centre.restored()
    var step = CallControl.Step(sequence: 1_000)
    // 20 s from the offer, though the new files say 5 s.
    replayed.handle(.timersDue, at: centre.now, into: &step)
    #expect(step.records.isEmpty)
    replayed.handle(.timersDue, at: centre.now + .seconds(10), into: &step)
    #expect(step.records.contains { if case .acd(.offerMissed) = $0.event { true } else { false } })
  }

  @Test("A restart with other files ends where a live reload at the same moment ends", arguments: 1...12)
  func likeReload(seed: UInt64) throws {
    let centre = try Centre()
    var entropy = Entropy(testing: seed)
    func draw(_ bound: UInt64) -> UInt64 { entropy.next() % bound }
    var chats: [PublicID] = []
    var isChanged = false
    for _ in 0..<60 {
      switch draw(10) {
      case 0, 1: chats.append(try centre.chat("web:shop"))
      case 2: if !isChanged { chats.append(try centre.chat("web:deals")) }
      case 3, 4: centre.ready([amina, ben, cleo][Int(draw(3))])
      case 5:
        let agent = [amina, ben, cleo][Int(draw(3))]
        if case .agent(let view) = centre.ask(.describeAgent(agent)), let offer = view.offer?.offer {
          centre.ask(.accept(agent, offer))
        }
      case 6: if !chats.isEmpty { centre.ask(.hangUp(chats[Int(draw(UInt64(chats.count)))], .visitor)) }
      case 7: centre.wait(.seconds(Int64(draw(40))))
      case 8: if draw(2) == 0 { try centre.writeCheckpoint() }
      default:
        guard draw(4) == 0 else { continue }
        isChanged.toggle()
        try centre.reload(isChanged ? Centre.after : Centre.before)
      }
    }
    let (stored, _) = try centre.restored()
    #expect(Centre.bytes(of: stored) == Centre.bytes(of: centre.switchboard))

    let yaml = isChanged ? Centre.before : Centre.after
    try yaml.write(toFile: centre.path + "/site/site.yaml", atomically: true, encoding: .utf8)
    let (killed, folder) = try centre.restored()
    func steps(_ switchboard: inout Switchboard) -> [Record] {
      var step = CallControl.Step(sequence: 100_000)
      switchboard.handle(.restarted, at: centre.now, into: &step)
      switchboard.reconfigure(folder.site, at: centre.now, into: &step)
      return step.records
    }
    var (alive, dead) = (centre.switchboard, killed)
    #expect(steps(&alive) == steps(&dead))
    #expect(Centre.bytes(of: alive) == Centre.bytes(of: dead))
  }

  @Test("A stored configuration that cannot be read any more gives way to today's")
  func unreadable() throws {
    let centre = try Centre()
    let folder = try SiteFolder(reading: centre.path + "/site")
    var step = CallControl.Step(sequence: try centre.store.reader.restore().lastSequence + 1)
    var site = folder.site
    site.hash = "of another program"
    centre.switchboard.reconfigure(site, at: centre.now, into: &step)
    try centre.store.append(
      Batch(
        records: step.records,
        configuration: .init(
          hash: site.hash, body: Array("--- # site.yaml\nqueues: { sales: 7 }\n".utf8),
          definitions: site.definitions)))
    let (restored, _) = try centre.restored()
    #expect(restored.site.definitions == folder.site.definitions)
  }

  @Test("No secret of the site's files reaches the journal")
  func secrets() throws {
    let centre = try Centre()
    try centre.reload(Centre.after)
    for suffix in ["", "-wal"] {
      let bytes = try Data(contentsOf: URL(filePath: centre.path + "/journal.sqlite" + suffix))
      for secret in Centre.secrets.values { #expect(bytes.range(of: Data(secret.utf8)) == nil) }
    }
    #expect(try centre.store.reader.restore().configuration?.body.isEmpty == false)
  }
}
