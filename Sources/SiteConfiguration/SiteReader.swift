import ACD
import CallControl
import Digest
import Foundation
import Primitives
import SIP

/// Turns the merged files into a `Site`. What does not fit its shape has been reported already and is passed over here;
/// what is reported here are references, secrets, and things that do not go together.
struct SiteReader {
  /// Where the files stand that the configuration names; nil where they are not to be looked at.
  let folder: String?
  let top: Item
  var site = Site()
  var names: Names
  var findings: [Finding] = []
  var examples: [Example] = []
  /// Where each configured queue and agent is defined, by index.
  var queuePlaces: [Int: Place] = [:]
  var agentPlaces: [Int: Place] = [:]
  /// Where each token stands, by its hash.
  private var tokenPlaces: [[UInt8]: Place] = [:]

  init(folder: String?, top: Item, names: Names) {
    self.folder = folder; self.top = top; self.names = names
  }

  mutating func read() {
    readSite()
    readListen()
    for item in top["reasons"]?.list ?? [] { if let reason = item.text { _ = names.reasons.index(adding: reason) } }
    readQueues()
    readAgents()
    readFlow()
    readRouting()
    readEntries()
    readTokens()
    let federation = top["federation"]
    site.federation.mode = federation?["mode"]?.text.flatMap(Site.Federation.Mode.init) ?? .closed
    site.federation.trustedSources =
      federation?["trusted_sources"]?.list.compactMap { $0.text.flatMap(addressRange) } ?? []
    site.definitions.names = names
    readExamples()
    warnOfDoubts()
  }

  mutating func report(_ place: Place, _ message: String) { findings.append(Finding(at: place, message)) }
  mutating func warn(_ place: Place, _ message: String) { findings.append(Finding(.warning, at: place, message)) }

  private mutating func readSite() {
    let item = top["site"]
    site.name = item?["name"]?.text ?? site.name
    site.domain = item?["domain"]?.text?.lowercased() ?? site.domain
    site.timeZone = item?["time_zone"]?.text ?? site.timeZone
  }

  // Queues.

  private mutating func readQueues() {
    let pairs = top["queues"]?.pairs ?? []
    for pair in pairs { queuePlaces[names.queues.index(adding: pair.key)] = pair.place }
    site.definitions.queues = names.queues.map { QueueDefinition(name: $0) }
    site.queues = names.queues.map { _ in Site.QueueProfile() }
    for index in site.definitions.queues.indices {
      site.definitions.queues[index].isRemoved = queuePlaces[index] == nil
    }
    for pair in pairs {
      let index = names.queues.index(adding: pair.key)
      readQueue(pair.item, at: index)
      readQueueProfile(pair.item, at: index)
    }
  }

  private mutating func readQueue(_ item: Item, at index: Int) {
    var queue = site.definitions.queues[index]
    if let channels = item["channels"] { queue.channels = channels.channels }
    if let channels = item["channels"], case .list(let items) = channels.value, items.isEmpty {
      report(channels.place, "the queue `\(queue.name)` takes no channel")
    }
    queue.profile = names.intern(Profile(needs: readSkills(item["skills"])))
    queue.priority = item["priority"]?.whole.flatMap(Int16.init(exactly:)) ?? queue.priority
    queue.aging = item["aging"]?.decimal.flatMap { Int32(exactly: ($0 * 1000).rounded()) } ?? queue.aging
    queue.ring = item["ring"]?.interval ?? queue.ring
    queue.retry = item["retry"]?.interval ?? queue.retry
    if queue.ring == 0, let place = item["ring"]?.place { report(place, "`ring` must be longer than nothing") }
    let wrapUp = item["wrap_up"]
    queue.wrapUp = wrapUp?["default"]?.interval ?? queue.wrapUp
    queue.wrapUpLimit = wrapUp?["limit"]?.interval ?? max(queue.wrapUpLimit, queue.wrapUp)
    if queue.wrapUpLimit < queue.wrapUp, let place = wrapUp?["limit"]?.place {
      report(place, "`limit` of the wrap-up is shorter than its `default`")
    }
    for code in wrapUp?["codes"]?.list ?? [] {
      guard let name = code.text else { continue }
      let id = CodeID(index: UInt16(clamping: names.codes.index(adding: name)))
      if queue.codes.contains(id) { report(code.place, "the code `\(name)` stands here twice") }
      queue.codes.append(id)
    }
    queue.missedLimit = item["missed"]?["limit"]?.whole.flatMap(UInt16.init(exactly:)) ?? queue.missedLimit
    queue.declinedLimit = item["declined"]?["limit"]?.whole.flatMap(UInt16.init(exactly:)) ?? queue.declinedLimit
    queue.waitingLimit = item["limits"]?["waiting"]?.whole.flatMap(UInt32.init(exactly:)) ?? queue.waitingLimit
    queue.waitLimit = item["limits"]?["wait"]?.interval ?? queue.waitLimit
    let level = item["service_level"]
    queue.shortAbandon = level?["short_abandon"]?.interval ?? queue.shortAbandon
    queue.serviceLevel.metric =
      level?["metric"]?.text.flatMap(ServiceLevelDefinition.Metric.init) ?? queue.serviceLevel.metric
    queue.serviceLevel.within = level?["within"]?.interval ?? queue.serviceLevel.within
    queue.serviceLevel.target = level?["target"]?.decimal ?? queue.serviceLevel.target
    site.definitions.queues[index] = queue
  }

