import Basics

/// The beginning or the end of one call of a primitive: what logging, timing and the event stream are made of.
public struct RequestEvent: Sendable {
    public enum Phase: Sendable {
        case began
        /// With the time it took. A request that was abandoned ends with the code `cancelled`.
        case ended(Duration, Failure?)
    }

    /// The same for both events of a request.
    public let id: UInt64
    public let request: Request
    public let phase: Phase
}
