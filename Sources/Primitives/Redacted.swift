/// Personal data on its way to a log: prints as a placeholder, and only code that asks for `value` sees it.
public struct Redacted<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  public let value: Value
  public init(_ value: Value) { self.value = value }
  public var description: String { "‹redacted›" }
  public var debugDescription: String { description }
}
