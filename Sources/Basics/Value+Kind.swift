extension Value {
    /// The kind of the value, for a message: short texts and numbers in full, a table by whether it is a list or has
    /// names.
    public var kind: String {
        switch self {
        case .null: "nil"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text) where text.count <= 40: "\"\(text)\""
        case .string, .bytes: "a string"
        case .list(let members): members.isEmpty ? "an empty list" : "a list"
        case .map(let map): map.isEmpty ? "an empty table" : "a table with names (\(map.names))"
        case .secret: "‹secret›"
        }
    }
}

extension Map {
    /// The first of the map's keys, for a message.
    fileprivate var names: String {
        let first = entries.prefix(3).map { $0.key.count <= 24 ? $0.key : "\($0.key.prefix(23))…" }
        return first.joined(separator: ", ") + (entries.count > 3 ? ", …" : "")
    }
}
