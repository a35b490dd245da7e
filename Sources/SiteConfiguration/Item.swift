import Foundation
import Yams

/// A piece of YAML with the place where it stands.
struct Item {
  enum Value {
    case text(String, isPlain: Bool)
    case list([Item])
    case map([Pair])
  }
  struct Pair {
    var key: String
    /// Where the key stands.
    var place: Place
    var item: Item
  }
  var place: Place
  var value: Value

  /// Nothing stands behind the key, or `null`.
  var isNothing: Bool {
    if case .text(let text, isPlain: true) = value { ["", "~", "null", "Null", "NULL"].contains(text) } else { false }
  }
  var text: String? { if case .text(let text, _) = value, !isNothing { text } else { nil } }
  var list: [Item] { if case .list(let items) = value { items } else { [] } }
  var pairs: [Pair] { if case .map(let pairs) = value { pairs } else { [] } }
  subscript(key: String) -> Item? { pairs.first { $0.key == key && !$0.item.isNothing }?.item }

  /// What stands here, for "must be …, not …".
  var noun: String {
    switch value {
    case .text(let text, _): isNothing ? "nothing" : "`\(text.prefix(60))`"
    case .list: "a list"
    case .map: "a map"
    }
  }
}

/// A file as people wrote it.
struct Source {
  /// More than any site needs; a bound on what a slip (a log file in the folder) can cost.
  static let byteLimit = 4 << 20
  static let itemLimit = 200_000

  var file: String
  var bytes: [UInt8]

  init(reading file: String) throws(ConfigurationError) {
    guard let contents = FileManager.default.contents(atPath: file) else {
      throw ConfigurationError([Finding(at: Place(file: file), "the file cannot be read")])
    }
    self.init(file: file, bytes: Array(contents))
  }

  init(file: String, bytes: [UInt8]) { self.file = file; self.bytes = bytes }

  /// The top of the file, nil if nothing stands in it.
  func parsed() throws(ConfigurationError) -> Item? {
    guard bytes.count <= Self.byteLimit else {
      throw ConfigurationError([Finding(at: Place(file: file), "the file is longer than 4 MiB")])
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError([Finding(at: Place(file: file), "the file is not UTF-8 text")])
    }
    do {
      guard let node = try Parser(yaml: text).singleRoot() else { return nil }
      var remaining = Self.itemLimit
      guard let item = item(node, &remaining) else {
        let message = "more than \(Self.itemLimit) items stand in the file, aliases resolved"
        throw ConfigurationError([Finding(at: Place(file: file), message)])
      }
      return item.isNothing ? nil : item
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError([problem(error, in: text)])
    }
  }

  private func place(_ mark: Mark?) -> Place { Place(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1) }

  /// Nil when the limit is used up: aliases of aliases grow without bound.
  private func item(_ node: Node, _ remaining: inout Int) -> Item? {
    remaining -= 1
    guard remaining >= 0 else { return nil }
    let place = place(node.mark)
    switch node {
    case .scalar(let scalar):
      return Item(place: place, value: .text(scalar.string, isPlain: scalar.style == .plain))
    case .sequence(let sequence):
      var items: [Item] = []
      for element in sequence {
        guard let item = item(element, &remaining) else { return nil }
        items.append(item)
      }
      return Item(place: place, value: .list(items))
    case .mapping(let mapping):
      var pairs: [Item.Pair] = []
      for (key, value) in mapping {
        guard let item = item(value, &remaining) else { return nil }
        // A list or map as key is no key anybody knows, and is reported as an unknown one.
        pairs.append(Item.Pair(key: key.scalar?.string ?? "?", place: self.place(key.mark), item: item))
      }
      return Item(place: place, value: .map(pairs))
    case .alias(let alias):
      return Item(place: place, value: .text("*" + alias.anchor.rawValue, isPlain: true))
    }
  }

  private func problem(_ error: any Error, in text: String) -> Finding {
    guard let error = error as? YamlError else { return Finding(at: Place(file: file), "not YAML: \(error)") }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let context = context.map { "\($0.text.trimmingCharacters(in: .whitespaces)), " } ?? ""
      return Finding(at: place(mark), "not YAML: \(context)\(problem)")
    case .reader(let problem, let offset, _, _):
      let before = text.prefix(offset ?? 0)
      let line = before.split(separator: "\n", omittingEmptySubsequences: false)
      return Finding(
        at: Place(file: file, line: line.count, column: (line.last?.unicodeScalars.count ?? 0) + 1),
        "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let names, let context):
      let first = place(context.mark)
      let name = names.first ?? ""
      guard let second = repetition(of: name, after: first, in: text) else {
        return Finding(at: first, "`\(name)` is defined twice")
      }
      return Finding(at: second, "`\(name)` is defined twice: here and at \(first)")
    default:
      return Finding(at: Place(file: file), "not YAML: \(error)")
    }
  }

  /// Where a key stands again: the parser tells only the first place.
  private func repetition(of name: String, after first: Place, in text: String) -> Place? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard first.line >= 1, first.line <= lines.count else { return nil }
    var candidates: [Place] = []
    for (index, line) in lines.enumerated().dropFirst(first.line - 1) {
      var rest = line[...]
      while let found = rest.firstRange(of: name) {
        let column = line[..<found.lowerBound].unicodeScalars.count + 1
        let tail = rest[found.upperBound...].drop { "\"' ".contains($0) }
        let quoted = line[..<found.lowerBound].last.map { "\"'".contains($0) } ?? false
        let here = Place(file: file, line: index + 1, column: quoted ? column - 1 : column)
        if tail.first == ":", here > first { candidates.append(here) }
        rest = rest[found.upperBound...]
        if found.isEmpty { break }
      }
    }
    // In block style the second stands under the first; in flow style it is the next one.
    return candidates.first { $0.column == first.column } ?? candidates.first
  }
}
