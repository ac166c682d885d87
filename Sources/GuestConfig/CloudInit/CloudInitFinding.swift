import JSONSchema
import MachineSpec
import YAML

extension CloudInitCheck {
    public enum Severity: String, Sendable, Comparable {
        case warning, error

        public static func < (left: Self, right: Self) -> Bool { left == .warning && right == .error }
    }

    /// The system that reads a seed.
    public enum System: Sendable {
        case linux, windows, unknown
    }

    /// A part of a message or an archive.
    public struct Part: Sendable, Equatable, CustomStringConvertible {
        /// Counted from 1, over all that is in the file.
        var number: Int
        var name: String?

        public var description: String {
            let name = name.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") } ?? ""
            return "part \(number)" + (name.isEmpty ? "" : " \"\(name.prefix(60))\"")
        }
    }

    /// One thing that is wrong with a seed.
    public struct Finding: Sendable, Equatable {
        public var severity: Severity
        public var file: SeedFile
        /// The part of the file that the place is in; `nil` for the file itself.
        public internal(set) var part: Part?
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
        /// `user-data part 2 "web.cfg":7:1: …` for one in it, `cloud_init.user_data.runcmds is no cloud-config key` for a table.
        public var text: String {
            if let mark {
                let subject = path.isEmpty ? "" : "\(path) "
                let place = part.map { "\(file.rawValue) \($0)" } ?? file.rawValue
                return "\(place):\(mark.line):\(mark.column): \(subject)\(message)"
            }
            let field = owner + file.field
            if path.isEmpty { return "\(field): \(message)" }
            return "\(field)\(path.hasPrefix("[") ? "" : ".")\(path) \(message)"
        }
    }
}

extension VMSpec {
    /// The findings of all that is wrong with the spec's cloud-init files.
    ///
    /// - Parameter guest: whose cloud-init is to read them; `nil` where that is not known.
    public func cloudInitFindings(_ guest: GuestCloudInit?) -> [CloudInitCheck.Finding] {
        guard let cloudInit else { return [] }
        let system: CloudInitCheck.System = isWindows ? .windows : .linux
        return CloudInitCheck.check(
            cloudInit, name: name, nics: nics, system: system, guest: guest
        ).map { finding in
            var finding = finding
            finding.owner = "cloud_init."
            return finding
        }
    }
}
