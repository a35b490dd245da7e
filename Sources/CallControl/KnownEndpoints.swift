import ACD
public import SIP

extension Switchboard {
  /// The far ends of agents' phones: registered ones by the way their REGISTER came, others by their fixed address. The
  /// driver does not count what they send against its limit for strangers.
  public var knownEndpoints: [Endpoint] {
    site.agents.indices.flatMap { index -> [Endpoint] in
      switch site.agents[index].phone {
      case .registers: calls.registrations.phones(of: AgentID(index: UInt32(index))).map(\.flow.remote)
      case .address(let uri): uri.endpoint.map { [$0] } ?? []
      case .none, .demo, .browser: []
      }
    }
  }
}
