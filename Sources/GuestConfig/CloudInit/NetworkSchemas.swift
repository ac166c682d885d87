import Basics
import CCloudInitSchema
import JSONSchema

/// cloud-init's own schemas of network-config, in parts: one for each kind of device.
struct NetworkSchemas: Sendable {
    /// The schemas of version 1, by the `type` of what they describe.
    let version1: [String: JSONSchema]
    /// The schemas of version 2, by the key the devices stand under.
    let version2: [String: JSONSchema]

    /// The schemas, read once, at the first use.
    static let shared: Result<NetworkSchemas, Failure> = Result { () throws(Failure) in
        let text1 = network_config_schema_v1().text
        let text2 = network_config_schema_v2().text
        var version1: [String: JSONSchema] = [:]
        for type in ["physical", "bond", "bridge", "vlan", "nameserver", "route"] {
            version1[type] = try JSONSchema.read(text1, definition: "anyOf_type_\(type)")
        }
        var version2: [String: JSONSchema] = [:]
        for (key, name) in [
            ("ethernets", "physical"), ("bonds", "bond"), ("bridges", "bridge"), ("vlans", "vlan"),
        ] {
            version2[key] = try JSONSchema.read(text2, definition: "mapping_\(name)")
        }
        return NetworkSchemas(version1: version1, version2: version2)
    }
}
