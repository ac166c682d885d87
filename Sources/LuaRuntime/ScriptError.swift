import Basics

/// The error that ended a script.
public struct ScriptError: Error, Sendable, CustomStringConvertible {
    public let failure: Failure
    /// The line of the script: `build-web.lua:12`.
    public let location: String?
    /// The script's own frames, innermost first, one a line below `stack traceback:`; across tasks, those of the task
    /// that failed.
    public let traceback: String?

    public init(_ failure: Failure, location: String? = nil, traceback: String? = nil) {
        self.failure = failure
        self.location = location
        self.traceback = traceback
    }

    /// The error on one line a person can act on, and the hint.
    public var description: String {
        location.map { "\($0): \(failure)" } ?? failure.description
    }
}
