/// What may stand somewhere in a file. One description drives the check, `did you mean` and the JSON Schema.
indirect enum Shape: Sendable {
  case scalar(Form)
  /// One of these words; the later ones are known, and refused plainly.
  case word([String], later: [String] = [])
  case list(Shape)
  /// A map with keys that we name.
  case record([Key])
  /// A map with names that people choose.
  case table(Form, Shape)
  /// Told apart by what stands there: text, list or map.
  case either(Shape, Shape)
  case anything

  var noun: String {
    switch self {
    case .scalar(let form): form.noun
    case .word(let words, _):
      words.count == 1 ? "`\(words[0])`" : "one of " + words.map { "`\($0)`" }.joined(separator: ", ")
    case .list: "a list"
    case .record, .table: "a map"
    case .either(let a, let b): "\(a.noun) or \(b.noun)"
    case .anything: "anything"
    }
  }

  func fits(_ item: Item) -> Bool {
    switch (self, item.value) {
    case (.scalar, .text), (.word, .text), (.list, .list), (.record, .map), (.table, .map), (.anything, _): true
    // An empty `agents:` is a map in which nothing stands yet.
    case (.record, .text), (.table, .text), (.list, .text): item.isNothing
    case (.either(let a, let b), _): a.fits(item) || b.fits(item)
    default: false
    }
  }
}

struct Key: Sendable {
  /// A key that is known but does nothing yet: an error where running without it would change what callers meet.
  struct Later: Sendable {
    var severity: Finding.Severity
    /// What happens, or what to do, instead.
    var instead: String
  }
  var name: String
  var shape: Shape
  var about: String
  var isRequired = false
  var later: Later?

  init(_ name: String, _ shape: Shape, _ about: String, isRequired: Bool = false) {
    self.name = name; self.shape = shape; self.about = about; self.isRequired = isRequired
  }
  static func later(_ name: String, _ severity: Finding.Severity, _ about: String, instead: String) -> Key {
    var key = Key(name, .anything, about)
    key.later = Later(severity: severity, instead: instead)
    return key
  }
}

extension Shape {
  /// Adds what is wrong with `item`. `label` is the key people know it by; `owner` is where to report what is missing.
  func check(_ item: Item, _ label: String, owner: Place, into findings: inout [Finding]) {
    guard fits(item) else {
      findings.append(Finding(at: item.place, "`\(label)` must be \(noun), not \(item.noun)"))
      return
    }
    switch self {
    case .scalar(let form):
      guard let text = item.text, form.accepts(text) else {
        findings.append(Finding(at: item.place, "`\(label)` must be \(form.noun), not \(item.noun)"))
        return
      }
    case .word(let words, let later):
      checkWord(item, words, later, label, into: &findings)
    case .list(let element):
      for item in item.list { element.check(item, label, owner: item.place, into: &findings) }
    case .record(let keys):
      Self.checkRecord(item, keys, label, owner, into: &findings)
    case .table(let name, let shape):
      for pair in item.pairs {
        if !name.accepts(pair.key) {
          findings.append(Finding(at: pair.place, "`\(pair.key)` must be \(name.noun)"))
        }
        shape.check(pair.item, pair.key, owner: pair.place, into: &findings)
      }
    case .either(let a, let b):
      (a.fits(item) ? a : b).check(item, label, owner: owner, into: &findings)
    case .anything:
      break
    }
  }

  private func checkWord(
    _ item: Item, _ words: [String], _ later: [String], _ label: String, into findings: inout [Finding]
  ) {
    let text = item.text ?? ""
    guard !words.contains(text) else { return }
    if later.contains(text) {
      findings.append(Finding(at: item.place, "`\(label): \(text)` is not built yet; it must be \(noun)"))
    } else {
      let hint = suggestion(for: text, among: words + later)
      findings.append(Finding(at: item.place, "`\(label)` must be \(noun), not \(item.noun)\(hint)"))
    }
  }

  private static func checkRecord(
    _ item: Item, _ keys: [Key], _ label: String, _ owner: Place, into findings: inout [Finding]
  ) {
    for pair in item.pairs {
      guard let key = keys.first(where: { $0.name == pair.key }) else {
        var hint = suggestion(for: pair.key, among: keys.map(\.name))
        if hint.isEmpty { hint = "; keys here are " + keys.map { "`\($0.name)`" }.joined(separator: ", ") }
        findings.append(Finding(at: pair.place, "unknown key `\(pair.key)`\(hint)"))
        continue
      }
      if let later = key.later {
        findings.append(Finding(later.severity, at: pair.place, "`\(key.name)` is not built yet; \(later.instead)"))
      } else {
        key.shape.check(pair.item, key.name, owner: pair.place, into: &findings)
      }
    }
    for key in keys where key.isRequired && !item.pairs.contains(where: { $0.key == key.name }) {
      findings.append(Finding(at: owner, "`\(label)` lacks the key `\(key.name)`"))
    }
  }
}
