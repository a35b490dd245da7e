import ACD
import CallControl
import GRDB
import Primitives

/// A contact record in the making: the row, and what the fold must know until the contact closes.
struct ContactFold {
  var contact: ContactID
  var row: ContactRow
  var level = ServiceLevels.Version.fallback
  var isLive = true
  var wrapUpSince: Instant?
  /// The entry that the next queueing keeps.
  var place: Instant?
  /// Whose slot it holds, from the accept to the end of the contact.
  var holder: AgentID?
  /// What was expected of its wait when it entered.
  var estimates: WaitEstimates?
  /// Who began to hold: bit 0 the visitor, bit 1 the agent, bit 2 the system.
  private var holders: Int64 = 0
  private var heldSince: Instant?

  init(contact: ContactID, row: ContactRow) {
    self.contact = contact
    self.row = row
  }

  mutating func queue(in queue: QueueID, under level: ServiceLevels.Version, at instant: Instant) {
    row.queue = queue
    row.serviceLevel = level.version
    self.level = level
    row.entered = place ?? instant
    place = nil
    // A contact that overflowed is waiting again; its record tells of the last queue.
    row.outcome = nil
    row.wait = nil
    row.ended = nil
  }

  mutating func refuse(by queue: QueueID, under level: ServiceLevels.Version, _ refusal: Refusal, at instant: Instant) {
    row.queue = queue
    row.serviceLevel = level.version
    self.level = level
    row.refusal = refusal
    row.ended = instant
  }

  mutating func fix(_ outcome: Outcome, agent: AgentID, at instant: Instant) {
    row.outcome = outcome
    row.wait = row.entered.map { instant - $0 }
    if outcome == .answered {
      row.agent = agent
      row.answered = instant
    } else {
      row.ended = instant
    }
  }

  mutating func end(_ cause: EndCause, at instant: Instant) {
    holders = 0
    closeHold(at: instant)
    row.endCause = cause
    row.ended = instant
    row.talk = row.answered.map { instant - $0 - row.hold }
  }

  mutating func hold(by author: Author, at instant: Instant) {
    if holders == 0 { heldSince = instant }
    holders |= 1 << Int64(author.code)
  }

  /// A resume ends the hold whoever it came from: call control journals it once, when nobody holds any more.
  mutating func resume(at instant: Instant) {
    holders = 0
    closeHold(at: instant)
  }

  private mutating func closeHold(at instant: Instant) {
    if let heldSince { row.hold += instant - heldSince }
    heldSince = nil
  }

  mutating func endWrapUp(_ code: CodeID, at instant: Instant) {
    row.wrapUp = wrapUpSince.map { instant - $0 }
    wrapUpSince = nil
    row.code = code
  }
}

// MARK: - The table

extension ContactFold {
  /// The columns in the order of `ContactRow.init(from:)`; those of the fold alone follow.
  static let foldColumns =
    "slot, generation, is_live, holders, held_since, wrap_up_since, " + laterColumns.joined(separator: ", ")
  /// Those that came with the second version of the table.
  static let laterColumns = [
    "place", "holder", "queue_length", "head_of_line", "last_to_enter", "wait_low", "wait_high",
  ]
  static let insertion = """
    INSERT INTO contact (\(ContactRow.columns), \(foldColumns))
    VALUES (\(Array(repeating: "?", count: 42).joined(separator: ", ")))
    ON CONFLICT (sequence) DO UPDATE SET
      queue = excluded.queue, service_level = excluded.service_level, agent = excluded.agent,
      entered = excluded.entered, answered = excluded.answered, ended = excluded.ended, refusal = excluded.refusal,
      outcome = excluded.outcome, end_cause = excluded.end_cause, wait = excluded.wait, talk = excluded.talk,
      hold = excluded.hold, wrap_up = excluded.wrap_up, code = excluded.code, is_live = excluded.is_live,
      holders = excluded.holders, held_since = excluded.held_since, wrap_up_since = excluded.wrap_up_since,
      \((ContactRow.qualityColumns + laterColumns).map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
    """

  /// - Parameter insert: the statement of `insertion`.
  func save(_ insert: inout PreparedStatement) throws {
    insert.bind(row.sequence)
    insert.bind(row.id.bytes)
    insert.bind(row.channel)
    insert.bind(row.entry)
    insert.bind(row.queue?.index)
    insert.bind(row.serviceLevel)
    insert.bind(row.agent?.index)
    insert.bind(row.opened)
    insert.bind(row.entered)
    insert.bind(row.answered)
    insert.bind(row.ended)
    insert.bind(row.refusal)
    insert.bind(row.outcome)
    insert.bind(row.endCause)
    insert.bind(row.wait)
    insert.bind(row.talk)
    insert.bind(row.hold)
    insert.bind(row.wrapUp)
    insert.bind((row.code?.index).map(Int64.init))
    insert.bind(row.quality)
    insert.bind(row.agentQuality)
    insert.bind(contact.slot)
    insert.bind(contact.generation)
    insert.bind(isLive)
    insert.bind(holders)
    insert.bind(heldSince)
    insert.bind(wrapUpSince)
    insert.bind(place)
    insert.bind(holder?.index)
    insert.bind(estimates?.queueLength)
    insert.bind(estimates?.headOfLine)
    insert.bind(estimates?.lastToEnter)
    insert.bind(estimates?.low)
    insert.bind(estimates?.high)
    try insert.run()
  }

