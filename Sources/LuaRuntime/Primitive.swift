import Basics

/// A capability a script can call: a name and the Swift function behind it.
///
/// Lua never calls the function. A stub yields `(name, arguments)`, the scheduler performs the primitive
/// with no Lua frame on any stack, and resumes the stub with the answer or raises the failure there.
public struct Primitive: Sendable {
    /// The thread that `perform` runs on.
    public enum Execution: Sendable {
        /// The call runs on the scheduler's own thread: for what never waits (encoding, a look into memory).
        case inline
        /// The call runs on a thread of the worker pool: for everything that may block.
        case pooled
    }

    /// The dotted name, as scripts see it behind `limiq.`: `disk.overlay`.
    public let name: String
    public let execution: Execution
    /// The time a cancelled call may take to undo what it began, before its answer is no longer waited for.
    public let grace: Duration
    /// The lane of a call by its arguments: the work it waits behind where much is asked at once, that of the same
    /// host, say.
    public let lane: @Sendable ([Value]) -> String
    /// The function, which returns the values the stub returns. A thrown `Failure` becomes a script error at the call;
    /// any other error becomes one with code `internal`.
    public let perform: @Sendable (Request) throws -> [Value]

    public init(
        _ name: String, _ execution: Execution = .pooled, grace: Duration = .zero,
        lane: @escaping @Sendable ([Value]) -> String = { _ in "" },
        perform: @escaping @Sendable (Request) throws -> [Value]
    ) {
        self.name = name
        self.execution = execution
        self.grace = grace
        self.lane = lane
        self.perform = perform
    }
}

/// One call of a primitive by a script.
public struct Request: Sendable {
    /// The primitive's name.
    public let name: String
    public let arguments: [Value]
    /// The place where the script made the call: `build-web.lua:12`.
    public let location: String?
    /// The number of the task that waits for the answer; 1 is the script itself.
    public let task: Int
    /// The cancellation, which is cancelled when the task or the run is.
    public let cancellation: Cancellation

    public init(
        name: String, arguments: [Value], location: String? = nil, task: Int = 1,
        cancellation: Cancellation = Cancellation()
    ) {
        self.name = name
        self.arguments = arguments
        self.location = location
        self.task = task
        self.cancellation = cancellation
    }
}
