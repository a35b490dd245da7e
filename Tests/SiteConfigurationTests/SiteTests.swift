import ACD
import CallControl
import Digest
import Foundation
import Primitives
import SDP
import SIP
import TestAuthority
import Testing

@testable import SiteConfiguration

@Suite struct SiteTests {
  @Test("Names keep their index over a reload, and what is gone stays as a tombstone")
  func names() throws {
    let before = try Folder([
      "site.yaml":
        "queues: { sales: {}, support: {} }\nagents: { amina: { queues: [sales] }, ben: { phone: demo, queues: [support] } }"
    ])
    let first = try SiteFolder.load(before.path)
    let after = try Folder([
      "site.yaml": """
      queues: { new: {}, support: {} }
      agents: { zoe: { phone: demo, queues: [new] }, ben: { phone: demo, queues: [support] } }
      """
    ])
    let second = try SiteFolder.load(after.path, names: first.definitions.names)
    #expect(second.definitions.names.queues == ["sales", "support", "new"])
    #expect(second.definitions.queues.map(\.isRemoved) == [true, false, false])
    #expect(second.definitions.names.agents == ["amina", "ben", "zoe"])
    #expect(second.definitions.agents.map(\.isRemoved) == [true, false, false])
    #expect(second.definitions.agents[1].queues.map(\.queue) == [QueueID(index: 1)])
    #expect(second.agents.count == 3 && second.queues.count == 3)
    #expect(after.findings().contains { $0.contains("warning") } == false)
  }

  @Test("A profile keeps its index when queues change places and when the last queue that needed it is gone")
  func profiles() throws {
    let agents = "agents: { amina: { phone: demo, queues: [plain], skills: { german: 90 } } }"
    let before = try Folder([
      "site.yaml": "queues: { sales: { skills: { sales: 1 } }, help: { skills: { german: 50 } }, plain: {} }\n\(agents)"
    ])
    let reordered = try Folder([
      "site.yaml": "queues: { help: { skills: { german: 50 } }, sales: { skills: { sales: 1 } }, plain: {} }\n\(agents)"
    ])
    let without = try Folder(["site.yaml": "queues: { plain: {} }\n\(agents)"])
    var definitions = try SiteFolder.load(before.path).definitions
    let profiles = definitions.profiles
    #expect(profiles.count == 3)
    var engine = Engine(definitions: definitions)
    var step = ACD.Step()
    for folder in [reordered, without, before] {
      let queues = definitions.queues
      definitions = try SiteFolder.load(folder.path, names: definitions.names).definitions
      #expect(definitions.profiles == profiles)
      for (old, new) in zip(queues, definitions.queues) where !old.isRemoved && !new.isRemoved {
        #expect(old.profile == new.profile)
      }
      engine.reconfigure(definitions, at: .distantPast, into: &step)
    }
  }

  @Test("A reference to a queue that was removed is an error although its name is still known")
  func removed() throws {
    var names = Names()
    names.queues = ["sales"]
    let folder = try Folder(["site.yaml": "queues: { support: {} }\nagents: { amina: { queues: [support, sales] } }"])
    #expect(throws: ConfigurationError.self) { try SiteFolder.load(folder.path, names: names) }
  }

