public import ACD
public import Primitives

/// The top machine: the story of every contact. It owns the ACD, the SIP user agent and the legs; it never reads a
/// clock, a socket or a file.
public struct Switchboard: Sendable {
  public private(set) var site: Site

  public init(site: Site, entropy: Entropy) {
    self.site = site
  }

  public mutating func handle(_ input: Input, at now: Instant, into step: inout Step) { fatalError("unwritten") }
  public var nextDeadline: Instant? { nil }

  /// Writes a journaled event into the state without deciding anything.
  public mutating func replay(_ record: Record) { fatalError("unwritten") }

  /// Swaps the configuration between two inputs; journals `configurationApplied`.
  public mutating func reconfigure(_ site: Site, at now: Instant, into step: inout Step) { fatalError("unwritten") }

  public func writeCheckpoint(into writer: inout ByteWriter) { fatalError("unwritten") }
  public init(checkpoint reader: inout ByteReader, site: Site, entropy: Entropy) throws(CheckpointError) {
    fatalError("unwritten")
  }
}
