import Basics

/// What is wrong with an Ignition configuration, before a boot: a guest passes over keys it does not know, and stops in
/// its initramfs, far from any log a person sees, at what it cannot read.
///
/// Source: Ignition's configuration specifications 3.0.0 to 3.6.0.
public enum IgnitionCheck {
    /// The sections and their keys, each with the minor version that brought it.
    private static let sections: [String: (since: Int, keys: [String: (since: Int, isList: Bool)])] = [
        "ignition": (
            0,
            [
                "version": (0, false), "config": (0, false), "timeouts": (0, false), "security": (0, false),
                "proxy": (1, false),
            ]
        ),
        "passwd": (0, ["users": (0, true), "groups": (0, true)]),
        "storage": (
            0,
            [
                "disks": (0, true), "raid": (0, true), "filesystems": (0, true), "files": (0, true),
                "directories": (0, true), "links": (0, true), "luks": (2, true),
            ]
        ),
        "systemd": (0, ["units": (0, true)]),
        "kernelArguments": (3, ["shouldExist": (3, true), "shouldNotExist": (3, true)]),
    ]
    /// What a newer version adds is not known here.
    private static let lastMinor = 6

    /// - Parameter text: the JSON.
    /// - Throws: `Failure` with code `bad_json` for what is no JSON, with its line and column; `bad_field` for a version
    ///   or key Ignition has not.
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
        guard minor <= lastMinor else { return }
        for entry in root.entries {
            let path = "ignition.\(entry.key)"
            try require(entry.key, sections.mapValues(\.since), path, version, minor)
            guard let section = sections[entry.key], entry.value != .null else { continue }
            guard case .map(let map) = entry.value else {
                let hint = entry.value.map == nil ? nil : "leave it out"
                throw Failure(.badField, "\(path) must be an object, not a \(kind(entry.value))", hint: hint)
            }
            for inner in map.entries {
                let path = "\(path).\(inner.key)"
                try require(inner.key, section.keys.mapValues(\.since), path, version, minor)
                try check(inner.value, isList: section.keys[inner.key]?.isList ?? false, path)
            }
        }
    }

    /// - Parameter known: the minor version that brought each key.
    private static func require(
        _ key: String, _ known: [String: Int], _ path: String, _ version: String, _ minor: Int
    ) throws(Failure) {
        if let since = known[key], since <= minor { return }
        let keys = known.filter { $0.value <= minor }.map(\.key).sorted()
        let hint =
            known[key].map { "version 3.\($0).0 brings it" }
            ?? nearestName(to: key, in: keys).map { "did you mean \($0)?" }
            ?? "there are \(keys.joined(separator: ", "))"
        throw Failure(.badField, "\(path) is no key of Ignition \(version)", hint: hint)
    }

    /// An empty table of Lua is an object; Ignition refuses one where it wants a list.
    private static func check(_ value: Value, isList: Bool, _ path: String) throws(Failure) {
        guard isList, value != .null else { return }
        if case .list = value { return }
        throw Failure(.badField, "\(path) must be a list", hint: value.list == nil ? nil : "leave it out")
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

    /// `3.4.0`, `3.7.0-experimental`.
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

    /// As JSON calls it.
    private static func kind(_ value: Value) -> String {
        if case .list = value { "list" } else { value == .null ? "null" : value.typeName }
    }
}
