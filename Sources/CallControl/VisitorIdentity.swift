extension Site {
  /// How an entry learns who its visitors are: from tokens (RFC 7519) that the site of the page signs for them.
  public struct VisitorIdentity: Sendable, Equatable {
    public enum Policy: String, Sendable, CaseIterable {
      /// Nobody is asked, and no token is looked at.
      case none
      /// Who brings a token must bring a good one.
      case optional
      /// Nobody comes in without one.
      case required
    }

    /// What a signature is checked with. The algorithm belongs to the key, whatever a token says.
    public struct Key: Sendable, Equatable {
      public enum Algorithm: String, Sendable, CaseIterable {
        case hs256 = "HS256"
        case es256 = "ES256"
        case rs256 = "RS256"
      }
      /// The `kid` of tokens that are signed with it.
      public var id: String
      public var algorithm: Algorithm
      /// Its file: a public key in PEM, or the secret of HS256.
      public var file: [UInt8]
      public init(id: String, algorithm: Algorithm, file: [UInt8]) {
        self.id = id; self.algorithm = algorithm; self.file = file
      }
    }

    public var policy = Policy.none
    public var keys: [Key] = []
    public init(policy: Policy = .none, keys: [Key] = []) { self.policy = policy; self.keys = keys }
  }
}

extension ChatRequest.Attribute {
  /// Bytes of one, and how many a contact has: half of them from the page, half from a token. The rest is left out.
  public static let nameLimit = 64
  public static let valueLimit = 256
  public static let most = 32
}

extension [ChatRequest.Attribute] {
  /// Those that are kept with the contact.
  var kept: [ChatRequest.Attribute] {
    prefix(ChatRequest.Attribute.most).filter {
      $0.name.utf8.count <= ChatRequest.Attribute.nameLimit && $0.value.utf8.count <= ChatRequest.Attribute.valueLimit
    }
  }
}