  @Test("The hash is that of all files in the order of their names, kept whole as one stream")
  func hash() throws {
    let folder = try Folder(["b.yaml": "agents: {}", "a.yaml": "queues: { support: {} }\n", "notes.txt": "x"])
    let read = try SiteFolder(reading: folder.path)
    #expect(
      String(decoding: read.sources, as: UTF8.self)
        == "--- # a.yaml\nqueues: { support: {} }\n--- # b.yaml\nagents: {}\n")
    let octets = HashFunction.sha256.hash(read.sources)
    #expect(read.site.hash == octets.map { String(format: "%02x", $0) }.joined())
  }

  @Test("Secrets come from files: a phone's password, and tokens of which only the hash is kept")
  func secrets() throws {
    let folder = try Folder([
      "site.yaml": """
      site: { domain: acme.example }
      queues: { support: {} }
      agents:
        amina:
          phone: "sip:2001@acme.example"
          password_file: secrets/amina
          digest: [sha-256, md5]
          phone_answer: console
          token_file: secrets/token
          queues: [support]
      tokens:
        wall: { scopes: [read], token_sha256: \(String(repeating: "0f", count: 32)) }
      """, "secrets/amina": "correct horse\n", "secrets/token": "0123456789abcdef0123\n",
    ])
    let site = try SiteFolder.load(folder.path)
    let uri = try URI(parsing: "sip:2001@acme.example")
    let credentials = Site.Credentials(user: "2001", password: "correct horse", algorithms: [.sha256, .md5])
    #expect(site.agents[0].phone == .registers(uri, credentials))
    #expect(site.agents[0].phoneAnswer == .console)
    let hash = HashFunction.sha256.hash(Array("0123456789abcdef0123".utf8))
    #expect(site.tokens[0] == Site.Token(sha256: hash, scopes: [.agent], agent: AgentID(index: 0)))
    #expect(site.tokens[1] == Site.Token(sha256: [UInt8](repeating: 15, count: 32), scopes: [.read]))
    #expect(!String(decoding: try SiteFolder(reading: folder.path).sources, as: UTF8.self).contains("horse"))
  }

  @Test("Listening addresses, trusted sources and a queue's rules for its agents reach the site")
  func values() throws {
    let folder = try Folder([
      "site.yaml": """
      listen:
        http: { address: 0.0.0.0, port: 443, trusted_proxies: [10.0.0.0/8] }
        sip: { address: 0.0.0.0, advertised_address: 192.0.2.7, udp: 5070, tcp: 0 }
        media: { ports: 30000-30999, web_addresses: [192.0.2.7, "2001:db8::7"] }
      federation: { mode: direct, trusted_sources: [192.0.2.0/24, "2001:db8::/32"] }
      queues: { support: { interrupt: { chat_by_voice: false }, aging: 0.5, limits: { waiting: 0 } }, sales: { take: agent_rank } }
      agents:
        amina: { queues: [support], interrupt: { chat_by_voice: true } }
        ben: { queues: [support] }
        carl: { queues: { sales: 1, support: 2 } }
        dora: { queues: { sales: 1, support: 2 }, take: oldest }
      """
    ])
    let site = try SiteFolder.load(folder.path)
    #expect(site.listen.sip.advertisedAddress == "192.0.2.7")
    #expect(site.listen.sip.udp == 5070 && site.listen.sip.tcp == 0)
    #expect(site.listen.media.ports == 30000...30999 && site.listen.media.webPort == 30999)
    #expect(site.listen.media.webAddresses == ["192.0.2.7", "2001:db8::7"])
    let inside = try #require(Endpoint(address: "192.0.2.200", port: 5060))
    let outside = try #require(Endpoint(address: "192.0.3.1", port: 5060))
    let six = try #require(Endpoint(address: "2001:db8:1::1", port: 5060))
    #expect(site.federation.trustedSources.map { $0.contains(inside) } == [true, false])
    #expect(site.federation.trustedSources.map { $0.contains(six) } == [false, true])
    #expect(!site.federation.trustedSources.contains { $0.contains(outside) })
    #expect(site.definitions.agents.map(\.chatBlocksVoice) == [false, true, true, true])
    #expect(site.definitions.agents.map(\.take) == [.oldest, .oldest, .agentRank, .oldest])
    #expect(site.definitions.queues[0].aging == 500)
    #expect(site.definitions.queues[0].waitingLimit == 0)
  }

  @Test("The demo gives every agent a phone, trusts 127.0.0.1 alone, and keeps its robots to themselves")
  func demo() throws {
    let live = try SiteFolder.load(repository + "/Queues")
    let demo = SiteFolder.demo(live)
    let near = Endpoint(ipv4: 0x7f00_0001, port: 5060)
    let other = Endpoint(ipv4: 0x7f00_0002, port: 5060)
    #expect(demo.federation.trustedSources.contains { $0.contains(near) })
    #expect(!demo.federation.trustedSources.contains { $0.contains(other) })
    let robots = demo.definitions.agents.filter { $0.name.hasPrefix("robot-") }
    let queue = try #require(demo.definitions.queues.firstIndex { $0.name == "robots" })
    #expect(robots.map(\.name) == ["robot-1", "robot-2"])
    #expect(robots.allSatisfy { $0.queues.map { Int($0.queue.index) } == [queue] })
    #expect(demo.entries.contains { $0.name == "web:robots" && Int($0.queue.index) == queue })
    #expect(demo.definitions.agents.count == demo.agents.count)
    #expect(demo.definitions.names.agents.count == demo.agents.count)
    #expect(demo.definitions.queues.count == demo.queues.count)
    #expect(SiteFolder.demo(demo).definitions == demo.definitions)
  }

  @Test("An agent's phone may be a browser; a SIP phone may have Opus, and nobody else names codecs")
  func phones() throws {
    func folder(_ agent: String) throws -> Folder {
      try Folder(["site.yaml": "queues: { support: {} }\nagents: { amina: { queues: [support], \(agent) } }"])
    }
    func profile(_ agent: String) throws -> Site.AgentProfile {
      let folder = try folder(agent)
      return try withExtendedLifetime(folder) { try SiteFolder.load(folder.path).agents[0] }
    }
    #expect(try profile("phone: browser").phone == .browser)
    #expect(try profile(#"phone: "sip:9@192.0.2.9", codecs: [opus, pcma]"#).codecs == [.opus, .pcma])
    #expect(try profile(#"phone: "sip:9@192.0.2.9""#).codecs == [.pcmu, .pcma])
    #expect(try folder("phone: browser, codecs: [opus]").findings().contains { $0.contains("are for a SIP phone") })
    #expect(
      try folder("phone: browser, phone_answer: phone").findings().contains { $0.contains("never answers by itself") })
  }

  @Test("SRTP is allowed unless written, and required only of a phone that is reached by TLS")
  func srtp() throws {
    let issued = TestAuthority().issue(validity: -60...8_640_000)
    func folder(_ agent: String) throws -> Folder {
      try Folder([
        "a.pem": issued.certificate, "a.key": issued.key, "secret": "the password of the phone",
        "site.yaml": """
        site: { domain: acme.example }
        listen: { sip: { certificate_file: a.pem, key_file: a.key } }
        queues: { support: {} }
        agents:
          amina: { queues: [support], \(agent) }

        """,
      ])
    }
    func srtp(_ agent: String) throws -> Site.SRTPPolicy {
      let folder = try folder(agent)
      return try withExtendedLifetime(folder) { try SiteFolder.load(folder.path).agents[0].srtp }
    }
    let (secure, plain) = (#"phone: "sips:9@acme.example""#, #"phone: "sip:9@acme.example""#)
    #expect(try srtp("\(plain), password_file: secret") == .allowed)
    #expect(try srtp("\(plain), password_file: secret, srtp: never") == .never)
    #expect(try srtp("\(secure), password_file: secret, srtp: required") == .required)
    #expect(try srtp(#"phone: "sip:9@192.0.2.9;transport=tls", srtp: required"#) == .required)
    for (agent, finding) in [
      (
        "srtp: required, \(plain), password_file: secret",
        "5:37: `srtp: required` has its keys travel with the call, so it needs TLS: "
          + "`phone: \"sips:9@acme.example\"`"
      ),
      (
        #"srtp: required, phone: "sip:9@192.0.2.9""#,
        "5:37: `srtp: required` has its keys travel with the call, so it needs TLS: "
          + "`phone: \"sips:9@192.0.2.9\"`"
      ),
      ("srtp: allowed, phone: browser", "5:37: `srtp` is for a SIP phone; a browser's sound is always encrypted"),
      ("srtp: never, phone: demo", "5:37: `srtp` is for a SIP phone"),
      ("srtp: sometimes, \(plain), password_file: secret", "5:37: "),
    ] {
      let findings = try folder(agent).findings()
      #expect(findings.contains { $0.contains("site.yaml:" + finding) }, "\(findings)")
    }
  }

  @Test("SRTP of callbacks is allowed unless written, and required only of a gateway that is reached by TLS")
  func callbackSRTP() throws {
    let issued = TestAuthority().issue(validity: -60...8_640_000)
    func folder(_ more: String) throws -> Folder {
      try Folder([
        "a.pem": issued.certificate, "a.key": issued.key,
        "site.yaml": """
        listen: { sip: { certificate_file: a.pem, key_file: a.key } }
        queues: { support: {} }
        callback: { \(more), allow: ["+49*"] }

        """,
      ])
    }
    func srtp(_ more: String) throws -> Site.SRTPPolicy {
      let folder = try folder(more)
      return try withExtendedLifetime(folder) { try SiteFolder.load(folder.path).callbacks.srtp }
    }
    #expect(try srtp(#"gateway: "sips:192.0.2.9""#) == .allowed)
    #expect(try srtp(#"gateway: "sips:192.0.2.9", srtp: never"#) == .never)
    #expect(try srtp(#"gateway: "sip:192.0.2.9;transport=tls", srtp: required"#) == .required)
    let findings = try folder(#"srtp: required, gateway: "sip:192.0.2.9""#).findings()
    let finding =
      "site.yaml:3:19: `srtp: required` has its keys travel with the call, so it needs TLS: "
      + "`gateway: \"sips:192.0.2.9\"`"
    #expect(findings.contains { $0.contains(finding) }, "\(findings)")
  }

  @Test("Who has no phone takes no calls, but in the demo, where everybody has one")
  func phoneless() throws {
    let folder = try Folder([
      "site.yaml": """
      queues: { support: {} }
      agents:
        amina: { phone: none, queues: [support], capacity: { voice: 1, chat: 2 } }
        ben: { queues: [support] }
        carl: { phone: "sip:9@192.0.2.9", queues: [support] }
        dora: { phone: "sip:9@[2001:db8::9]:5070", queues: [support], capacity: { voice: 0 } }
      """
    ])
    let site = try SiteFolder.load(folder.path)
    #expect(site.definitions.agents.map(\.voiceCapacity) == [0, 0, 1, 0])
    #expect(site.definitions.agents.map(\.chatCapacity) == [2, 1, 1, 1])
    #expect(SiteFolder.demo(site).definitions.agents.prefix(4).map(\.voiceCapacity) == [1, 1, 1, 0])
  }

  @Test("The longest unit comes first, each once; what overflows is refused")
  func durations() {
    #expect(microseconds(in: "1h30m") == 5_400_000_000)
    #expect(microseconds(in: "90d") == 7_776_000_000_000)
    #expect(microseconds(in: "0.5s") == 500_000)
    #expect(microseconds(in: "1m500ms") == 60_500_000)
    #expect(microseconds(in: "0s") == 0)
    for text in ["", "s", "5", "1m1h", "1s1s", "-1s", "1e3s", "4000d", "1 s", ".s", "1.2.3s", "99999999999999999999d"] {
      #expect(microseconds(in: text) == nil, "\(text)")
    }
  }

  @Test("GitHub shows a finding beside its line, with its message escaped")
  func annotation() {
    let finding = Finding(at: Place(file: "a,b:c.yaml", line: 3, column: 5), "100% wrong\nreally")
    #expect(finding.annotation == "::error file=a%2Cb%3Ac.yaml,line=3,col=5::100%25 wrong%0Areally")
    #expect(Finding(.warning, at: Place(file: "x"), "y").annotation == "::warning file=x,line=1,col=1::y")
  }

  @Test("The JSON Schemas are JSON, name every key that is built, and none that is not")
  func schemas() throws {
    for (text, keys) in [(SiteFolder.jsonSchema(), SiteSchema.file), (ScenarioFile.jsonSchema(), ScenarioSchema.file)] {
      let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let properties = try #require(json["properties"] as? [String: Any])
      #expect(Set(properties.keys) == Set(keys.filter { $0.later == nil }.map(\.name)))
      #expect(json["additionalProperties"] as? Bool == false)
    }
    #expect(SiteFolder.jsonSchema().contains(#""longest_idle""#))
  }
}
