import ACD
public import CallControl
import Primitives
import SIP

extension SiteFolder {
  /// The site as `serve --demo` runs it, so that a newcomer needs nothing but a browser and a terminal:
  /// - agents without a phone get the echo phone, and so can be called;
  /// - calls from 127.0.0.1 are heard, and from nowhere else besides what the files say;
  /// - `web:demo` leads to `support`, or else to the first queue that takes chats, with calls where it takes them;
  /// - two robot agents serve a queue of their own, `robots`, with the entry `web:robots`. They never take what waits
  ///   for people, so the newcomer's own chat stays for the newcomer to accept.
  public static func demo(_ site: Site) -> Site {
    var site = site
    for index in site.agents.indices
    where site.agents[index].phone == .none && !site.definitions.agents[index].isRemoved {
      site.agents[index].phone = .demo
      site.definitions.agents[index].voiceCapacity = 1
    }
    site.federation.trustedSources.append(AddressRange(network: Endpoint(ipv4: 0x7f00_0001, port: 0), prefix: 128))
    let queues = site.definitions.queues
    let chatting = queues.indices.filter { !queues[$0].isRemoved && queues[$0].channels.contains(.chat) }
    if !site.entries.contains(where: { $0.name == "web:demo" }),
      let index = chatting.first(where: { queues[$0].name == "support" }) ?? chatting.first
    {
      let queue = QueueID(index: UInt32(clamping: index))
      let channels = [Channel.voice, .chat].filter(queues[index].channels.contains)
      site.entries.append(Site.Entry(name: "web:demo", queue: queue, channels: channels))
    }
    let robots = site.addQueue("robots")
    site.entries.removeAll { $0.name == "web:robots" }
    site.entries.append(Site.Entry(name: "web:robots", queue: robots, channels: [.chat]))
    site.addRobot("robot-1", named: "Robot One", in: robots)
    site.addRobot("robot-2", named: "Robot Two", in: robots)
    return site
  }
}

extension Site {
  fileprivate mutating func addQueue(_ name: String) -> QueueID {
    let index = definitions.names.queues.index(adding: name)
    if index == definitions.queues.count {
      definitions.queues.append(QueueDefinition(name: name))
      queues.append(QueueProfile())
    }
    definitions.queues[index] = QueueDefinition(name: name)
    definitions.queues[index].channels = [.chat]
    return QueueID(index: UInt32(clamping: index))
  }

  fileprivate mutating func addRobot(_ name: String, named displayName: String, in queue: QueueID) {
    let index = definitions.names.agents.index(adding: name)
    if index == definitions.agents.count {
      definitions.agents.append(AgentDefinition(name: name))
      agents.append(AgentProfile(displayName: displayName))
    }
    var robot = AgentDefinition(name: name)
    robot.queues = [AgentDefinition.Membership(queue: queue)]
    robot.voiceCapacity = 0
    robot.chatCapacity = 10
    definitions.agents[index] = robot
    agents[index] = AgentProfile(displayName: displayName)
  }
}
