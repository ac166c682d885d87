import Basics

/// The beginning or the end of one call of a primitive: what logging, timing and the event stream are made of.
public struct RequestEvent: Sendable {
    public enum Phase: Sendable {
        case began
        /// The call has ended, with the time it took. A request that was abandoned ends with the code `cancelled`.
        case ended(Duration, Failure?)
    }

    /// The number of the request, the same for both its events.
    public let id: UInt64
    public let request: Request
    public let phase: Phase
}
