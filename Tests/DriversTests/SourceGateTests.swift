import Drivers
import Primitives
import SIP
import Testing

@Suite struct SourceGateTests {
  let start = Instant(microseconds: 1_000_000_000)
  let stranger = Endpoint(ipv4: 0x7f00_0002, port: 5_060)

  func judge(_ gate: inout SourceGate, _ endpoint: Endpoint, after: Int64) -> SourceGate.Verdict {
    gate.judge(endpoint, at: start + after)
  }

  @Test("Sixteen messages within two seconds shut a source out for five minutes")
  func ban() {
    var gate = SourceGate()
    for n in 1...15 as ClosedRange<Int64> {
      #expect(judge(&gate, stranger, after: n * 100_000) == .admitted)
    }
    #expect(judge(&gate, stranger, after: 1_700_000) == .banned)
    #expect(judge(&gate, stranger, after: 1_700_001) == .shutOut)
    #expect(judge(&gate, stranger, after: 1_700_000 + .seconds(300) - 1) == .shutOut)
    #expect(judge(&gate, stranger, after: 1_700_000 + .seconds(300)) == .admitted)
  }

  @Test("Fifteen messages every two seconds are never too many")
  func steady() {
    var gate = SourceGate()
    for n in 0..<1_000 as Range<Int64> {
      #expect(judge(&gate, stranger, after: n * 134_000) == .admitted)
    }
  }

  @Test("Another port of the same address counts together, another address does not")
  func sources() {
    var gate = SourceGate()
    for port in 1...15 as ClosedRange<UInt16> {
      #expect(judge(&gate, Endpoint(ipv4: 0x7f00_0002, port: port), after: 0) == .admitted)
    }
    #expect(judge(&gate, Endpoint(ipv4: 0x7f00_0003, port: 1), after: 0) == .admitted)
    #expect(judge(&gate, Endpoint(ipv4: 0x7f00_0002, port: 99), after: 0) == .banned)
  }

  @Test("One IPv6 network is one source")
  func network() {
    var gate = SourceGate()
    let banned = (1...16 as ClosedRange<UInt64>).map {
      judge(&gate, Endpoint(high: 0x2001_0db8_0000_0001, low: $0, port: 1), after: 0)
    }
    #expect(banned.last == .banned)
    #expect(judge(&gate, Endpoint(high: 0x2001_0db8_0000_0002, low: 1, port: 1), after: 0) == .admitted)
  }

  @Test("A flood from forged addresses does not grow memory")
  func bounded() {
    var limits = SourceGate.Limits()
    limits.sources = 100
    var gate = SourceGate(limits: limits)
    for n in 0..<10_000 as Range<UInt32> {
      _ = judge(&gate, Endpoint(ipv4: n, port: 1), after: Int64(n))
      #expect(gate.count <= 100)
    }
  }
}
