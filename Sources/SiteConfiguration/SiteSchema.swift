/// Every key of a site's files, in one place.
enum SiteSchema {
  static let file: [Key] = [
    Key("site", .record(site), "What the site is called and where it stands."),
    Key("listen", .record(listen), "Addresses and ports, loopback unless written otherwise."),
    Key("entries", .table(.entry, .record(entry)), "Where contacts come in: `web:`, `sip:` or `tel:` and a name."),
    Key("queues", .table(.name, .record(queue)), "The lines in which contacts wait, by name."),
    Key("agents", .table(.name, .record(agent)), "The people who take contacts, by name."),
    Key("skills", .list(.scalar(.name)), "All skills there are; where this is written, any other is an error."),
    Key("reasons", .list(.scalar(.name)), "Reasons an agent may give for not being ready, besides the built-in ones."),
    Key("tokens", .table(.name, .record(token)), "Who may use the HTTP API, besides the agents."),
    Key("federation", .record(federation), "Who may speak to us over SIP besides registered phones."),
    Key("callback", .record(callbacks), "Whom queues may call back."),
    .later("trunks", .error, "Telephone lines over SIP.", instead: "calls over a trunk would not come in"),
    .later("attendants", .error, "Receptionists.", instead: "make them agents of the queue until then"),
    .later("directory", .error, "People to whom receptionists pass calls on.", instead: "remove it until then"),
  ]

  static let site: [Key] = [
    Key("name", .scalar(.text), "As callers and pages read it."),
    Key("domain", .scalar(.host), "The SIP domain of the site's own phones."),
    Key("time_zone", .scalar(.timeZone), "An IANA name; scenarios and reports tell time in it."),
    .later("languages", .warning, "Languages of announcements.", instead: "nothing is announced in any language"),
  ]

  static let listen: [Key] = [
    Key("http", .record(http), "Pages, widget and API."),
    Key("sip", .record(sip), "Calls and phones."),
    Key("media", .record(media), "Sound."),
  ]
  static let http: [Key] = [
    Key("address", .scalar(.address), "Where to listen."),
    Key("port", .scalar(.port), "TCP port; 0 takes any free one."),
    Key(
      "certificate_file", .scalar(.file),
      "PEM chain; browsers give no microphone without HTTPS off loopback. Read again on a reload."),
    Key("key_file", .scalar(.file), "PEM key of the certificate."),
    Key("trusted_proxies", .list(.scalar(.addressRange)), "Proxies whose X-Forwarded-For is believed."),
  ]
  static let sip: [Key] = [
    Key("address", .scalar(.address), "Where to listen."),
    Key("advertised_address", .scalar(.address), "What stands in Via and Contact."),
    Key("udp", .scalar(.port), "UDP port; 0 does not listen."),
    Key("tcp", .scalar(.port), "TCP port; 0 does not listen."),
    Key("tls", .scalar(.port), "TLS port; 0 does not listen, and 5061 is used where there is a certificate."),
    Key("certificate_file", .scalar(.file), "PEM chain that phones see over TLS; read again on a reload."),
    Key("key_file", .scalar(.file), "PEM key of the certificate."),
    Key("authorities_file", .scalar(.file), "PEM of authorities believed besides the system's, when we call over TLS."),
  ]
  static let media: [Key] = [
    Key("address", .scalar(.address), "Where to receive RTP."),
    Key("advertised_address", .scalar(.address), "What stands in SDP."),
    Key("ports", .scalar(.portRange), "UDP ports for RTP, two a leg."),
    Key(
      "web_port", .scalar(.port), "UDP port of all calls from pages, the last of `ports` unless written; 0 takes none."),
    Key(
      "web_addresses", .list(.scalar(.address)), "Where browsers reach it, if not at `advertised_address`; best first."),
  ]

  static let entryChannels = Shape.list(.word(["voice", "chat"], later: ["callback"]))
  static let channels = Shape.list(.word(["voice", "chat", "callback"]))

