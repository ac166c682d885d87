/// A failure in the form a script sees it: a stable code, one line that names the thing, and the way out.
public struct Failure: Error, Sendable, Equatable {
    public var code: Code
    /// The word of an error that a script has raised with one of its own; `code` is `script` then.
    public private(set) var ownWord: String?
    /// The message: in lower case, it names the thing, and has no full stop.
    public var message: String
    /// The way out.
    public var hint: String?
    /// The machine or file it is about.
    public var resource: String?
    /// The text of what lay underneath.
    public var cause: String?

    public init(
        _ code: Code, _ message: String, hint: String? = nil, resource: String? = nil,
        cause: String? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.resource = resource
        self.cause = cause
    }
}

extension Failure {
    /// An error of a script, by the word it was raised with: one of limiq's codes, or one of the script's own.
    public init(
        word: String, _ message: String, hint: String? = nil, resource: String? = nil, cause: String? = nil
    ) {
        self.init(Code(rawValue: word) ?? .script, message, hint: hint, resource: resource, cause: cause)
        if word != code.rawValue { ownWord = word }
    }

    /// The word a script sees.
    public var word: String { ownWord ?? code.rawValue }

    /// Adds a way out to those it has.
    public mutating func add(hint: String) {
        self.hint = self.hint.map { "\($0); \(hint)" } ?? hint
    }
}

extension Failure: CustomStringConvertible {
    public var description: String {
        var text = message
        if let resource, !message.contains(resource) { text = "\(resource): \(text)" }
        if let cause, !text.contains(cause) { text += ": \(cause)" }
        if let hint { text += "\n  hint: \(hint)" }
        return text
    }
}
