import ACD
import CallControl
import Digest
import Foundation
import Primitives
import SIP
import SiteConfiguration
import Testing

/// The folder of this repository.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path(percentEncoded: false)

/// A folder with these files that lives as long as the value.
final class Folder {
  let path: String
  init(_ files: [String: String]) throws {
    path = FileManager.default.temporaryDirectory.appending(path: "site-\(UUID().uuidString)").path(
      percentEncoded: false)
    for (name, text) in files {
      let file = URL(filePath: path).appending(path: name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The problems found, errors or warnings, with paths from the folder.
  func findings() -> [String] {
    let found: [Finding]
    do { found = try SiteFolder(reading: path).warnings } catch { found = error.findings }
    return found.map { $0.description.replacing(path + "/", with: "").replacing(path, with: ".") }
  }
}

@Suite struct SiteFolderTests {
  @Test("The site that comes with Switchboard has neither an error nor a warning")
  func exampleSite() throws {
    let folder = try SiteFolder(reading: repository + "/Queues")
    #expect(folder.warnings == [])
    let site = folder.site
    #expect(site.name == "Acme")
    #expect(site.timeZone == "Europe/Berlin")
    #expect(site.definitions.queues.map(\.name) == ["reception", "sales", "support"])
    #expect(site.definitions.agents.map(\.name) == ["amina", "ben", "chiara", "davit", "nina"])
    let support = site.definitions.queues[2]
    #expect(support.priority == 5)
    #expect(support.aging == 1000)
    #expect(support.wrapUp == .seconds(15))
    #expect(support.wrapUpLimit == .seconds(45))
    #expect(support.waitingLimit == 200)
    #expect(support.waitLimit == .minutes(20))
    #expect(support.shortAbandon == .seconds(5))
    #expect(support.codes.map { site.definitions.names.codes[Int($0.index)] } == ["solved", "follow_up", "other"])
    #expect(site.definitions.profiles[Int(support.profile.index)].needs.map(\.level) == [50])
    #expect(site.queues[0].answer == .onAgent)
    let davit = site.definitions.agents[3]
    #expect(davit.take == .agentRank)
    #expect(davit.queues.map(\.rank) == [1, 2])
    #expect(site.agents[0].phone == .demo)
    #expect(site.entries.first { $0.name == "web:shop" }?.channels == [.voice, .chat])
    #expect(site.entries.first { $0.name == "web:shop" }?.origins == ["https://shop.acme.example"])
    #expect(site.hash.count == 64)
  }

  @Test("What a folder was is read from its sources alone: the same but for the files it names")
  func stored() throws {
    let folder = try Folder([
      "agents.yaml": """
      ---
      agents:
        amina: { queues: [support], phone: "sip:1@localhost", password_file: secret, token_file: secret }
      # no line end at the end
      """,
      "site.yaml": "queues:\n  support: { channels: [voice], music: music.wav, ring: 7s }\n",
      "secret": "a-secret-of-some-length", "music.wav": "RIFF",
    ])
    let read = try SiteFolder(reading: folder.path)
    let stored = try SiteFolder(stored: read.sources, names: read.site.definitions.names)
    #expect(stored.sources == read.sources)
    #expect(stored.site.hash == read.site.hash)
    #expect(stored.site.definitions == read.site.definitions)
    guard case .registers(let uri, let credentials) = stored.site.agents[0].phone else {
      return #expect(Bool(false), "no phone")
    }
    #expect(uri.user == "1")
    #expect(credentials.password == "")
    #expect(stored.site.tokens == [])
    #expect(stored.site.queues[0].music == 0)
  }

  @Test("A problem in stored sources is placed by file, line and column, as in the folder")
  func storedPlaces() throws {
    let (first, second) = ("queues:\n  support: {}\n", "\nagents:\n  amina: { queue: [support] }\n")
    let folder = try Folder(["a.yaml": first, "b.yaml": second])
    do {
      _ = try SiteFolder(stored: Array("--- # a.yaml\n\(first)--- # b.yaml\n\(second)".utf8), names: Names())
      Issue.record("read")
    } catch {
      #expect(error.findings.map(\.description) == folder.findings())
      #expect(error.findings.contains { $0.place == Place(file: "b.yaml", line: 3, column: 12) })
    }
    for broken in ["", "queues: {}\n", "--- # a.yaml", "\n\n"] {
      _ = try? SiteFolder(stored: Array(broken.utf8), names: Names())
    }
  }
}
