import ACD
import CallControl

extension Check {
  /// A line per queue of a folder that passes: how much later another queue's contact may come and still be served
  /// first.
  public static func starvation(_ folder: String) throws(ConfigurationError) -> [String] {
    starvation(try SiteFolder.load(folder).definitions)
  }

  static func starvation(_ definitions: Definitions) -> [String] {
    definitions.queues.indices.filter { !definitions.queues[$0].isRemoved }.map { index in
      let (bound, by) = definitions.overtaking(of: ContactClass(queue: QueueID(index: UInt32(index))))
      let name = definitions.queues[index].name
      let rival = by.map { " by \(definitions.queues[Int($0.queue.index)].name)" } ?? ""
      return switch bound {
      case .never: "\(name): overtaken by no later contact of another queue"
      case .within(let time): "\(name): overtaken\(rival) for at most \(inWords(time))"
      case .unbounded: "\(name): overtaken\(rival) unbounded"
      }
    }
  }

  private static func inWords(_ microseconds: Int64) -> String {
    let seconds = (microseconds + 999_999) / 1_000_000
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
    return parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
  }
}
