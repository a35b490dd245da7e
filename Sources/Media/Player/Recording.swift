/// A loop of sound at 8 kHz, encoded once for each law and shared by all who hear it, in frames of 20 ms.
public struct Recording: Sendable {
  public static let frameSize = 160
  public let frames: Int
  private let mu: [UInt8]
  private let a: [UInt8]

  /// - Parameter samples: filled up with silence to a whole number of frames.
  public init(samples: [Int16]) {
    frames = max((samples.count + Self.frameSize - 1) / Self.frameSize, 1)
    let silence = Array(repeating: Int16(0), count: frames * Self.frameSize - samples.count)
    mu = (samples + silence).map(CompandingLaw.mu.encode)
    a = (samples + silence).map(CompandingLaw.a.encode)
  }

  /// Copies the frame that is due at a tick of the common clock.
  /// - Precondition: the buffer holds 160 bytes.
  public func copyFrame(_ tick: Int, _ law: CompandingLaw, to buffer: UnsafeMutableRawBufferPointer) {
    let start = tick % frames * Self.frameSize
    (law == .mu ? mu : a).withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + Self.frameSize]))
    }
  }
}
