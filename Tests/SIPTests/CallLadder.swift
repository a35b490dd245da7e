import Primitives
import SIP
import Testing

let alice = Address(uri: URI(user: "alice", host: "10.0.0.1"))
let bob = Address(displayName: "Bob \"B\" Jones", uri: URI(user: "bob", host: "10.0.0.2"))
let sdpOffer = UserAgent.Body.sdp(Array("v=0 offer".utf8))
let sdpAnswer = UserAgent.Body.sdp(Array("v=0 answer".utf8))

/// A call between two user agents, as the layers above them see it.
struct Call {
  var network: VirtualNetwork
  var caller: DialogID
  var callee: DialogID?

  init(_ network: VirtualNetwork, body: UserAgent.Body? = sdpOffer) {
    self.network = network
    let flow = network.flow(to: .callee)
    caller = self.network.act(.caller) {
      $0.invite(bob.uri, over: flow, from: alice, to: bob, body: body, at: $1, into: &$2)
    }
  }
  mutating func run(_ interval: Int64) {
    network.run(for: interval)
    if callee == nil {
      callee = network.reports.lazy.filter { $0.side == .callee }.compactMap(\.occurrence.arrived).first
    }
  }
  /// Brings the call up.
  mutating func answer() throws {
    run(.milliseconds(50))
    let callee = try #require(callee)
    network.act(.callee) { $0.respond(to: callee, status: 200, body: sdpAnswer, at: $1, into: &$2) }
    run(.milliseconds(50))
    let caller = caller
    network.act(.caller) { $0.acknowledge(caller, at: $1, into: &$2) }
    run(.milliseconds(50))
  }

  mutating func caller(_ body: (inout UserAgent, DialogID, Instant, inout UserAgent.Output) -> Void) {
    let id = caller
    network.act(.caller) { body(&$0, id, $1, &$2) }
  }
  mutating func callee(_ body: (inout UserAgent, DialogID, Instant, inout UserAgent.Output) -> Void) throws {
    let id = try #require(callee)
    network.act(.callee) { body(&$0, id, $1, &$2) }
  }
  /// The newest re-INVITE, UPDATE or other request that waits for a side.
  func waiting(_ side: VirtualNetwork.Side) -> ServerTransactionID? {
    network.reports.reversed().lazy.filter { $0.side == side }.compactMap {
      switch $0.occurrence {
      case .reoffered(_, let id, _), .request(_, let id, _), .outOfDialog(let id, _, _): id
      default: nil
      }
    }.first
  }
  mutating func respond(_ side: VirtualNetwork.Side, _ status: Int, body: UserAgent.Body? = nil) throws {
    let id = try #require(waiting(side))
    network.act(side) { $0.respond(to: id, status: status, body: body, at: $1, into: &$2) }
  }
}
