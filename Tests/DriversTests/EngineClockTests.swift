import Drivers
import Glibc
import Primitives
import Testing

@Suite struct EngineClockTests {
  @Test("The engine clock begins at wall time, and never before the last journaled instant")
  func floor() {
    let wall = Instant(microseconds: Int64(time(nil)) * 1_000_000)
    let clock = EngineClock()
    #expect(abs(clock.now - wall) < .seconds(2))
    let future = wall + .minutes(60)
    let later = EngineClock(notBefore: future)
    let first = later.now
    #expect(first >= future && first < future + .seconds(5))
    #expect(later.now >= first)
  }
}
