import Basics

/// A JSON schema (drafts 4 and 7) read into objects, as far as cloud-init's own needs it: a keyword that is not known here
/// is an error, never passed over.
///
/// As cloud-init's reader does, `deprecated` and `changed` mark what still works, `$ref` leaves the keywords beside it in
/// force, and bytes count as a string.
package final class JSONSchema: Sendable {
    package enum InstanceType: String, Sendable {
        case string, integer, number, boolean, array, object, null
    }

    enum Additional: Sendable {
        case allowed, refused
        case schema(JSONSchema)
    }

    let types: [InstanceType]
    let enumeration: [Value]?
    let reference: JSONSchema?
    let allOf: [JSONSchema]
    let anyOf: [JSONSchema]
    let oneOf: [JSONSchema]
    let not: JSONSchema?
    let properties: [String: JSONSchema]
    let patternProperties: [(pattern: SchemaPattern, schema: JSONSchema)]
    let additionalProperties: Additional
    let required: [String]
    let minProperties: Int
    let items: JSONSchema?
    let minItems: Int
    let maxItems: Int?
    let uniqueItems: Bool
    let minimum: Int64?
    let maximum: Int64?
    let maxLength: Int?
    let pattern: SchemaPattern?
    let format: String?
    let isDeprecated: Bool
    /// The release that has deprecated it; `nil` where the schema does not say.
    let deprecatedSince: String?
    /// The words for what to write in its place.
    let deprecation: String?
    let description: String?

    /// Reads a schema's JSON.
    ///
    /// - Throws: `Failure` with code `bad_schema` for a keyword, type or reference that is not known, `bad_json`.
    package static func read(_ json: String) throws(Failure) -> JSONSchema {
        let document = try JSONReader.read(json, source: "schema")
        var compiler = Compiler(document: document)
        return try compiler.schema(document, at: "#")
    }

    /// Reads one of a schema's definitions, those below `$defs`.
    ///
    /// - Throws: as `read`.
    package static func read(_ json: String, definition: String) throws(Failure) -> JSONSchema {
        var compiler = Compiler(document: try JSONReader.read(json, source: "schema"))
        return try compiler.definition("#/$defs/\(definition)", at: "#")
    }

    fileprivate init(_ source: Map, _ compiler: inout Compiler, at place: String) throws(Failure) {
        var keywords = Keywords(source: source, place: place)
        types = try keywords.types()
        enumeration = try keywords.list("enum")
        if let name = try keywords.text("$ref") {
            reference = try compiler.definition(name, at: place)
        } else {
            reference = nil
        }
        allOf = try keywords.schemas("allOf", &compiler)
        anyOf = try keywords.schemas("anyOf", &compiler)
        oneOf = try keywords.schemas("oneOf", &compiler)
        not = try keywords.take("not").map { value throws(Failure) in
            try compiler.schema(value, at: "\(place)/not")
        }
        properties = Dictionary(
            uniqueKeysWithValues: try keywords.named("properties", &compiler).map { ($0.name, $0.schema) })
        var patterns: [(SchemaPattern, JSONSchema)] = []
        for (name, schema) in try keywords.named("patternProperties", &compiler) {
            patterns.append((try SchemaPattern(name), schema))
        }
        patternProperties = patterns
        switch keywords.take("additionalProperties") {
        case nil, .bool(true): additionalProperties = .allowed
        case .bool(false): additionalProperties = .refused
        case let value?:
            additionalProperties = .schema(
                try compiler.schema(value, at: "\(place)/additionalProperties"))
        }
        required = try keywords.list("required")?.compactMap(\.string) ?? []
        minProperties = try keywords.count("minProperties") ?? 0
        items = try keywords.take("items").map { value throws(Failure) in
            try compiler.schema(value, at: "\(place)/items")
        }
        minItems = try keywords.count("minItems") ?? 0
        maxItems = try keywords.count("maxItems")
        uniqueItems = keywords.take("uniqueItems") == true
        minimum = try keywords.count("minimum").map(Int64.init)
        maximum = try keywords.count("maximum").map(Int64.init)
        maxLength = try keywords.count("maxLength")
        pattern = try keywords.text("pattern").map { text throws(Failure) in try SchemaPattern(text) }
        format = try keywords.text("format")
        // What has changed is what is deprecated of a value whose key is not.
        let marks = try ["deprecated", "changed"].map { mark throws(Failure) in
            (
                isSet: keywords.take(mark) == true, since: try keywords.text("\(mark)_version"),
                words: try keywords.text("\(mark)_description")
            )
        }
        let mark = marks.first(where: \.isSet)
        isDeprecated = mark != nil
        deprecatedSince = mark?.since
        deprecation = mark?.words
        description = try keywords.text("description")
        try keywords.requireNoOther(hasItemSchema: items != nil)
    }

    /// The names of all properties that the schema itself, what it refers to and what it is put together of know.
    package var allProperties: Set<String> {
        var names = Set(properties.keys)
        for part in [reference].compactMap(\.self) + allOf + anyOf + oneOf {
            names.formUnion(part.allProperties)
        }
        return names
    }
}

