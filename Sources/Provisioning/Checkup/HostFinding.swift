import Basics

/// One thing that a look at the host has found.
public struct HostFinding: Sendable, Equatable {
    public enum Verdict: Sendable {
        case fine
        /// Something is missing or slow, and machines can be made without it.
        case lacking
        /// No machine can be made.
        case broken
    }

    public let verdict: Verdict
    /// The subject, in a word: `acceleration`.
    public let subject: String
    /// The finding itself, without a full stop.
    public let text: String
    /// The command that mends it, or words where there is none.
    public let remedy: String?

    public init(_ verdict: Verdict, _ subject: String, _ text: String, remedy: String? = nil) {
        self.verdict = verdict
        self.subject = subject
        self.text = text
        self.remedy = remedy
    }

    init(_ subject: String, _ failure: Failure) {
        var bare = failure
        bare.hint = nil
        self.init(.broken, subject, "\(bare)", remedy: failure.hint)
    }
}