  static let visitors: [Key] = [
    Key(
      "policy", .word(["none", "optional", "required"]),
      "Whether visitors bring a token (JWT); `optional` unless written: a bad one is refused, a missing one is fine."),
    Key("keys", .table(.text, .record(visitorKey)), "What tokens are signed with, by their `kid`."),
  ]
  static let visitorKey: [Key] = [
    Key("algorithm", .word(["HS256", "ES256", "RS256"]), "The one that tokens of this key have.", isRequired: true),
    Key(
      "file", .scalar(.file), "A public key in PEM, or a secret of 32 bytes or more for HS256.", isRequired: true),
  ]

  static let entry: [Key] = [
    Key("queue", .scalar(.name), "Where its contacts wait.", isRequired: true),
    Key("channels", entryChannels, "What it takes; by default what the entry can carry and the queue takes."),
    Key(
      "origins", .list(.scalar(.text)),
      "Web pages that may show a `web:` entry, as `https://shop.example` or `https://*.shop.example`."),
    Key("visitors", .record(visitors), "Whether the page's site vouches for the visitors of a `web:` entry by tokens."),
    .later("trunk", .error, "The trunk of a telephone number.", instead: "calls over a trunk would not come in"),
  ]

  static let limitThen: [Key] = [
    Key("limit", .scalar(.count(0...65535)), "How many in a row; 0 means no limit."),
    Key("then", .word(["not_ready"]), "What the agent becomes."),
  ]
  static let interrupt: [Key] = [
    Key("chat_by_voice", .scalar(.flag), "Whether a call may ring an agent who is in a chat; true unless written."),
    Key("voice_by_chat", .scalar(.flag), "Whether a chat may reach an agent who is in a call; false unless written."),
  ]

  static let ladderStep: [Key] = [
    Key("after", .scalar(.duration), "The waiting time at which the step is taken.", isRequired: true),
    Key("drop", .list(.scalar(.name)), "Skills that are needed no more."),
    Key("lower", .table(.name, .scalar(.level)), "Skills for which a lower level is enough."),
    Key("also", .scalar(.name), "A queue whose agents may take the contact, too."),
    Key("prefer", .scalar(.name), "An agent who comes before all others who are free."),
  ]

