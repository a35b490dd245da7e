/// A loop of sound at 8 kHz, encoded once for each codec and shared by all who hear it, in frames of 20 ms.
public struct Recording: Sendable {
  public static let frameSize = 160
  public let frames: Int
  private let samples: [Int16]
  private let mu: [UInt8]
  private let a: [UInt8]
  /// Opus packets one after another, and where each begins; empty until somebody may hear them.
  private var opus: [UInt8] = []
  private var opusStarts: [Int] = []

  /// - Parameter samples: filled up with silence to a whole number of frames.
  public init(samples: [Int16]) {
    frames = max((samples.count + Self.frameSize - 1) / Self.frameSize, 1)
    self.samples = samples + Array(repeating: 0, count: frames * Self.frameSize - samples.count)
    mu = self.samples.map(CompandingLaw.mu.encode)
    a = self.samples.map(CompandingLaw.a.encode)
  }

  /// Encodes the loop in Opus, for sites that browsers call: some 60 µs a frame.
  public mutating func encodeOpus() {
    guard opusStarts.isEmpty else { return }
    var encoder = OpusEncoder(for: .music)
    var packet = [UInt8](repeating: 0, count: OpusEncoder.mostBytes)
    opusStarts.reserveCapacity(frames + 1)
    // The encoder first hears the end of the loop, so that its beginning goes on from there.
    for place in -min(frames, 25)..<frames {
      let frame = (place + frames) % frames
      // Every listener's decoder comes to the first frame from the last one, whose state this encoder did not see.
      encoder.standAlone(place == 0)
      let sound = Array(samples[frame * Self.frameSize..<(frame + 1) * Self.frameSize])
      let count = packet.withUnsafeMutableBytes { encoder.encode(sound, to: $0) }
      guard place >= 0 else { continue }
      opusStarts.append(opus.count)
      opus += packet[..<count]
    }
    opusStarts.append(opus.count)
  }

  /// Copies the frame that is due at a tick of the common clock.
  /// - Precondition: the buffer holds 160 bytes.
  public func copyFrame(_ tick: Int, _ law: CompandingLaw, to buffer: UnsafeMutableRawBufferPointer) {
    let start = tick % frames * Self.frameSize
    (law == .mu ? mu : a).withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + Self.frameSize]))
    }
  }

  /// The same in Opus; returns its bytes, none if it was not encoded.
  /// - Precondition: the buffer holds `OpusEncoder.mostBytes`.
  public func copyOpusFrame(_ tick: Int, to buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard !opusStarts.isEmpty else { return 0 }
    let frame = tick % frames
    let range = opusStarts[frame]..<opusStarts[frame + 1]
    opus.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
    return range.count
  }
}
