import YAML

extension CloudInitCheck {
    public enum Severity: String, Sendable, Comparable {
        case warning, error

        public static func < (left: Self, right: Self) -> Bool { left == .warning && right == .error }
    }

    /// One thing that is wrong with a seed.
    public struct Finding: Sendable, Equatable {
        public var severity: Severity
        /// The seed's file: `user-data`.
        public var file: String
        /// From 1; `nil` where it is about the whole file.
        public var line: Int?
        public var column: Int?
        /// The key or member it is about, lists counted from 1: `users[1].shell`.
        public var path: String?
        /// Lower case, no full stop; says of what is at `path` what is wrong with it.
        public var message: String
        public var hint: String?

        public init(
            _ severity: Severity, file: String, at mark: YAMLMark? = nil, path: String? = nil,
            _ message: String, hint: String? = nil
        ) {
            self.severity = severity
            self.file = file
            line = mark?.line
            column = mark?.column
            self.path = path
            self.message = message
            self.hint = hint
        }

        /// One line, without the hint: `user-data:7:1: runcmds is no cloud-config key`.
        public var text: String {
            let place = [line, column].compactMap { $0 }.map { ":\($0)" }.joined()
            return "\(file)\(place): \(path.map { "\($0) " } ?? "")\(message)"
        }
    }
}
