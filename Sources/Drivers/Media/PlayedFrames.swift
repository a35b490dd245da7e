import Media

/// One payload for each recording and codec, made anew at each tick: callers hear one shared stream, and only the header
/// and the protection differ between them.
final class PlayedFrames {
  private let recordings: [Recording]
  private let laws: UnsafeMutableRawBufferPointer
  private var opus: [OpusFrames]
  private var tick = 0

  private static let size = Recording.frameSize

  init(_ recordings: [Recording]) {
    self.recordings = recordings
    laws = .allocate(byteCount: recordings.count * 2 * Self.size, alignment: 16)
    opus = recordings.map { _ in OpusFrames() }
  }
  deinit { laws.deallocate() }

  func fill(tick: Int) {
    self.tick = tick
    for (index, recording) in recordings.enumerated() {
      for law in CompandingLaw.allCases { recording.copyFrame(tick, law, to: place(index, law)) }
    }
  }

  func payload(_ index: Int, _ codec: Codec) -> UnsafeRawBufferPointer {
    switch codec {
    case .g711(let law): UnsafeRawBufferPointer(place(index, law))
    case .opus: opus[index].payload(tick, UnsafeRawBufferPointer(place(index, .mu)))
    }
  }

  private func place(_ index: Int, _ law: CompandingLaw) -> UnsafeMutableRawBufferPointer {
    let start = (index * 2 + Int(law.rawValue)) * Self.size
    return UnsafeMutableRawBufferPointer(rebasing: laws[start..<start + Self.size])
  }
}

/// A recording as Opus, encoded only while somebody hears it.
private final class OpusFrames {
  private var encoder: OpusEncoder?
  private var samples = [Int16](repeating: 0, count: OpusEncoder.frameSize)
  private let packet = UnsafeMutableRawBufferPointer.allocate(byteCount: OpusEncoder.mostBytes, alignment: 16)
  private var count = 0
  private var tick = -1

  deinit { packet.deallocate() }

  func payload(_ tick: Int, _ frame: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    if tick != self.tick {
      // What was heard long ago is no beginning for what is heard now.
      if tick != self.tick + 1 || encoder == nil { encoder = OpusEncoder(for: .music) }
      self.tick = tick
      for place in samples.indices { samples[place] = CompandingLaw.mu.decode(frame[place]) }
      count = encoder?.encode(samples, to: packet) ?? 0
    }
    return UnsafeRawBufferPointer(rebasing: packet[..<count])
  }
}
