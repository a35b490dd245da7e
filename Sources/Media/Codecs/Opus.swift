import COpus

/// Speech or music at 8 kHz as Opus (RFC 6716): one channel, 20 ms a packet.
///
/// The telephone's sound is handed over as it is: libopus works at its rate, and an RTP stream counts at 48 kHz anyway.
public struct OpusEncoder: ~Copyable, @unchecked Sendable {
  public enum Use: Sendable {
    /// With in-band error correction: each packet carries its predecessor once more, the coarser the less loss there is.
    case speech
    /// Made once and heard by many, so as good as it gets at this rate.
    case music
  }

  public static let sampleRate = 8_000
  /// Samples of a packet.
  public static let frameSize = 160
  /// No packet is larger.
  public static let mostBytes = 256

  private let state: OpaquePointer

  public init(for use: Use) {
    let application = use == .speech ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_AUDIO
    guard let state = opus_encoder_create(Int32(Self.sampleRate), 1, application, nil) else {
      preconditionFailure("no memory for an Opus encoder")
    }
    self.state = state
    opus_set_bit_rate(state, use == .speech ? 24_000 : 32_000)
    opus_set_complexity(state, use == .speech ? 5 : 10)
    opus_set_in_band_fec(state, use == .speech ? 1 : 0)
    if use == .speech { setLoss(percent: 0) }
  }

  deinit { opus_encoder_destroy(state) }

  /// Steers the error correction by the loss that the far end reports. Never less than 5: what a mobile network loses
  /// at once was not reported before.
  public mutating func setLoss(percent: Int) { opus_set_expected_loss(state, Int32(max(5, min(percent, 50)))) }

  /// Encodes the first 160 samples; returns the packet's bytes, 0 if libopus refuses.
  /// - Precondition: `packet` holds `mostBytes`.
  public mutating func encode(_ samples: [Int16], to packet: UnsafeMutableRawBufferPointer) -> Int {
    precondition(samples.count >= Self.frameSize && packet.count >= Self.mostBytes)
    guard let bytes = packet.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
    return max(Int(opus_encode(state, samples, Int32(Self.frameSize), bytes, Int32(Self.mostBytes))), 0)
  }
}

/// Opus as sound at 8 kHz, one channel, whatever a packet's own rate and channels.
public struct OpusDecoder: ~Copyable, @unchecked Sendable {
  /// The longest packet, 120 ms.
  public static let mostSamples = 960

  private let state: OpaquePointer

  public init() {
    guard let state = opus_decoder_create(Int32(OpusEncoder.sampleRate), 1, nil) else {
      preconditionFailure("no memory for an Opus decoder")
    }
    self.state = state
  }

  deinit { opus_decoder_destroy(state) }

  /// Decodes a packet to `start` and after it; returns how many samples it was, 0 where it is malformed.
  /// - Precondition: `samples` holds `mostSamples` behind `start`.
  public mutating func decode(_ packet: [UInt8], to samples: inout [Int16], at start: Int) -> Int {
    precondition(samples.count - start >= Self.mostSamples)
    guard !packet.isEmpty else { return 0 }
    return samples.withUnsafeMutableBufferPointer { samples in
      guard let sound = samples.baseAddress else { return 0 }
      return max(Int(opus_decode(state, packet, Int32(packet.count), sound + start, Int32(Self.mostSamples), 0)), 0)
    }
  }

  /// Makes the samples of a lost packet: from what the packet after it repeats of it, or made up from what was before.
  /// - Precondition: `range` is a multiple of 2.5 ms.
  public mutating func conceal(to samples: inout [Int16], _ range: Range<Int>, next: [UInt8]?) {
    let made = samples.withUnsafeMutableBufferPointer { samples -> Int32 in
      guard let sound = samples.baseAddress else { return 0 }
      let next = next ?? []
      return next.isEmpty
        ? opus_decode(state, nil, 0, sound + range.lowerBound, Int32(range.count), 0)
        : opus_decode(state, next, Int32(next.count), sound + range.lowerBound, Int32(range.count), 1)
    }
    if made != range.count { for place in range { samples[place] = 0 } }
  }
}
