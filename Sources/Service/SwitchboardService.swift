import ACD
import CallControl
import Digest
import Drivers
import Foundation
public import Journal
public import Logging
import NIOPosix
import Primitives
import SIP
import ServiceLifecycle
import SiteConfiguration
import Synchronization
import UnixSignals
import Web

/// The composition root: reads the site, restores the journal, starts the threads and the listeners, and stops them
/// in order.
public struct SwitchboardService: Sendable {
  public struct Options: Sendable {
    /// The folder of YAML files.
    public var folder: String
    /// Where journal and keys are kept; made if it is not there.
    public var dataFolder: String
    /// Adds the demo page, two robots and a login, on loopback only.
    public var isDemo: Bool
    public var durability: Durability
    public init(folder: String, dataFolder: String, isDemo: Bool = false, durability: Durability = .process) {
      self.folder = folder; self.dataFolder = dataFolder; self.isDemo = isDemo; self.durability = durability
    }
  }

  /// Why a server does not start, in a sentence that says what to do.
  public struct Failure: Error, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
  }

  private let options: Options
  private let logger: Logger
  /// Gets lines for people: where the page is, how to log in.
  private let say: @Sendable (String) -> Void

  public init(options: Options, logger: Logger, say: @escaping @Sendable (String) -> Void) {
    self.options = options
    self.logger = logger
    self.say = say
  }

  /// Serves until SIGTERM or SIGINT.
  public func run() async throws {
    DescriptorLimit.raise()
    let store = try openJournal()
    let restored = try store.reader.restore()
    var (site, sources) = try readSite(names: restored.names)
    let demoToken = options.isDemo ? try prepareDemo(&site) : nil
    let clock = EngineClock(notBefore: restored.lastInstant ?? .distantPast)
    let restoration = Restoration(reader: store.reader, today: site, isDemo: options.isDemo, logger: logger)
    let switchboard = try restoration.switchboard(restored, entropy: Entropy(seed: randomSeed()))

    let mailbox = Mailbox()
    let replies = Replies()
    let feed = Feed(after: restored.lastSequence)
    let currentSite = CurrentSite(site)
    let perform: @Sendable (Command) async -> Reply = { await replies.perform($0, through: mailbox) }
    let robots = Robots(options.isDemo ? robotAgents(of: site) : [], perform: perform)
    // The engine ends what was live, and hears of the configuration, before anything that comes in.
    if restored.lastSequence > 0 { mailbox.post(.input(.restarted)) }
    mailbox.post(.reconfigure(site, sources: sources))
    let health = Health()
    let telephony = try await Telephony(
      site: currentSite, mailbox: mailbox, clock: clock, entropy: Entropy(seed: randomSeed()), logger: logger,
      isOverloaded: { mailbox.isNearlyFull || !health.canJournal })
    let releaser = Releaser(
      outlets: Outlets(
        transmit: { telephony.transmit($0) }, media: { telephony.media($0) }, reply: { replies.resume($0, with: $1) },
        notify: { notices in
          feed.publish(notices)
          robots.follow(notices)
        }))
    let journal = JournalThread(store: store) { report in
      health.note(report, logger: logger)
      if case .committed(let token) = report { releaser.release(through: token) }
    }
    releaser.attach(journal)
    health.attach(journal)
    let engine = EngineLoop(
      switchboard: switchboard, nextSequence: restored.lastSequence + 1, mailbox: mailbox, releaser: releaser,
      now: { clock.now }, onKnownEndpoints: { telephony.know($0) }, logger: logger)
    engine.start()
    await robots.signIn()

    let inquiries = Inquiries { [options, logger] query in
      let past = Restoration(
        reader: store.reader, today: currentSite.value, isDemo: options.isDemo, logger: logger)
      return try Inquiry(past).why(
        query.contact.description, agent: query.agent, offer: query.offer, now: clock.now)
    }
    let backend = Backend.serving(
      site: currentSite, reader: store.reader, inquiries: inquiries, perform: perform, isReady: { health.canJournal },
      metrics: { telephony.metrics() })
    let demo =
      options.isDemo
      ? DemoPage(
        consoleCommand: consoleCommand(site, token: demoToken ?? ""),
        callAddress: callAddress(site)) : nil
    let web = WebServer(
      backend: backend, feed: feed, visitorKey: try visitorKey(), listen: site.listen.http, demo: demo, logger: logger,
      eventLoops: MultiThreadedEventLoopGroup.singleton,
      onListening: { [say, options, site] port in
        if options.isDemo {
          say("Demo page:  http://\(site.listen.http.address):\(port)/demo")
          say("Agent:      amina (in a second terminal)")
          say("Console:    \(consoleCommand(site, token: demoToken ?? ""))")
          if let address = callAddress(site) { say("Call:       \(address)") }
        } else {
          say("Serving \(site.name) on \(site.listen.http.address):\(port).")
        }
      })
    let reload = Reload(
      folder: options.folder, isDemo: options.isDemo, current: currentSite, mailbox: mailbox, logger: logger
    ) { listen in
      if let certificate = listen.sip.certificate { try telephony.use(certificate) }
      if let certificate = listen.http.certificate { try web.renew(certificate) }
    }
    let memory = MemoryReturn { telephony.closeIdlePorts() }
    var configuration = ServiceGroupConfiguration(
      services: [.init(service: web), .init(service: reload), .init(service: memory)],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    configuration.maximumGracefulShutdownDuration = Duration.seconds(10)
    let served = await Result { try await ServiceGroup(configuration: configuration).run() }
    // Calls in progress get their BYE before the sockets close; whoever answers it has a second.
    mailbox.post(.input(.stopping))
    try? await Task.sleep(for: .seconds(1))
    engine.stop()
    journal.stop()
    await telephony.stop()
    try served.get()
  }

  // MARK: Starting

  private func openJournal() throws -> JournalStore {
    do {
      try FileManager.default.createDirectory(
        atPath: options.dataFolder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw Failure("The data folder \(options.dataFolder) cannot be made: \(error.localizedDescription)")
    }
    return try JournalStore(path: options.dataFolder + "/journal.sqlite", durability: options.durability)
  }

  private func readSite(names: Names) throws -> (Site, [UInt8]) {
    let folder = try SiteFolder(reading: options.folder, names: names)
    for warning in folder.warnings { logger.warning("\(warning)") }
    return (options.isDemo ? SiteFolder.demo(folder.site) : folder.site, folder.sources)
  }

  private func visitorKey() throws -> VisitorKey { try VisitorKey(file: options.dataFolder + "/visitor.key") }

  // MARK: Demo

  /// Makes the demo's login: a fresh token, kept beside the journal so that a restart keeps the login.
  private func prepareDemo(_ site: inout Site) throws -> String {
    let addresses = [site.listen.http.address, site.listen.sip.address, site.listen.media.address]
    guard addresses.allSatisfy({ $0 == "127.0.0.1" || $0 == "::1" || $0 == "localhost" }) else {
      throw Failure("--demo serves on loopback only; the site listens on \(addresses.joined(separator: ", ")).")
    }
    let file = options.dataFolder + "/demo.token"
    let token: String
    if let known = try? String(contentsOfFile: file, encoding: .utf8), known.utf8.count >= 16 {
      token = known
    } else {
      token = "demo-" + randomBytes(12).map { String($0 % 36, radix: 36) }.joined()
      _ = FileManager.default.createFile(
        atPath: file, contents: Data(token.utf8), attributes: [.posixPermissions: 0o600])
    }
    guard let agent = demoAgent(of: site) else { throw Failure("The site has no agent to log in as.") }
    site.tokens.append(
      Site.Token(sha256: HashFunction.sha256.hash(Array(token.utf8)), scopes: [.agent, .read, .admin], agent: agent))
    return token
  }

  private func demoAgent(of site: Site) -> AgentID? {
    let agents = site.definitions.agents
    let index = agents.firstIndex { $0.name == "amina" && !$0.isRemoved } ?? agents.firstIndex { !$0.isRemoved }
    return index.map { AgentID(index: UInt32($0)) }
  }

  private func robotAgents(of site: Site) -> [AgentID] {
    site.definitions.agents.indices.filter { site.definitions.agents[$0].name.hasPrefix("robot-") }
      .map { AgentID(index: UInt32($0)) }
  }
}

private func consoleCommand(_ site: Site, token: String) -> String {
  // The program by the name it was started with: a newcomer has not put it on the path.
  "\(CommandLine.arguments.first ?? "switchboard") console --server http://\(site.listen.http.address):\(site.listen.http.port) --token \(token)"
}

private func callAddress(_ site: Site) -> String? {
  guard site.listen.sip.udp != 0 else { return nil }
  return site.entries.first { $0.name.hasPrefix("sip:") }
    .map { "\($0.name.prefix { $0 != "@" })@\(site.listen.sip.address):\(site.listen.sip.udp)" }
}

/// Whether the journal takes events.
final class Health: Sendable {
  private struct State {
    var isFailing = false
    var journal: JournalThread?
  }
  private let state = Mutex(State())

  func attach(_ journal: JournalThread) { state.withLock { $0.journal = journal } }

  /// False while commits fail or lag far behind: no new contact is taken then.
  var canJournal: Bool { state.withLock { !$0.isFailing && $0.journal?.isOverloaded != true } }

  func note(_ report: JournalThread.Report, logger: Logger) {
    switch report {
    case .committed: break
    case .failing(_, let reason):
      state.withLock { $0.isFailing = true }
      logger.error("The journal cannot be written (\(reason)); new contacts are refused until it can.")
    case .recovered:
      state.withLock { $0.isFailing = false }
      logger.notice("The journal can be written again.")
    case .gaveUp:
      logger.critical("The journal could not be written for 10 s; the server stops.")
      exit(1)
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
