import Primitives
import SIP
import Testing

@Suite("The registrar")
struct RegistrarTests {
  private let start = Instant(microseconds: 1_700_000_000_000_000)
  private let flow = Flow(transport: .udp, remote: Endpoint(ipv4: 0x0a00_0001, port: 40_000))
  private let address = "sip:queue@10.0.0.2"

  private func message(
    _ cseq: UInt32 = 1, contact: String = "<sip:alice@10.0.0.1:5060>", callID: String = "call", headers: [String] = []
  ) throws -> Message {
    try Message(
      parsing: Array(
        Peer(user: "alice").request(
          "REGISTER", "sip:10.0.0.2", cseq: cseq, callID: callID, headers: headers, contact: contact
        ).utf8))
  }

  @Test("A binding keeps the flow it came on, at most for the longest time, and ends at its deadline")
  func binding() throws {
    var registrar = Registrar()
    let outcome = registrar.register(
      try message(headers: ["Expires: 3600"]), for: address, from: flow, at: start)
    #expect(outcome.status == 200)
    #expect(outcome.headers == [.init("Contact", "<sip:alice@10.0.0.1:5060>;expires=300")])
    let binding = try #require(registrar.bindings(of: address, at: start).first)
    #expect(binding.flow == flow)
    #expect(binding.deadline == start + .seconds(300))
    #expect(outcome.changes == [.bound(binding)])
    #expect(registrar.nextDeadline == binding.deadline)
    #expect(registrar.expire(at: start + .seconds(299)).isEmpty)
    #expect(registrar.expire(at: start + .seconds(300)) == [.unbound(binding)])
    #expect(registrar.nextDeadline == nil)
    #expect(registrar.count == 0)
  }

  @Test("The address of record is the To without its parameters, host in lower case")
  func addressOfRecord() throws {
    let text = Peer(user: "alice").request("REGISTER", "sip:example.org")
      .replacing("To: <sip:queue@10.0.0.2>", with: "To: \"A\" <sip:Alice@Example.ORG;transport=tcp>")
    #expect(Registrar.addressOfRecord(of: try Message(parsing: Array(text.utf8))) == "sip:Alice@example.org")
  }

  @Test("Expires of the contact wins over the header; too short gets 423 with Min-Expires, zero removes")
  func expires() throws {
    var registrar = Registrar()
    let both = registrar.register(
      try message(contact: "<sip:alice@10.0.0.1>;expires=60", headers: ["Expires: 120"]), for: address, from: flow,
      at: start)
    #expect(both.headers == [.init("Contact", "<sip:alice@10.0.0.1>;expires=60")])
    let brief = registrar.register(try message(2, headers: ["Expires: 10"]), for: address, from: flow, at: start)
    #expect(brief.status == 423)
    #expect(brief.headers == [.init("Min-Expires", "30")])
    #expect(brief.changes.isEmpty)
    let gone = registrar.register(
      try message(3, contact: "<sip:alice@10.0.0.1>", headers: ["Expires: 0"]), for: address, from: flow, at: start)
    #expect(gone.status == 200)
    #expect(gone.headers.isEmpty)
    #expect(gone.changes.count == 1)
    #expect(registrar.count == 0)
  }

  @Test("A query without Contact tells what is bound and changes nothing")
  func query() throws {
    var registrar = Registrar()
    _ = registrar.register(
      try message(contact: "<sip:a@1.1.1.1>, <sip:b@2.2.2.2>;q=0.5"), for: address, from: flow, at: start)
    let query = try Message(
      parsing: Array(
        Peer(user: "alice").request("REGISTER", cseq: 2).replacing("Contact: <sip:alice@10.0.0.1:5060>\r\n", with: "")
          .utf8))
    let outcome = registrar.register(query, for: address, from: flow, at: start + .seconds(100))
    #expect(outcome.status == 200)
    #expect(outcome.changes.isEmpty)
    #expect(outcome.headers.map(\.value) == ["<sip:a@1.1.1.1>;expires=200", "<sip:b@2.2.2.2>;expires=200"])
    #expect(registrar.bindings(of: address, at: start).map(\.preference) == [1000, 500])
  }

