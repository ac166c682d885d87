import Basics
import JSONSchema
import MachineSpec
import YAML

/// The check of a cloud-config's keys and values: by cloud-init's own schema, and what that leaves out.
enum CloudConfigCheck {
    static func check(_ root: YAMLNode, file: SeedFile) -> [CloudInitCheck.Finding] {
        let schema: JSONSchema
        switch CloudConfigSchema.shared {
        case .success(let read): schema = read
        case .failure(let failure):
            return [
                CloudInitCheck.Finding(
                    .error, file: file, at: root.mark, "cannot be checked: \(failure.message)")
            ]
        }
        var findings = schema.problems(of: root, keyName: "cloud-config key").map { problem in
            if CloudConfigKeys.isNewer(problem) {
                return CloudInitCheck.Finding(
                    .warning, file: file, at: problem.mark, path: problem.path,
                    "is taken by newer versions of cloud-init, but not by 22.4, which Debian 12 has")
            }
            return CloudInitCheck.Finding(
                problem.isError ? .error : .warning, file: file, at: problem.mark,
                path: problem.path, problem.message, hint: problem.hint)
        }
        findings += unknownKeys(of: root, schema, file: file)
        findings += passwords(root, file: file)
        for key in ["hostname", "fqdn"] { findings += hostName(root.entry(key), file: file) }
        return findings
    }

    // MARK: - Keys

    /// Finds the keys cloud-init does not know and passes over. One that is nearly known is a slip of the pen; another
    /// may be meant for a module of the image's own.
    private static func unknownKeys(
        of root: YAMLNode, _ schema: JSONSchema, file: SeedFile
    ) -> [CloudInitCheck.Finding] {
        guard case .map(let entries) = root.content else { return [] }
        let known = schema.allProperties
        return entries.compactMap { entry in
            if known.contains(entry.key) || CloudConfigKeys.others.contains(entry.key) { return nil }
            let path = DocumentPath().key(entry.key)
            if let nearest = nearestName(to: entry.key, in: known) {
                return CloudInitCheck.Finding(
                    .error, file: file, at: entry.mark, path: path, "is no cloud-config key",
                    hint: "did you mean \(nearest)?")
            }
            return CloudInitCheck.Finding(
                .warning, file: file, at: entry.mark, path: path,
                "is no cloud-config key, and cloud-init passes over it")
        }
    }

    // MARK: - What the schema leaves out

    private static func passwords(_ root: YAMLNode, file: SeedFile) -> [CloudInitCheck.Finding] {
        var findings: [CloudInitCheck.Finding] = []
        guard case .list(let users)? = root.entry("users")?.node.content else { return [] }
        for (index, user) in users.enumerated() {
            let path = DocumentPath().key("users").member(index)
            for key in ["passwd", "hashed_passwd"] {
                guard let entry = user.entry(key), let text = entry.node.value.string, !isHash(text) else {
                    continue
                }
                findings.append(
                    CloudInitCheck.Finding(
                        .warning, file: file, at: entry.node.mark, path: path.key(key),
                        "is not the hash of a password, and opens the account to nobody",
                        hint: "write what openssl passwd -6 prints"))
            }
            if let entry = user.entry("plain_text_passwd"), entry.node.value.string != nil {
                findings.append(
                    CloudInitCheck.Finding(
                        .warning, file: file, at: entry.mark, path: path.key("plain_text_passwd"),
                        "is a password anyone can read who reads the seed",
                        hint: "write what openssl passwd -6 prints into hashed_passwd"))
            }
        }
        return findings
    }

    /// Whether a text is a hash as crypt(5) has them: `$6$…`, or what locks an account.
    private static func isHash(_ text: String) -> Bool {
        text.isEmpty || text.hasPrefix("$") || text.hasPrefix("!") || text.hasPrefix("*")
    }

    static func hostName(_ entry: YAMLNode.Entry?, file: SeedFile) -> [CloudInitCheck.Finding] {
        guard let entry, let text = entry.node.value.string, !SchemaFormat.isHostName(text) else { return [] }
        return [
            CloudInitCheck.Finding(
                .warning, file: file, at: entry.node.mark, path: DocumentPath().key(entry.key),
                "\(quoted(text)) is no host name",
                hint: "use letters, digits and hyphens, such as web-01")
        ]
    }
}
