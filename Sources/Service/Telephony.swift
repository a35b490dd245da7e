import CallControl
import Drivers
import Logging
import SIP
import Web

/// The drivers under call control: SIP listeners and media threads.
final class Telephony: Sendable {
  init(site: Site, mailbox: Mailbox, clock: EngineClock, logger: Logger) async throws {}
  func start(isOverloaded: @escaping @Sendable () -> Bool) {}
  func transmit(_ transmission: UserAgent.Transmission) {}
  func media(_ command: MediaCommand) {}
  func metrics() -> [Metric] { [] }
  func stop() async {}
}
