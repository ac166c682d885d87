import YAML

extension CloudInitCheck {
    public enum Severity: String, Sendable, Comparable {
        case warning, error

        public static func < (left: Self, right: Self) -> Bool { left == .warning && right == .error }
    }

    /// One thing that is wrong with a seed.
    public struct Finding: Sendable, Equatable {
        public var severity: Severity
        public var file: SeedFile
        /// Counted from 1; `nil` for a table: its YAML is limiq's, and its author never sees it.
        public internal(set) var mark: YAMLMark?
        /// The key or member it is about, lists counted from 1: `users[1].shell`; empty for the whole file.
        public var path: String
        /// Lower case, no full stop; says of what is at `path` what is wrong with it.
        public var message: String
        public var hint: String?

        init(
            _ severity: Severity, file: SeedFile, at mark: YAMLMark?, path: DocumentPath = DocumentPath(),
            _ message: String, hint: String? = nil
        ) {
            self.severity = severity
            self.file = file
            self.mark = mark
            self.path = path.description
            self.message = message
            self.hint = hint
        }

        /// One line, without the hint: `user-data:7:1: runcmds is no cloud-config key` for a text,
        /// `user_data.runcmds is no cloud-config key` for a table.
        public var text: String {
            if let mark {
                let subject = path.isEmpty ? "" : "\(path) "
                return "\(file.rawValue):\(mark.line):\(mark.column): \(subject)\(message)"
            }
            if path.isEmpty { return "\(file.field): \(message)" }
            return "\(file.field)\(path.hasPrefix("[") ? "" : ".")\(path) \(message)"
        }
    }
}
