import ACD
import CallControl
import Foundation
import Primitives
import SIP

/// What becomes of contacts beyond hours and limits, and callbacks.
extension SiteReader {
  /// Hours and days are expanded from 2020 to the end of 2043, the same whenever the files are read, so that a simulation of any
  /// of these days repeats.
  static let firstDay = 18_262
  static let dayCount = 24 * 366

  mutating func readFlow() {
    readCallbacks()
    for pair in top["queues"]?.pairs ?? [] {
      let index = names.queues.index(adding: pair.key)
      readHours(pair.item["hours"], at: index)
      readOverflow(pair.item, at: index)
      readCallback(pair.item["callback"], at: index)
      site.definitions.queues[index].grace = pair.item["grace"]?.interval ?? 0
      site.definitions.queues[index].estimatesWaits = pair.item["estimates"]?.text != "false"
    }
    for pair in top["queues"]?.pairs ?? [] { warnOfCircle(pair) }
  }

  private mutating func readHours(_ item: Item?, at index: Int) {
    guard let item else { return }
    guard let open = item["open"] else {
      report(item.place, "`hours` lacks the key `open`")
      return
    }
    let hours = (open.text.map { [$0] } ?? open.list.compactMap(\.text)).compactMap { OpeningHours($0) }
    let holidays = (item["holidays"]?.list ?? []).compactMap { $0.text.flatMap { LocalTime($0 + "T00:00") }?.day }
    guard let zone = TimeZone(identifier: site.timeZone) else { return }
    site.definitions.queues[index].hours = Hours(
      open: OpeningHours.intervals(hours, holidays: holidays, in: zone, from: Self.firstDay, days: Self.dayCount))
    let action = readAction(item["closed"], on: [.closed], at: index)
    site.definitions.queues[index].overflow.closed = action
  }

  private mutating func readOverflow(_ item: Item, at index: Int) {
    let limits = item["limits"]
    var overflow = site.definitions.queues[index].overflow
    overflow.candidate =
      limits?["overflow"]?["candidate"]?.text.flatMap(OverflowDefinition.Candidate.init) ?? overflow.candidate
    let unstaffed = limits?["unstaffed"]
    switch unstaffed?["test"]?.text {
    case "answerable": overflow.staffing = .answerable(within: unstaffed?["within"]?.interval ?? .minutes(10))
    case "staffed": overflow.staffing = .staffed
    default: if unstaffed != nil { overflow.staffing = .staffed }
    }
    if overflow.staffing == .staffed, let within = unstaffed?["within"] {
      report(within.place, "`within` belongs to `test: answerable`")
    }
    overflow.ejectsUnstaffed = unstaffed?["leave"]?.text == "true"
    overflow.full = readAction(limits?["overflow"], on: [.full, .late], at: index)
    overflow.late = limits?["late"] == nil ? overflow.full : readAction(limits?["late"], on: [.late], at: index)
    overflow.unstaffed = readAction(unstaffed, on: [.unstaffed], at: index)
    overflow.closed = site.definitions.queues[index].overflow.closed
    if let item = limits?["overflow"], limits?["waiting"] == nil, limits?["wait"] == nil {
      warn(item.place, "`overflow` without `waiting` or `wait`: nothing flows over")
    }
    site.definitions.queues[index].overflow = overflow
  }

  private mutating func readAction(_ item: Item?, on occasions: [Occasion], at index: Int) -> OverflowAction {
    guard let item else { return .disconnect }
    let name = names.queues[index]
    if let message = item["message"], let announcement = announcement(message) {
      for occasion in occasions { site.queues[index].announcements[Int(occasion.rawValue)] = announcement }
    }
    if let to = item["to"], let target = to.text {
      for key in ["then", "message"] {
        guard let other = item[key] else { continue }
        report(other.place, "`to` and `\(key)` exclude each other: who waits on is not let go")
      }
      guard let queue = queue(named: target, at: to.place) else { return .disconnect }
      if Int(queue.index) == index { report(to.place, "the queue `\(name)` flows over into itself") }
      let carried = site.definitions.queues[Int(queue.index)].channels
      for channel in site.definitions.queues[index].channels where !carried.contains(channel) {
        warn(to.place, "the queue `\(target)` does not take \(channel): these contacts end here")
      }
      return .queue(queue)
    }
    switch item["then"]?.text {
    case "callback":
      if top["queues"]?[name]?["callback"] == nil, let then = item["then"] {
        report(then.place, "`then: callback` needs the queue's `callback`")
      }
      return .callback
    case "leave_message":
      if site.definitions.queues[index].channels.contains(.voice), let then = item["then"] {
        warn(then.place, "calls are not recorded yet: chats leave a message, calls end")
      }
      return .message
    default: return .disconnect
    }
  }

