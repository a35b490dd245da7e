import ACD
import CallControl
import Foundation
import SIP
import TestAuthority
import Testing

@testable import SiteConfiguration

@Suite struct CertificateTests {
  private static let sip = "listen: { sip: { certificate_file: a.pem, key_file: a.key } }\n"

  private func folder(_ listen: String, _ files: [String: String], more: String = "") throws -> Folder {
    try Folder(files.merging(["site.yaml": listen + more]) { $1 })
  }

  /// Without the doubt about a site that has no queue.
  private func findings(_ listen: String, _ files: [String: String], more: String = "") throws -> [String] {
    try folder(listen, files, more: more).findings().filter { !$0.contains("no queue is defined") }
  }

  @Test("A certificate and its key turn TLS on: port 5061 unless another is written")
  func read() throws {
    let issued = TestAuthority().issue(validity: -60...8_640_000)
    let files = ["a.pem": issued.certificate, "a.key": issued.key]
    let without = try folder("listen: { sip: {} }\n", files)
    let plain = try SiteFolder.load(without.path)
    #expect(plain.listen.sip.tls == 0 && plain.listen.sip.certificate == nil)
    let folder = try folder(Self.sip, files)
    #expect(!folder.findings().contains { $0.contains("certificate") })
    let site = try SiteFolder.load(folder.path)
    #expect(site.listen.sip.tls == 5061)
    #expect(site.listen.sip.certificate == .init(file: folder.path + "/a.pem", keyFile: folder.path + "/a.key"))
    let both = """
      listen:
        http: { certificate_file: a.pem, key_file: a.key }
        sip: { tls: 5071, certificate_file: a.pem, key_file: a.key, authorities_file: a.pem }

      """
    let second = try self.folder(both, files)
    let other = try SiteFolder.load(second.path)
    #expect(other.listen.sip.tls == 5071 && other.listen.sip.authoritiesFile?.hasSuffix("/a.pem") == true)
    #expect(other.listen.http.certificate != nil)
  }

  @Test("What the journal stored is read without the files")
  func stored() throws {
    let issued = TestAuthority().issue()
    let folder = try folder(
      Self.sip, ["a.pem": issued.certificate, "a.key": issued.key],
      more: "agents: { amina: { phone: \"sips:9@192.0.2.9\" } }\n")
    let stored = try SiteFolder(stored: SiteFolder(reading: folder.path).sources, names: .init())
    #expect(stored.site.listen.sip.certificate == nil)
  }

  @Test("Files that are missing, hold something else, or do not fit each other are errors that say what to do")
  func broken() throws {
    let authority = TestAuthority()
    let (one, two) = (authority.issue(validity: -60...8_640_000), authority.issue())
    let good = ["a.pem": one.certificate, "a.key": one.key]
    for (files, listen, message) in [
      (["a.pem": one.certificate], Self.sip, "site.yaml:1:53: `key_file`: the file `a.key` cannot be read"),
      (
        ["a.pem": one.certificate, "a.key": two.key], Self.sip,
        "site.yaml:1:53: `key_file`: the key in `a.key` is not that of the certificate in `a.pem`"
      ),
      (
        ["a.pem": one.key, "a.key": one.key], Self.sip,
        "site.yaml:1:36: `certificate_file`: the file `a.pem` holds no certificate in PEM"
      ),
      (
        ["a.pem": one.certificate, "a.key": one.certificate], Self.sip,
        "site.yaml:1:53: `key_file`: the file `a.key` holds no private key in PEM without a password"
      ),
      (
        good, "listen: { sip: { certificate_file: a.pem } }\n",
        "site.yaml:1:36: `certificate_file` and `key_file` go together"
      ),
      (
        good, "listen: { http: { key_file: a.key } }\n",
        "site.yaml:1:29: `certificate_file` and `key_file` go together"
      ),
      (
        good, "listen: { sip: { tls: 5061 } }\n",
        "site.yaml:1:23: `tls` needs a `certificate_file` and a `key_file`"
      ),
      (
        good, "listen: { sip: { tls: 5060, certificate_file: a.pem, key_file: a.key } }\n",
        "site.yaml:1:23: `tls` and `tcp` cannot have the same port"
      ),
      (
        good, "listen: { sip: { authorities_file: a.key } }\n",
        "site.yaml:1:36: `authorities_file`: the file `a.key` holds no certificate in PEM"
      ),
    ] {
      #expect(try findings(listen, files) == [message])
    }
  }

  @Test("An expired certificate, one that soon expires and one of the future are doubts, with their day")
  func dates() throws {
    let authority = TestAuthority()
    func finding(_ validity: ClosedRange<Int>) throws -> String? {
      let issued = authority.issue(validity: validity)
      return try findings(Self.sip, ["a.pem": issued.certificate, "a.key": issued.key]).first
    }
    func day(_ seconds: Int) -> String {
      Date(timeIntervalSinceNow: Double(seconds)).formatted(.iso8601.year().month().day())
    }
    let prefix = "site.yaml:1:36: warning: the certificate in `a.pem` "
    #expect(
      try finding(-864_000 ... -172_800) == prefix + "expired on \(day(-172_800)): phones and browsers refuse it")
    #expect(try finding(-60...172_800) == prefix + "expires on \(day(172_800))")
    #expect(try finding(172_800...8_640_000) == prefix + "is not valid before \(day(172_800))")
    #expect(try finding(-60...8_640_000) == nil)
  }

  @Test("Phones and gateways over TLS need a certificate of ours")
  func needsTLS() throws {
    let issued = TestAuthority().issue(validity: -60...8_640_000)
    let files = ["a.pem": issued.certificate, "a.key": issued.key]
    for phone in ["sips:9@192.0.2.9", "sip:9@192.0.2.9;transport=tls"] {
      let more = "queues: { q: {} }\nagents: { amina: { phone: \"\(phone)\", queues: [q] } }\n"
      let refusal = "`\(phone)` speaks TLS, so `listen: sip` needs a `certificate_file` and a `key_file`"
      #expect(try findings("", files, more: more) == ["site.yaml:2:27: " + refusal])
      #expect(try findings(Self.sip, files, more: more) == [])
      let callback = "callback: { allow: [\"+49*\"], gateway: \"\(phone)\" }\n"
      #expect(try findings("", files, more: callback) == ["site.yaml:1:39: " + refusal])
      #expect(try findings(Self.sip, files, more: callback) == [])
    }
    let folder = try folder(
      Self.sip, files.merging(["pw": "secret"]) { $1 },
      more: "agents: { amina: { phone: \"sips:9@localhost\", password_file: pw } }\n")
    let site = try SiteFolder.load(folder.path)
    #expect(
      site.agents[0].phone
        == .registers(try URI(parsing: "sips:9@localhost"), .init(user: "9", password: "secret")))
  }
}
