import JSONSchema
import MachineSpec
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
        /// The place, counted from 1; `nil` for a table: its YAML is limiq's, and its author never sees it.
        public internal(set) var mark: YAMLMark?
        /// The key or member it is about, lists counted from 1: `users[1].shell`; empty for the whole file.
        public var path: String
        /// The complaint, in lower case, without a full stop; it says of what is at `path` what is wrong with it.
        public var message: String
        public var hint: String?
        /// The owner whose fields the files are: `cloud_init.` in a machine's spec.
        var owner = ""

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

        /// Leaves out what is quoted of the file, which may be a secret in it.
        mutating func hideQuotes() {
            message = Self.withoutQuotes(message)
            hint = hint.map(Self.withoutQuotes)
        }

        /// The text without what is from the first quotation mark to the last: a quoted text may hold some.
        private static func withoutQuotes(_ text: String) -> String {
            guard let first = text.firstIndex(of: "\""), let last = text.lastIndex(of: "\""), first < last
            else { return text }
            return text[..<first] + "‹secret›" + text[text.index(after: last)...]
        }

        /// The finding on one line, without the hint: `user-data:7:1: runcmds is no cloud-config key` for a text,
        /// `cloud_init.user_data.runcmds is no cloud-config key` for a table.
        public var text: String {
            if let mark {
                let subject = path.isEmpty ? "" : "\(path) "
                return "\(file.rawValue):\(mark.line):\(mark.column): \(subject)\(message)"
            }
            let field = owner + file.field
            if path.isEmpty { return "\(field): \(message)" }
            return "\(field)\(path.hasPrefix("[") ? "" : ".")\(path) \(message)"
        }
    }
}

extension VMSpec {
    /// The findings of all that is wrong with the spec's cloud-init files.
    public var cloudInitFindings: [CloudInitCheck.Finding] {
        guard let cloudInit else { return [] }
        return CloudInitCheck.check(cloudInit, name: name, nics: nics).map { finding in
            var finding = finding
            finding.owner = "cloud_init."
            return finding
        }
    }
}
