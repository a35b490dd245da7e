/// An `a=` line (RFC 8866 section 5.13): a flag, or a name with a value.
public struct Attribute: Sendable, Equatable {
  public var name: String
  public var value: String?
  public init(_ name: String, _ value: String? = nil) { self.name = name; self.value = value }
}

extension [Attribute] {
  /// The value of the first attribute of this name; "" for a flag.
  public func first(_ name: String) -> String? { first { $0.name == name }.map { $0.value ?? "" } }

  /// The direction these attributes give, if they give one. The last one wins, as in most user agents.
  public var direction: Direction? {
    for attribute in reversed() {
      if let direction = Direction(rawValue: attribute.name) { return direction }
    }
    return nil
  }

  /// Milliseconds per packet that the one who wrote this wants to receive, if it says a sane number.
  public var packetTime: Int? {
    first("ptime").flatMap { UInt16(decimal: $0.utf8) }.flatMap { (1...200).contains($0) ? Int($0) : nil }
  }

  /// The keys offered, those left out that must not be taken.
  var cryptos: [Crypto] { compactMap { $0.name == "crypto" ? Crypto(parsing: $0.value ?? "") : nil } }
}
