import Basics
import JSONSchema
import MachineSpec
import YAML

/// The check of a network configuration, version 1 or 2 (netplan's form).
enum NetworkConfigCheck {
    /// - Parameters:
    ///   - config: what `version` stands in.
    ///   - path: where that is in the file.
    static func check(_ config: YAMLNode, file: SeedFile, at path: DocumentPath) -> [CloudInitCheck.Finding] {
        func error(_ node: YAMLNode, _ path: DocumentPath, _ message: String, _ hint: String)
            -> CloudInitCheck.Finding
        {
            CloudInitCheck.Finding(.error, file: file, at: node.mark, path: path, message, hint: hint)
        }
        guard case .map = config.content else {
            return [error(config, path, "must be a map of keys and values", "begin with \"version: 2\"")]
        }
        if config.entry("config")?.node.value == "disabled" { return [] }
        guard let version = config.entry("version")?.node else {
            return [error(config, path, "has no version", "begin with \"version: 2\"")]
        }
        guard version.value == 1 || version.value == 2 else {
            return [
                error(
                    version, path.key("version"), "must be 1 or 2",
                    "2 is netplan's form: version: 2, then ethernets:")
            ]
        }
        return version.value == 2 ? deprecated(config, file: file, at: path) : []
    }

    /// Finds `gateway4`. netplan takes it still, and complains of it on the guest's console only. What it wants instead
    /// is written as a network: cloud-init 22.4 knows `default` only where it writes for netplan. And of a route to
    /// `::/0` it makes one to `::/64` elsewhere, so that nothing can be said against `gateway6`.
    private static func deprecated(
        _ config: YAMLNode, file: SeedFile, at path: DocumentPath
    ) -> [CloudInitCheck.Finding] {
        var findings: [CloudInitCheck.Finding] = []
        for kind in ["ethernets", "bonds", "bridges", "vlans", "wifis"] {
            guard case .map(let devices)? = config.entry(kind)?.node.content else { continue }
            for device in devices {
                guard let entry = device.node.entry("gateway4"), let gateway = entry.node.text else {
                    continue
                }
                findings.append(
                    CloudInitCheck.Finding(
                        .warning, file: file, at: entry.mark,
                        path: path.key(kind).key(device.key).key("gateway4"),
                        "is deprecated by netplan, which takes it still",
                        hint: "routes: [{to: 0.0.0.0/0, via: \(gateway)}]"))
            }
        }
        return findings
    }
}
