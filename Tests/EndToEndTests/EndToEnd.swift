import Testing

/// Real processes share the machine's few cores, so these suites take turns.
@Suite("End to end", .serialized) enum EndToEnd {}
