import GRDB

/// The tables. Facts stand in `record`; `message` and `person` hold what may be erased; what stands under
/// "projections" is a fold over the records and can be made anew.
enum Schema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("v1") { db in
      try db.execute(sql: facts + projections)
      try ServiceLevels.intern(.init(), db)
    }
    // The projections changed: what stood in them is folded anew from the records.
    migrator.registerMigration("v2") { db in
      try db.execute(sql: "DROP TABLE progress; DROP TABLE contact; DROP TABLE interval; DROP TABLE agent_interval;")
      try db.execute(sql: projections + statistics)
    }
    // A contact that is transferred has a record for each segment.
    migrator.registerMigration("v3") { db in
      try db.execute(
        sql: """
          DROP TABLE progress; DROP TABLE contact; DROP TABLE interval; DROP TABLE agent_interval; DROP TABLE agent_state;
          """)
      try db.execute(sql: projections.replacing("id BLOB NOT NULL UNIQUE", with: "id BLOB NOT NULL") + statistics)
      try db.execute(sql: "CREATE INDEX contact_by_id ON contact (id, sequence)")
    }
    // Contact records tell how well packets travelled; no journal before told it.
    migrator.registerMigration("v4") { db in
      let columns = ContactRow.qualityColumns.map { "ALTER TABLE contact ADD COLUMN \($0) INTEGER;" }
      try db.execute(sql: columns.joined())
    }
    return migrator
  }

  /// A service level's row number is its version; a queue whose definition changes gets another version.
  private static let facts = """
    CREATE TABLE record (
      sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, cause INTEGER NOT NULL, kind INTEGER NOT NULL,
      payload BLOB NOT NULL);
    CREATE TABLE message (
      sequence INTEGER PRIMARY KEY, contact BLOB NOT NULL, at INTEGER NOT NULL, author INTEGER NOT NULL,
      agent INTEGER, text TEXT NOT NULL);
    CREATE INDEX message_of_contact ON message (contact, sequence);
    CREATE INDEX message_by_age ON message (at);
    CREATE TABLE person (
      contact BLOB PRIMARY KEY, name TEXT, address TEXT, attributes BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE configuration (hash TEXT PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE service_level (
      version INTEGER PRIMARY KEY, metric TEXT NOT NULL, within INTEGER NOT NULL, target REAL NOT NULL,
      short_abandon INTEGER NOT NULL, UNIQUE (metric, within, target, short_abandon));
    CREATE TABLE configuration_queue (
      hash TEXT NOT NULL, queue INTEGER NOT NULL, service_level INTEGER NOT NULL REFERENCES service_level,
      PRIMARY KEY (hash, queue)) WITHOUT ROWID;
    CREATE TABLE name (
      kind TEXT NOT NULL, idx INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, idx)) WITHOUT ROWID;
    CREATE TABLE checkpoint (
      sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, configuration TEXT, body BLOB NOT NULL);

    """

  private static let projections = """
    CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL, configuration TEXT);
    INSERT INTO progress VALUES (1, 0, NULL);
    CREATE TABLE contact (
      sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, slot INTEGER NOT NULL, generation INTEGER NOT NULL,
      is_live INTEGER NOT NULL, channel INTEGER NOT NULL, entry TEXT NOT NULL, queue INTEGER, service_level INTEGER,
      agent INTEGER, opened INTEGER NOT NULL, entered INTEGER, answered INTEGER, ended INTEGER, refusal INTEGER,
      outcome INTEGER, end_cause INTEGER, wait INTEGER, talk INTEGER, hold INTEGER NOT NULL, holders INTEGER NOT NULL,
      held_since INTEGER, wrap_up_since INTEGER, wrap_up INTEGER, code INTEGER);
    CREATE INDEX live_contact ON contact (sequence) WHERE is_live;
    CREATE TABLE interval (
      queue INTEGER NOT NULL, start INTEGER NOT NULL, service_level INTEGER NOT NULL,
      entered INTEGER NOT NULL, answered INTEGER NOT NULL, answered_within INTEGER NOT NULL,
      abandoned INTEGER NOT NULL, abandoned_within INTEGER NOT NULL, short_abandoned INTEGER NOT NULL,
      left_queue INTEGER NOT NULL, callback INTEGER NOT NULL, failed INTEGER NOT NULL, refused INTEGER NOT NULL,
      answered_wait INTEGER NOT NULL, PRIMARY KEY (start, queue, service_level)) WITHOUT ROWID;
    CREATE TABLE agent_interval (
      agent INTEGER NOT NULL, start INTEGER NOT NULL,
      offered INTEGER NOT NULL, accepted INTEGER NOT NULL, declined INTEGER NOT NULL, missed INTEGER NOT NULL,
      answered INTEGER NOT NULL, talk INTEGER NOT NULL, hold INTEGER NOT NULL, wrap_up INTEGER NOT NULL,
      PRIMARY KEY (start, agent)) WITHOUT ROWID;

    """

  /// What the first version did not count, and what the fold must know of agents and of contacts that go on.
  private static var statistics: String {
    let sums = IntervalRow.laterSums.map { "ALTER TABLE interval ADD COLUMN \($0) INTEGER NOT NULL DEFAULT 0;" }
    let fold = ContactFold.laterColumns.map { "ALTER TABLE contact ADD COLUMN \($0) INTEGER;" }
    return sums.joined() + fold.joined() + """
      ALTER TABLE agent_interval ADD COLUMN ready INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE agent_interval ADD COLUMN handling INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE agent_state (
        agent INTEGER PRIMARY KEY, since INTEGER NOT NULL, is_ready INTEGER NOT NULL, held INTEGER NOT NULL);
      """
  }
}
