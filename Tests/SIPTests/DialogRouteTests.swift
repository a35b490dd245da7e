import Primitives
import Testing

@testable import SIP

@Suite("Route sets and targets")
struct DialogRouteTests {
  private let peer = Peer(user: "carol")
  private let flow = Flow(transport: .udp, remote: Endpoint(ipv4: 0x0a00_0001, port: 5060))

  private func dialog(_ text: String, over flow: Flow? = nil) throws -> Dialog {
    let message = try Message(parsing: Array(text.utf8))
    let dialog = Dialog(answering: message, via: message.topVia, tag: 1, sequence: 1, flow: flow ?? self.flow)
    return try #require(dialog)
  }

  @Test("A callee keeps the Record-Route order; a loose router goes into Route, the target into the Request-URI")
  func looseRoutes() throws {
    let dialog = try dialog(
      peer.request("INVITE", headers: ["Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>"]))
    #expect(dialog.path.target.description == "sip:carol@10.0.0.1:5060")
    #expect(dialog.path.routes == ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"])
  }

  @Test("A strict router becomes the Request-URI and the target the last Route (section 12.2.1.1)")
  func strictRoutes() throws {
    let dialog = try dialog(
      peer.request("INVITE", headers: ["Record-Route: <sip:p2.example.com>", "Record-Route: <sip:p1.example.com;lr>"]))
    #expect(dialog.path.target.description == "sip:p2.example.com")
    #expect(dialog.path.routes == ["<sip:p1.example.com;lr>", "<sip:carol@10.0.0.1:5060>"])
  }

  @Test("A caller turns the Record-Route of the 2xx round")
  func reversedRoutes() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let accepted = try #require(call.network.sent.last { $0.message.name == "200 INVITE" }?.message)
    let text = String(decoding: accepted.bytes, as: UTF8.self).replacing(
      "Server:", with: "Record-Route: <sip:near.example.com;lr>, <sip:far.example.com;lr>\r\nServer:")
    var dialog = Dialog(
      calling: bob.uri, from: alice, to: bob, callID: "x", tag: 1, sequence: 1, flow: flow)
    dialog.establish(by: try Message(parsing: Array(text.utf8)))
    #expect(dialog.routes == ["<sip:far.example.com;lr>", "<sip:near.example.com;lr>"])
    #expect(dialog.flow == flow)
  }

  @Test("Requests go back on the flow to whoever asks for rport or sits behind a translator, else to the Contact")
  func hops() throws {
    let translated = Flow(transport: .udp, remote: Endpoint(ipv4: 0xcb00_7105, port: 61_000))
    let old = peer.request("INVITE").replacing(";rport", with: "")
    #expect(try dialog(peer.request("INVITE"), over: translated).flow == translated)
    #expect(try dialog(old, over: translated).flow == translated)
    let elsewhere = old.replacing("<sip:carol@10.0.0.1:5060>", with: "<sip:carol@10.0.0.7:5070>")
    #expect(try dialog(elsewhere).flow.remote == Endpoint(ipv4: 0x0a00_0007, port: 5070))
    let stream = Flow(transport: .tcp, remote: Endpoint(ipv4: 0x0a00_0001, port: 40_000), connection: 7)
    #expect(try dialog(elsewhere, over: stream).flow == stream)
    let proxied = peer.request("INVITE", headers: ["Record-Route: <sip:10.0.0.9;lr>", "v: SIP/2.0/UDP 10.0.0.8:5060"])
    #expect(try dialog(proxied).flow.remote == Endpoint(ipv4: 0x0a00_0009, port: 5060))
  }

  @Test("A re-INVITE moves the target, never the routes")
  func targetRefresh() throws {
    var dialog = try dialog(peer.request("INVITE", headers: ["Record-Route: <sip:p1.example.com;lr>"]))
    let moved = peer.request(
      "INVITE", cseq: 2, toTag: "x", headers: ["Record-Route: <sip:p2.example.com;lr>"], contact: "<sip:new@10.0.0.5>")
    dialog.refreshTarget(by: try Message(parsing: Array(moved.utf8)))
    #expect(dialog.target.description == "sip:new@10.0.0.5")
    #expect(dialog.routes == ["<sip:p1.example.com;lr>"])
  }

  @Test("A dialog whose stream broke sends its next request to where the far end listens")
  func reconnect() throws {
    let stream = Flow(transport: .tcp, remote: Endpoint(ipv4: 0x0a00_0001, port: 40_000), connection: 7)
    var dialog = try dialog(peer.request("INVITE"), over: stream)
    dialog.reconnect()
    #expect(dialog.flow == Flow(transport: .tcp, remote: Endpoint(ipv4: 0x0a00_0001, port: 5060)))
  }
}
