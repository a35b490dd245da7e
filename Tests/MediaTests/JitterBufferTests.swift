import Media
import Primitives
import Testing

@Suite struct JitterBufferTests {
  /// A stream of 8 kHz and 20 ms, its packets numbered from 0, and the clock of who plays it.
  struct Play {
    var buffer = JitterBuffer(clockRate: 8_000)
    /// Milliseconds since the beginning.
    var now: Int64 = 0
    var heard: [String] = []

    private var instant: Instant { Instant(microseconds: 50_000_000 + now * 1_000) }

    mutating func arrive(_ number: Int, sequence: Int? = nil, ssrc: UInt32 = 1, at time: Int64? = nil)
      -> JitterBuffer.Arrival
    {
      let header = RTPHeader(
        payloadType: 0, sequence: UInt16(truncatingIfNeeded: (sequence ?? number) + 65_530),
        timestamp: UInt32(truncatingIfNeeded: 0xffff_ff00 + number * 160), ssrc: ssrc)
      let payload = [UInt8(truncatingIfNeeded: number)]
      return payload.withUnsafeBytes {
        buffer.insert(header, $0, at: Instant(microseconds: 50_000_000 + (time ?? now) * 1_000))
      }
    }

    /// One step, written as the number heard, `-` for missing, `f3` for lost before 3, `~` for stretch, `.` for idle;
    /// `!` behind a number that may be shortened.
    @discardableResult
    mutating func step() -> String {
      let word: String
      switch buffer.next(at: instant) {
      case .idle: word = "."
      case .packet(let place, let isEager):
        word = "\(buffer.payload(place)[0])" + (isEager ? "!" : "")
        buffer.advance(JitterBuffer.step)
      case .lost(let next):
        word = "f\(buffer.payload(next)[0])"
        buffer.advance(JitterBuffer.step)
      case .missing:
        word = "-"
        buffer.advance(JitterBuffer.step)
      case .stretch: word = "~"
      }
      heard.append(word)
      return word
    }
  }

  /// Plays packets that arrive at given milliseconds; steps come every 20 ms from 5 ms on.
  func play(_ arrivals: [(number: Int, at: Int64)], until end: Int64) -> String {
    var play = Play()
    var left = arrivals.sorted { $0.at < $1.at }[...]
    var step: Int64 = 5
    while step < end {
      while let next = left.first, next.at <= step {
        play.now = next.at
        _ = play.arrive(next.number)
        left.removeFirst()
      }
      play.now = step
      play.step()
      step += 20
    }
    return play.heard.joined(separator: " ")
  }
  func even(_ numbers: Range<Int>) -> [(number: Int, at: Int64)] { numbers.map { ($0, Int64($0) * 20) } }

  @Test("Packets in even time are heard in order, the first after the target")
  func evenTime() {
    #expect(play(even(0..<6), until: 180) == ". . 0 1 2 3 4 5 -")
  }

  @Test("Reordered packets are heard in order, repeated ones once")
  func order() {
    #expect(play([(0, 0), (2, 20), (1, 40), (1, 41), (3, 60), (3, 61)], until: 150) == ". 0 1 2 3 - - -")
    var twice = Play()
    #expect(twice.arrive(0) == .restarted && twice.arrive(0) == .duplicate)
    #expect(twice.arrive(1) == .stored && twice.arrive(1) == .duplicate && twice.buffer.count == 2)
  }

  @Test("A single lost packet is told with the one after it; of two, the first is missing")
  func loss() {
    #expect(play(even(0..<6).filter { $0.number != 3 }, until: 160) == ". . 0 1 2 f4 4 5")
    #expect(play(even(0..<6).filter { !(2...3).contains($0.number) }, until: 160) == ". . 0 1 - f4 4 5")
  }

  @Test("A packet that comes after its time is late, and is not heard")
  func late() {
    var play = Play()
    for number in 0..<3 {
      play.now = Int64(number) * 20
      _ = play.arrive(number)
    }
    for time in stride(from: Int64(45), to: 125, by: 20) {
      play.now = time
      play.step()
    }
    #expect(play.heard == ["0", "1", "2", "-"])
    #expect(play.arrive(3) == .late)
    #expect(play.arrive(4) == .stored)
  }

