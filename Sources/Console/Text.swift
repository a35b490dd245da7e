import API

extension String {
  var trimmed: String {
    var rest = self[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }

  /// The text without what would steer a terminal or turn the direction of writing: visitors choose what they send.
  /// Line ends become `\n`.
  var onOneLine: String {
    var safe = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar.value {
      case 0x0A: safe.append(contentsOf: "\\n".unicodeScalars)
      case 0x09: safe.append(" ")
      case 0x00...0x1F, 0x7F...0x9F, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: break
      default: safe.append(scalar)
      }
    }
    return String(safe)
  }
}

/// `0:41`, `12:05`, `1:02:03`; what lies in the future is zero.
func clock(_ milliseconds: Int64) -> String {
  let seconds = max(0, milliseconds) / 1_000
  func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
  return seconds < 3_600
    ? "\(seconds / 60):\(two(seconds % 60))"
    : "\(seconds / 3_600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
}

/// A wait as a range, in minutes unless it is short: `<1m`, `2m`, `3-5m`.
func spoken(_ wait: WaitRange) -> String {
  func minutes(_ seconds: Double) -> Int { Int(min(max(0, seconds), 86_400) / 60 + 0.5) }
  let (low, high) = (minutes(wait.lowSeconds), minutes(wait.highSeconds))
  return high < 1 ? "<1m" : low == high ? "\(high)m" : "\(low)-\(high)m"
}

extension Contact {
  /// What to call whoever is at the other end, and whether somebody vouches for it. Who calls themself verified is
  /// told apart from who is.
  var caller: String {
    if let name = visitorName?.onOneLine, !name.isEmpty {
      if isVerified { return name + " (verified)" }
      return name.lowercased().contains("verified") ? "not verified: " + name : name
    }
    if let address = address?.onOneLine, !address.isEmpty { return address }
    return "guest-" + id.suffix(4)
  }

  var queueName: String { queue.withoutPrefix }
}

extension String {
  /// `support` of `q_support`.
  var withoutPrefix: String { firstIndex(of: "_").map { String(self[index(after: $0)...]) } ?? self }
}