  private mutating func readQueueProfile(_ item: Item, at index: Int) {
    site.queues[index].answer = item["answer"]?.text.flatMap(Site.QueueProfile.Answer.init) ?? .onEntry
    guard let music = item["music"], let file = existing(music, "music") else { return }
    site.queues[index].music = number(ofMusic: file)
  }

  // Agents.

  private mutating func readAgents() {
    let pairs = top["agents"]?.pairs ?? []
    for pair in pairs { agentPlaces[names.agents.index(adding: pair.key)] = pair.place }
    site.definitions.agents = names.agents.map { AgentDefinition(name: $0) }
    site.agents = names.agents.map { Site.AgentProfile(displayName: $0) }
    for index in site.definitions.agents.indices {
      site.definitions.agents[index].isRemoved = agentPlaces[index] == nil
    }
    for pair in pairs {
      let index = names.agents.index(adding: pair.key)
      readAgent(pair.item, at: index)
      site.agents[index].displayName = pair.item["name"]?.text ?? pair.key
      site.agents[index].phoneAnswer = pair.item["phone_answer"]?.text.flatMap(Site.PhoneAnswer.init) ?? .phone
      readPhone(pair.item, at: index)
      readCodecs(pair.item, at: index)
      readSRTP(pair.item, at: index)
      let id = AgentID(index: UInt32(clamping: index))
      readToken(pair.item, scopes: [.agent], agent: id)
    }
  }

  private mutating func readAgent(_ item: Item, at index: Int) {
    var agent = site.definitions.agents[index]
    agent.skills = readSkills(item["skills"])
    agent.voiceCapacity = item["capacity"]?["voice"]?.whole.flatMap(UInt8.init(exactly:)) ?? agent.voiceCapacity
    agent.chatCapacity = item["capacity"]?["chat"]?.whole.flatMap(UInt8.init(exactly:)) ?? agent.chatCapacity
    agent.totalCapacity = item["capacity"]?["total"]?.whole.flatMap(UInt8.init(exactly:)) ?? agent.totalCapacity
    let queues = item["queues"]
    for queue in queues?.list ?? [] {
      if let name = queue.text { join(&agent, name, rank: 0, at: queue.place) }
    }
    for pair in queues?.pairs ?? [] {
      join(&agent, pair.key, rank: pair.item.whole.flatMap(UInt8.init(exactly:)) ?? 0, at: pair.place)
    }
    let ranks = agent.queues.contains { self.item(of: $0.queue)?["take"]?.text == "agent_rank" }
    agent.take = item["take"]?.text.flatMap(AgentDefinition.Take.init) ?? (ranks ? .agentRank : .oldest)
    if item["take"]?.text == "agent_rank", queues?.pairs.isEmpty ?? true, let place = item["take"]?.place {
      report(place, "`take: agent_rank` needs ranks: write `queues` as a map, `{ sales: 1, support: 2 }`")
    }
    let queuesBlock = agent.queues.contains { self.item(of: $0.queue)?["interrupt"]?["chat_by_voice"]?.text == "false" }
    let queuesLet = agent.queues.contains { self.item(of: $0.queue)?["interrupt"]?["voice_by_chat"]?.text == "true" }
    agent.chatBlocksVoice = item["interrupt"]?["chat_by_voice"]?.text.map { $0 == "false" } ?? queuesBlock
    agent.voiceBlocksChat = item["interrupt"]?["voice_by_chat"]?.text.map { $0 == "false" } ?? !queuesLet
    site.definitions.agents[index] = agent
  }

  private mutating func join(_ agent: inout AgentDefinition, _ name: String, rank: UInt8, at place: Place) {
    guard let queue = queue(named: name, at: place) else { return }
    guard !agent.queues.contains(where: { $0.queue == queue }) else {
      report(place, "the queue `\(name)` stands here twice")
      return
    }
    agent.queues.append(AgentDefinition.Membership(queue: queue, rank: rank))
  }

