import ACD
import CallControl
import Foundation
import Journal
import Logging
import Primitives
public import SiteConfiguration

extension Restoration {
  /// Over the journal of a server that runs or not, and what the journal said of its end.
  /// - Throws: `JournalError`, or a sentence where a configuration cannot be read.
  static func read(dataFolder: String) throws -> (Restoration, Restored) {
    let reader = try JournalReader(path: dataFolder + "/journal.sqlite")
    let restored = try reader.restore()
    guard let configuration = restored.configuration else {
      throw Inquiry.Refusal(description: "The journal is empty: no server has run with \(dataFolder) yet.")
    }
    let isDemo = FileManager.default.fileExists(atPath: dataFolder + "/demo.token")
    let stored = try SiteFolder(stored: configuration.body, names: restored.names).site
    let restoration = Restoration(
      reader: reader, today: isDemo ? SiteFolder.demo(stored) : stored, isDemo: isDemo,
      logger: Logger(label: "journal") { _ in SwiftLogNoOpLogHandler() })
    return (restoration, restored)
  }
}

extension LiveState {
  /// The site of a server that runs or not, as of the last record of its journal.
  /// - Throws: `JournalError`, or a sentence where a configuration cannot be read.
  public init(dataFolder: String) throws {
    let (restoration, restored) = try Restoration.read(dataFolder: dataFolder)
    let switchboard = try restoration.switchboard(restored, entropy: Entropy(seed: (1, 2, 3, 4)))
    self.init(engine: switchboard.engine, names: restored.names, source: dataFolder)
  }
}
