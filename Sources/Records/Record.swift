import Basics

/// The description of a record in the editor stubs and the reference.
package struct RecordDescription: Sendable {
    package struct Field: Sendable {
        package let name: String
        package let luaType: String
        package let isRequired: Bool
        package let doc: String

        package init(_ name: String, _ luaType: String, _ doc: String, isRequired: Bool = true) {
            (self.name, self.luaType, self.doc, self.isRequired) = (name, luaType, doc, isRequired)
        }
    }

    /// The LuaLS class name: `limiq.DiskSpec`.
    package let name: String
    package let doc: String
    package let fields: [Field]
    /// The records its fields are made of.
    package let records: [RecordDescription]

    package init(name: String, doc: String, fields: [Field], records: [RecordDescription] = []) {
        self.name = name
        self.doc = doc
        self.fields = fields
        self.records = records
    }
}

/// One field of a record: how it is read into, and written from, a Swift structure.
public struct Field<Owner: Sendable>: Sendable {
    package let name: String
    package let luaType: String
    package let isRequired: Bool
    package let doc: String
    package let records: @Sendable () -> [RecordDescription]
    let decode: @Sendable (inout Owner, Value, String) throws(Failure) -> Void
    /// The value to write; `nil` where there is nothing to write, as where the field has its default.
    let encode: @Sendable (Owner) -> Value?

    package init(
        name: String, luaType: String, isRequired: Bool, doc: String,
        records: @escaping @Sendable () -> [RecordDescription],
        decode: @escaping @Sendable (inout Owner, Value, String) throws(Failure) -> Void,
        encode: @escaping @Sendable (Owner) -> Value?
    ) {
        self.name = name
        self.luaType = luaType
        self.isRequired = isRequired
        self.doc = doc
        self.records = records
        self.decode = decode
        self.encode = encode
    }
}

extension Field {
    /// A field that may be left out: the structure keeps the default it was made with.
    public init<Content: Equatable>(
        _ name: String, _ keyPath: any WritableKeyPath<Owner, Content> & Sendable, _ codec: Codec<Content>,
        required: Bool = false, _ doc: String
    ) {
        self.init(
            name: name, luaType: codec.luaType, isRequired: required, doc: doc, records: codec.records
        ) { owner, value, path throws(Failure) in
            owner[keyPath: keyPath] = try codec.decode(value, path)
        } encode: { owner in
            codec.encode(owner[keyPath: keyPath])
        }
    }

    /// A field that is `nil` where it is left out.
    public init<Content>(
        _ name: String, _ keyPath: any WritableKeyPath<Owner, Content?> & Sendable, _ codec: Codec<Content>,
        required: Bool = false, _ doc: String
    ) {
        self.init(
            name: name, luaType: codec.luaType, isRequired: required, doc: doc, records: codec.records
        ) { owner, value, path throws(Failure) in
            owner[keyPath: keyPath] = try codec.decode(value, path)
        } encode: { owner in
            owner[keyPath: keyPath].map(codec.encode)
        }
    }
}

/// A table a script passes: its fields are the one schema that decoding, the editor stubs and the reference share.
///
/// The fields are made at the first use: a run calls a few of the primitives it starts with, and key paths take time.
public struct Record<Owner: Sendable>: Sendable {
    let name: String
    private let doc: String
    private let make: @Sendable () -> Owner
    private let lazyFields: Lazy<[Field<Owner>]>
    private let listHint: String?

    /// - Parameter listHint: what to write where a list is given, if that is not the fields by their names.
    public init(
        _ name: String, _ doc: String, listHint: String? = nil, make: @escaping @Sendable () -> Owner,
        fields: @autoclosure @escaping @Sendable () -> [Field<Owner>]
    ) {
        self.name = name
        self.doc = doc
        self.make = make
        self.listHint = listHint
        lazyFields = Lazy(fields)
    }

    package var fields: [Field<Owner>] { lazyFields.get() }

    package var description: RecordDescription {
        RecordDescription(
            name: name, doc: doc,
            fields: fields.map {
                .init($0.name, $0.luaType, $0.doc, isRequired: $0.isRequired)
            },
            records: fields.flatMap { $0.records() })
    }

    /// Reads a table strictly.
    ///
    /// - Throws: `Failure` with code `bad_field` for a value that is no table, an unknown field (with the nearest
    ///   name), an ill-typed one or a missing one; the message begins with the field's path.
    public func decode(_ value: Value, at path: String) throws(Failure) -> Owner {
        guard let map = value.map else {
            throw wrongType(
                path.isEmpty ? "the argument" : path, expected: "a table of fields", got: value,
                hint: hint(path, value))
        }
        let fields = fields
        var owner = make()
        var seen: Set<String> = []
        for entry in map.entries {
            let fieldPath = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            guard let field = fields.first(where: { $0.name == entry.key }) else {
                let nearest = nearestName(to: entry.key, in: fields.map(\.name))
                throw Failure(
                    .badField, "\(fieldPath) is not a field of \(name)",
                    hint: nearest.map { "did you mean \($0)?" }
                        ?? "its fields are \(fields.map(\.name).joined(separator: ", "))")
            }
            seen.insert(entry.key)
            if entry.value == .null { continue }
            try field.decode(&owner, entry.value, fieldPath)
        }
        for field in fields where field.isRequired && !seen.contains(field.name) {
            throw Failure(.badField, "\(path.isEmpty ? field.name : "\(path).\(field.name)") is missing")
        }
        return owner
    }

    /// The hint what to write in the place of a list.
    private func hint(_ path: String, _ value: Value) -> String? {
        guard let members = value.list else { return nil }
        if let listHint { return listHint }
        let field = fields.first.map { "\($0.name) = …" } ?? ""
        let fields = path.isEmpty ? "{ \(field) }" : "\(fieldName(path)) = { \(field) }"
        guard members.count == 1, let inner = members.first?.map, !inner.isEmpty else {
            return "fields have names: \(fields)"
        }
        return "leave out the inner braces: \(fields)"
    }

    /// The fields that hold something, in the record's order.
    public func encode(_ owner: Owner) -> Value {
        var map = Map()
        for field in fields {
            if let value = field.encode(owner) { map.append(field.name, value) }
        }
        return .map(map)
    }

    /// Reads positional arguments: the first field is the first argument, and so on.
    package func decode(positional arguments: [Value]) throws(Failure) -> Owner {
        let fields = fields
        // A Lua function with optional arguments passes nil for those it was not given.
        let count = (arguments.lastIndex { $0 != .null } ?? -1) + 1
        guard count <= fields.count else {
            throw Failure(
                .badField,
                "too many arguments: it takes \(fields.map(\.name).joined(separator: ", "))")
        }
        var owner = make()
        for (index, field) in fields.enumerated() {
            let value = index < arguments.count ? arguments[index] : .null
            if value == .null {
                if field.isRequired {
                    throw Failure(
                        .badField, "\(field.name) is missing",
                        hint: handles.contains(field.name)
                            ? "call its methods with a colon, as in \(field.name):start()" : nil)
                }
                continue
            }
            try field.decode(&owner, value, field.name)
        }
        return owner
    }
}

/// The names of the first parameter, by which a handle's method is known that was called with a point.
private let handles: Set<String> = ["vm", "domain"]