  @Test("The same Call-ID must count up, or nothing of the request is done; another Call-ID may start anew")
  func order() throws {
    var registrar = Registrar()
    _ = registrar.register(try message(5), for: address, from: flow, at: start)
    let old = registrar.register(
      try message(5, contact: "<sip:new@9.9.9.9>, <sip:alice@10.0.0.1:5060>"), for: address, from: flow, at: start)
    #expect(old.status == 500)
    #expect(registrar.bindings(of: address, at: start).count == 1)
    #expect(registrar.register(try message(6), for: address, from: flow, at: start).status == 200)
    #expect(registrar.register(try message(1, callID: "boot"), for: address, from: flow, at: start).status == 200)
    #expect(registrar.bindings(of: address, at: start).map(\.sequence) == [1])
  }

  @Test("A star removes all bindings, only with Expires 0 and only if newer")
  func star() throws {
    var registrar = Registrar()
    _ = registrar.register(
      try message(2, contact: "<sip:a@1.1.1.1>, <sip:b@2.2.2.2>"), for: address, from: flow, at: start)
    #expect(registrar.register(try message(3, contact: "*"), for: address, from: flow, at: start).status == 400)
    #expect(
      registrar.register(try message(2, contact: "*", headers: ["Expires: 0"]), for: address, from: flow, at: start)
        .status == 500)
    let outcome = registrar.register(
      try message(3, contact: "*", headers: ["Expires: 0"]), for: address, from: flow, at: start)
    #expect(outcome.status == 200)
    #expect(outcome.changes.count == 2)
    #expect(registrar.bindings(of: address, at: start).isEmpty)
  }

  @Test("A device that comes from a new address replaces its old binding (RFC 5626)")
  func instance() throws {
    var registrar = Registrar()
    let parameter = ";+sip.instance=\"<urn:uuid:1>\""
    _ = registrar.register(try message(contact: "<sip:a@1.1.1.1>" + parameter), for: address, from: flow, at: start)
    let outcome = registrar.register(
      try message(1, contact: "<sip:a@2.2.2.2>" + parameter, callID: "boot"), for: address, from: flow, at: start)
    #expect(outcome.changes.count == 2)
    #expect(registrar.bindings(of: address, at: start).map(\.contact.host) == ["2.2.2.2"])
  }

  @Test("Bindings of one address and addresses are bounded")
  func limits() throws {
    var settings = Registrar.Settings()
    settings.bindings = 3
    settings.addresses = 2
    var registrar = Registrar(settings: settings)
    for number in 1...5 {
      let outcome = registrar.register(
        try message(contact: "<sip:a@1.1.1.\(number)>", callID: "\(number)"), for: address, from: flow,
        at: start + .seconds(Int64(number)))
      #expect(outcome.status == 200)
    }
    #expect(registrar.bindings(of: address, at: start).map(\.contact.host) == ["1.1.1.5", "1.1.1.4", "1.1.1.3"])
    #expect(registrar.register(try message(), for: "sip:b@x", from: flow, at: start).status == 200)
    let full = registrar.register(try message(), for: "sip:c@x", from: flow, at: start)
    #expect(full.status == 503)
    #expect(full.headers.first?.name == "Retry-After")
  }

  @Test("A closed stream unbinds what was reachable on it; a restored binding is there again")
  func flowAndRestore() throws {
    var registrar = Registrar()
    let stream = Flow(transport: .tcp, remote: flow.remote, connection: 3)
    _ = registrar.register(try message(contact: "<sip:a@1.1.1.1>"), for: address, from: stream, at: start)
    _ = registrar.register(try message(contact: "<sip:b@1.1.1.2>", callID: "2"), for: address, from: flow, at: start)
    let lost = registrar.flowClosed(stream, of: address)
    #expect(lost.count == 1)
    #expect(registrar.bindings(of: address, at: start).map(\.contact.host) == ["1.1.1.2"])
    guard case .unbound(let binding)? = lost.first else { return }
    registrar.restore(binding)
    #expect(registrar.bindings(of: address, at: start).count == 2)
    #expect(registrar.expire(at: start + .seconds(300)).count == 2)
  }
}
