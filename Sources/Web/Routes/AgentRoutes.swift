import ACD
import API
import CallControl
import HTTPTypes

/// What an agent's console does. The agent is the one to whom the token belongs.
struct AgentRoutes: Sendable {
  let desk: Desk

  var routes: [Route] {
    [
      Route(
        method: .get, path: "/v1/agents/me", name: "readMe", summary: "The agent's state, contacts and offer.",
        access: .scopes([.agent]), result: .json(.of(Agent.self)), handle: me),
      Route(
        method: .get, path: "/v1/agents/me/choices", name: "listChoices",
        summary: "Reasons for not being ready, wrap-up codes by queue, and queues to transfer to.",
        access: .scopes([.agent]),
        result: .json(.of(Choices.self)), handle: choices),
      Route(
        method: .get, path: "/v1/agents/me/events", name: "followMe",
        summary: "Offers, messages and states that concern the agent.", access: .scopes([.agent]),
        query: [.lastEventID], result: .events, handle: events),
      state("sign-in", "signIn", "Begin the shift.") { .signIn($0) },
      state("sign-out", "signOut", "End the shift.") { .signOut($0) },
      state("ready", "becomeReady", "Take offers.") { .ready($0) },
      Route(
        method: .post, path: "/v1/agents/me/not-ready", name: "becomeNotReady", summary: "Take no offers.",
        access: .scopes([.agent]), body: .of(NotReady.self), status: .ok, result: .json(.of(Agent.self)),
        handle: notReady),
      offer("accept", "acceptOffer", "Take the offer. 409 where only the phone can answer it.") { .accept($0, $1) },
      offer("decline", "declineOffer", "Leave the offer.") { .decline($0, $1) },
      contact("pick", "pickContact", "Take a waiting contact, as an attendant of its queue.") { .pick($0, $1) },
      contact("hold", "holdContact", "Put the contact on hold.") { .hold($0, $1) },
      contact("resume", "resumeContact", "Take the contact off hold.") { .resume($0, $1) },
      Route(
        method: .post, path: "/v1/contacts/{contact}/transfer", name: "transferContact",
        summary: "Let the contact go on in a queue, with the entry and the rank it has; the agent wraps up.",
        access: .scopes([.agent]), body: .of(Transfer.self), status: .noContent, result: .none, handle: transfer),
      Route(
        method: .post, path: "/v1/contacts/{contact}/wrap-up", name: "wrapUp",
        summary: "End the wrap-up, with a code if the queue has codes; or extend it.", access: .scopes([.agent]),
        body: .of(WrapUp.self), status: .noContent, result: .none, handle: wrapUp),
    ]
  }

  private func state(
    _ verb: String, _ name: String, _ summary: String, command: @escaping @Sendable (AgentID) -> Command
  ) -> Route {
    Route(
      method: .post, path: "/v1/agents/me/" + verb, name: name, summary: summary, access: .scopes([.agent]),
      result: .json(.of(Agent.self))
    ) { exchange in try await become(command(try exchange.agent()), exchange) }
  }

  private func offer(
    _ verb: String, _ name: String, _ summary: String, command: @escaping @Sendable (AgentID, OfferID) -> Command
  ) -> Route {
    Route(
      method: .post, path: "/v1/offers/{offer}/" + verb, name: name, summary: summary, access: .scopes([.agent]),
      status: .noContent, result: .none
    ) { exchange in
      try await desk.perform(command(try exchange.agent(), try exchange.offer()))
      return .noContent
    }
  }

  private func contact(
    _ verb: String, _ name: String, _ summary: String, command: @escaping @Sendable (AgentID, PublicID) -> Command
  ) -> Route {
    Route(
      method: .post, path: "/v1/contacts/{contact}/" + verb, name: name, summary: summary,
      access: .scopes([.agent]), status: .noContent, result: .none
    ) { exchange in
      try await desk.perform(command(try exchange.agent(), try exchange.contact()))
      return .noContent
    }
  }

  @Sendable private func me(_ exchange: Exchange) async throws -> Answer {
    try .json(await describe(try exchange.agent()))
  }

  private func describe(_ agent: AgentID) async throws -> Agent {
    guard case .agent(let view) = try await desk.perform(.describeAgent(agent)) else { throw Refused.internalError }
    return Agent(view, for: .agent)
  }

  private func become(_ command: Command, _ exchange: Exchange) async throws -> Answer {
    try await desk.perform(command)
    return try await me(exchange)
  }

  @Sendable private func notReady(_ exchange: Exchange) async throws -> Answer {
    let reason = try exchange.decode(NotReady.self).reason
    return try await become(.notReady(try exchange.agent(), reason: reason), exchange)
  }

  @Sendable private func wrapUp(_ exchange: Exchange) async throws -> Answer {
    let (agent, id) = (try exchange.agent(), try exchange.contact())
    let request = try exchange.decode(WrapUp.self)
    if let seconds = request.extendSeconds {
      guard request.code == nil else { throw Refused.invalid("Either code or extend_seconds, not both.") }
      try await desk.perform(.extendWrapUp(agent, id, seconds: seconds))
    } else {
      try await desk.perform(.endWrapUp(agent, id, code: request.code))
    }
    return .noContent
  }

  @Sendable private func transfer(_ exchange: Exchange) async throws -> Answer {
    let (agent, id) = (try exchange.agent(), try exchange.contact())
    try await desk.perform(.transfer(agent, id, queue: try exchange.decode(Transfer.self).queue))
    return .noContent
  }

  @Sendable private func choices(_ exchange: Exchange) async throws -> Answer {
    let agent = try exchange.agent()
    let definitions = desk.backend.site().definitions
    // The engine's own reasons are what happens to an agent, not what one chooses.
    let reasons = Array(definitions.names.reasons.dropFirst(ReasonID.builtIn.count))
    var codes: [String: [String]] = [:]
    guard definitions.agents.indices.contains(Int(agent.index)) else {
      throw Refused.notFound("There is no such agent.")
    }
    for membership in definitions.agents[Int(agent.index)].queues {
      let queue = definitions.queues[Int(membership.queue.index)]
      codes["q_" + queue.name] = queue.codes.filter { $0 != .none }.map { definitions.names.codes[Int($0.index)] }
    }
    let queues = definitions.queues.filter { !$0.isRemoved }.map(\.name)
    return try .json(Choices(reasons: reasons, codes: codes, queues: queues))
  }

  @Sendable private func events(_ exchange: Exchange) async throws -> Answer {
    let agent = try exchange.agent()
    return try desk.streams.answer(.agent(agent), for: .agent, exchange: exchange) {
      var snapshot = StreamEvent.Snapshot(agent: try await describe(agent))
      if case .queues(let queues) = try await desk.perform(.describeQueues) {
        snapshot.queues = queues.map { Queue($0) }
      }
      return snapshot
    }
  }
}
