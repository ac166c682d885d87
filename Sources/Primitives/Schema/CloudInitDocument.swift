import Basics
import YAML

extension Codec where Swift == String {
    /// user-data or vendor-data: a text, taken as it is, or a table, written as `#cloud-config` YAML.
    static let cloudConfig = cloudInitDocument(header: "#cloud-config\n")

    /// meta-data or network-config: a text, taken as it is, or a table, written as YAML.
    static let yamlDocument = cloudInitDocument(header: "")

    private static func cloudInitDocument(header: String) -> Codec {
        Codec("string|table") { value, path throws(Failure) in
            switch value {
            case .string(let text), .secret(let text): return text
            case .map: return header + writeYAML(value)
            default: throw wrongType(path, expected: "a text or a table", got: value)
            }
        } encode: { .string($0) }
    }
}
