public import ACD
public import SDP
public import SIP

/// A whole site as call control needs it: the ACD's definitions, and where contacts come in and agents are reached.
/// Made by the configuration from YAML; a value, so that a reload swaps it between two inputs.
public struct Site: Sendable {
  public var name = "Switchboard"
  public var domain = "localhost"
  /// An IANA name.
  public var timeZone = "UTC"
  /// SHA-256 of the configuration, in hexadecimal; the journal stores the configuration whole under it.
  public var hash = ""
  public var definitions = Definitions()
  public var entries: [Entry] = []
  /// By `AgentID`; as long as `definitions.agents`.
  public var agents: [AgentProfile] = []
  /// By `QueueID`; as long as `definitions.queues`.
  public var queues: [QueueProfile] = []
  /// Music and announcements; `.music(n)` plays the n-th, counted from 1, and `.music(0)` the built-in music.
  public var soundFiles: [String] = []
  public var tokens: [Token] = []
  public var listen = Listen()
  public var federation = Federation()
  public var callbacks = Callbacks()
  public init() {}

  /// Where contacts come in: `web:shop`, `sip:support@acme.example`, `tel:+49…`.
  public struct Entry: Sendable, Equatable {
    public var name: String
    public var queue: QueueID
    public var channels: [Channel]
    /// Origins of web pages that may use a `web:` entry; empty means the site's own pages only.
    public var origins: [String]
    public var visitors: VisitorIdentity
    public init(
      name: String, queue: QueueID, channels: [Channel], origins: [String] = [], visitors: VisitorIdentity = .init()
    ) {
      self.name = name; self.queue = queue; self.channels = channels; self.origins = origins; self.visitors = visitors
    }
  }

  public struct AgentProfile: Sendable, Equatable {
    /// As people write it: "Amina Berg".
    public var displayName: String
    public var phone: Phone
    /// Who takes an offer of a call: the phone's 2xx, or the console's accept (`CALLS.md` 2).
    public var phoneAnswer: PhoneAnswer
    /// What a SIP phone is offered, best first.
    public var codecs = AudioCodec.g711
    /// Of a SIP phone.
    public var srtp = SRTPPolicy.allowed
    public init(displayName: String, phone: Phone = .none, phoneAnswer: PhoneAnswer = .phone) {
      self.displayName = displayName; self.phone = phone; self.phoneAnswer = phoneAnswer
    }

    /// Whether the phone has a better codec than G.711.
    var hasOpus: Bool { phone == .browser || codecs.contains(.opus) }
  }

  public enum PhoneAnswer: String, Sendable { case phone, console }

  /// Whether the sound of a SIP phone that we call is protected by SRTP. Its keys travel in SDP (RFC 4568), so it is
  /// offered over TLS only.
  public enum SRTPPolicy: String, Sendable {
    case never
    /// Offered first, then plain RTP where the phone refuses it.
    case allowed
    case required
  }

  public enum Phone: Sendable, Equatable {
    /// Takes chats only.
    case none
    /// A built-in phone that answers at once and echoes, so that a newcomer hears something.
    case demo
    /// A SIP phone that registers here as this address of record with digest authentication.
    case registers(URI, Credentials)
    /// A SIP phone at a fixed address.
    case address(URI)
    /// The agent's own phone page.
    case browser
  }

  public struct Credentials: Sendable, Equatable {
    public var user: String
    public var password: String
    /// Those the phone may use, best first and never empty. Its challenges name these and no others, so a phone that
    /// stumbles over SHA-256 works with MD5 alone.
    public var algorithms: [DigestAlgorithm]
    public init(user: String, password: String, algorithms: [DigestAlgorithm] = [.sha256]) {
      self.user = user; self.password = password; self.algorithms = algorithms
    }
  }

  public struct QueueProfile: Sendable, Equatable {
    /// 200 at once with music, or 180 until the agent answers (`CALLS.md` 1).
    public enum Answer: String, Sendable { case onEntry = "on_entry", onAgent = "on_agent" }
    public var answer = Answer.onEntry
    /// The index of its music among the loaded ones; 0 is the built-in.
    public var music = 0
    /// What a caller hears who is turned away, by `Occasion.rawValue`.
    public var announcements: [Announcement?] = Array(repeating: nil, count: Occasion.allCases.count)
    /// The digit by which a waiting caller asks to be called back, and how long the caller must have waited.
    public var callbackKey: UInt8?
    public var callbackOfferedAfter: Int64 = 0
    public init() {}
  }

