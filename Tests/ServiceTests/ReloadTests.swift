import CallControl
import Journal
import Primitives
import SIP
import Testing
import Web

@testable import Service

@Suite("What a reload changes of where the site listens") struct ReloadTests {
  private let network = AddressRange(network: Endpoint(ipv4: 0x0a00_0000, port: 0), prefix: 104)

  @Test("Trusted proxies, the media's advertised address and renewed certificates are taken over at once")
  func adopted() {
    var listen = Site.Listen()
    listen.http.certificate = .init(file: "a.pem", keyFile: "a.key")
    listen.sip.certificate = .init(file: "a.pem", keyFile: "a.key")
    var new = listen
    new.http.trustedProxies = [network]
    new.media.advertisedAddress = "192.0.2.7"
    new.http.certificate = .init(file: "b.pem", keyFile: "b.key")
    new.sip.certificate = .init(file: "b.pem", keyFile: "b.key")
    #expect(listen.adopt(new) == [])
    #expect(listen == new)
  }

  @Test("What needs another socket stays as it was, and is named key by key")
  func pending() {
    var (listen, new) = (Site.Listen(), Site.Listen())
    let old = listen
    new.http.address = "192.0.2.1"
    new.http.port = 443
    new.http.certificate = .init(file: "a.pem", keyFile: "a.key")
    new.sip.address = "192.0.2.1"
    new.sip.advertisedAddress = "192.0.2.1"
    new.sip.udp = 5070
    new.sip.tcp = 0
    new.sip.tls = 5061
    new.sip.certificate = .init(file: "a.pem", keyFile: "a.key")
    new.sip.authoritiesFile = "b.pem"
    new.media.address = "192.0.2.1"
    new.media.ports = 30_000...30_999
    new.media.webPort = 30_999
    new.media.webAddresses = ["192.0.2.1"]
    let keys = [
      "http.address", "http.port", "sip.address", "sip.advertised_address", "sip.udp", "sip.tcp", "sip.tls",
      "sip.authorities_file", "media.address", "media.ports", "media.web_port", "media.web_addresses",
      "http.certificate_file", "sip.certificate_file",
    ]
    #expect(listen.adopt(new) == keys)
    #expect(listen == old)
    #expect(listen.adopt(old) == [])
  }
}

@Suite("The web edge over a journal") struct WebBackendTests {
  @Test("An outcome has one spelling, in the list of contacts as in events and reports")
  func outcomes() async throws {
    let centre = try Centre()
    try centre.reload(
      """
      entries: { web:shop: { queue: support }, web:deals: { queue: sales } }
      queues:
        support: { channels: [chat], service_level: { short_abandon: 5s } }
        sales: { channels: [chat], limits: { waiting: 0 } }
      agents: { amina: { queues: [support] }, ben: { queues: [sales, support] } }
      """)
    let chat = try centre.chat("web:shop")
    centre.wait(.seconds(1))
    centre.ask(.hangUp(chat, .visitor))
    centre.ask(.openChat(ChatRequest(entry: "web:deals")))
    let backend = Backend.serving(
      site: CurrentSite(centre.site), reader: centre.store.reader,
      inquiries: Inquiries { _ in throw Problem.overloaded }, perform: { _ in .done }, isReady: { true },
      metrics: { [] })
    try centre.store.saveProjections()
    let rows = try await backend.contacts(ContactQuery(limit: 10))
    #expect(rows.map(\.outcome) == ["refused_full", "short_abandoned"])
    let report = try centre.store.reader.report(.contacts, from: .distantPast, to: .distantFuture).rendered(as: .csv)
    for row in rows { #expect(report.contains(row.outcome ?? "-")) }
  }
}