/// The reader of a schema, which reads each definition once.
private struct Compiler {
    let document: Value
    private var known: [String: JSONSchema] = [:]
    private var open: Set<String> = []

    init(document: Value) { self.document = document }

    mutating func schema(_ value: Value, at place: String) throws(Failure) -> JSONSchema {
        guard case .map(let map) = value else { throw bad("\(place) is no schema") }
        return try JSONSchema(map, &self, at: place)
    }

    /// The schema a reference leads to, which can only be `#/$defs/NAME`.
    mutating func definition(_ reference: String, at place: String) throws(Failure) -> JSONSchema {
        if let schema = known[reference] { return schema }
        let start = "#/$defs/"
        guard reference.hasPrefix(start),
            let value = document["$defs"]?[String(reference.dropFirst(start.count))]
        else { throw bad("\(place) refers to \(reference), which is not there") }
        guard open.insert(reference).inserted else { throw bad("\(reference) contains itself") }
        let schema = try schema(value, at: reference)
        known[reference] = schema
        return schema
    }
}

/// The keywords of one schema, each taken once.
private struct Keywords {
    /// The keywords that say nothing of what is valid. `prefixItems` is none of draft 4's, and a validator of it passes
    /// it over.
    private static let annotations: Set<String> = [
        "$schema", "$defs", "description", "default", "label", "hidden", "prefixItems",
    ]

    let place: String
    private var rest: [String: Value]

    init(source: Map, place: String) {
        self.place = place
        rest = Dictionary(uniqueKeysWithValues: source.entries.map { ($0.key, $0.value) })
    }

    mutating func take(_ keyword: String) -> Value? { rest.removeValue(forKey: keyword) }

    mutating func text(_ keyword: String) throws(Failure) -> String? {
        guard let value = take(keyword) else { return nil }
        guard let text = value.string else { throw bad("\(place)/\(keyword) is no text") }
        return text
    }

    mutating func count(_ keyword: String) throws(Failure) -> Int? {
        guard let value = take(keyword) else { return nil }
        guard let count = value.int.flatMap(Int.init(exactly:)) else {
            throw bad("\(place)/\(keyword) is no whole number")
        }
        return count
    }

    mutating func list(_ keyword: String) throws(Failure) -> [Value]? {
        guard let value = take(keyword) else { return nil }
        guard case .list(let members) = value else { throw bad("\(place)/\(keyword) is no list") }
        return members
    }

    mutating func types() throws(Failure) -> [JSONSchema.InstanceType] {
        guard let value = take("type") else { return [] }
        let names: [Value] = if case .list(let names) = value { names } else { [value] }
        var types: [JSONSchema.InstanceType] = []
        for name in names {
            guard let type = name.string.flatMap(JSONSchema.InstanceType.init) else {
                throw bad("\(place)/type is not known")
            }
            types.append(type)
        }
        return types
    }

    mutating func schemas(_ keyword: String, _ compiler: inout Compiler) throws(Failure) -> [JSONSchema] {
        var schemas: [JSONSchema] = []
        for (index, value) in (try list(keyword) ?? []).enumerated() {
            schemas.append(try compiler.schema(value, at: "\(place)/\(keyword)/\(index)"))
        }
        return schemas
    }

    mutating func named(
        _ keyword: String, _ compiler: inout Compiler
    ) throws(Failure) -> [(name: String, schema: JSONSchema)] {
        guard let value = take(keyword) else { return [] }
        guard case .map(let map) = value else { throw bad("\(place)/\(keyword) is no map") }
        var schemas: [(String, JSONSchema)] = []
        for entry in map.entries {
            let schema = try compiler.schema(entry.value, at: "\(place)/\(keyword)/\(entry.key)")
            schemas.append((entry.key, schema))
        }
        return schemas
    }

    /// - Parameter hasItemSchema: `additionalItems` then says nothing (draft 4, section 5.3.1).
    mutating func requireNoOther(hasItemSchema: Bool) throws(Failure) {
        if hasItemSchema { rest["additionalItems"] = nil }
        if let keyword = rest.keys.filter({ !Self.annotations.contains($0) }).min() {
            throw bad("\(place) has the keyword \(keyword), which is not known")
        }
    }
}

private func bad(_ message: String) -> Failure { Failure(.internal, message) }
