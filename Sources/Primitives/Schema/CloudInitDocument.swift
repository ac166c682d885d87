import Basics

extension Codec where Swift == String {
    /// One of the files of a cloud-init seed: a text, taken as it is.
    ///
    /// Every primitive that takes such a file reads it here, so that all take the same.
    static let cloudInitDocument = Codec("string") { value, path throws(Failure) in
        switch value {
        case .string(let text), .secret(let text): return text
        default: throw wrongType(path, expected: "a text", got: value)
        }
    } encode: {
        .string($0)
    }
}
