import ACD
import CallControl
import Glibc
import Primitives
import SIP

/// What the engine thread does for a call over UDP: INVITE, 180 while the agent's phone rings, 200 on both sides, ACK,
/// BYE. A hundred calls a second of virtual time go through each phase together, and only the switchboard's part is
/// counted.
///
/// The messages of real calls come one by one, and a processor that slept in between has lost what its caches held and
/// its predictors knew: the second row sleeps before each input.
func benchmarkCall() {
  let office = CallOffice(agents: 100)
  // Transactions live for half a minute: then the tables are as full as they will be.
  for _ in 0..<40 { office.second() }
  let awake = office.measurement("call: INVITE to BYE at 100 a second", seconds: 40)
  let waking = office.measurement("call: the same, asleep before each message", seconds: 4, pause: 1_500)
  Harness.report([awake, waking])
}

private final class CallOffice {
  private var switchboard: Switchboard
  private var step = CallControl.Step()
  private var now = Instant(microseconds: 1_700_000_000_000_000)
  private let agents: Int

  private var inputs: [CallControl.Input] = []
  private var sent: [UserAgent.Transmission] = []
  private var opening: [MediaID] = []

  private var calls = 0
  private var finished = 0
  private var seconds = 0.0
  private var allocations = 0
  /// Microseconds of sleep before each input.
  private var pause: UInt32 = 0
  private let caller = Flow(transport: .udp, remote: Endpoint(ipv4: 0x0a02_0001, port: 5060))