  private mutating func readCallback(_ item: Item?, at index: Int) {
    guard let item else { return }
    var callback = CallbackDefinition()
    callback.mode = item["mode"]?.text.flatMap(CallbackDefinition.Mode.init) ?? callback.mode
    callback.attempts = item["attempts"]?.whole.flatMap(UInt8.init(exactly:)) ?? callback.attempts
    callback.gap = item["retry_after"]?.interval ?? callback.gap
    callback.ring = item["ring"]?.interval ?? callback.ring
    callback.limit = item["limit"]?.interval ?? callback.limit
    site.definitions.queues[index].callback = callback
    site.queues[index].callbackKey = item["key"]?.whole.flatMap(UInt8.init(exactly:))
    site.queues[index].callbackOfferedAfter = item["offer_after"]?.interval ?? 0
    if site.callbacks.allowed.isEmpty {
      warn(item.place, "nobody is called back: write whom we may call under `callback: { allow: [...] }`")
    }
  }

  private mutating func readCallbacks() {
    let item = top["callback"]
    site.callbacks.allowed = item?["allow"]?.list.compactMap(\.text) ?? []
    for rule in item?["allow"]?.list ?? [] {
      guard let text = rule.text else { continue }
      if text.filter({ $0 == "*" }).count > 1 { report(rule.place, "`\(text)` has more than one `*`") }
      let number = text.hasPrefix("tel:") ? text.dropFirst(4) : text[...]
      if item?["gateway"] == nil, number != "*", number.allSatisfy({ "+0123456789-*".contains($0) }) {
        warn(rule.place, "`\(text)` allows nobody: calls to numbers need a `gateway`")
      }
    }
    if let policy = item?["srtp"]?.text.flatMap(Site.SRTPPolicy.init) { site.callbacks.srtp = policy }
    guard let gateway = item?["gateway"], let text = gateway.text else { return }
    guard let uri = try? URI(parsing: text), uri.isSIP, uri.endpoint != nil else {
      report(gateway.place, "`gateway` must be `sip:` or `sips:` and an IP address: names are not looked up")
      return
    }
    needTLS(for: uri, text, at: gateway.place)
    site.callbacks.gateway = uri
    guard let srtp = item?["srtp"], site.callbacks.srtp == .required, uri.transport != .tls else { return }
    report(srtp.place, Self.needsTLS("gateway: \"sips:\(text.split(separator: ":", maxSplits: 1).last ?? "")\""))
  }

  /// A WAV file among the music, with its length.
  private mutating func announcement(_ item: Item) -> Site.Announcement? {
    guard let file = existing(item, "message") else { return nil }
    guard let length = waveLength(FileManager.default.contents(atPath: file).map(Array.init) ?? []) else {
      report(item.place, "`message`: the file `\(file)` is no WAV file that can be played")
      return nil
    }
    return Site.Announcement(file: file, music: number(ofMusic: file), length: length)
  }

  /// Loaded sound is numbered from 1, behind the built-in music; a file has one number.
  mutating func number(ofMusic file: String) -> Int {
    if let known = site.soundFiles.firstIndex(of: file) { return known + 1 }
    site.soundFiles.append(file)
    return site.soundFiles.count
  }

  /// Two queues that flow over into each other pass contacts on a few times, then let them go.
  private mutating func warnOfCircle(_ pair: Item.Pair) {
    let start = names.queues.index(adding: pair.key)
    var queue = start
    for _ in site.definitions.queues {
      guard case .queue(let next) = site.definitions.queues[queue].overflow.late else { return }
      queue = Int(next.index)
      if queue == start, let place = pair.item["limits"]?.place {
        return warn(place, "`\(pair.key)` flows over in a circle: a contact passes four queues, then it is let go")
      }
    }
  }
}

/// How long a WAV file plays, in microseconds: the bytes of its `data` by the byte rate of its `fmt ` (RIFF).
func waveLength(_ bytes: [UInt8]) -> Int64? {
  func word(_ offset: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }
  func name(_ offset: Int) -> [UInt8] { Array(bytes[offset..<offset + 4]) }
  guard bytes.count >= 12, name(0) == Array("RIFF".utf8), name(8) == Array("WAVE".utf8) else { return nil }
  var offset = 12
  var rate = 0
  while offset + 8 <= bytes.count {
    let length = word(offset + 4)
    if name(offset) == Array("fmt ".utf8), offset + 20 <= bytes.count { rate = word(offset + 16) }
    if name(offset) == Array("data".utf8) {
      let present = min(length, bytes.count - offset - 8)
      return rate > 0 && present > 0 ? Int64(present) * 1_000_000 / Int64(rate) : nil
    }
    offset += 8 + length + length % 2
  }
  return nil
}
