extension ReadyKey {
  /// Fewest contacts: who has accepted the fewest in the window. A break resets nothing, so who returns from one does
  /// not get everything.
  static func fewestContacts(band: UInt8, contacts: UInt32, since: Int64) -> ReadyKey {
    ReadyKey(major: major(band: band, UInt64(contacts)), minor: since)
  }
}
