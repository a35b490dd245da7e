import Testing

/// Real processes share the machine's few cores, so these suites take turns.
@Suite("End to end", .serialized) enum EndToEnd {
  @Test("Where peers are required, they meet in a network of their own", .enabled(if: Peers.areRequired))
  static func network() { #expect(Peers.network == "own", "this machine permits no network namespaces") }
}
