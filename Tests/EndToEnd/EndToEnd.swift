import Testing

/// One test at a time: a guest that boots wants the whole machine, and libvirt's embedded driver belongs to one process
/// at a time.
@Suite("End to end", .serialized) enum EndToEnd {}
