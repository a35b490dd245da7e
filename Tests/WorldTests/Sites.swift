import ACD
import CallControl
import Primitives
import SIP

extension Site {
  /// One queue behind `sip:support@acme.example` and `web:shop`, and agents with these phones, who take both.
  static func support(_ phones: [Phone], _ change: (inout Site) -> Void = { _ in }) -> Site {
    var site = Site()
    site.domain = "acme.example"
    var queue = QueueDefinition(name: "support")
    queue.wrapUp = .seconds(5)
    site.definitions.names.queues = ["support"]
    site.definitions.queues = [queue]
    site.queues = [QueueProfile()]
    for (number, phone) in phones.enumerated() {
      var agent = AgentDefinition(name: "agent\(number)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      site.definitions.names.agents.append(agent.name)
      site.definitions.agents.append(agent)
      site.agents.append(AgentProfile(displayName: "Agent \(number)", phone: phone))
    }
    site.entries = [
      Entry(name: "sip:support@acme.example", queue: QueueID(index: 0), channels: [.voice]),
      Entry(name: "web:shop", queue: QueueID(index: 0), channels: [.voice, .chat]),
    ]
    site.federation.trustedSources = [AddressRange(network: World.address, prefix: 128)]
    change(&site)
    return site
  }
}

/// A fixed address of a phone on this host.
func phone(at port: UInt16) -> Site.Phone { .address(URI(user: "phone\(port)", host: "127.0.0.1", port: port)) }
