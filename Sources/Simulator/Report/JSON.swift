import Foundation
import SiteConfiguration

// MARK: For programs

extension SimulationReport: Encodable {
  private enum Key: String, CodingKey {
    case file, site, span, seed, replications, contacts, fingerprint, lines, thresholds, confidence, violations
    case verdict, course, comparison, remarks, repetition
  }
  private struct Threshold: Encodable {
    var text: String
    var file: String
    var line: Int
    var estimate: Estimate?
    var verdict: Verdict
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(file, forKey: .file)
    try container.encode(site, forKey: .site)
    try container.encode(span, forKey: .span)
    try container.encode(seed, forKey: .seed)
    try container.encode(replications, forKey: .replications)
    try container.encode(contacts, forKey: .contacts)
    try container.encode(fingerprint, forKey: .fingerprint)
    try container.encode(lines, forKey: .lines)
    let thresholds = results.map {
      Threshold(
        text: $0.expectation.text, file: $0.expectation.place.file, line: $0.expectation.place.line,
        estimate: $0.estimate, verdict: $0.verdict)
    }
    try container.encode(thresholds, forKey: .thresholds)
    try container.encode(confidence, forKey: .confidence)
    try container.encode(violations.map(\.description), forKey: .violations)
    try container.encode(verdict, forKey: .verdict)
    try container.encodeIfPresent(course, forKey: .course)
    try container.encodeIfPresent(comparison, forKey: .comparison)
    if !remarks.isEmpty { try container.encode(remarks, forKey: .remarks) }
    try container.encode(repetition, forKey: .repetition)
  }

  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}

extension Estimate: Encodable {
  private enum Key: String, CodingKey { case value, halfWidth }
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(value, forKey: .value)
    // JSON has no infinity.
    try container.encode(halfWidth.isFinite ? halfWidth : nil, forKey: .halfWidth)
  }
}
