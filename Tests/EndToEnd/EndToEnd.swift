import Testing

/// One test at a time: a guest that boots wants the whole machine.
@Suite("End to end", .serialized) enum EndToEnd {}
