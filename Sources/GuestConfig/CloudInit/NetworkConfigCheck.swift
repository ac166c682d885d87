import Basics
import JSONSchema
import MachineSpec
import YAML

/// The check of a network configuration, version 1 or 2 (netplan's form): by cloud-init's own schemas and netplan's keys,
/// and by its sense.
enum NetworkConfigCheck {
    /// - Parameters:
    ///   - config: what `version` stands in.
    ///   - path: where that is in the file.
    ///   - macs: the machine's nics' addresses, in lower case; none where they are not known.
    static func check(
        _ config: YAMLNode, file: SeedFile, at path: DocumentPath, macs: [String] = []
    ) -> [CloudInitCheck.Finding] {
        func error(_ mark: YAMLMark, _ path: DocumentPath, _ message: String, _ hint: String? = nil)
            -> [CloudInitCheck.Finding]
        {
            [CloudInitCheck.Finding(.error, file: file, at: mark, path: path, message, hint: hint)]
        }
        guard case .map(let entries) = config.content else {
            return error(config.mark, path, "must be a map of keys and values", "begin with \"version: 2\"")
        }
        if config.entry("config")?.node.value == "disabled" { return [] }
        guard let version = config.entry("version")?.node else {
            let slip = entries.compactMap { entry in
                nearestName(to: entry.key, in: ["version", "network"]).map { (entry.mark, $0) }
            }.first
            return error(
                slip?.0 ?? config.mark, path, "has no version",
                slip.map { "did you mean \($0.1)?" } ?? "begin with \"version: 2\"")
        }
        let schemas: NetworkSchemas
        switch NetworkSchemas.shared {
        case .success(let read): schemas = read
        case .failure(let failure): return error(config.mark, path, "cannot be checked: \(failure.message)")
        }
        switch version.value {
        case 1:
            let read = NetworkVersion1(config, at: path, schemas, file: file)
            return NetworkSense.check(
                read.findings, read.devices, globalRoutes: read.globalRoutes, macs: macs)
        case 2:
            let read = NetworkVersion2(config, at: path, schemas, file: file)
            return NetworkSense.check(read.findings, read.devices, otherNames: read.otherNames, macs: macs)
        default:
            return error(
                version.mark, path.key("version"), "must be 1 or 2",
                "2 is netplan's form: version: 2, then ethernets:")
        }
    }

    /// Whether the key at a place is a parameter of a bond's or bridge's, in version 1.
    static func isParameter(_ mark: YAMLMark?, of config: YAMLNode) -> Bool {
        guard case .list(let devices)? = config.entry("config")?.node.content else { return false }
        return devices.contains { device in
            guard case .map(let entries)? = device.entry("params")?.node.content else { return false }
            return entries.contains { $0.mark == mark }
        }
    }

    /// The addresses of a machine's nics, in lower case; none where some are not known.
    static func macs(of nics: [NICSpec], machine name: String?) -> [String] {
        guard let name else {
            let known = nics.compactMap { $0.macAddress?.lowercased() }
            return known.count == nics.count ? known : []
        }
        return nics.indices.map { index in
            (nics[index].macAddress ?? NICSpec.macAddress(ofMachine: name, nic: index)).lowercased()
        }
    }
}
