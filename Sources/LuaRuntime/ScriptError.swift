import Basics

/// What ended a script.
public struct ScriptError: Error, Sendable, CustomStringConvertible {
    public let failure: Failure
    /// `build-web.lua:12`: the line of the script.
    public let location: String?
    /// The script's own frames, innermost first, one a line below `stack traceback:`; across tasks, those of the task
    /// that failed.
    public let traceback: String?

    public init(_ failure: Failure, location: String? = nil, traceback: String? = nil) {
        self.failure = failure
        self.location = location
        self.traceback = traceback
    }

    /// One line a person can act on, and the hint.
    public var description: String {
        location.map { "\($0): \(failure)" } ?? failure.description
    }
}

extension Failure.Code {
    /// An error of the script's own, or one Lua found in it.
    public static let script: Failure.Code = "script"
    /// The script is no Lua.
    public static let syntax: Failure.Code = "syntax"
    /// The run was interrupted.
    public static let interrupted: Failure.Code = "interrupted"
    /// The script used more Lua memory than it may.
    public static let memory: Failure.Code = "memory"
    /// Every task waits for another.
    public static let deadlock: Failure.Code = "deadlock"
    /// A defect of limiq.
    public static let `internal`: Failure.Code = "internal"
}
