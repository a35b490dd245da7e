/// How much of a stream arrived (RFC 3550 appendix A.1, A.3).
public struct Reception: Sendable, Equatable {
  public private(set) var received: UInt64 = 0
  private var ssrc: UInt32 = 0
  private var first: UInt64 = 0
  private var highest: UInt64 = 0
  /// Expected and received of streams before the present SSRC.
  private var expectedBefore: UInt64 = 0
  private var receivedOfStream: UInt64 = 0

  public init() {}

  /// Packets that should have come by the sequence numbers seen.
  public var expected: UInt64 { expectedBefore + (receivedOfStream == 0 ? 0 : highest - first + 1) }
  /// Never negative: repeated packets count as received.
  public var lost: UInt64 { expected > received ? expected - received : 0 }

  public mutating func count(_ header: RTPHeader) {
    received += 1
    let step = Int64(Int16(bitPattern: header.sequence &- UInt16(truncatingIfNeeded: highest)))
    if receivedOfStream == 0 || header.ssrc != ssrc || abs(step) > 3_000 {
      expectedBefore = expected
      ssrc = header.ssrc
      // Room below the first number, so that a packet that comes late needs no negative one.
      first = 0x1_0000 + UInt64(header.sequence)
      highest = first
      receivedOfStream = 1
      return
    }
    receivedOfStream += 1
    if step > 0 { highest += UInt64(step) }
  }
}