  /// The contacts that have not closed.
  static func loadLive(_ db: Database) throws -> [ContactFold] {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT \(ContactRow.columns), \(foldColumns), within FROM contact
        LEFT JOIN service_level ON version = service_level WHERE is_live ORDER BY sequence
        """)
    var folds: [ContactFold] = []
    while let row = try rows.next() {
      var columns = Columns(row)
      let contactRow = try ContactRow(from: &columns)
      var fold = ContactFold(
        contact: ContactID(slot: try columns.takeIndex(), generation: try columns.takeIndex()), row: contactRow)
      fold.isLive = try columns.take()
      fold.holders = try columns.take()
      fold.heldSince = try columns.takeInstant()
      fold.wrapUpSince = try columns.takeInstant()
      fold.place = try columns.takeInstant()
      fold.holder = try columns.takeIndex().map(AgentID.init(index:))
      fold.estimates = try columns.takeEstimates()
      if let version = contactRow.serviceLevel, let within: Int64 = try columns.take() {
        fold.level = ServiceLevels.Version(version: version, within: within)
      }
      folds.append(fold)
    }
    return folds
  }
}

extension ContactRow {
  static let columns = """
    sequence, id, channel, entry, queue, service_level, agent, opened, entered, answered, ended, refusal, outcome, \
    end_cause, wait, talk, hold, wrap_up, code, \(qualityColumns.joined(separator: ", "))
    """
  /// Those that came with the fourth version of the table, of the person's leg and of the agent's.
  static let qualityColumns = ["", "agent_"].flatMap { side in
    ["packets", "loss_in", "loss_out", "jitter", "round_trip"].map { side + $0 }
  }

  init(from columns: inout Columns) throws {
    sequence = try columns.takeSequence()
    id = try columns.takePublicID()
    channel = try columns.takeCase()
    entry = try columns.take()
    queue = try columns.takeIndex().map(QueueID.init(index:))
    serviceLevel = try columns.take()
    agent = try columns.takeIndex().map(AgentID.init(index:))
    opened = try columns.takeInstant()
    entered = try columns.takeInstant()
    answered = try columns.takeInstant()
    ended = try columns.takeInstant()
    refusal = try columns.takeCase()
    outcome = try columns.takeCase()
    endCause = try columns.takeCase()
    wait = try columns.take()
    talk = try columns.take()
    hold = try columns.take()
    wrapUp = try columns.take()
    code = try columns.takeIndex().map { CodeID(index: UInt16(truncatingIfNeeded: $0)) }
    quality = try columns.takeQuality()
    agentQuality = try columns.takeQuality()
  }
}

extension PreparedStatement {
  fileprivate mutating func bind(_ quality: Quality?) {
    bind((quality?.packetsReceived).map(Int64.init(bitPattern:)))
    bind(quality?.lossIn)
    bind(quality?.lossOut)
    bind(quality?.jitter)
    bind(quality?.roundTrip)
  }
}

extension Columns {
  /// Five columns; without the first nothing was measured.
  fileprivate mutating func takeQuality() throws -> Quality? {
    let packets: Int64? = try take()
    let (lossIn, lossOut): (UInt32?, UInt32?) = (try takeIndex(), try takeIndex())
    let (jitter, roundTrip): (Int64?, Int64?) = (try take(), try take())
    return packets.map { packets in
      Quality(
        packetsReceived: UInt64(bitPattern: packets), lossIn: lossIn ?? 0, lossOut: lossOut ?? 0, jitter: jitter ?? 0,
        roundTrip: roundTrip)
    }
  }

  /// Five columns, all of them or none.
  fileprivate mutating func takeEstimates() throws -> WaitEstimates? {
    let values: [UInt32?] = [
      try takeIndex(), try takeIndex(), try takeIndex(), try takeIndex(), try takeIndex(),
    ]
    let known = values.compactMap(\.self)
    guard known.count == values.count else { return nil }
    var estimates = WaitEstimates()
    estimates.queueLength = known[0]
    estimates.headOfLine = known[1]
    estimates.lastToEnter = known[2]
    estimates.low = known[3]
    estimates.high = known[4]
    return estimates
  }
}
