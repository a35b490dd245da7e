public import Primitives

/// One direction of a call whose two ends speak different codecs: takes the packets of one, and makes a packet for the
/// other every 20 ms. Sound between them is 8 kHz, since one of the two is a telephone.
public struct Transcoder: ~Copyable, Sendable {
  public let source: Codec
  public let target: Codec
  private var buffer: JitterBuffer
  private var decoder: OpusDecoder?
  private var encoder: OpusEncoder?
  private var concealment = Concealment()
  /// Decoded sound that is not heard yet, at its beginning.
  private var samples = [Int16](repeating: 0, count: 2 * OpusDecoder.mostSamples)
  private var count = 0

  private static let frame = OpusEncoder.frameSize

  public init(from source: Codec, to target: Codec) {
    self.source = source; self.target = target
    buffer = JitterBuffer(clockRate: source.clockRate)
    decoder = source == .opus ? OpusDecoder() : nil
    encoder = target == .opus ? OpusEncoder(for: .speech) : nil
  }

  /// The largest packet made.
  public static var mostBytes: Int { OpusEncoder.mostBytes }
  /// Microseconds that a packet waits before it is decoded.
  public var delay: Int64 { buffer.target }

  /// Takes a packet of the source.
  @discardableResult
  public mutating func insert(
    _ header: RTPHeader, _ payload: UnsafeRawBufferPointer, at now: Instant
  ) -> JitterBuffer.Arrival {
    buffer.insert(header, payload, at: now)
  }

  /// Steers error correction by the loss that the target reports.
  public mutating func setLoss(percent: Int) { encoder?.setLoss(percent: percent) }

  /// Makes the payload that is due, once every 20 ms; nil while the source is silent.
  /// - Precondition: `payload` holds `mostBytes`.
  public mutating func next(to payload: UnsafeMutableRawBufferPointer, at now: Instant) -> Int? {
    var wanted = Self.frame
    while count < wanted {
      switch buffer.next(at: now) {
      case .idle:
        // The rest of the last packet would be heard at another time.
        count = 0
        return nil
      case .packet(let place, let isEager):
        let had = count
        decode(buffer.payload(place))
        buffer.advance(Int64(count - had) * 125)
        if isEager { wanted = 2 * Self.frame }
      case .lost(let next):
        conceal(next: buffer.payload(next))
        buffer.advance(JitterBuffer.step)
      case .missing:
        conceal(next: nil)
        buffer.advance(JitterBuffer.step)
      case .stretch:
        conceal(next: nil)
      }
    }
    if wanted > Self.frame { shorten() }
    let size = encode(to: payload)
    count -= Self.frame
    for place in 0..<count { samples[place] = samples[place + Self.frame] }
    return size
  }

  private mutating func decode(_ payload: [UInt8]) {
    let made: Int
    switch source {
    case .opus:
      made = decoder?.decode(payload, to: &samples, at: count) ?? 0
    case .g711(let law):
      made = min(payload.count, OpusDecoder.mostSamples)
      for place in 0..<made { samples[count + place] = law.decode(payload[place]) }
      concealment.receive(&samples, count..<count + made)
    }
    // A packet without sound stands for a step, or its place would be taken for lost for ever.
    if made == 0 { conceal(next: nil) } else { count += made }
  }

  private mutating func conceal(next: [UInt8]?) {
    let range = count..<count + Self.frame
    if source == .opus {
      decoder?.conceal(to: &samples, range, next: next)
    } else {
      concealment.conceal(&samples, range)
    }
    count += Self.frame
  }

  /// Makes one frame of the last two, the first fading into the second, so that 20 ms less are waiting.
  private mutating func shorten() {
    guard count >= 2 * Self.frame else { return }
    let start = count - 2 * Self.frame
    for place in 0..<Self.frame {
      let (old, new) = (Int(samples[start + place]), Int(samples[start + Self.frame + place]))
      samples[start + place] = Int16((old * (Self.frame - place) + new * place) / Self.frame)
    }
    count -= Self.frame
  }

  private mutating func encode(to payload: UnsafeMutableRawBufferPointer) -> Int {
    switch target {
    case .opus: return encoder?.encode(samples, to: payload) ?? 0
    case .g711(let law):
      for place in 0..<Self.frame { payload[place] = law.encode(samples[place]) }
      return Self.frame
    }
  }
}
