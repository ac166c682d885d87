import Basics
import JSONSchema
import MachineSpec
import Synchronization
import YAML

/// Finds, before a boot, what a guest would pass over in silence.
public enum CloudInitCheck {
    private struct Document: Hashable {
        var file: SeedFile
        var text: String
    }

    /// The findings of texts that were checked: what was said of one is said of it again, as a run of many machines may
    /// have few texts.
    private static let known = Mutex<[Document: [Finding]]>([:])
    private static let knownLimit = 1000

    /// The findings of all that is wrong with the four files, in the order of the files and their lines.
    ///
    /// - Parameters:
    ///   - name: the machine's.
    ///   - nics: the machine's; none where it is not known.
    public static func check(_ spec: CloudInitSpec, name: String? = nil, nics: [NICSpec] = []) -> [Finding] {
        let network = SeedNetwork(spec, name: name, nics: nics).findings
        return SeedFile.allCases.flatMap { file -> [Finding] in
            guard let document = spec[file] else { return network.filter { $0.file == file } }
            let found = check(document, as: file) + network.filter { $0.file == file }
            let sorted = found.sorted { left, right in
                let (left, right) = (left.mark, right.mark)
                return (left?.line ?? 0, left?.column ?? 0) < (right?.line ?? 0, right?.column ?? 0)
            }
            return sorted.map { finding in
                var finding = finding
                if document.isTable { finding.mark = nil }
                if document.holdsSecret { finding.hideQuotes() }
                return finding
            }
        }
    }

    private static func check(_ document: CloudInitDocument, as file: SeedFile) -> [Finding] {
        let bytes = document.bytes(as: file)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let isCompressed = bytes.starts(with: [0x1F, 0x8B])
            let isText =
                file == .metaData || file == .networkConfig
                || UserDataHeader(of: String(decoding: bytes, as: UTF8.self)) == .cloudConfig
            guard isText, !isCompressed || file == .metaData || file == .networkConfig else { return [] }
            return [Finding(.error, file: file, at: YAMLMark(line: 1, column: 1), "is not UTF-8")]
        }
        switch file {
        case .userData, .vendorData: return checkUserData(text, file: file)
        case .metaData: return checkMetaData(text)
        case .networkConfig: return checkNetworkConfig(text)
        }
    }

    /// - Throws: `Failure` with code `cloud_init` for the first error; its `cause` lists the others.
    public static func requireNoErrors(in findings: [Finding]) throws(Failure) {
        let errors = findings.filter { $0.severity == .error }
        guard let first = errors.first else { return }
        let others = errors.dropFirst().map(\.text).joined(separator: "; ")
        throw Failure(.cloudInit, first.text, hint: first.hint, cause: others.isEmpty ? nil : others)
    }

    // MARK: - The files

    private static func checkUserData(_ text: String, file: SeedFile) -> [Finding] {
        let document = Document(file: file, text: text)
        if let findings = known.withLock({ $0[document] }) { return findings }
        let findings = examineUserData(text, file: file)
        known.withLock { known in
            if known.count >= knownLimit { known.removeAll() }
            known[document] = findings
        }
        return findings
    }

    private static func examineUserData(_ text: String, file: SeedFile) -> [Finding] {
        switch UserDataHeader(of: text) {
        case .empty, .other: return []
        case .unknown(let line, let message, let hint):
            return [Finding(.error, file: file, at: YAMLMark(line: line, column: 1), message, hint: hint)]
        case .cloudConfig: break
        }
        var (root, findings) = document(text, file: file)
        guard let root else { return findings }
        guard case .map = root.content else {
            if root.value != .null {
                findings.append(
                    Finding(
                        .error, file: file, at: root.mark, "must be a map of keys and values",
                        hint: "begin with a key, as in \"packages: [nginx]\""))
            }
            return findings
        }
        if file == .vendorData, let network = root.entry("network") {
            findings.append(
                Finding(
                    .warning, file: file, at: network.mark, path: DocumentPath().key("network"),
                    "has no effect in vendor-data", hint: "move it to network_config"))
        }
        return findings + CloudConfigCheck.check(root, file: file)
    }

    private static func checkMetaData(_ text: String) -> [Finding] {
        var (root, findings) = document(text, file: .metaData)
        guard let root, root.value != .null else { return findings }
        guard case .map = root.content else {
            findings.append(
                Finding(
                    .error, file: .metaData, at: root.mark, "must be a map of keys and values",
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
                    .error, file: .metaData, at: entry.node.mark, path: DocumentPath().key(key),
                    "is not a text: YAML takes \(text.isEmpty ? "nothing" : text) for a \(type)",
                    hint: "quote it: \(key): '\(text)'"))
        }
        findings += CloudConfigCheck.hostName(root.entry("local-hostname"), file: .metaData)
        return findings
    }

    private static func checkNetworkConfig(_ text: String) -> [Finding] {
        let (root, findings) = document(text, file: .networkConfig)
        guard let root, root.value != .null else { return findings }
        // Netplan's files have all below `network`; cloud-init takes both.
        let inner = root.entry("network")?.node
        let path = inner == nil ? DocumentPath() : DocumentPath().key("network")
        return findings + NetworkConfigCheck.check(inner ?? root, file: .networkConfig, at: path)
    }

    /// The one document of a file, `nil` where there is none or it cannot be read.
    private static func document(_ text: String, file: SeedFile) -> (root: YAMLNode?, findings: [Finding]) {
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
