import Basics
import DiskImages
import MachineSpec
import Records

extension Codec {
    /// An enum of the spec by its full names, or by the words a script writes for them.
    package static func choice() -> Codec where Content: SpecChoice { choice(word: \.word) }

    /// The codec of a value in whose place a function of the machine may stand in Lua, as recipes give one: the library
    /// calls it first.
    var orFunctionOfVM: Codec {
        Codec(
            "\(luaType)|fun(vm: limiq.VM): \(luaType)", records: records, decode: decode, encode: encode)
    }
}

extension Codec where Content == CloudInitDocument {
    /// A file of the seed: a text or bytes, taken as they are, or a table, written as YAML (user-data and vendor-data
    /// below `#cloud-config`).
    package static let cloudInitDocument = Codec("string|table") { value, path throws(Failure) in
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

extension Codec where Content == String {
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

extension Codec where Content == ISOContents {
    /// The contents of an image, by names; a table in place of contents is a folder. A text that begins with `#!` may
    /// be run. Contents may be secret and are given back as such.
    package static let isoContents = Codec("table<string, string|table>") { value, path throws(Failure) in
        var contents = ISOContents()
        /// Appends what one table holds; `above` ends in a slash below the root.
        func add(_ value: Value, _ above: String, _ path: String) throws(Failure) {
            guard let map = value.map else {
                throw wrongType(path, expected: "a table of names and contents", got: value)
            }
            for entry in map.entries {
                let name = above + entry.key
                switch entry.value {
                case .list, .map:
                    contents.folders.append(name)
                    try add(entry.value, name + "/", "\(path).\(entry.key)")
                default:
                    let bytes = try Codec<[UInt8]>.bytes.decode(entry.value, "\(path).\(entry.key)")
                    let mode: UInt16 = bytes.starts(with: "#!".utf8) ? 0o755 : 0o644
                    contents.files.append(ISOFile(name, contents: bytes, mode: mode))
                }
            }
        }
        try add(value, "", path)
        return contents
    } encode: { contents in
        var map = Map()
        for folder in contents.emptyFolders { map.append(folder, .map(Map())) }
        for file in contents.files {
            let text = String(validating: file.contents, as: UTF8.self)
            map.append(file.path, text.map(Value.secret) ?? .bytes(file.contents))
        }
        return .map(map)
    }
}

extension Field {
    /// Another way to give a field that ends in `_mib` or `_gib`; written back under that name only.
    static func withUnit(
        _ name: String, _ codec: Codec<UInt64>, _ doc: String,
        set: @escaping @Sendable (inout Owner, UInt64) -> Void
    ) -> Field {
        Field(name: name, luaType: codec.luaType, isRequired: false, doc: doc, records: { [] }) {
            owner, value, path throws(Failure) in
            set(&owner, try codec.decode(value, path))
        } encode: { _ in
            nil
        }
    }
}

extension Codec where Content == UInt64 {
    static let mebibytes = units("memory", "MiB", shift: 20)
    static let gibibytes = units("size", "GiB", shift: 30)

    /// A text with a unit, as whole multiples of another unit.
    private static func units(_ field: String, _ unit: String, shift: UInt64) -> Codec {
        Codec("string") { value, path throws(Failure) in
            guard case .string(let text) = value else {
                throw Failure(
                    .badField, "\(path) must be a text with a unit, such as \"4GiB\"",
                    hint: "a number goes into \(field)_\(unit.lowercased())")
            }
            let size = try Codec<ByteSize>.size.decode(.string(text), path)
            guard size.bytes > 0, size.bytes % (1 << shift) == 0 else {
                throw Failure(.badField, "\(path) \"\(text)\" is not a whole number of \(unit)")
            }
            return size.bytes >> shift
        } encode: {
            .int(Int64(clamping: $0))
        }
    }
}

extension Codec {
    /// Refuses a table that has both of two names for one thing.
    static func exclusive(_ codec: Codec, _ first: String, _ second: String) -> Codec {
        Codec(codec.luaType, records: codec.records) { value, path throws(Failure) in
            if let map = value.map, map[first] != nil, map[second] != nil {
                throw Failure(
                    .badField, "\(path.isEmpty ? "the spec" : path) has both \(first) and \(second)",
                    hint: "give one of them")
            }
            return try codec.decode(value, path)
        } encode: {
            codec.encode($0)
        }
    }
}
