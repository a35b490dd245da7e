import ACD
import GRDB

/// `ACD.Names` in a table to which rows are only ever added, so that journaled indices keep their meaning.
enum NameTable {
  private static var lists: [(kind: String, WritableKeyPath<Names, [String]>)] {
    [
      ("queue", \.queues), ("agent", \.agents), ("skill", \.skills), ("reason", \.reasons), ("code", \.codes),
    ]
  }

  static func save(_ names: Names, _ db: Database) throws {
    let stored = try load(db)
    let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO name VALUES (?, ?, ?)")
    for (kind, list) in lists {
      let (old, new) = (stored[keyPath: list], names[keyPath: list])
      if let index = old.indices.first(where: { $0 >= new.count || old[$0] != new[$0] }) {
        throw JournalError.renamed(kind: kind, index: index)
      }
      // The built-in first entries of a new table stand in no row yet, hence from 0.
      for (index, name) in new.enumerated() { try insert.execute(arguments: [kind, index, name]) }
    }
  }

  static func load(_ db: Database) throws -> Names {
    var names = Names()
    let select = try db.cachedStatement(sql: "SELECT name FROM name WHERE kind = ? ORDER BY idx")
    for (kind, list) in lists {
      let stored = try String.fetchAll(select, arguments: [kind])
      if !stored.isEmpty { names[keyPath: list] = stored }
    }
    return names
  }
}
