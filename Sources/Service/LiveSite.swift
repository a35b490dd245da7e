import ACD
import CallControl
import Foundation
import Journal
import Logging
import Primitives
public import SiteConfiguration

extension Restoration {
  /// Over the journal of a server that runs or not.
  /// - Throws: `JournalError`, or a sentence where a configuration cannot be read.
  init(dataFolder: String) throws {
    let reader = try JournalReader(path: dataFolder + "/journal.sqlite")
    let restored = try reader.restore()
    guard let configuration = restored.configuration else {
      throw Inquiry.Refusal(description: "The journal is empty: no server has run with \(dataFolder) yet.")
    }
    let isDemo = FileManager.default.fileExists(atPath: dataFolder + "/demo.token")
    let stored = try SiteFolder(stored: configuration.body, names: restored.names).site
    self.init(
      reader: reader, today: isDemo ? SiteFolder.demo(stored) : stored, isDemo: isDemo,
      logger: Logger(label: "journal") { _ in SwiftLogNoOpLogHandler() })
  }
}

extension LiveState {
  /// The site of a server that runs or not, as of the last record of its journal.
  /// - Throws: `JournalError`, or a sentence where a configuration cannot be read.
  public init(dataFolder: String) throws {
    let restoration = try Restoration(dataFolder: dataFolder)
    let restored = try restoration.reader.restore()
    let switchboard = try restoration.switchboard(restored, entropy: Entropy(seed: (1, 2, 3, 4)))
    self.init(engine: switchboard.engine, names: restored.names, source: dataFolder)
  }
}