  /// Played once to its end.
  public struct Announcement: Sendable, Equatable {
    public var file: String
    /// Among the loaded music.
    public var music: Int
    /// Microseconds.
    public var length: Int64
    public init(file: String, music: Int, length: Int64) {
      self.file = file; self.music = music; self.length = length
    }
  }

  /// Whom callbacks may call. Off until a list is written: whoever can make us dial can make us pay.
  public struct Callbacks: Sendable, Equatable {
    /// SIP addresses as `sip:kim@partner.example`, `sip:*@partner.example`; numbers as `+4930*`.
    public var allowed: [String] = []
    /// Where calls to numbers, and to hosts that are names, are sent.
    public var gateway: URI?
    public var srtp = SRTPPolicy.allowed
    public init() {}
  }

  /// A bearer token of the HTTP API, known only by its SHA-256.
  public struct Token: Sendable, Equatable {
    public enum Scope: String, Sendable, CaseIterable { case read, agent, admin, widget }
    public var sha256: [UInt8]
    public var scopes: [Scope]
    /// The agent who logs in with it, for scope `agent`.
    public var agent: AgentID?
    public init(sha256: [UInt8], scopes: [Scope], agent: AgentID? = nil) {
      self.sha256 = sha256; self.scopes = scopes; self.agent = agent
    }
  }

  public struct Listen: Sendable, Equatable {
    /// The PEM files of what a listener shows of itself over TLS: the chain, its own certificate first, and the key.
    public struct Certificate: Sendable, Equatable {
      public var file: String
      public var keyFile: String
      public init(file: String, keyFile: String) { self.file = file; self.keyFile = keyFile }
    }
    public struct HTTP: Sendable, Equatable {
      public var address = "127.0.0.1"
      public var port: UInt16 = 8080
      public var certificate: Certificate?
      /// Proxies whose `X-Forwarded-For` is believed.
      public var trustedProxies: [AddressRange] = []
      public init() {}
    }
    public struct SIP: Sendable, Equatable {
      public var address = "127.0.0.1"
      public var advertisedAddress = "127.0.0.1"
      /// 0 means not to listen.
      public var udp: UInt16 = 5060
      public var tcp: UInt16 = 5060
      /// Needs a certificate.
      public var tls: UInt16 = 0
      public var certificate: Certificate?
      /// PEM of the authorities whose certificates we believe besides the system's, when we connect over TLS.
      public var authoritiesFile: String?
      public init() {}
    }
    public struct Media: Sendable, Equatable {
      public var address = "127.0.0.1"
      public var advertisedAddress = "127.0.0.1"
      public var ports: ClosedRange<UInt16> = 20000...29999
      /// The UDP port of all calls from web pages; 0 takes none.
      public var webPort: UInt16 = 29999
      /// Where browsers reach that port, the preferred one first.
      public var webAddresses = ["127.0.0.1"]
      public init() {}
    }
    public var http = HTTP()
    public var sip = SIP()
    public var media = Media()
    public init() {}
  }

  public struct Federation: Sendable, Equatable {
    public enum Mode: String, Sendable { case closed, direct, open }
    public var mode = Mode.closed
    /// Sources whose UDP requests are heard although they are nobody's phone.
    public var trustedSources: [AddressRange] = []
    public init() {}
  }
}

/// A CIDR range of IPv4 or IPv6 addresses.
public struct AddressRange: Sendable, Equatable {
  /// The network as an endpoint with port 0.
  public var network: Endpoint
  /// Prefix length within the 128-bit form: an IPv4 `/24` is 120.
  public var prefix: UInt8
  public init(network: Endpoint, prefix: UInt8) { self.network = network; self.prefix = prefix }

  public func contains(_ endpoint: Endpoint) -> Bool {
    func masked(_ word: UInt64, _ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? word : word >> (64 - bits) }
    return masked(network.high, Int(prefix)) == masked(endpoint.high, Int(prefix))
      && masked(network.low, Int(prefix) - 64) == masked(endpoint.low, Int(prefix) - 64)
  }
}
