extension ReadyKey {
  /// Best skilled: the highest score first.
  static func bestSkilled(band: UInt8, score: UInt32, since: Int64) -> ReadyKey {
    ReadyKey(major: major(band: band, UInt64(UInt32.max - score)), minor: since)
  }
}

extension AgentDefinition {
  /// The sum over the wished skills of what the agent has of each, up to the wished level: who has more than was wished
  /// is no better, and stays free for those who need it.
  public func score(_ wishes: [Profile.Need]) -> UInt32 {
    wishes.reduce(0) { sum, wish in
      sum + UInt32(min(wish.level, skills.first { $0.skill == wish.skill }?.level ?? 0))
    }
  }
}
