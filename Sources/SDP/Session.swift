/// A session description (RFC 8866), as a peer wrote it or as we shall write it.
///
/// Parsing forgives what real user agents get wrong harmlessly: line ends of LF alone, a missing `s=` or `t=`, another
/// order of session lines, a user name with spaces in `o=`. It refuses what could be read in two ways: unknown letters,
/// repeated lines, stray CR and NUL.
public struct SessionDescription: Sendable, Equatable {
  public var origin: Origin
  /// The `s=` line; "-" where there is none.
  public var name = "-"
  public var connection: Connection?
  /// The `t=` line, "0 0" where there is none.
  public var timing = "0 0"
  /// Lines that are kept but have no meaning here: `i=`, `u=`, `e=`, `p=`, `b=`, `r=`, `z=`, `k=`.
  public var otherLines: [Line] = []
  public var attributes: [Attribute] = []
  public var media: [MediaDescription] = []

  public init(origin: Origin) { self.origin = origin }
}

/// A line by its letter, uninterpreted.
public struct Line: Sendable, Equatable {
  public var letter: Character
  public var value: String
  public init(letter: Character, value: String) { self.letter = letter; self.value = value }
}

/// The `o=` line (RFC 8866 section 5.2).
public struct Origin: Sendable, Equatable {
  public var username: String
  /// Decimal text of any length, as `version`.
  public var sessionID: String
  public var version: String
  public var connection: Connection
  public init(username: String = "-", sessionID: String, version: String, connection: Connection) {
    self.username = username; self.sessionID = sessionID; self.version = version; self.connection = connection
  }
}
