/// What a session description may measure; more is refused.
public struct Limits: Sendable, Equatable {
  public var bytes = 65_536
  public var lines = 4_000
  public var lineBytes = 8_192
  public var media = 128
  public init() {}
}
