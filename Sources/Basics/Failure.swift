/// What went wrong, in the form a script sees it: a stable code, one line that names the thing, and
/// the way out.
public struct Failure: Error, Sendable, Equatable {
    /// A stable word a script can branch on. A struct, so that a new code breaks nobody's `switch`.
    public struct Code: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public init(stringLiteral value: String) { rawValue = value }

        /// An argument or field of the wrong type, unknown, or out of range.
        public static let badField: Code = "bad_field"
        /// A file or folder could not be read or written.
        public static let io: Code = "io"
        /// The thing asked for is not there.
        public static let notFound: Code = "not_found"
        /// The run was interrupted or the task cancelled.
        public static let cancelled: Code = "cancelled"
        public static let timeout: Code = "timeout"
        /// libvirt refused; the message carries libvirt's own words.
        public static let libvirt: Code = "libvirt"
        /// This host cannot do what is asked; `hint` says what to install or start.
        public static let hostNotAble: Code = "host_not_able"
        /// A helper program (qemu-img, ssh, curl, …) failed.
        public static let program: Code = "program"
    }

    public var code: Code
    /// Lower case, names the thing, no full stop.
    public var message: String
    /// The way out.
    public var hint: String?
    /// Which VM or file it is about.
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
