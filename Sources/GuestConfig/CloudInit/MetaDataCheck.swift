import Basics
import JSONSchema
import MachineSpec
import YAML

/// The check of meta-data: what the NoCloud datasource reads of it. All other keys are for templates, and may be called
/// what they like.
enum MetaDataCheck {
    /// The keys that the datasource reads.
    private static let keys = ["instance-id", "local-hostname"]

    /// The keys that are meant for them, in lower case and without hyphens and underscores.
    private static let meant = [
        "instanceid": "instance-id", "localhostname": "local-hostname", "hostname": "local-hostname",
    ]

    static func check(_ root: YAMLNode) -> [CloudInitCheck.Finding] {
        guard case .map(let entries) = root.content else {
            return [
                finding(
                    .error, root.mark, DocumentPath(), "must be a map of keys and values",
                    "write instance-id: NAME and local-hostname: NAME on lines of their own")
            ]
        }
        var findings = entries.flatMap { entry in
            keys.contains(entry.key) ? value(entry) : spelling(entry, in: root)
        }
        findings += CloudConfigCheck.hostName(root.entry("local-hostname"), file: .metaData)
        return findings
    }

    private static func value(_ entry: YAMLNode.Entry) -> [CloudInitCheck.Finding] {
        guard let complaint = complaint(about: entry) else { return [] }
        let text = entry.node.text ?? ""
        return [
            finding(
                .error, entry.node.mark, DocumentPath().key(entry.key), complaint,
                text.isEmpty ? "leave it out, or write a text" : "quote it: \(entry.key): '\(text)'")
        ]
    }

    /// The complaint about what is to be a text; `nil` where it is one.
    private static func complaint(about entry: YAMLNode.Entry) -> String? {
        let type: String
        switch entry.node.content {
        case .scalar(let value, _) where value.string == nil: type = value.typeName
        case .scalar: return entry.key == "instance-id" && entry.node.text == "" ? "is empty" : nil
        case .timestamp: type = "date"
        case .largeNumber: type = "number"
        case .list: return "must be a text, not a list"
        case .map: return "must be a text, not a map"
        }
        let text = entry.node.text ?? ""
        return "is not a text: YAML takes \(text.isEmpty ? "nothing" : text) for a \(type)"
    }

    private static func spelling(_ entry: YAMLNode.Entry, in root: YAMLNode) -> [CloudInitCheck.Finding] {
        let letters = entry.key.lowercased().filter { $0 != "-" && $0 != "_" }
        guard let meant = meant[letters], root.entry(meant) == nil else { return [] }
        return [
            finding(
                .warning, entry.mark, DocumentPath().key(entry.key),
                "is none of the NoCloud datasource's keys, and says nothing to it", "write \(meant)")
        ]
    }

    private static func finding(
        _ severity: CloudInitCheck.Severity, _ mark: YAMLMark, _ path: DocumentPath, _ message: String,
        _ hint: String
    ) -> CloudInitCheck.Finding {
        CloudInitCheck.Finding(severity, file: .metaData, at: mark, path: path, message, hint: hint)
    }
}
