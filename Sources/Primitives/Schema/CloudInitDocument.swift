import Basics
import MachineSpec

extension Codec where Swift == CloudInitDocument {
    /// A file of the seed: a text or bytes, taken as they are, or a table, written as YAML (user-data and vendor-data
    /// below `#cloud-config`).
    static let cloudInitDocument = Codec("string|table") { value, path throws(Failure) in
        switch value {
        case .string(let text): return .text(text)
        case .secret(let text): return .secret(text)
        case .bytes(let bytes): return .bytes(bytes)
        case .map: return .table(value)
        default: throw wrongType(path, expected: "a text or a table with names", got: value)
        }
    } encode: { document in
        switch document {
        case .text(let text): .string(text)
        case .secret(let text): .secret(text)
        case .bytes(let bytes): .bytes(bytes)
        case .table(let table): table
        }
    }
}
