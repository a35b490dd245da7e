public import ACD
public import CallControl
import Foundation

/// A folder of YAML files that together say what a site is.
public struct SiteFolder: Sendable {
  public var site: Site
  /// What runs, but perhaps not as meant.
  public var warnings: [Finding]
  /// All files as one stream of YAML documents in the order of their names; `site.hash` is its SHA-256.
  public var sources: [UInt8]
  /// What its authors expect of it.
  public var examples: [Example]

  /// Reads every `*.yaml` and `*.yml` in the folder. `names` is the table that the journal keeps: what was named once
  /// keeps its index.
  public init(reading path: String, names: Names = Names()) throws(ConfigurationError) {
    try self.init(Self.read(path), in: path, names: names)
  }

  /// Reads what was a folder once from its `sources`, as the journal keeps them. The files that it names are not looked
  /// at, for they may be gone or changed: the site knows where phones are, but no password, no token and no music.
  public init(stored sources: [UInt8], names: Names) throws(ConfigurationError) {
    try self.init(Self.parts(of: sources), in: nil, names: names)
  }

  private init(_ files: [Source], in folder: String?, names: Names) throws(ConfigurationError) {
    var findings: [Finding] = []
    var isWhole = true
    var merged: [Item.Pair] = []
    for file in files {
      do {
        guard let top = try file.parsed() else { continue }
        Shape.record(SiteSchema.file).check(top, "the file", owner: top.place, into: &findings)
        Self.merge(top.pairs, into: &merged, &findings)
      } catch {
        findings += error.findings
        isWhole = false
      }
    }
    // Where a file could not be read as YAML, what it would define seems unknown to the others: say only what is sure.
    guard isWhole else { throw ConfigurationError(findings) }
    var reader = SiteReader(
      folder: folder, top: Item(place: Place(file: folder ?? ""), value: .map(merged)), names: names)
    reader.read()
    findings += reader.findings
    guard !findings.hasError else { throw ConfigurationError(findings) }
    site = reader.site
    examples = reader.examples
    sources = Self.joined(files)
    site.hash = hexadecimalSHA256(of: sources)
    warnings = findings.inOrder
  }

  /// The site alone, for callers who do not show warnings.
  public static func load(_ path: String, names: Names = Names()) throws(ConfigurationError) -> Site {
    try SiteFolder(reading: path, names: names).site
  }

  private static func read(_ path: String) throws(ConfigurationError) -> [Source] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw ConfigurationError([Finding(at: Place(file: path), "no folder of configuration files can be read here")])
    }
    let files = names.filter { !$0.hasPrefix(".") && ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) }.sorted()
    guard !files.isEmpty else {
      throw ConfigurationError([Finding(at: Place(file: path), "no `*.yaml` file stands in this folder")])
    }
    var sources: [Source] = []
    for file in files { sources.append(try Source(reading: joinedPath(path, file))) }
    return sources
  }

  /// What stands before each file in the stream, with the file's name behind it.
  private static let mark = Array("--- # ".utf8)

  private static func joined(_ files: [Source]) -> [UInt8] {
    files.flatMap { file in
      mark + Array("\(file.file.split(separator: "/").last ?? "")\n".utf8) + file.bytes
        + (file.bytes.last == 10 ? [] : [10])
    }
  }

  /// The files of a stream. A mark of ours cannot be mistaken: `---` at the start of a line begins a document wherever
  /// it stands, and a file holds one.
  private static func parts(of sources: [UInt8]) -> [Source] {
    var files: [Source] = []
    for line in sources.split(separator: 10, omittingEmptySubsequences: false) {
      if line.starts(with: mark) {
        files.append(Source(file: String(decoding: line.dropFirst(mark.count), as: UTF8.self), bytes: []))
      } else if !files.isEmpty {
        files[files.count - 1].bytes += line + [10]
      }
    }
    // What follows the last line end is no line.
    if files.last?.bytes.isEmpty == false { files[files.count - 1].bytes.removeLast() }
    return files
  }

  /// Any top-level key may stand in any file: maps and lists grow together, and a name stands once.
  private static func merge(_ pairs: [Item.Pair], into merged: inout [Item.Pair], _ findings: inout [Finding]) {
    for pair in pairs {
      guard let index = merged.firstIndex(where: { $0.key == pair.key }) else {
        merged.append(pair)
        continue
      }
      switch (merged[index].item.value, pair.item.value) {
      case (.map(var known), .map(let new)):
        let earlier = Dictionary(known.map { ($0.key, $0.place) }, uniquingKeysWith: { first, _ in first })
        for pair in new {
          if let place = earlier[pair.key] {
            findings.append(Finding(at: pair.place, "`\(pair.key)` is defined twice: here and at \(place)"))
          } else {
            known.append(pair)
          }
        }
        merged[index].item.value = .map(known)
      case (.list(let known), .list(let new)):
        merged[index].item.value = .list(known + new)
      case _ where merged[index].item.isNothing:
        merged[index] = pair
      case _ where pair.item.isNothing:
        break
      default:
        findings.append(Finding(at: pair.place, "`\(pair.key)` is defined twice: here and at \(merged[index].place)"))
      }
    }
  }
}

/// `path` as seen from `folder`.
func joinedPath(_ folder: String, _ path: String) -> String {
  if path.hasPrefix("/") { return path }
  return folder.hasSuffix("/") || folder.isEmpty ? folder + path : folder + "/" + path
}
