import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("Strangers where federation is open")
struct StrangerCalls {
  /// A stranger at one address, whose calls come over connections of their own.
  private final class Stranger {
    let world: World
    let endpoint = Endpoint(address: "192.0.2.7", port: 40_000).unwrapped
    init(_ world: World) { self.world = world }

    /// Where the Contact points.
    var contact = "sip:eve@192.0.2.7:40000;transport=tcp"

    func flow(of call: Int) -> Flow { Flow(transport: .tcp, remote: endpoint, connection: UInt64(call)) }

    func send(_ method: String, call: Int) {
      let text = """
        \(method) sip:support@acme.example SIP/2.0\r
        Via: SIP/2.0/TCP 192.0.2.7:40000;branch=z9hG4bK-\(call)\r
        Max-Forwards: 70\r
        From: <sip:eve@far.example>;tag=\(call)\r
        To: <sip:support@acme.example>\r
        Call-ID: \(call)@192.0.2.7\r
        CSeq: 1 \(method)\r
        Contact: <\(contact)>\r
        Content-Length: 0\r
        \r

        """
      let message = (try? Message(parsing: Array(text.utf8))).unwrapped
      world.feed(.message(message, flow(of: call)))
      world.run(for: .milliseconds(200))
    }

    /// The last status of each call, by its number.
    func status(of call: Int) -> Int? {
      world.captured.compactMap { try? Message(parsing: $0.bytes) }.last { $0.callID == "\(call)@192.0.2.7" }?.status
    }
  }

  @Test(
    "A stranger's call ends with its connection, and no other is opened to where its Contact points",
    arguments: [false, true])
  func confined(restarts: Bool) {
    let (world, _, phones) = office { $0.federation.mode = .open }
    phones[0].answering = .ring
    let stranger = Stranger(world)
    stranger.contact = "sip:eve@198.51.100.1:80;transport=tcp"
    stranger.send("INVITE", call: 1)
    #expect(stranger.status(of: 1) == 200)
    if restarts {
      world.restart()
    } else {
      world.feed(.flowFailed(stranger.flow(of: 1)))
      #expect(world.outcomes() == [.abandoned])
      world.run(for: .seconds(1))
      #expect(phones[0].log.contains("CANCEL"))
    }
    expectNothingLeft(world)
    #expect(world.opened.isEmpty)
  }

  @Test("One address has fifty calls at once; the next is refused until one is over")
  func callsAtOnce() {
    let (world, caller, phones) = office {
      $0.federation.mode = .open
      $0.queues[0].answer = .onAgent
      $0.definitions.queues[0].ring = .minutes(5)
    }
    phones[0].answering = .ring
    let stranger = Stranger(world)
    for call in 1...50 {
      stranger.send("INVITE", call: call)
      #expect(stranger.status(of: call) == 180)
    }
    stranger.send("INVITE", call: 51)
    #expect(stranger.status(of: 51) == 503)
    // Others are not kept out by it.
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["180"])
    stranger.send("CANCEL", call: 1)
    #expect(stranger.status(of: 1) == 487)
    stranger.send("INVITE", call: 52)
    #expect(stranger.status(of: 52) == 180)
  }
}
