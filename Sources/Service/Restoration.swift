import ACD
import CallControl
import Journal
import Logging
import Primitives
import SiteConfiguration

/// Makes the switchboard that the journal left: the newest checkpoint that can be read and the records after it, each
/// under the configuration that was in force. Today's configuration is then applied as a reload would, so that who
/// waits keeps what was promised and whatever the change decides is journaled.
struct Restoration {
  let reader: JournalReader
  let today: Site
  let isDemo: Bool
  let logger: Logger

  func switchboard(_ restored: Restored, entropy: Entropy) throws -> Switchboard {
    var (switchboard, sequence) = try start(from: restored.checkpoint, entropy: entropy)
    var replayed = 0
    try reader.forEachRecord(after: sequence) { record in
      replay(record, into: &switchboard)
      replayed += 1
    }
    for (contact, id) in switchboard.liveContacts {
      guard let person = try reader.person(of: id) else { continue }
      switchboard.restorePerson(
        of: contact, name: person.name, address: person.address, attributes: person.attributes)
    }
    if restored.lastSequence > 0 {
      logger.info("Restored \(restored.lastSequence) records, \(replayed) of them after the checkpoint.")
    }
    return switchboard
  }

  /// The switchboard of a checkpoint, or of an older one where it cannot be read, and the sequence it stands at; an
  /// empty one before the first record.
  func start(from checkpoint: Checkpoint?, entropy: Entropy) throws -> (Switchboard, UInt64) {
    var candidate = checkpoint
    // Where several cannot be read, all are another version's.
    for _ in 0..<3 {
      guard let checkpoint = candidate else { break }
      var bytes = ByteReader(checkpoint.body)
      let site = checkpoint.configuration.map(site(storedUnder:)) ?? today
      do throws(CheckpointError) {
        return (try Switchboard(checkpoint: &bytes, site: site, entropy: entropy), checkpoint.sequence)
      } catch {
        logger.warning(
          "The checkpoint at \(checkpoint.sequence) cannot be read (\(error.reason)); an older one is tried.")
        candidate = try reader.checkpoint(before: checkpoint.sequence)
      }
    }
    // Nothing is defined before the first configuration is applied; what only a start changes is as today.
    var undefined = today
    undefined.definitions = Definitions(names: today.definitions.names)
    return (Switchboard(site: undefined, entropy: entropy), 0)
  }

  func replay(_ record: CallControl.Record, into switchboard: inout Switchboard) {
    switchboard.replay(record)
    if case .configurationApplied(let hash) = record.event { switchboard.replay(site(storedUnder: hash)) }
  }

  /// The site as it was configured then, or as it is today where this version cannot read that any more.
  private func site(storedUnder hash: String) -> Site {
    if hash == today.hash { return today }
    do {
      guard let sources = try reader.configuration(hash: hash) else {
        logger.warning("The configuration \(hash.prefix(12)) is not in the journal; today's takes its place.")
        return today
      }
      let names = today.definitions.names
      let stored = try SiteFolder(stored: sources, names: names).site
      var site = isDemo ? SiteFolder.demo(stored) : stored
      // Names are only ever added: one that is new now was read otherwise then.
      guard site.definitions.names == names else {
        logger.warning("The configuration \(hash.prefix(12)) means something else to this version; today's is used.")
        return today
      }
      site.domain = today.domain
      site.listen = today.listen
      return site
    } catch {
      logger.warning("The configuration \(hash.prefix(12)) cannot be read any more; today's is used:\n\(error)")
      return today
    }
  }
}
