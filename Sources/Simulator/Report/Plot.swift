/// A small SVG plot over the intervals of a day, or over bins. Colours come from the page's classes, so that it follows
/// light and dark.
struct Plot {
  enum Mark {
    /// A line through the middle of each interval; nil breaks it.
    case line([Double?], style: String)
    /// The same with a band around it: values and half-widths.
    case banded([Estimate?], style: String)
    /// A level that holds for each interval.
    case steps([Double], style: String)
    case bars([Double], style: String)
    /// A dashed line across, with a word at its end.
    case limit(Double, String)
  }
  var title: String
  /// What it shows, for who cannot see it.
  var description: String
  /// Of the edges between intervals or bins.
  var labels: [String]
  /// `%` for shares of one.
  var unit = ""
  /// Where the scale ends; a round value above the marks unless given.
  var top: Double?
  var marks: [Mark]

  private static let size = (width: 440.0, height: 220.0)
  private static let frame = (left: 44.0, right: 12.0, top: 14.0, bottom: 30.0)
  private var width: Double { Self.size.width - Self.frame.left - Self.frame.right }
  private var height: Double { Self.size.height - Self.frame.top - Self.frame.bottom }

  func svg(id: String) -> String {
    let highest = top ?? Self.roundUp(marks.map(\.highest).max() ?? 1)
    var svg = "<svg viewBox=\"0 0 \(Self.number(Self.size.width)) \(Self.number(Self.size.height))\" role=\"img\""
    svg += " aria-labelledby=\"\(id)-t \(id)-d\"><title id=\"\(id)-t\">\(Wording.escaped(title))</title>"
    svg += "<desc id=\"\(id)-d\">\(Wording.escaped(description))</desc>\n"
    svg += axes(highest)
    for mark in marks { svg += draw(mark, highest) }
    return svg + "</svg>\n"
  }

  private func x(_ place: Double) -> Double { Self.frame.left + width * place / Double(max(1, labels.count)) }
  private func y(_ value: Double, _ highest: Double) -> Double {
    Self.frame.top + height * (1 - min(max(value, 0), highest) / highest)
  }

  private func axes(_ highest: Double) -> String {
    var svg = ""
    for step in 0...4 {
      let value = highest * Double(step) / 4
      let y = Self.number(y(value, highest))
      svg +=
        "<path class=\"grid\" d=\"M\(Self.number(Self.frame.left)) \(y)H\(Self.number(x(Double(labels.count))))\"/>"
      let words = unit == "%" ? "\(Self.short(value * 100)) %" : Self.short(value)
      svg +=
        "<text class=\"tick end\" x=\"\(Self.number(Self.frame.left - 6))\" y=\"\(y)\" dy=\".32em\">\(words)</text>"
    }
    // As many labels as there is room for, at even distances.
    let longest = labels.map(\.count).max() ?? 1
    let room = max(2, Int(width / (Double(longest) * 6.4 + 14)))
    let usual = [1, 2, 4, 8, 12, 16, 24, 48]
    let step = usual.first { (labels.count + $0 - 1) / $0 <= room } ?? labels.count
    let bottom = Self.number(Self.size.height - Self.frame.bottom + 17)
    for place in stride(from: 0, to: labels.count, by: max(1, step)) {
      let x = Self.number(x(Double(place)))
      svg += "<path class=\"grid\" d=\"M\(x) \(Self.number(Self.frame.top + height))v4\"/>"
      svg += "<text class=\"tick\" x=\"\(x)\" y=\"\(bottom)\">\(Wording.escaped(labels[place]))</text>"
    }
    return svg + "\n"
  }

  private func draw(_ mark: Mark, _ highest: Double) -> String {
    switch mark {
    case .line(let values, let style):
      return path(values, highest).map { "<path class=\"line \(style)\" d=\"\($0)\"/>\n" } ?? ""
    case .banded(let estimates, let style):
      return bands(estimates, highest, style) + draw(.line(estimates.map { $0?.value }, style: style), highest)
    case .steps(let values, let style):
      var d = "M\(Self.number(x(0))) \(Self.number(y(0, highest)))"
      for (place, value) in values.enumerated() {
        d += "V\(Self.number(y(value, highest)))H\(Self.number(x(Double(place + 1))))"
      }
      return "<path class=\"area \(style)\" d=\"\(d)V\(Self.number(y(0, highest)))Z\"/>\n"
    case .bars(let values, let style):
      return values.enumerated().map { place, value in
        let (left, right) = (x(Double(place)) + 1.5, x(Double(place + 1)) - 1.5)
        let top = y(value, highest)
        let rest = Self.frame.top + height - top
        return "<rect class=\"\(style)\" x=\"\(Self.number(left))\" y=\"\(Self.number(top))\" "
          + "width=\"\(Self.number(right - left))\" height=\"\(Self.number(rest))\"/>"
      }.joined() + "\n"
    case .limit(let value, let word):
      let y = y(value, highest)
      // The word stands inside the frame, above the line unless that is too near the top.
      let text = y < Self.frame.top + 14 ? y + 13 : y - 5
      return
        "<path class=\"limit\" d=\"M\(Self.number(x(0))) \(Self.number(y))H\(Self.number(x(Double(labels.count))))\"/>"
        + "<text class=\"tick end limit-word\" x=\"\(Self.number(x(Double(labels.count)) - 4))\" "
        + "y=\"\(Self.number(text))\">\(Wording.escaped(word))</text>\n"
    }
  }

  /// - Returns: nil if there is nothing to draw.
  private func path(_ values: [Double?], _ highest: Double) -> String? {
    var d = ""
    var isDown = false
    for (place, value) in values.enumerated() {
      guard let value else {
        isDown = false
        continue
      }
      d += "\(isDown ? "L" : "M")\(Self.number(x(Double(place) + 0.5))) \(Self.number(y(value, highest)))"
      // A round end makes a single point visible.
      if !isDown { d += "h0" }
      isDown = true
    }
    return d.isEmpty ? nil : d
  }

  private func bands(_ estimates: [Estimate?], _ highest: Double, _ style: String) -> String {
    var svg = ""
    for run in estimates.indices.split(whereSeparator: { estimates[$0]?.halfWidth.isFinite != true }) {
      let points = run.compactMap { place in estimates[place].map { (x(Double(place) + 0.5), $0) } }
      guard points.count > 1 else { continue }
      let upper = points.map { "\(Self.number($0.0)) \(Self.number(y($0.1.value + $0.1.halfWidth, highest)))" }
      let lower = points.reversed().map {
        "\(Self.number($0.0)) \(Self.number(y($0.1.value - $0.1.halfWidth, highest)))"
      }
      svg += "<path class=\"band \(style)\" d=\"M\((upper + lower).joined(separator: "L"))Z\"/>\n"
    }
    return svg
  }

  /// The least of 1, 2, 4, 8 and their like that a scale of four steps can end on.
  static func roundUp(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 1 }
    var power = 0.001
    while power * 10 < value { power *= 10 }
    return [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].map { $0 * power }.first { $0 >= value } ?? power * 10
  }

  private static func number(_ value: Double) -> String { Wording.seconds((value * 10).rounded() / 10) }
  private static func short(_ value: Double) -> String { Wording.seconds((value * 1000).rounded() / 1000) }
}

extension Plot.Mark {
  fileprivate var highest: Double {
    switch self {
    case .line(let values, _): values.compactMap(\.self).max() ?? 0
    case .banded(let estimates, _): estimates.compactMap { $0?.value }.max() ?? 0
    case .steps(let values, _), .bars(let values, _): values.max() ?? 0
    case .limit(let value, _): value
    }
  }
}