  /// What is written of a queue.
  func item(of queue: QueueID) -> Item? { top["queues"]?[names.queues[Int(queue.index)]] }

  // Entries and tokens.

  private mutating func readEntries() {
    var known: [String: Item.Pair] = [:]
    for pair in top["entries"]?.pairs ?? [] {
      guard let scheme = EntryScheme(pair.key) else { continue }
      if let other = known.updateValue(pair, forKey: meaning(of: pair.key, scheme)) {
        report(pair.place, "the entry `\(pair.key)` means the same as `\(other.key)` at \(other.place)")
      }
      guard let queueItem = pair.item["queue"], let name = queueItem.text,
        let queue = queue(named: name, at: queueItem.place)
      else { continue }
      let carried: [Channel] = scheme == .web ? [.voice, .chat] : [.voice]
      let taken = site.definitions.queues[Int(queue.index)].channels
      var channels = carried.filter(taken.contains)
      let findingsBefore = findings.count
      if let wanted = pair.item["channels"] {
        channels = wanted.channels
        for item in wanted.list {
          guard let channel = item.channel else { continue }
          if !taken.contains(channel) { report(item.place, "the queue `\(name)` does not take \(channel)") }
          // A callback by its own entry was refused by the schema.
          guard !carried.contains(channel), channel != .callback else { continue }
          warn(item.place, "\(channel) over SIP is not built yet; this entry takes \(carried[0]) only")
          channels.removeAll { $0 == channel }
        }
      }
      if channels.isEmpty, !findings[findingsBefore...].contains(where: { $0.severity == .error }) {
        report(pair.place, "the entry `\(pair.key)` takes nothing that the queue `\(name)` takes")
      }
      let origins = pair.item["origins"]
      if let origins, scheme != .web { report(origins.place, "`origins` are for `web:` entries") }
      for origin in origins?.list ?? [] { checkOrigin(origin) }
      let origin = origins?.list.compactMap(\.text) ?? []
      let visitors = pair.item["visitors"]
      if let visitors, scheme != .web { report(visitors.place, "`visitors` are for `web:` entries") }
      site.entries.append(
        Site.Entry(
          name: pair.key, queue: queue, channels: channels, origins: origin,
          visitors: visitors.map { readVisitors($0) } ?? .init()))
    }
  }

  /// The same for entries that the same callers would reach: a host counts in any case, all hosts of ours are one, and
  /// a number is its digits.
  private func meaning(of entry: String, _ scheme: EntryScheme) -> String {
    switch scheme {
    case .web: return entry
    case .tel: return entry.filter { $0 != "-" }
    case .sip:
      guard let uri = try? URI(parsing: entry), let user = uri.user else { return entry }
      let own = [site.domain, site.listen.sip.address, site.listen.sip.advertisedAddress]
      return "sip:\(user)@" + (own.contains(uri.host) ? site.domain : uri.host)
    }
  }

  private mutating func readTokens() {
    for pair in top["tokens"]?.pairs ?? [] {
      let scopes = pair.item["scopes"]?.list.compactMap { $0.text.flatMap(Site.Token.Scope.init) } ?? []
      if pair.item["token_sha256"] == nil, pair.item["token_file"] == nil {
        report(pair.place, "the token `\(pair.key)` lacks `token_file` or `token_sha256`")
      }
      readToken(pair.item, scopes: scopes, agent: nil)
    }
  }

  private mutating func readToken(_ item: Item, scopes: [Site.Token.Scope], agent: AgentID?) {
    if let file = item["token_file"] {
      if item["token_sha256"] != nil { report(file.place, "`token_file` and `token_sha256` exclude each other") }
      guard let secret = secret(file, "token_file") else { return }
      if secret.utf8.count < 16 { warn(file.place, "the token is short: 16 characters or more are hard to guess") }
      let hash = HashFunction.sha256.hash(Array(secret.utf8))
      add(Site.Token(sha256: hash, scopes: scopes, agent: agent), at: file.place)
    } else if let item = item["token_sha256"], let hash = item.text.flatMap(octets(inHexadecimal:)), hash.count == 32 {
      add(Site.Token(sha256: hash, scopes: scopes, agent: agent), at: item.place)
    }
  }

  private mutating func add(_ token: Site.Token, at place: Place) {
    if let other = tokenPlaces.updateValue(place, forKey: token.sha256) {
      report(place, "the token is that of \(other) already: whoever shows it could be either")
    }
    site.tokens.append(token)
  }
}
