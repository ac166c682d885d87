import Basics
import JSONSchema
import MachineSpec
import Synchronization
import YAML

/// Finds, before a boot, what a guest would pass over in silence.
public enum CloudInitCheck {
    private struct Document: Hashable {
        var file: SeedFile
        var bytes: [UInt8]
        var system: System
        var guest: GuestCloudInit?
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
    ///   - system: the system that is to read them.
    ///   - guest: whose cloud-init is to read them; `nil` where that is not known.
    public static func check(
        _ spec: CloudInitSpec, name: String? = nil, nics: [NICSpec] = [], system: System = .unknown,
        guest: GuestCloudInit? = nil
    ) -> [Finding] {
        let network = SeedNetwork(spec, name: name, nics: nics).findings
        let macs = NetworkConfigCheck.macs(of: nics, machine: name)
        return SeedFile.allCases.flatMap { file -> [Finding] in
            guard let document = spec[file] else { return network.filter { $0.file == file } }
            let found =
                check(document, as: file, macs, system, guest) { metaData(of: spec, name) }
                + network.filter { $0.file == file }
            let sorted = found.sorted { left, right in
                return (left.part?.number ?? 0, left.mark?.line ?? 0, left.mark?.column ?? 0)
                    < (right.part?.number ?? 0, right.mark?.line ?? 0, right.mark?.column ?? 0)
            }
            return sorted.map { finding in
                var finding = finding
                if document.isTable { finding.mark = nil }
                if document.holdsSecret { finding.hideQuotes() }
                if spec.check == .warn { finding.severity = .warning }
                return finding
            }
        }
    }

    private static func check(
        _ document: CloudInitDocument, as file: SeedFile, _ macs: [String], _ system: System,
        _ guest: GuestCloudInit?, metaData: @escaping () -> String
    ) -> [Finding] {
        let bytes = document.bytes(as: file)
        if file == .userData || file == .vendorData {
            return checkUserData(
                Document(file: file, bytes: bytes, system: system, guest: guest), metaData)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return [Finding(.error, file: file, at: YAMLMark(line: 1, column: 1), "is not UTF-8")]
        }
        return file == .metaData ? checkMetaData(text) : checkNetworkConfig(text, macs)
    }

    /// The text of the seed's meta-data.
    private static func metaData(of spec: CloudInitSpec, _ name: String?) -> String {
        String(decoding: SeedIdentity(spec, name: name).metaData, as: UTF8.self)
    }

    // MARK: - The files

    private static func checkUserData(_ document: Document, _ metaData: @escaping () -> String) -> [Finding] {
        if let findings = known.withLock({ $0[document] }) { return findings }
        var check = UserDataCheck(
            file: document.file, system: document.system, guest: document.guest, metaData: metaData)
        check.check(document.bytes)
        // What comes of a template is another thing for each machine.
        guard !check.hasTemplate else { return check.findings }
        known.withLock { known in
            if known.count >= knownLimit { known.removeAll() }
            known[document] = check.findings
        }
        return check.findings
    }

    /// The findings of a cloud-config's text.
    ///
    /// - Parameter movesNetwork: whether a network in it is moved to network-config, as limiq does with that of user-data.
    static func cloudConfig(
        _ text: String, file: SeedFile, guest: GuestCloudInit?, movesNetwork: Bool
    ) -> [Finding] {
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
        if !movesNetwork, let network = root.entry("network") {
            findings.append(
                Finding(
                    .warning, file: file, at: network.mark, path: DocumentPath().key("network"),
                    "has no effect in \(file.rawValue)", hint: "move it to network_config"))
        }
        return findings + CloudConfigCheck.check(root, file: file, guest: guest)
    }

    private static func checkMetaData(_ text: String) -> [Finding] {
        let (root, findings) = document(text, file: .metaData)
        guard let root, root.value != .null else { return findings }
        return findings + MetaDataCheck.check(root)
    }

    private static func checkNetworkConfig(_ text: String, _ macs: [String]) -> [Finding] {
        var (root, findings) = document(text, file: .networkConfig)
        guard let root, root.value != .null else { return findings }
        // Netplan's files have all below `network`; cloud-init takes both.
        let inner = root.entry("network")?.node
        // Of two words on one device the guest takes the last; cloud-init's own example has a parameter twice.
        for index in findings.indices {
            let isParameter = NetworkConfigCheck.isParameter(findings[index].mark, of: inner ?? root)
            if !isParameter { findings[index].severity = .error }
        }
        let path = inner == nil ? DocumentPath() : DocumentPath().key("network")
        if inner != nil, case .map(let entries) = root.content {
            for entry in entries where entry.key != "network" {
                findings.append(
                    Finding(
                        .error, file: .networkConfig, at: entry.mark, path: DocumentPath().key(entry.key),
                        "stands beside network, and cloud-init passes over it",
                        hint: "indent it, below network"))
            }
        }
        return findings + NetworkConfigCheck.check(inner ?? root, file: .networkConfig, at: path, macs: macs)
    }

    /// The one document of a file, `nil` where there is none or it cannot be read.
    static func document(_ text: String, file: SeedFile) -> (root: YAMLNode?, findings: [Finding]) {
        do {
            let read = try YAML.nodes(text)
            var findings = read.duplicateKeys.map { problem in
                Finding(.warning, file: file, at: problem.mark, problem.message, hint: problem.hint)
            }
            if let second = read.second {
                findings.append(
                    Finding(
                        .error, file: file, at: second,
                        "a second document begins here, and cloud-init then reads neither",
                        hint: "remove the line ---"))
            }
            return (read.root, findings)
        } catch {
            let shown = error.lineText.isEmpty ? "" : ": \"\(error.lineText)\""
            return (
                nil, [Finding(.error, file: file, at: error.mark, error.message + shown, hint: error.hint)]
            )
        }
    }
}
