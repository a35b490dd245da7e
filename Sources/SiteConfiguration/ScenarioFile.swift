import ACD
import CallControl
import Foundation
import Primitives

/// Reads scenario files.
public enum ScenarioFile {
  /// - Parameters:
  ///   - site: replaces the folder that the file names, to run the same callers against another configuration.
  ///   - live: begins the scenario with a live site, as on the day on which that was.
  public static func load(
    _ path: String, site: String? = nil, from live: LiveState? = nil
  ) throws(ConfigurationError) -> Scenario {
    try load(path, site: site, live: live, isBase: false)
  }

  /// The same callers and agents over the configuration to which another is compared. Agents, and thresholds of queues,
  /// that it does not know are left out: they may be what is new.
  public static func loadBase(
    _ path: String, site: String, from live: LiveState? = nil
  ) throws(ConfigurationError) -> Scenario {
    try load(path, site: site, live: live, isBase: true)
  }

  private static func load(
    _ path: String, site: String?, live state: LiveState?, isBase: Bool
  ) throws(ConfigurationError) -> Scenario {
    guard let top = try Source(reading: path).parsed() else {
      throw ConfigurationError([Finding(at: Place(file: path), "the file is empty")])
    }
    var findings: [Finding] = []
    Shape.record(ScenarioSchema.file).check(top, "the scenario", owner: top.place, into: &findings)
    let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    guard let folder = site ?? top["site"]?.text.map({ standardized(joinedPath(parent, $0)) }) else {
      throw ConfigurationError(findings)
    }
    let live: Site
    do {
      live = try SiteFolder.load(folder, names: state?.names ?? Names())
    } catch {
      // A folder that cannot be read is the fault of the line that names it.
      findings += error.findings.map { finding in
        guard finding.place.file == folder, site == nil, let item = top["site"] else { return finding }
        return Finding(at: item.place, "`\(folder)`: \(finding.message)")
      }
      throw ConfigurationError(findings)
    }
    var reader = ScenarioReader(file: path, folder: folder, isBase: isBase, live: state, top: top, site: live)
    let scenario = reader.read()
    findings += reader.findings
    guard let scenario, !findings.hasError else { throw ConfigurationError(findings) }
    return scenario
  }

  /// Without `folder/..`, so that one file has one name in what people read.
  static func standardized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    let joined = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    return joined.isEmpty ? "." : joined
  }
}

/// Turns a scenario's file into a `Scenario`; what does not fit its shape has been reported already.
struct ScenarioReader {
  let file: String
  let folder: String
  let isBase: Bool
  let live: LiveState?
  let top: Item
  var site: Site
  var findings: [Finding] = []

  mutating func report(_ place: Place, _ message: String) { findings.append(Finding(at: place, message)) }

  mutating func read() -> Scenario? {
    // The site was checked, so its zone is known.
    guard let zone = TimeZone(identifier: site.timeZone), let span = readSpan(zone) else { return nil }
    let callers = (top["callers"]?.pairs ?? []).compactMap { readCaller($0, span, zone) }
    let agents = (top["agents"]?.pairs ?? []).compactMap { readAgent($0, span, zone) }
    let expectations = (top["expect"]?.list ?? []).compactMap { readExpectation($0) }
    var scenario = Scenario(file: file, folder: folder, site: site, span: span, callers: callers, agents: agents)
    scenario.expectations = expectations
    scenario.initial = top["initial"]?.text.flatMap(Scenario.Initial.init) ?? .empty
    scenario.live = live
    scenario.closing = top["closing"]?.text.flatMap(Scenario.Closing.init) ?? .drain
    scenario.overdispersion = top["overdispersion"]?.decimal ?? 0
    scenario.runs.seed = top["runs"]?["seed"]?.whole.flatMap(UInt64.init(exactly:)) ?? scenario.runs.seed
    scenario.runs.replications = top["runs"]?["replications"]?.whole ?? scenario.runs.replications
    scenario.runs.relativePrecision = top["runs"]?["relative_precision"]?.decimal
    scenario.fingerprint = top["fingerprint"].flatMap { item in
      item.text.map { Scenario.Fingerprint(text: $0, place: item.place) }
    }
    return scenario
  }

