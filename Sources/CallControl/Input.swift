public import ACD
public import SIP

/// What reaches the top machine.
public enum Input: Sendable {
  /// A SIP message that was framed and parsed at the edge.
  case message(Message, Flow)
  /// A SIP connection closed, or a send failed.
  case flowFailed(Flow)
  case media(MediaEvent)
  case command(RequestID, Command)
  /// The process has replayed its journal: what was live ends as `CALLS.md` 6 says.
  case restarted
  /// The process is about to stop, on purpose: every call ends as at a restart, and no new one is taken; chats go on.
  case stopping
  case timersDue
}

/// What a person or a program asks for over the API. Each gets exactly one `Reply`, after its facts are committed.
public enum Command: Sendable, Equatable {
  // Visitors.
  case openChat(ChatRequest)
  /// A visitor calls by voice. `.call` is the reply, once the media is ready and somebody can be waited for.
  case openCall(CallRequest)
  /// The visitor's event stream is up: the first one, or again after a lost link.
  case attach(PublicID)
  /// The visitor's last event stream is gone.
  case detach(PublicID)

  // Both sides of a contact.
  case post(PublicID, Author, text: String)
  case hangUp(PublicID, Author)

  // Pages in a call: visitors', and those that are agents' phones.
  /// A new sdpOffer: other directions, an ICE restart, or a page that was loaded anew and goes on where it was.
  case reoffer(Party, sdpOffer: [UInt8])
  /// `application/trickle-ice-sdpfrag`: candidates, which are not needed, or fresh credentials, which restart ICE.
  case trickle(Party, fragment: [UInt8])

  // Agents.
  /// The page becomes the agent's phone, in place of an earlier one. `.phone` is the reply.
  case openPhone(AgentID, sdpOffer: [UInt8])
  case closePhone(AgentID, PhoneID)
  case signIn(AgentID)
  case signOut(AgentID)
  case ready(AgentID)
  /// The reason by its name in the site; nil for none.
  case notReady(AgentID, reason: String?)
  case accept(AgentID, OfferID)
  case decline(AgentID, OfferID)
  /// An attendant takes a waiting contact.
  case pick(AgentID, PublicID)
  case hold(AgentID, PublicID)
  case resume(AgentID, PublicID)
  /// The contact goes on in a queue, by its name; the agent wraps up.
  case transfer(AgentID, PublicID, queue: String)
  /// The code by its name; nil for none.
  case endWrapUp(AgentID, PublicID, code: String?)
  /// Seconds from now.
  case extendWrapUp(AgentID, PublicID, seconds: Int)

  // The site.
  /// The contacts that wait in a queue, by its name, go on by the ladder that it has now. `.migrated` is the reply.
  case migrateWaiting(queue: String)

  // Reading.
  case describeContact(PublicID)
  case describeAgent(AgentID)
  case describeAgents
  case describeQueues
  case describeCounts
}

public struct ChatRequest: Sendable, Equatable {
  /// As in `entries`: `web:shop`.
  public var entry: String
  /// What the visitor calls themself, or what the token calls them.
  public var name: String?
  /// The page's origin, as the browser stated it.
  public var origin: String?
  /// `verified.*` from the visitor's token, and `page.*`, which nobody vouches for.
  public var attributes: [Attribute]
  public struct Attribute: Sendable, Equatable {
    public var name: String
    public var value: String
    public init(name: String, value: String) { self.name = name; self.value = value }
  }
  public init(entry: String, name: String? = nil, origin: String? = nil, attributes: [Attribute] = []) {
    self.entry = entry; self.name = name; self.origin = origin; self.attributes = attributes
  }
}

/// A chat's visitor, and the page's sdpOffer.
public struct CallRequest: Sendable, Equatable {
  public var visitor: ChatRequest
  public var sdpOffer: [UInt8]
  public init(visitor: ChatRequest, sdpOffer: [UInt8]) { self.visitor = visitor; self.sdpOffer = sdpOffer }
}

/// A page in a call, by whose it is.
public enum Party: Sendable, Equatable {
  case visitor(PublicID)
  case phone(AgentID, PhoneID)
}

/// Who says or does something in a contact.
public enum Author: Sendable, Equatable {
  case visitor
  case agent(AgentID)
  case system
}

public indirect enum Reply: Sendable, Equatable {
  case done
  case contact(ContactView)
  case call(ContactView, sdpAnswer: [UInt8])
  case phone(PhoneID, sdpAnswer: [UInt8])
  case answer([UInt8])
  /// Our fresh ICE credentials, as an sdpfrag.
  case fragment([UInt8])
  case message(MessageView)
  case agent(AgentView)
  case agents([AgentView])
  case queues([QueueView])
  /// So many contacts go on by another ladder.
  case migrated(contacts: Int)
  case counts(Counts)
  case refused(Problem)
}

/// Why a command was not carried out. The web edge makes an RFC 9457 problem of it.
public enum Problem: Error, Sendable, Equatable {
  /// No such entry, contact or offer (404).
  case notFound(String)
  /// The state does not allow it (409), with a sentence that says what to do: "answer on your phone".
  case conflict(String)
  /// The offer or contact is over (410).
  case gone(String)
  /// The caller may not do this (403).
  case forbidden(String)
  /// The request makes no sense (422).
  case invalid(String)
  /// The sdpOffer cannot be agreed on (422): no audio, no common codec, no DTLS-SRTP.
  case unusable(String)
  /// The queue takes no more now (503 with Retry-After): full or closed.
  case refused(Refusal)
  /// Too much at once (503 with Retry-After).
  case overloaded
}
