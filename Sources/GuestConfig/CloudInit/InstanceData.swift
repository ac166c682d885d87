import Basics
import MachineSpec
import YAML

/// The data of an instance that a template can name (https://cloudinit.readthedocs.io/en/22.4.2/topics/instancedata.html), as
/// far as it is known before the guest boots: what comes of its meta-data.
struct InstanceData {
    /// The names of version 1, and what else is there at the first level in one version or another.
    private static let names = [
        "_beta_keys", "availability-zone", "availability_zone", "cloud_id", "cloud-id", "cloud-name",
        "cloud_name", "distro", "distro_version", "distro_release", "platform", "public_ssh_keys",
        "python_version", "instance-id", "instance_id", "kernel_release", "local-hostname",
        "local_hostname", "machine", "region", "subplatform", "system_platform", "variant",
    ]
    private static let others = [
        "base64_encoded_keys", "combined_cloud_config", "merged_cfg", "merged_system_cfg", "sensitive_keys",
        "sys_info", "system_info", "userdata", "vendordata", "vendordata2", "network", "random_seed",
    ]

    /// What a template can name.
    let variables: JinjaValue

    /// - Parameter metaData: the text of the file.
    init(metaData text: String) {
        guard let root = (try? YAML.nodes(text))?.root, case .map(let entries) = root.content,
            // The rest is elsewhere then.
            root.entry("seedfrom") == nil
        else {
            variables = .map(
                (Self.names + Self.others + ["ds", "v1"]).map { .init(key: $0, value: .unknown) })
            return
        }
        var metaData = entries.map { JinjaValue.Entry(key: $0.key, value: Self.value($0.node)) }
        for (key, value) in [("instance-id", "nocloud"), ("dsmode", "net")] where root.entry(key) == nil {
            metaData.append(.init(key: key, value: .text(value)))
        }
        var version1 = Self.names.map { name in
            JinjaValue.Entry(
                key: name, value: name.hasPrefix("_") || name.hasSuffix("keys") ? .unknown : .word)
        }
        let id = JinjaValue.map(metaData)["instance-id"] ?? .unknown
        let isWord = if case .text = id { true } else { false }
        let name = root.entry("local-hostname")?.node.value.string.flatMap(Self.hostName)
        for (key, value) in [
            ("instance-id", isWord ? id : .unknown), ("instance_id", isWord ? id : .unknown),
            ("local-hostname", name.map { .text($0) } ?? .word),
            ("local_hostname", name.map { .text($0) } ?? .word),
        ] {
            version1.append(.init(key: key, value: value))
        }
        if root.entry("public-keys") == nil {
            version1.append(.init(key: "public_ssh_keys", value: .list([])))
        }
        let source = JinjaValue.map([
            .init(key: "_doc", value: .unknown),
            .init(key: "meta_data", value: .map(Self.withAliases(metaData))),
        ])
        variables = .map(
            Self.others.map { .init(key: $0, value: .unknown) } + version1
                + [.init(key: "v1", value: .map(version1)), .init(key: "ds", value: source)])
    }

    /// The name before the first dot; `nil` where cloud-init makes up another: of an address.
    private static func hostName(_ text: String) -> String? {
        guard IPAddress(text) == nil, let first = text.split(separator: ".").first else { return nil }
        return String(first)
    }

    private static func value(_ node: YAMLNode) -> JinjaValue {
        switch node.content {
        case .scalar(.null, _): .none
        case .scalar(.bool(let flag), _): .bool(flag)
        case .scalar(.int(let number), _): .int(Int(number))
        case .scalar(.string(let text), _): text.hasPrefix("ci-b64:") ? .unknown : .text(text)
        case .scalar, .timestamp, .largeNumber: .unknown
        case .list(let members): .list(members.map(value))
        case .map(let entries): .map(withAliases(entries.map { .init(key: $0.key, value: value($0.node)) }))
        }
    }

    /// The entries, and those with a sign of Jinja's in their key by another too: `local_hostname` for `local-hostname`.
    private static func withAliases(_ entries: [JinjaValue.Entry]) -> [JinjaValue.Entry] {
        entries.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
            .flatMap { entry -> [JinjaValue.Entry] in
                let alias = String(entry.key.map { "+-/*%~[](){}><=!.:|,;".contains($0) ? "_" : $0 })
                return alias == entry.key ? [entry] : [entry, .init(key: alias, value: entry.value)]
            }
    }
}
