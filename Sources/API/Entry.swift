/// `GET /v1/entry?name=…`: what a page may offer its visitor now.
public struct Entry: Codable, Sendable, Equatable {
  /// `web:shop`
  public var name: String
  /// `voice`, `chat`, `callback`: what the entry and its queue take.
  public var channels: [String]
  /// Whether somebody can be reached at this hour.
  public var isOpen: Bool
  /// When the hours begin again, while they are over and it is known.
  public var opensAt: Timestamp?
  /// Whether a chat may leave a message while the hours are over.
  public var takesMessages: Bool
  /// What a contact arriving now would be told.
  public var wait: WaitRange?
  public init(
    name: String, channels: [String], isOpen: Bool, opensAt: Timestamp? = nil, takesMessages: Bool = false,
    wait: WaitRange? = nil
  ) {
    self.name = name; self.channels = channels; self.isOpen = isOpen; self.opensAt = opensAt
    self.takesMessages = takesMessages; self.wait = wait
  }
  enum CodingKeys: String, CodingKey {
    case name, channels, wait
    case isOpen = "is_open"
    case opensAt = "opens_at"
    case takesMessages = "takes_messages"
  }
}
