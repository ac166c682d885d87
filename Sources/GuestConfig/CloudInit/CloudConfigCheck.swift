import Basics
import JSONSchema
import MachineSpec
import YAML

/// The check of a cloud-config's keys and values: by cloud-init's own schemas, and what those leave out.
enum CloudConfigCheck {
    /// - Parameter guest: whose cloud-init is to take it; `nil` where that is not known.
    static func check(
        _ root: YAMLNode, file: SeedFile, guest: GuestCloudInit?
    ) -> [CloudInitCheck.Finding] {
        var findings: [CloudInitCheck.Finding]
        let releases = CloudConfigReleases(root, file: file, guest: guest)
        do throws(Failure) {
            findings = try releases.findings() + releases.unknownKeys()
        } catch {
            return [
                CloudInitCheck.Finding(
                    .error, file: file, at: root.mark, "cannot be checked: \(error.message)")
            ]
        }
        findings += values(of: root, file: file)
        for key in ["hostname", "fqdn"] { findings += hostName(root.entry(key), file: file) }
        return findings
    }

    // MARK: - What the schemas leave out

    /// Finds the values a guest would trip over.
    static func values(of root: YAMLNode, file: SeedFile) -> [CloudInitCheck.Finding] {
        CloudConfigValues.problems(of: root).map { problem in
            CloudInitCheck.Finding(
                problem.isError ? .error : .warning, file: file, at: problem.place.node.mark,
                path: problem.place.path, problem.message, hint: problem.hint)
        }
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