  init(agents: Int) {
    self.agents = agents
    var site = Site()
    site.domain = "acme.example"
    var queue = QueueDefinition(name: "support")
    queue.wrapUp = 0
    site.definitions.names.queues = ["support"]
    site.definitions.queues = [queue]
    site.queues = [Site.QueueProfile()]
    site.queues[0].answer = .onAgent
    for number in 0..<agents {
      var agent = AgentDefinition(name: "agent\(number)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      site.definitions.names.agents.append(agent.name)
      site.definitions.agents.append(agent)
      let phone = URI(user: "agent\(number)", host: "10.1.0.\(number + 1)", port: 5060)
      site.agents.append(Site.AgentProfile(displayName: "Agent \(number)", phone: .address(phone)))
    }
    site.entries = [Site.Entry(name: "sip:support@127.0.0.1", queue: QueueID(index: 0), channels: [.voice])]
    site.federation.trustedSources = [AddressRange(network: caller.remote, prefix: 128)]
    switchboard = Switchboard(site: site, entropy: Entropy(testing: 1))
    for number in 0..<agents {
      let agent = AgentID(index: UInt32(number))
      inputs.append(.command(RequestID(number: 0), .signIn(agent)))
      inputs.append(.command(RequestID(number: 0), .ready(agent)))
    }
    feed()
  }

  func measurement(_ name: String, seconds count: Int, pause: UInt32 = 0) -> Measurement {
    (finished, seconds, allocations, self.pause) = (0, 0, 0, pause)
    for _ in 0..<count { second() }
    return Measurement(
      name: name, operations: finished, seconds: seconds,
      allocations: Harness.mallocCalls() == nil ? nil : allocations / max(1, finished))
  }

  /// As many calls as there are agents, each of half a second.
  func second() {
    let end = now + .seconds(1)
    for _ in 0..<agents { inputs.append(.message(invite(), caller)) }
    feed()
    openPorts()
    openPorts()
    let invites = requests("INVITE")
    answer(invites, status: 180)
    answer(invites, status: 200)
    let answers = sent.compactMap { $0.flow == caller ? try? Message(parsing: $0.bytes) : nil }
      .filter { $0.status == 200 }
    for answer in answers { inputs.append(.message(request("ACK", after: answer), caller)) }
    feed()
    pass(.milliseconds(500))
    for answer in answers { inputs.append(.message(request("BYE", after: answer), caller)) }
    feed()
    let byes = requests("BYE")
    answer(byes, status: 200)
    finished += byes.count
    pass(end - now)
    if byes.count != agents { print("\(agents - byes.count) calls were not answered") }
  }

  // MARK: The switchboard

  private func feed() {
    let mallocs = Harness.mallocCalls() ?? 0
    let start = Harness.cpuSeconds()
    (sent, opening) = ([], [])
    handleInputs()
    seconds += Harness.cpuSeconds() - start
    allocations += (Harness.mallocCalls() ?? 0) - mallocs
    inputs.removeAll(keepingCapacity: true)
    now = now + .milliseconds(1)
  }

  @inline(never)
  private func handleInputs() {
    for input in inputs {
      if pause > 0 { sleep() }
      step.removeAll()
      switchboard.handle(input, at: now, into: &step)
      for action in step.immediate { follow(action) }
      for action in step.afterCommit { follow(action) }
      _ = switchboard.nextDeadline
    }
  }

  /// Sleeping is not the switchboard's part.
  private func sleep() {
    let start = Harness.cpuSeconds()
    usleep(pause)
    seconds -= Harness.cpuSeconds() - start
  }

  private func follow(_ action: CallControl.Action) {
    switch action {
    case .transmit(let transmission): sent.append(transmission)
    case .media(.open(let media, _)): opening.append(media)
    case .media, .reply, .notify: break
    }
  }

  private func openPorts() {
    for media in opening { inputs.append(.media(.opened(media, OpenedMedia(port: 20_000)))) }
    feed()
  }

  private func pass(_ interval: Int64) {
    let end = now + interval
    while let next = switchboard.nextDeadline, next <= end {
      now = max(now, next)
      inputs.append(.timersDue)
      feed()
    }
    now = end
  }

  // MARK: Messages

  private func requests(_ method: String) -> [(message: Message, flow: Flow)] {
    sent.compactMap { transmission in
      guard let message = try? Message(parsing: transmission.bytes), message.isRequest, message.method.name == method
      else { return nil }
      return (message, transmission.flow)
    }
  }

  private func invite() -> Message {
    calls += 1
    let body =
      "v=0\r\no=caller 1 1 IN IP4 10.2.0.1\r\ns=-\r\nc=IN IP4 10.2.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n"
      + "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    return message(
      "INVITE sip:support@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.2.0.1:5060;branch=z9hG4bK-\(calls)-0\r\n"
        + "Max-Forwards: 70\r\nFrom: \"Caller \(calls)\" <sip:caller\(calls)@10.2.0.1:5060>;tag=7c\(calls)\r\n"
        + "To: <sip:support@127.0.0.1:5060>\r\nCall-ID: \(calls)-7@10.2.0.1\r\nCSeq: 1 INVITE\r\n"
        + "Contact: <sip:caller\(calls)@10.2.0.1:5060;transport=UDP>\r\nContent-Type: application/sdp\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
  }

  private func request(_ method: String, after answer: Message) -> Message {
    calls += 1
    return message(
      "\(method) sip:127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.2.0.1:5060;branch=z9hG4bK-\(calls)-1\r\n"
        + "Max-Forwards: 70\r\nFrom: \(answer.header("From") ?? "")\r\nTo: \(answer.header("To") ?? "")\r\n"
        + "Call-ID: \(answer.callID)\r\nCSeq: \(method == "ACK" ? 1 : 2) \(method)\r\nContent-Length: 0\r\n\r\n")
  }

  private func answer(_ requests: [(message: Message, flow: Flow)], status: Int) {
    for (request, flow) in requests {
      let isOffer = status == 200 && request.method == .invite
      let body =
        isOffer
        ? "v=0\r\no=agent 1 1 IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
          + "a=rtpmap:0 PCMU/8000\r\n" : ""
      let tag = request.to.tag == nil ? ";tag=1a\(request.callID.prefix(8))" : ""
      inputs.append(
        .message(
          message(
            "SIP/2.0 \(status) OK\r\nVia: \(request.header("Via") ?? "")\r\nFrom: \(request.header("From") ?? "")\r\n"
              + "To: \(request.header("To") ?? "")\(tag)\r\nCall-ID: \(request.callID)\r\n"
              + "CSeq: \(request.header("CSeq") ?? "")\r\nContact: <sip:agent@\(flow.remote);transport=UDP>\r\n"
              + (isOffer ? "Content-Type: application/sdp\r\n" : "")
              + "Content-Length: \(body.utf8.count)\r\n\r\n" + body), flow))
    }
    feed()
  }

  private func message(_ text: String) -> Message {
    do {
      return try Message(parsing: Array(text.utf8))
    } catch {
      fatalError("\(error) in \(text)")
    }
  }
}