  static let queue: [Key] = [
    Key("channels", channels, "What waits here; voice and chat unless written."),
    Key(
      "policy",
      .word(
        [
          "longest_idle", "round_robin", "serial", "fewest_contacts", "least_occupied", "best_skilled", "broadcast",
          "attendant",
        ]), "Which ready agent is offered a contact; `attendant`: none, all see the line and pick."),
    Key("order", .list(.scalar(.name)), "`serial`: the agents, from the top."),
    Key("prefer", .table(.name, .scalar(.level)), "`best_skilled`: wished levels; they score and never filter."),
    Key("window", .word(["shift", "day"]), "`fewest_contacts`, `least_occupied`: the time that counts."),
    Key("chats", .word(["spread", "fill"]), "The next chat to who has the fewest chats, or the most and still room."),
    Key(
      "preferred_agent",
      .record([Key("hold", .scalar(.duration), "How long a contact is held for the agent it asks for.")]),
      "Contacts that ask for an agent, or had one."),
    Key("ladder", .list(.record(ladderStep)), "Steps that widen the search by waited time, and never narrow it."),
    Key("skills", .table(.name, .scalar(.level)), "Skills every contact needs, with the least level."),
    Key(
      "take", .word(["oldest", "agent_rank"]),
      "For every agent of the queue: the best contact of all queues, or of the queue that the agent ranks first."),
    Key("priority", .scalar(.count(-1000...1000)), "Higher is served first."),
    Key(
      "aging", .scalar(.number(0...1000, "a number from 0 to 1000")), "Points of priority gained per minute of waiting."
    ),
    Key("ring", .scalar(.duration), "How long an offer rings."),
    Key("retry", .scalar(.duration), "How long an agent who declined or missed a contact is not offered it again."),
    Key(
      "wrap_up",
      .record([
        Key("default", .scalar(.duration), "Work after the contact, unless the agent ends it."),
        Key("limit", .scalar(.duration), "The longest an agent may extend it to."),
        Key("codes", .list(.scalar(.name)), "What the contact was about, for the agent to choose."),
      ]), "Work after the contact."),
    Key("missed", .record(limitThen), "Offers in a row that rang out."),
    Key("declined", .record(limitThen), "Offers in a row that were declined."),
    Key(
      "answer", .word(["on_entry", "on_agent"]),
      "When the caller's call is answered: at once with music, or by the agent."),
    Key("interrupt", .record(interrupt), "For every agent of the queue."),
    Key(
      "service_level",
      .record([
        Key("metric", .word(["sl.ignored", "sl.negative", "sl.positive", "sl.answered"]), "What abandons do to it."),
        Key("within", .scalar(.duration), "Answered within this time."),
        Key("target", .scalar(.fraction), "The share to reach."),
        Key("short_abandon", .scalar(.duration), "Abandons within this time do not count."),
      ]), "For reports and wallboards."),
    Key(
      "limits",
      .record([
        Key("waiting", .scalar(.count(0...1_000_000)), "Most contacts waiting; more are refused."),
        Key("wait", .scalar(.duration), "Longest wait; then the contact is let go."),
        Key("overflow", .record([candidate] + overflow), "What becomes of contacts beyond the limits."),
        Key("late", .record(overflow), "The same for those who waited too long, where it differs."),
        Key(
          "unstaffed",
          .record(
            [
              Key("test", .word(["staffed", "answerable"]), "Somebody is signed in; or is free in time."),
              Key("within", .scalar(.duration), "For `answerable`: how soon somebody must be free; 10 minutes."),
              Key("leave", .scalar(.flag), "Whether those who wait are let go, too, when the last one leaves."),
            ] + overflow), "Contacts for whom nobody is there; they wait unless this is written."),
      ]), "How much waits, and how long."),
    Key("examples", Example.shape, "Callers, agents, and who is offered whom: tests that `check` runs."),
    Key("music", .scalar(.file), "A WAV file; the built-in music unless written."),
    Key(
      "hours",
      .record([
        Key(
          "open", .either(.scalar(.openingHours), .list(.scalar(.openingHours))),
          "Days and local times, `Mon-Fri 08:00-18:00`."),
        Key("holidays", .list(.scalar(.date)), "Days that are closed, `2026-12-25`."),
        Key("closed", .record(overflow), "What becomes of contacts out of hours."),
      ]), "When the queue takes contacts; at all times unless written."),
    Key(
      "callback",
      .record([
        Key("mode", .word(["agent_first", "customer_first"]), "Who is rung first."),
        Key("attempts", .scalar(.count(1...20)), "Calls to the customer at most."),
        Key("retry_after", .scalar(.duration), "Least time between two of them."),
        Key("ring", .scalar(.duration), "How long the customer's phone rings."),
        Key("limit", .scalar(.duration), "How long a request stands."),
        Key("key", .scalar(.count(0...9)), "The key by which a waiting caller asks."),
        Key("offer_after", .scalar(.duration), "How long a caller must have waited for the key to count."),
      ]), "Calling back, with the place in line; needs the site's `callback`."),
    Key("grace", .scalar(.duration), "How long a caller who was cut off may return to the place."),
    Key("estimates", .scalar(.flag), "Whether waits are estimated at entry and the estimates scored; true."),
    .later(
      "federation", .error, "Rules for callers of other domains.",
      instead: "the site's `federation` holds for all queues"),
    .later("retention", .warning, "How long to keep.", instead: "messages are kept and calls are not recorded"),
    .later("announce", .warning, "Announcements.", instead: "callers hear music only"),
  ]