  private mutating func readSpan(_ zone: TimeZone) -> Range<Instant>? {
    guard var start = top["span"]?["start"]?.text.flatMap(LocalTime.init), let endItem = top["span"]?["end"],
      let text = endItem.text,
      var end = LocalTime(text) ?? LocalTime.second(text).map({ LocalTime(day: start.day, second: $0) })
    else { return nil }
    if let live, !(zone.instant(of: start)..<max(zone.instant(of: start), zone.instant(of: end))).contains(live.at) {
      let days = zone.day(at: live.at) - start.day
      start.day += days
      end.day += days
    }
    let (from, to) = (zone.instant(of: start), zone.instant(of: end))
    if let live, from < to, !(from..<to).contains(live.at), let place = top["span"]?.place {
      report(place, "the last record of \(live.source) lies at \(zone.timeOfDay(at: live.at)), outside the span")
      return nil
    }
    guard from < to else {
      report(endItem.place, "the span ends before it starts")
      return nil
    }
    guard to - from <= .minutes(366 * 24 * 60) else {
      report(endItem.place, "the span is longer than a year")
      return nil
    }
    return from..<to
  }

  // Callers.

  private mutating func readCaller(
    _ pair: Item.Pair, _ span: Range<Instant>, _ zone: TimeZone
  ) -> Scenario.Caller? {
    let item = pair.item
    let arrivals = readArrivals(item, span, zone)
    let patience = item["patience"].flatMap { Distribution($0, &findings) }
    var times: [Scenario.Handle] = []
    for handle in item["handle"]?.pairs ?? [] {
      guard let channel = Channel.allCases.first(where: { "\($0)" == handle.key }),
        let time = Distribution(handle.item, &findings)
      else { continue }
      times.append(Scenario.Handle(channel: channel, time: time))
    }
    guard let queue = readQueue(pair) else { return nil }
    var caller = Scenario.Caller(
      name: pair.key, place: pair.place, queue: queue, arrivals: arrivals, channels: readChannels(item, queue),
      needs: [],
      patience: patience, handle: times, redial: nil)
    for share in caller.channels where !(item["handle"]?.pairs ?? []).contains(where: { $0.key == "\(share.value)" }) {
      report(item["handle"]?.place ?? pair.place, "`handle` lacks `\(share.value)`")
    }
    caller.needs = readNeeds(item["needs"], queue)
    if let redial = item["redial"], let probability = redial["probability"]?.decimal, let after = redial["after"],
      let time = Distribution(after, &findings)
    {
      caller.redial = Scenario.Redial(probability: probability, after: time)
    }
    return caller
  }

  private mutating func readQueue(_ pair: Item.Pair) -> QueueID? {
    switch (pair.item["entry"], pair.item["queue"]) {
    case (let entry?, nil):
      guard let name = entry.text else { return nil }
      if let known = site.entries.first(where: { $0.name == name }) { return known.queue }
      report(entry.place, "the site has no entry `\(name)`\(suggestion(for: name, among: site.entries.map(\.name)))")
    case (nil, let queue?):
      guard let name = queue.text else { return nil }
      if let id = queueID(name) { return id }
      report(queue.place, "no queue is called `\(name)`\(suggestion(for: name, among: queueNames))")
    default:
      report(pair.place, "`\(pair.key)` needs either `entry` or `queue`")
    }
    return nil
  }

  private var queueNames: [String] { site.definitions.queues.filter { !$0.isRemoved }.map(\.name) }
  private func queueID(_ name: String) -> QueueID? {
    site.definitions.queues.firstIndex { $0.name == name && !$0.isRemoved }.map { QueueID(index: UInt32($0)) }
  }

  private mutating func readChannels(_ item: Item, _ queue: QueueID) -> [Scenario.Share<Channel>] {
    let definition = site.definitions.queues[Int(queue.index)]
    guard let shares = item["channel"] else {
      return definition.channels.first.map { [Scenario.Share($0, 1)] } ?? []
    }
    var channels: [Scenario.Share<Channel>] = []
    for share in shares.pairs {
      guard let channel = [Channel.voice, .chat].first(where: { "\($0)" == share.key }) else {
        report(
          share.place, "no channel is called `\(share.key)`\(suggestion(for: share.key, among: ["voice", "chat"]))")
        continue
      }
      if !definition.channels.contains(channel) {
        report(share.place, "the queue `\(definition.name)` does not take \(channel)")
      }
      channels.append(Scenario.Share(channel, share.item.decimal ?? 0))
    }
    let sum = channels.reduce(0) { $0 + $1.probability }
    if channels.count == shares.pairs.count, abs(sum - 1) > 1e-6 {
      report(shares.place, "the shares of `channel` add up to \(sum.short), not 1")
    }
    return channels.filter { $0.probability > 0 }
  }

