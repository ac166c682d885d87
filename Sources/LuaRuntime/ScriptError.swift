import Basics

/// What ended a script: the failure, where in the script, and the script's own calls that led there.
public struct ScriptError: Error, Sendable {
    public let failure: Failure
    /// `build-web.lua:9`; `nil` where the message says it, or it is known for no line.
    public let location: String?
    /// The frames of the script, innermost first, one a line.
    public let traceback: String?

    public init(_ failure: Failure, location: String? = nil, traceback: String? = nil) {
        self.failure = failure
        self.location = location
        self.traceback = traceback
    }
}

extension ScriptError: CustomStringConvertible {
    public var description: String {
        var text = "\(failure)"
        if let location { text = "\(location): \(text)" }
        if let traceback, !traceback.isEmpty { text += "\n\(traceback)" }
        return text
    }
}

extension Failure.Code {
    /// Ctrl-C or SIGTERM.
    public static let interrupted: Failure.Code = "interrupted"
    /// The script itself went wrong: a Lua error.
    public static let script: Failure.Code = "script"
    public static let outOfMemory: Failure.Code = "out_of_memory"
}
