import Basics

/// One thing that is wrong with what configures a guest: its cloud-init files or its Ignition configuration.
public struct GuestFinding: Sendable, Equatable {
    /// Whether the guest cannot use it; else it takes it, and does something else than was meant.
    public var isError: Bool
    /// The code of the failure it is where a machine is made all the same.
    public var code: Failure.Code
    /// The finding on one line: it begins with the place.
    public var text: String
    /// The way out.
    public var hint: String?

    /// The finding with its hint.
    public var line: String { text + (hint.map { " (\($0))" } ?? "") }

    init(isError: Bool, code: Failure.Code, text: String, hint: String?) {
        self.isError = isError
        self.code = code
        self.text = text
        self.hint = hint
    }

    /// Makes a warning of what Windows would do with an image.
    package init(warning text: String, hint: String) {
        self.init(isError: false, code: .badField, text: text, hint: hint)
    }
}

extension [GuestFinding] {
    /// - Throws: `Failure` for the first error; its `cause` lists the others.
    public func requireNoErrors() throws(Failure) {
        let errors = filter(\.isError)
        guard let first = errors.first else { return }
        let others = errors.dropFirst().map(\.text).joined(separator: "; ")
        throw Failure(first.code, first.text, hint: first.hint, cause: others.isEmpty ? nil : others)
    }

    /// The warnings, for a person to read: things the guest would do otherwise than was meant.
    ///
    /// - Throws: as `requireNoErrors`.
    public func warnings() throws(Failure) -> [String] {
        try requireNoErrors()
        return map(\.line)
    }
}
