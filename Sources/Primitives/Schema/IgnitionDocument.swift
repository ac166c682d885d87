import Basics

extension Codec where Swift == String {
    /// The configuration of Ignition: a text, taken as it is, or a table, written as JSON. As it may hold hashes of
    /// passwords, it is shown to nobody.
    static let ignition = Codec("string|table") { value, path throws(Failure) in
        switch value {
        case .string(let text), .secret(let text): return text
        case .map: return try jsonText(value)
        default: throw wrongType(path, expected: "a text or a table with names", got: value)
        }
    } encode: {
        .secret($0)
    }
}
