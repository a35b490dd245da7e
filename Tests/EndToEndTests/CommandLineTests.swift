import Foundation
import Testing

extension EndToEnd {
  /// What a script sees of a command: its exit code, and where it says what. What the commands find out is tested beside
  /// the modules that they are shells of.
  @Suite("The command line", .enabled(if: Peers.have())) struct CommandLineTests {
    @Test("A good site and its scenarios pass the check; a mistake is one line with its place, and exit code 1")
    func check() throws {
      let folder = try WorkingFolder()
      let good = try folder.run("check", "Queues")
      #expect(good.code == 0 && good.output.contains("Queues: good") && good.output.contains("day.yaml: good"))
      let bad = try folder.run("check", "Misspelt")
      #expect(bad.code == 1)
      let finding = "Misspelt/site.yaml:1:19: unknown key `chanels` (did you mean `channels`?)"
      #expect(bad.output.contains(finding), "\(bad)")
      let annotated = try folder.run("check", "Misspelt", "--format", "github")
      let place = "::error file=Misspelt/site.yaml,line=1,col=19::"
      #expect(annotated.code == 1 && annotated.output.contains(place), "\(annotated)")
      #expect(try folder.run("check", "Queues", "--scenarios", "impossible.yaml").code == 1)
      #expect(try folder.run("check", "Nowhere").code == 1)
    }

    @Test("A simulation exits 0 if every threshold is met, 1 if one is missed, 2 on a bad file, 3 if one stays open")
    func simulate() throws {
      let folder = try WorkingFolder()
      let met = try folder.run(
        "simulate", "Simulations/day.yaml", "--audit", "--junit", "met.xml", "--html", "met.html")
      #expect(met.code == 0 && met.complaint.isEmpty, "\(met)")
      #expect(try folder.text("met.xml").hasPrefix("<?xml") && folder.text("met.html").hasPrefix("<!DOCTYPE html>"))
      let missed = try folder.run("simulate", "Simulations/day.yaml", "missed.yaml", "--format", "github")
      #expect(missed.code == 1 && missed.output.contains("::error file=missed.yaml"), "\(missed)")
      #expect(try folder.run("simulate", "open.yaml").code == 3)
      #expect(try folder.run("simulate", "open.yaml", "missed.yaml").code == 1, "the worst counts")
      let bad = try folder.run("simulate", "impossible.yaml")
      #expect(bad.code == 2 && bad.output.isEmpty && bad.complaint.contains("impossible.yaml:"), "\(bad)")
      #expect(try folder.run("simulate", "nowhere.yaml").code == 2)
      #expect(try folder.run("simulate", "Simulations/day.yaml", "--base", "Misspelt").code == 2)
      #expect(try folder.run("simulate", "Simulations/day.yaml", "--live", "nowhere").code == 2)
      #expect(try folder.run("simulate", "Simulations/day.yaml", "--html", "nowhere/page.html").code == 2)
      let json = try folder.run("simulate", "Simulations/day.yaml", "--json", "--threads", "1")
      #expect(try json.code == 0 && (folder.json(json.output) as? [Any])?.count == 1)
      #expect(try folder.run("simulate", "Simulations/day.yaml", "--json", "--threads", "2") == json, "the same bytes")
    }

    @Test("The least staffing of a day is found, or not, and says so by its exit code")
    func staff() throws {
      let folder = try WorkingFolder()
      let found = try folder.run("staff", "staffed.yaml", "--interval", "60", "--replications", "4", "--json")
      #expect(try found.code == 0 && folder.json(found.output) is [String: Any], "\(found)")
      let aimless = try folder.run("staff", "Simulations/day.yaml")
      #expect(aimless.code == 2 && aimless.complaint.contains("no threshold on a service level"), "\(aimless)")
      #expect(try folder.run("staff", "impossible.yaml").code == 2)
      #expect(try folder.run("staff", "nowhere.yaml").code == 2)
    }

    @Test("What is wrong with the command line itself is said in one sentence, before anything is done")
    func usage() throws {
      let folder = try WorkingFolder()
      for (arguments, sentence) in [
        (["simulate", "day.yaml", "--live", "var", "--audit"], "--audit does not know what came before --live"),
        (["simulate", "day.yaml", "--replications", "0"], "--replications must be at least 1"),
        (["simulate"], "Missing expected argument '<files> ...'"),
        (["replay", "--journal", "var", "--threads", "0"], "--threads must be at least 1"),
        (["replay", "--journal", "var", "--from", "2026-11-02", "--to", "2026-11-01"], "--from must lie before --to"),
        (["report", "--from", "yesterday"], "--from: yesterday is not a day or time like 2026-11-23"),
        (["report", "--to", "999999-01-01"], "--to: 999999-01-01 is not a day or time like 2026-11-23"),
        (["staff", "day.yaml", "--interval", "3"], "--interval must be 5 to 1440 minutes"),
        (["report", "everything"], "The value 'everything' is invalid for '<subject>'"),
        (["inspect", "http", "file"], "The value 'http' is invalid for '<kind>'"),
      ] {
        let answer = try folder.run(arguments)
        #expect(answer.code == 64 && answer.output.isEmpty, "\(arguments): \(answer)")
        #expect(answer.complaint.hasPrefix("Error: \(sentence)"), "\(arguments): \(answer)")
      }
    }

    @Test("The program needs no Swift where it runs: its libraries are Debian's")
    func libraries() async throws {
      let ldd = try Peer(
        try #require(find("ldd")), [try #require(Peers.server)], in: FileManager.default.temporaryDirectory)
      #expect(await ldd.ends(within: 10) == 0, "\(ldd.text)")
      #expect(ldd.text.contains("libsqlite3") && !ldd.text.contains("swift"), "\(ldd.text)")
    }

    @Test("A token that is missing or cannot be read is said so, in one sentence")
    func login() throws {
      let folder = try WorkingFolder()
      for arguments in [
        ["console"], ["why", "ct_1", "--server", "http://127.0.0.1:9"], ["migrate-waiting", "support"],
      ] {
        let missing = try folder.run(arguments)
        #expect(missing.code == 1, "\(arguments): \(missing)")
        #expect(missing.complaint == "A token is needed: --token, --token-file or SWITCHBOARD_TOKEN.\n")
        let unread = try folder.run(arguments + ["--token-file", "nowhere"])
        #expect(unread.code == 1, "\(arguments): \(unread)")
        #expect(unread.complaint == "The token's file nowhere cannot be read.\n")
      }
    }

    @Test("A message that is refused exits 1, a file that cannot be read 2")
    func inspect() throws {
      let folder = try WorkingFolder()
      try folder.write("good.sdp", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n")
      let good = try folder.run("inspect", "sdp", "good.sdp")
      #expect(try good.code == 0 && folder.json(good.output) is [String: Any], "\(good)")
      let refused = try folder.run("inspect", "sip", "good.sdp")
      #expect(refused.code == 1 && refused.complaint == "good.sdp: refused\n", "\(refused)")
      #expect(try folder.json(refused.output) is [String: Any], "why and where, as JSON, too")
      #expect(try folder.run("inspect", "sdp", "nowhere.sdp").code == 2)
    }

    @Test("Schemas are JSON, a token is shown with a hash of it")
    func schemaAndToken() throws {
      let folder = try WorkingFolder()
      for kind in ["site", "scenario"] {
        let schema = try folder.run("schema", kind)
        #expect(try schema.code == 0 && (folder.json(schema.output) as? [String: Any])?["$schema"] is String)
      }
      let lines = try folder.run("token").output.split(separator: "\n").map { $0.split(separator: " ") }
      #expect(lines.map(\.first) == ["token:", "token_sha256:"] && lines.map { $0.last?.count } == [48, 64])
    }

    @Test("A data folder that holds no journal is named by whoever needs one")
    func noJournal() throws {
      let folder = try WorkingFolder()
      for (arguments, code) in [
        (["report", "--data", "nowhere"], 1), (["why", "ct_1", "--data", "nowhere"], 1),
        (["replay", "--journal", "nowhere"], 2),
      ] {
        let answer = try folder.run(arguments)
        #expect(answer.code == Int32(code) && answer.output.isEmpty, "\(arguments): \(answer)")
        #expect(answer.complaint.contains("nowhere") && !answer.complaint.dropLast().contains("\n"), "\(answer)")
      }
    }

    @Test("A chat is explained while the server runs, and reported, explained and replayed after it")
    func journal() async throws {
      let site = try await RunningSite.ofChats(.forTest(30))
      let token = RunningSite.agentToken
      try await site.call("POST", "/v1/agents/me/sign-in", token: token)
      try await site.call("POST", "/v1/agents/me/ready", token: token)
      let contact = try await site.openChat("Visitor").id
      let me = try await site.call("GET", "/v1/agents/me", token: token).json
      let offer = try #require((me["offer"] as? [String: Any])?["id"] as? String, "\(me)")
      try await site.call("POST", "/v1/offers/\(offer)/accept", token: token)

      let folder = try WorkingFolder()
      let data = site.folder.appending(path: "data").path
      let queues = site.folder.appending(path: "Queues").path
      let why = try folder.run("why", contact, "--data", data, "--agent", "amina", "--json")
      let decision = (try folder.json(why.output) as? [String: Any])?["decision"] as? [String: Any]
      #expect(why.code == 0 && decision?["agent"] as? String == "ag_amina", "\(why)")
      let stranger = try folder.run("why", "ct_0", "--data", data)
      #expect(stranger.code == 1 && stranger.complaint == "There is no contact ct_0 in the journal.\n", "\(stranger)")
      let nobody = try folder.run("why", contact, "--data", data, "--agent", "bertha")
      #expect(nobody.code == 1 && nobody.complaint.contains("agents are amina"), "\(nobody)")
      let talking = try folder.run("replay", "--journal", data, "--site", queues)
      #expect(talking.code == 2 && talking.complaint.contains("nobody was answered"), "\(talking)")
      try await site.call("DELETE", "/v1/contacts/\(contact)", token: token)
      await site.server.stop()

      for subject in ["contacts", "intervals", "queues", "agents"] {
        let report = try folder.run("report", subject, "--data", data, "--json")
        #expect(
          try (folder.json(report.output) as? [Any])?.isEmpty == false && report.code == 0, "\(subject): \(report)")
      }
      #expect(try folder.run("report", "--data", data, "--to", "2020-01-01", "--json").output == "[]\n")
      let table = try folder.run("report", "--data", data, "--format", "csv").output
      #expect(table.components(separatedBy: "\r\n").count == 3 && table.hasSuffix("\r\n"), "a heading and one row")
      #expect(try folder.run("why", contact, "--data", data).output.contains("accepted         \(offer) by amina"))
      let replayed = try folder.run("replay", "--journal", data, "--site", queues, "--replications", "2")
      #expect(replayed.code == 0 && replayed.output.contains("Recorded arrivals replayed."), "\(replayed)")
      let before = try folder.run("replay", "--journal", data, "--site", queues, "--to", "2020-01-01")
      #expect(before.code == 2 && before.complaint.contains("the journal holds nothing of that time"), "\(before)")
      #expect(try folder.run("replay", "--journal", data, "--site", "nowhere").code == 2)
      await site.stop()
    }
  }

  /// A folder with a site and scenarios, where commands are run to their end.
  private final class WorkingFolder {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "folder-\(UUID().uuidString)")

    struct Answer: Equatable {
      var code: Int32
      var output: String
      var complaint: String
    }

    init() throws {
      try write(
        "Queues/site.yaml",
        """
        site: { name: Test, time_zone: UTC }
        queues: { help: { channels: [voice], wrap_up: { default: 0s } } }
        agents: { ada: { phone: demo, queues: [help] }, bob: { phone: demo, queues: [help] } }

        """)
      try write("Misspelt/site.yaml", "queues: { help: { chanels: [voice] } }\n")
      try write("Simulations/day.yaml", Self.scenario("help.offered >= 20", site: "../Queues"))
      try write("staffed.yaml", Self.scenario("help.sl.negative(20s) >= 0.5"))
      try write("missed.yaml", Self.scenario("help.abandon_rate >= 0.99"))
      try write("open.yaml", Self.scenario("help.occupancy >= 0.05", replications: 1))
      try write("impossible.yaml", Self.scenario("sales.offered >= 1"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static func scenario(_ expect: String, site: String = "Queues", replications: Int = 5) -> String {
      """
      site: \(site)
      span: { start: "2026-11-23T08:00", end: "12:00" }
      callers:
        people:
          queue: help
          arrivals: { per_hour: [10, 20, 20, 10] }
          patience: { exponential: { mean: 2m } }
          handle: { voice: { exponential: { mean: 3m } } }
      agents: { ada: {}, bob: {} }
      runs: { seed: 1, replications: \(replications) }
      expect: ["\(expect)"]

      """
    }

    func write(_ path: String, _ text: String) throws {
      let file = folder.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }

    func text(_ path: String) throws -> String { try String(contentsOf: folder.appending(path: path), encoding: .utf8) }

    func json(_ text: String) throws -> Any { try JSONSerialization.jsonObject(with: Data(text.utf8)) }

    func run(_ arguments: String...) throws -> Answer { try run(arguments) }

    func run(_ arguments: [String]) throws -> Answer {
      let process = Process()
      process.executableURL = URL(filePath: try #require(Peers.server))
      process.arguments = arguments
      process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("SWITCHBOARD") }
      process.currentDirectoryURL = folder
      // Files, since a pipe that nobody empties meanwhile would hold the program up.
      for name in ["output", "complaint"] { try write(name, "") }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: folder.appending(path: "output"))
      process.standardError = try FileHandle(forWritingTo: folder.appending(path: "complaint"))
      try process.run()
      process.waitUntilExit()
      return Answer(code: process.terminationStatus, output: try text("output"), complaint: try text("complaint"))
    }
  }
}
