import Basics

/// The check of an Ignition configuration, before a boot: a guest passes over keys it does not know, and stops in its
/// initramfs, far from any log a person sees, at what it cannot read.
public enum IgnitionCheck {
    /// - Parameter text: the JSON.
    /// - Throws: `Failure` with code `bad_json` for what is no JSON, with its line and column; `bad_field` with the
    ///   path of what Ignition would refuse or pass over.
    public static func requireValid(_ text: String) throws(Failure) {
        let value: Value
        do throws(Failure) { value = try JSONReader.read(text, source: "ignition") } catch {
            var failure = error
            let isButane = text.split(whereSeparator: \.isNewline).contains { $0.hasPrefix("variant:") }
            if isButane { failure.hint = "it is Butane's form: butane --strict makes Ignition's of it" }
            throw failure
        }
        guard case .map(let root) = value else {
            throw Failure(.badField, "ignition must be an object, not a \(kind(value))", hint: example)
        }
        let version = try version(of: root)
        let minor = try minor(of: version)
        guard minor <= IgnitionShape.lastMinor else { return }
        try check(value, IgnitionShape.configuration, "ignition", version, minor)
    }

    private static func check(
        _ value: Value, _ shape: IgnitionShape, _ path: String, _ version: String, _ minor: Int
    ) throws(Failure) {
        switch (shape, value) {
        case (_, .null), (.text, .string), (.number, .int), (.truth, .bool): return
        case (.path, .string(let text)):
            guard !text.hasPrefix("/") else { return }
            throw Failure(.badField, "\(path) \(text) is no absolute path")
        case (.url, .string(let text)):
            let scheme = text.prefix { $0 != ":" }.lowercased()
            let isAddress = text.contains(":") && IgnitionShape.schemes.contains(scheme)
            guard !isAddress, !text.isEmpty else { return }
            throw Failure(
                .badField, "\(path) is no address", hint: "a text stands in one as data:,hello%20there")
        case (.list(let member), .list(let members)):
            for (index, value) in members.enumerated() {
                try check(value, member, "\(path)[\(index + 1)]", version, minor)
            }
        case (.object(let keys, let required), .map(let map)):
            for entry in map.entries {
                guard let key = keys[entry.key], key.since <= minor else {
                    throw unknown(entry.key, keys, path, version, minor)
                }
                try check(entry.value, key.shape, "\(path).\(entry.key)", version, minor)
            }
            if let missing = required.first(where: { map[$0] ?? .null == .null }) {
                throw Failure(.badField, "\(path).\(missing) is missing")
            }
        default: throw wrong(value, shape, path)
        }
    }

    private static func unknown(
        _ key: String, _ keys: [String: IgnitionShape.Key], _ path: String, _ version: String, _ minor: Int
    ) -> Failure {
        let known = keys.filter { $0.value.since <= minor }.map(\.key).sorted()
        let hint =
            keys[key].map { "version 3.\($0.since).0 brings it" }
            ?? nearestName(to: key, in: known).map { "did you mean \($0)?" }
            ?? "there are \(known.joined(separator: ", "))"
        return Failure(.badField, "\(path).\(key) is no key of Ignition \(version)", hint: hint)
    }

    private static func wrong(_ value: Value, _ shape: IgnitionShape, _ path: String) -> Failure {
        let wanted =
            switch shape {
            case .text, .path, .url: "a string"
            case .number: "a whole number"
            case .truth: "true or false"
            case .list: "a list"
            case .object: "an object"
            }
        // An empty table of Lua is an object to some and a list to others; Ignition refuses one for the other.
        let isEmpty = value.list?.isEmpty ?? false
        return Failure(
            .badField, "\(path) must be \(wanted), not a \(kind(value))", hint: isEmpty ? "leave it out" : nil
        )
    }

    private static let example = "ignition = { ignition = { version = \"3.4.0\" } }"

    private static func version(of root: Map) throws(Failure) -> String {
        guard let ignition = root["ignition"] else {
            throw Failure(.badField, "ignition.ignition is missing", hint: example)
        }
        switch ignition["version"] {
        case .string(let version)?: return version
        case nil: throw Failure(.badField, "ignition.ignition.version is missing", hint: example)
        case let other?:
            throw Failure(
                .badField, "ignition.ignition.version must be a string, not a \(kind(other))", hint: example)
        }
    }

    /// The minor number of a version: `3.4.0`, `3.7.0-experimental`.
    private static func minor(of version: String) throws(Failure) -> Int {
        let numbers = version.prefix { $0 != "-" }
        let parts = numbers.split(separator: ".", omittingEmptySubsequences: false).map { UInt16($0) }
        let suffix = version.dropFirst(numbers.count)
        guard parts.count == 3, let major = parts[0], let minor = parts[1], parts[2] != nil,
            suffix.isEmpty || suffix == "-experimental"
        else {
            throw Failure(
                .badField, "ignition.ignition.version \"\(version)\" is not a version",
                hint: "such as \"3.4.0\"")
        }
        guard major == 3 else {
            throw Failure(
                .badField, "ignition.ignition.version is \(version), and limiq knows 3.0.0 and newer",
                hint: "butane writes version 3")
        }
        return Int(minor)
    }

    private static func kind(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .list: "list"
        case .map: "table with names"
        default: value.typeName
        }
    }
}
