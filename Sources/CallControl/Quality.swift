import ACD
import Primitives
import SDP

/// How well packets of one leg travel, by its far end's RTCP and by our own counting.
public struct Quality: Sendable, Equatable {
  /// Received from the far end since the leg began.
  public var packetsReceived: UInt64
  /// Lost on the way to us and on the way to the far end since the last word, in parts per million.
  public var lossIn: UInt32
  public var lossOut: UInt32
  /// Of what we receive (RFC 3550 section 6.4.1), in microseconds.
  public var jitter: Int64
  /// Microseconds; nil until the far end has answered a report of ours.
  public var roundTrip: Int64?
  public init(
    packetsReceived: UInt64 = 0, lossIn: UInt32 = 0, lossOut: UInt32 = 0, jitter: Int64 = 0, roundTrip: Int64? = nil
  ) {
    self.packetsReceived = packetsReceived; self.lossIn = lossIn; self.lossOut = lossOut
    self.jitter = jitter; self.roundTrip = roundTrip
  }
}

/// What was said of one leg's packets in its contact.
struct QualityCourse: Sendable {
  private(set) var last = Quality()
  private var reports: Int64 = 0
  /// Those over times in which something was received.
  private var heard: Int64 = 0
  private var trips: Int64 = 0
  private var lossIn: Int64 = 0
  private var lossOut: Int64 = 0
  private var jitter: Int64 = 0
  private var roundTrip: Int64 = 0

  mutating func add(_ quality: Quality) {
    reports += 1
    lossOut += Int64(quality.lossOut)
    if quality.packetsReceived != last.packetsReceived {
      heard += 1
      lossIn += Int64(quality.lossIn)
      jitter += quality.jitter
    }
    if let trip = quality.roundTrip {
      trips += 1
      roundTrip += trip
    }
    last = quality
  }

  /// The mean of the reports, which come at equal distances.
  var mean: Quality {
    Quality(
      packetsReceived: last.packetsReceived, lossIn: UInt32(clamping: lossIn / max(heard, 1)),
      lossOut: UInt32(clamping: lossOut / max(reports, 1)), jitter: jitter / max(heard, 1),
      roundTrip: trips == 0 ? nil : roundTrip / trips)
  }
}

/// How many measures fell into each of some classes, and their sum.
public struct Buckets: Sendable, Equatable {
  /// The upper bounds, rising, each within its class; one more class has none.
  public let bounds: [Int64]
  public private(set) var counts: [UInt64]
  public private(set) var sum: Int64 = 0
  init(_ bounds: [Int64]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  mutating func count(_ value: Int64) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }
}

/// The quality of all legs of one side since the process began, report by report.
public struct QualityBuckets: Sendable, Equatable {
  /// Parts per million.
  public private(set) var lossIn = Buckets([0, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000])
  public private(set) var lossOut = Buckets([0, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000])
  /// Microseconds.
  public private(set) var jitter = Buckets([1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000])
  public private(set) var roundTrip = Buckets([5_000, 10_000, 20_000, 50_000, 100_000, 150_000, 200_000, 400_000])
  public init() {}

  public mutating func count(_ quality: Quality) {
    lossIn.count(Int64(quality.lossIn))
    lossOut.count(Int64(quality.lossOut))
    jitter.count(quality.jitter)
    if let trip = quality.roundTrip { roundTrip.count(trip) }
  }
}

extension Switchboard {
  /// The media threads tell how well a leg's packets travel.
  mutating func measured(_ quality: Quality, on media: MediaID, at now: Instant, into step: inout Step) {
    guard let id = calls.ports[media], let leg = calls.legs[id], leg.media == media, let contact = leg.contact,
      let it = contacts[contact], let codec = leg.codec
    else { return }
    var course = calls.qualities[id] ?? QualityCourse()
    course.add(quality)
    calls.qualities[id] = course
    calls.measures[Int(leg.side.rawValue)].count(quality)
    let view = QualityView(contact: it.id, side: leg.side, codec: codec, quality: quality)
    step.afterCommit.append(
      .notify(
        Notice(
          sequence: step.acd.sequence - 1, at: now, contact: leg.side == .contact ? it.id : nil,
          agent: talkingAgent(contact), body: .quality(view))))
  }

  /// The leg leaves its contact, whose record keeps how well its packets travelled. Of a call that was too short for a
  /// report nothing is known.
  mutating func closeQuality(of id: LegID, at now: Instant, into step: inout Step) {
    guard let course = calls.qualities.remove(id), let leg = calls.legs[id], let contact = leg.contact,
      contacts.contains(contact)
    else { return }
    emit(.legMeasured(contact, leg.side, course.mean), at: now, into: &step)
  }
}
