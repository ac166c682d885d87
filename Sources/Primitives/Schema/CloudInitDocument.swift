import Basics
import Provisioning

extension Codec where Swift == String {
    /// user-data or vendor-data: a text, taken as it is, or a table, written as `#cloud-config` YAML.
    static let cloudConfig = cloudInitDocument(CloudConfig.userData)

    /// meta-data: a text, taken as it is, or a table, written as YAML.
    static let metaData = cloudInitDocument(CloudConfig.metaData)

    /// network-config: a text, taken as it is, or a table, written as YAML.
    static let networkConfig = cloudInitDocument(CloudConfig.networkConfig)

    private static func cloudInitDocument(_ write: @escaping @Sendable (Value) -> String) -> Codec {
        Codec("string|table") { value, path throws(Failure) in
            switch value {
            case .string(let text), .secret(let text): return text
            case .map: return write(value)
            default: throw wrongType(path, expected: "a text or a table", got: value)
            }
        } encode: {
            .string($0)
        }
    }
}