  /// What a limit does with a contact, for each occasion.
  static let overflow: [Key] = [
    Key("to", .scalar(.name), "Another queue, with the place in line."),
    Key("message", .scalar(.file), "A WAV file that callers hear before their call ends."),
    Key(
      "then", .word(["disconnect", "callback", "leave_message"]),
      "How it ends: at once, by calling back, or with a message (chats)."),
  ]
  static let candidate = Key(
    "candidate", .word(["newest", "oldest"]), "Who leaves a full queue: the newcomer, or who has waited longest.")

  static let callbacks: [Key] = [
    Key(
      "allow", .list(.scalar(.text)),
      "Whom we may call: `sip:*@partner.example`, `+4930*`. Nobody unless written: whoever makes us dial makes us pay."),
    Key("gateway", .scalar(.text), "`sip:host` or `sips:host` to which calls to numbers are sent; an address."),
    Key(
      "srtp", .word(["never", "allowed", "required"]),
      "Encrypted sound of calls over TLS: `allowed` offers it first and is the default."),
  ]

  static let agent: [Key] = [
    Key("name", .scalar(.text), "As people write it."),
    Key(
      "phone", .scalar(.text),
      "`sip:user@host`, `sips:user@host` (TLS only), `browser` (the agent's phone page), `demo` (answers and echoes) or "
        + "`none` (chats only)."),
    Key("password_file", .scalar(.file), "The password with which the phone registers."),
    Key("digest", .list(.word(["sha-256", "md5"])), "Digest algorithms the phone may use; sha-256 unless written."),
    Key("phone_answer", .word(["phone", "console"]), "Where a call is accepted; a browser phone's in the console."),
    Key(
      "codecs", .list(.word(["opus", "pcma", "pcmu"])),
      "What a SIP phone is offered, best first; G.711 unless written."),
    Key(
      "srtp", .word(["never", "allowed", "required"]),
      "Encrypted sound of a SIP phone reached by TLS: `allowed` offers it first and is the default."),
    Key("skills", .table(.name, .scalar(.level)), "Skills with their levels."),
    Key(
      "queues", .either(.list(.scalar(.name)), .table(.name, .scalar(.count(0...255)))),
      "Queues served; with ranks as a map."),
    Key(
      "take", .word(["oldest", "agent_rank"]),
      "The best contact of all queues, or of the best-ranked queue that has one; what the queues say unless written."),
    Key(
      "capacity",
      .record([
        Key("voice", .scalar(.count(0...1)), "Calls at once."),
        Key("chat", .scalar(.count(0...50)), "Chats at once."),
        Key("total", .scalar(.count(0...51)), "Contacts of all channels at once."),
      ]), "Contacts at once."),
    Key("interrupt", .record(interrupt), "For this agent."),
    Key("mode", .word(["formal"], later: ["informal"]), "Formal agents sign in and out."),
    Key("token_sha256", .scalar(.sha256), "The SHA-256 of the token with which the agent logs in."),
    Key("token_file", .scalar(.file), "The token with which the agent logs in."),
  ]

  static let token: [Key] = [
    Key("scopes", .list(.word(["read", "admin", "widget"])), "What it may do.", isRequired: true),
    Key("token_sha256", .scalar(.sha256), "The token's SHA-256."),
    Key("token_file", .scalar(.file), "The token."),
  ]

  static let federation: [Key] = [
    Key("mode", .word(["closed", "direct"], later: ["open"]), "Who may call and write from outside."),
    Key(
      "trusted_sources", .list(.scalar(.addressRange)),
      "Addresses whose calls are heard although they are nobody's phone."),
    .later("partners", .error, "Rules by domain.", instead: "no domain is known by name"),
    .later("strangers", .error, "Limits for unknown domains.", instead: "unknown domains are not heard at all"),
  ]
}
