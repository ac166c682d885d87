import Basics
import Synchronization
import YAML

/// Finds, before a boot, what a guest would pass over in silence.
public enum CloudInitCheck {
    private struct Document: Hashable {
        var file: String
        var text: String
    }

    /// What was said of a text is said of it again: a run of many VMs may have few texts.
    private static let known = Mutex<[Document: [Finding]]>([:])
    private static let knownLimit = 1000

    /// All that is wrong with the four files, in the order of the files and their lines.
    public static func check(_ spec: CloudInitSpec) -> [Finding] {
        var findings: [Finding] = []
        if let text = spec.userData { findings += checkUserData(text, file: "user-data") }
        if let text = spec.vendorData { findings += checkUserData(text, file: "vendor-data") }
        if let text = spec.metaData { findings += checkMetaData(text) }
        if let text = spec.networkConfig { findings += checkNetworkConfig(text) }
        return findings
    }

    /// - Throws: `Failure` with code `cloud_init` for the first error; its `cause` lists the others.
    public static func requireNoErrors(in findings: [Finding]) throws(Failure) {
        let errors = findings.filter { $0.severity == .error }
        guard let first = errors.first else { return }
        let others = errors.dropFirst().map(\.text).joined(separator: "; ")
        throw Failure("cloud_init", first.text, hint: first.hint, cause: others.isEmpty ? nil : others)
    }

    // MARK: - The files

    private static func checkUserData(_ text: String, file: String) -> [Finding] {
        let document = Document(file: file, text: text)
        if let findings = known.withLock({ $0[document] }) { return findings }
        let findings = examineUserData(text, file: file)
        known.withLock { known in
            if known.count >= knownLimit { known.removeAll() }
            known[document] = findings
        }
        return findings
    }

    private static func examineUserData(_ text: String, file: String) -> [Finding] {
        switch UserDataHeader(of: text) {
        case .empty, .other: return []
        case .unknown(let message, let hint):
            return [Finding(.error, file: file, at: YAMLMark(line: 1, column: 1), message, hint: hint)]
        case .cloudConfig: break
        }
        var (root, findings) = document(text, file: file)
        guard let root else { return findings }
        guard case .map = root.content else {
            if root.value != .null {
                findings.append(
                    Finding(
                        .error, file: file, at: root.mark, "cloud-config must be a map of keys and values",
                        hint: "begin with a key, as in \"packages: [nginx]\""))
            }
            return findings
        }
        if let network = root.entry("network") {
            findings.append(
                Finding(
                    .warning, file: file, at: network.mark, path: "network", "has no effect in \(file)",
                    hint: "move it to network_config"))
        }
        findings += CloudConfigCheck.check(root, file: file)
        return findings.sorted { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }
    }

    private static func checkMetaData(_ text: String) -> [Finding] {
        var (root, findings) = document(text, file: "meta-data")
        guard let root, root.value != .null else { return findings }
        guard case .map = root.content else {
            findings.append(
                Finding(
                    .error, file: "meta-data", at: root.mark, "meta-data must be a map of keys and values",
                    hint: "write instance-id: NAME and local-hostname: NAME on lines of their own"))
            return findings
        }
        for key in ["instance-id", "local-hostname"] {
            guard let entry = root.entry(key), let text = entry.node.text else { continue }
            let type: String
            switch entry.node.content {
            case .scalar(let value, _) where value.string == nil: type = value.typeName
            case .timestamp: type = "date"
            default: continue
            }
            findings.append(
                Finding(
                    .error, file: "meta-data", at: entry.node.mark, path: key,
                    "is not a text: YAML takes \(text.isEmpty ? "nothing" : text) for a \(type)",
                    hint: "quote it: \(key): '\(text)'"))
        }
        findings += CloudConfigCheck.hostName(root.entry("local-hostname"), file: "meta-data")
        return findings
    }

    private static func checkNetworkConfig(_ text: String) -> [Finding] {
        var (root, findings) = document(text, file: "network-config")
        guard let root, root.value != .null else { return findings }
        // Netplan's files have all below `network`; cloud-init takes both.
        let config = root.entry("network")?.node ?? root
        guard case .map = config.content else {
            findings.append(
                Finding(
                    .error, file: "network-config", at: config.mark,
                    "network-config must be a map of keys and values", hint: "begin with \"version: 2\""))
            return findings
        }
        let version = config.entry("version")?.node
        if let version, version.value != 1, version.value != 2 {
            findings.append(
                Finding(
                    .error, file: "network-config", at: version.mark, "version must be 1 or 2",
                    hint: "2 is netplan's form: version: 2, then ethernets:"))
        } else if version == nil, config.entry("config")?.node.value != "disabled" {
            findings.append(
                Finding(
                    .error, file: "network-config", at: config.mark, "version is missing",
                    hint: "begin with \"version: 2\""))
        }
        return findings
    }

    /// The one document of a file, `nil` where there is none or it cannot be read.
    private static func document(_ text: String, file: String) -> (root: YAMLNode?, findings: [Finding]) {
        do {
            let stream = try YAML.nodes(text)
            var findings = stream.duplicateKeys.map { problem in
                Finding(.warning, file: file, at: problem.mark, problem.message, hint: problem.hint)
            }
            if stream.documents.count > 1 {
                findings.append(
                    Finding(
                        .error, file: file, at: stream.documents[1].mark,
                        "a second document begins here, and cloud-init then reads neither",
                        hint: "remove the line ---"))
            }
            return (stream.documents.first, findings)
        } catch {
            let shown = error.lineText.isEmpty ? "" : ": \"\(error.lineText)\""
            return (
                nil, [Finding(.error, file: file, at: error.mark, error.message + shown, hint: error.hint)]
            )
        }
    }
}
