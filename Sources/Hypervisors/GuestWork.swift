/// The work a running guest has done since its start, as its hypervisor counts. What is not known is `nil`.
public struct GuestWork: Sendable, Equatable {
    /// The time its processors have run, or would have, had the host not been busy with something else.
    public var processors: Duration?
    /// The bytes that were read, of all disks and drives.
    public var read: UInt64?
    public var written: UInt64?

    public init(processors: Duration? = nil, read: UInt64? = nil, written: UInt64? = nil) {
        self.processors = processors
        self.read = read
        self.written = written
    }
}