  @Test("Jitter of 60 ms raises the target, and few packets are missed then", arguments: 0..<5 as Range<UInt64>)
  func jitter(seed: UInt64) {
    var entropy = Entropy(testing: seed)
    let arrivals = (0..<600).map { ($0, Int64($0) * 20 + Int64(entropy.next() % 61)) }
    let words = play(arrivals, until: 12_000).split(separator: " ")
    let late = words.dropFirst(100).count { $0 == "-" || $0.hasPrefix("f") }
    #expect(late <= 15, "\(late) of 500")
    #expect(words.count { $0 == "~" } <= 6)
  }

  @Test("The target follows the jitter up and down, within its bounds")
  func target() {
    var play = Play()
    var number = 0
    func run(_ count: Int, _ play: inout Play, delay: (Int) -> Int64) -> Int64 {
      for _ in 0..<count {
        _ = play.arrive(number, at: Int64(number) * 20 + delay(number))
        play.now = Int64(number) * 20 + 10
        play.step()
        number += 1
      }
      return play.buffer.target
    }
    #expect(play.buffer.target == .milliseconds(40))
    #expect(run(800, &play) { _ in 0 } == .milliseconds(20))
    #expect(run(400, &play) { $0 % 10 == 0 ? 90 : 0 } == .milliseconds(100))
    #expect(run(400, &play) { $0 % 5 == 0 ? 900 : 0 } == .milliseconds(200))
    #expect(run(900, &play) { _ in 0 } == .milliseconds(20))
  }

  @Test("Sound from a faster clock is offered for shortening, and never grows", arguments: [19_980, 20_000, 20_020])
  func drift(period: Int64) {
    var play = Play()
    var (number, most, shorter) = (0, 0, 0)
    for tick in 0..<30_000 as Range<Int64> {
      play.now = tick * 20
      while Int64(number) * period <= play.now * 1_000 {
        _ = play.arrive(number, at: Int64(number) * period / 1_000)
        number += 1
      }
      // Who hears an eager packet takes the next one at once.
      if play.step().hasSuffix("!") { play.step() }
      most = max(most, play.buffer.count)
    }
    shorter = play.heard.count { $0.hasSuffix("!") }
    let missing = play.heard.count { $0 == "-" || $0 == "~" }
    #expect(most <= 5, "\(most) packets waited")
    switch period {
    case 19_980: #expect((25...40).contains(shorter) && missing < 5, "\(shorter) \(missing)")
    case 20_020: #expect((25...60).contains(missing) && shorter < 5, "\(shorter) \(missing)")
    default: #expect(missing + shorter < 5)
    }
  }

  @Test("A burst after a stall is caught up with, and memory is bounded")
  func burst() {
    var play = Play()
    for number in 0..<2_000 { _ = play.arrive(number, at: 0) }
    #expect(play.buffer.count <= 32)
    var next = 2_000
    for tick in 0..<100 as Range<Int64> {
      play.now = 100 + tick * 20
      _ = play.arrive(next)
      next += 1
      if play.step().hasSuffix("!") { play.step() }
    }
    #expect(play.buffer.count <= 12)
  }

  @Test("Another source, or numbers that jump, begin anew")
  func restart() {
    var play = Play()
    _ = play.arrive(0)
    play.now = 45
    #expect(play.step() == "0")
    #expect(play.arrive(500) == .restarted)
    #expect(play.arrive(501, ssrc: 2) == .restarted)
    play.now = 90
    #expect(play.step() == "245")
  }

  @Test("Time that stood still at the source is believed after five packets")
  func pause() {
    var play = Play()
    for number in 0..<10 {
      play.now = Int64(number) * 20
      _ = play.arrive(number)
      play.now += 5
      play.step()
    }
    // Half a second in which the source's clock did not run.
    for _ in 0..<25 { play.now += 20; play.step() }
    let arrivals = (10..<16).map { number in
      play.now += 20
      return play.arrive(number)
    }
    #expect(arrivals == [.late, .late, .late, .late, .restarted, .stored])
  }

  @Test("Silence of a source that sends nothing is missing at first, then idle, and ends with its next packet")
  func discontinuous() {
    var play = Play()
    _ = play.arrive(0)
    var words: [String] = []
    for tick in 0..<40 as Range<Int64> {
      play.now = 45 + tick * 20
      words.append(play.step())
    }
    #expect(words[0] == "0" && words[1..<30].allSatisfy { $0 == "-" } && words[30...].allSatisfy { $0 == "." })
    #expect(play.arrive(42) == .restarted)
    // A shorter silence leaves the time as it was.
    let sound = even(0..<4) + even(14..<18)
    let heard = self.play(sound, until: 420)
    #expect(heard == ". . 0 1 2 3 - - - - - - - - - f14 14 15 16 17 -")
  }
}
