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
    for (kind, list) in lists { try save(kind, stored[keyPath: list], names[keyPath: list], db) }
    try save("profile", stored.profileTexts, names.profileTexts, db)
  }

  private static func save(_ kind: String, _ old: [String], _ new: [String], _ db: Database) throws {
    if let index = old.indices.first(where: { $0 >= new.count || old[$0] != new[$0] }) {
      throw JournalError.renamed(kind: kind, index: index)
    }
    let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO name VALUES (?, ?, ?)")
    // The built-in first entries of a new table stand in no row yet, hence from 0.
    for (index, name) in new.enumerated() { try insert.execute(arguments: [kind, index, name]) }
  }

  static func load(_ db: Database) throws -> Names {
    var names = Names()
    let select = try db.cachedStatement(sql: "SELECT name FROM name WHERE kind = ? ORDER BY idx")
    for (kind, list) in lists {
      let stored = try String.fetchAll(select, arguments: [kind])
      if !stored.isEmpty { names[keyPath: list] = stored }
    }
    // A journal from before profiles were kept has none; they are then interned anew in the order of the files.
    let profiles = try String.fetchAll(select, arguments: ["profile"])
    if !profiles.isEmpty {
      names.profiles = try profiles.enumerated().map { index, text in
        guard let profile = names.profile(reading: text) else {
          throw JournalError.unreadable(kind: "profile", index: index)
        }
        return profile
      }
    }
    return names
  }
}

extension Names {
  /// Profiles by the names of their skills, such as `german:50,sales:0`. The configuration's names hold neither sign.
  var profileTexts: [String] {
    profiles.map { $0.needs.map { "\(skills[Int($0.skill.index)]):\($0.level)" }.joined(separator: ",") }
  }

  fileprivate func profile(reading text: String) -> Profile? {
    var needs: [Profile.Need] = []
    for need in text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = need.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let skill = skills.firstIndex(of: String(parts[0])), let level = UInt8(parts[1])
      else { return nil }
      needs.append(Profile.Need(skill: SkillID(index: UInt16(clamping: skill)), level: level))
    }
    return Profile(needs: needs)
  }
}