  /// A caller's skill joins the queue's own needs; any level will do where the queue asks for none.
  private mutating func readNeeds(_ item: Item?, _ queue: QueueID) -> [Scenario.Share<ProfileID>] {
    let own = site.definitions.queues[Int(queue.index)].profile
    let needs = site.definitions.profiles[Int(own.index)].needs
    let skills = site.definitions.names.skills
    var shares: [Scenario.Share<ProfileID>] = []
    var rest = 1.0
    for pair in item?.pairs ?? [] {
      guard let index = skills.firstIndex(of: pair.key) else {
        report(pair.place, "nobody has the skill `\(pair.key)`\(suggestion(for: pair.key, among: skills))")
        continue
      }
      let skill = SkillID(index: UInt16(clamping: index))
      let level = max(1, needs.first { $0.skill == skill }?.level ?? 1)
      let profile = Profile(needs: needs.filter { $0.skill != skill } + [Profile.Need(skill: skill, level: level)])
      let probability = pair.item.decimal ?? 0
      rest -= probability
      if probability > 0 { shares.append(Scenario.Share(site.definitions.names.intern(profile), probability)) }
    }
    if let item, rest < -1e-6 { report(item.place, "the shares of `needs` add up to \((1 - rest).short), more than 1") }
    if rest > 1e-6 { shares.append(Scenario.Share(own, rest)) }
    return shares
  }

  // Agents and thresholds.

  private mutating func readAgent(_ pair: Item.Pair, _ span: Range<Instant>, _ zone: TimeZone) -> Scenario.Agent? {
    let agents = site.definitions.agents
    guard let index = agents.firstIndex(where: { $0.name == pair.key && !$0.isRemoved }) else {
      let hint = suggestion(for: pair.key, among: agents.filter { !$0.isRemoved }.map(\.name))
      if !isBase { report(pair.place, "no agent is called `\(pair.key)`\(hint)") }
      return nil
    }
    let days = (zone.day(at: span.lowerBound) - 1)...zone.day(at: span.upperBound)
    func during(_ start: Instant, _ end: Instant) -> Range<Instant>? {
      let (from, to) = (max(start, span.lowerBound), min(end, span.upperBound))
      return from < to ? from..<to : nil
    }
    let item = pair.item
    var shifts: [Range<Instant>] = []
    let written = item["shift"].map { $0.list.isEmpty ? [$0] : $0.list } ?? []
    for times in written.compactMap({ $0.text.flatMap(timesOfDay) }) {
      shifts += days.compactMap { day in
        let start = LocalTime(day: day, second: times.start)
        let end = LocalTime(day: day + times.end / 86_400, second: times.end % 86_400)
        return during(zone.instant(of: start), zone.instant(of: end))
      }
    }
    if item["shift"] == nil { shifts = [span] }
    shifts.sort { $0.lowerBound < $1.lowerBound }
    if zip(shifts, shifts.dropFirst()).contains(where: { $0.upperBound > $1.lowerBound }),
      let place = item["shift"]?.place
    {
      report(place, "the shifts of `\(pair.key)` overlap")
    }
    if shifts.isEmpty, written.allSatisfy({ $0.text.flatMap(timesOfDay) != nil }), let place = item["shift"]?.place {
      report(place, "the shift of `\(pair.key)` lies outside the span")
    }
    var breaks: [Range<Instant>] = []
    for pause in (item["breaks"]?.list ?? []).compactMap({ $0.text.flatMap(breakTime) }) {
      breaks += days.compactMap { day in
        let start = zone.instant(of: LocalTime(day: day, second: pause.start))
        return during(start, start + pause.length)
      }
    }
    breaks.sort { $0.lowerBound < $1.lowerBound }
    if zip(breaks, breaks.dropFirst()).contains(where: { $0.upperBound > $1.lowerBound }),
      let place = item["breaks"]?.place
    {
      report(place, "the breaks of `\(pair.key)` overlap")
    }
    return Scenario.Agent(
      agent: AgentID(index: UInt32(clamping: index)), place: pair.place, shifts: shifts, breaks: breaks,
      answersIn: item["answers_in"].flatMap { Distribution($0, &findings) } ?? .deterministic(.seconds(3)),
      misses: item["misses"]?.decimal ?? 0)
  }

  private mutating func readExpectation(_ item: Item) -> Expectation? {
    guard let text = item.text else { return nil }
    do {
      return try Expectation(text, at: item.place, queues: queueNames, find: queueID)
    } catch {
      if !isBase { report(item.place, error.message) }
      return nil
    }
  }
}
