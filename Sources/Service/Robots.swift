import ACD
import CallControl
import Synchronization

/// The demo's robot agents: they take every offer at once, greet, and say back what they are told, so that the first
/// chat of a newcomer is answered by somebody.
final class Robots: Sendable {
  private let agents: [AgentID]
  private let perform: @Sendable (Command) async -> Reply

  init(_ agents: [AgentID], perform: @escaping @Sendable (Command) async -> Reply) {
    self.agents = agents
    self.perform = perform
  }

  func signIn() async {
    for agent in agents { _ = await perform(.signIn(agent)) }
  }

  /// Acts on what the robots' consoles would show.
  func follow(_ notices: [Notice]) {
    for notice in notices {
      guard let agent = notice.agent, agents.contains(agent), let command = response(to: notice, agent) else {
        continue
      }
      Task { [perform] in _ = await perform(command) }
    }
  }

  private func response(to notice: Notice, _ agent: AgentID) -> Command? {
    switch notice.body {
    case .offered(let offer): .accept(agent, offer.offer)
    case .contactAnswered(let contact) where contact.channel == .chat:
      .post(contact.id, .agent(agent), text: "Hello, I am a robot. Whatever you write, I say it back.")
    case .message(let message) where message.author == .visitor:
      .post(message.contact, .agent(agent), text: "You said: \(message.text)")
    case .agentChanged(let view):
      view.contacts.first { $0.state == .wrapUp }.map { .endWrapUp(agent, $0.id, code: nil) }
    default: nil
    }
  }
}
