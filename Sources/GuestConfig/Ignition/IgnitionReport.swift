import Basics

/// A complaint about a value; its message follows the value's path.
struct IgnitionComplaint {
    var isError: Bool
    var message: String
    var hint: String?

    static func error(_ message: String, hint: String? = nil) -> Self {
        Self(isError: true, message: message, hint: hint)
    }

    /// A complaint about what Ignition takes and a guest does not do as it was meant.
    static func warning(_ message: String, hint: String? = nil) -> Self {
        Self(isError: false, message: message, hint: hint)
    }
}

/// The findings of a configuration, which is walked through beside its shape.
struct IgnitionReport {
    let version: IgnitionVersion
    private(set) var findings: [GuestFinding] = []

    init(version: IgnitionVersion) {
        self.version = version
        if version.isOldExperiment {
            let stable = "3.\(version.minor).0"
            add(
                .warning(
                    "is \(version.text), which Ignition takes no more since \(stable) is out",
                    hint: "version = \"\(stable)\""), at: "ignition.ignition.version")
        }
    }

    mutating func add(_ complaint: IgnitionComplaint?, at path: String) {
        guard let complaint else { return }
        findings.append(
            GuestFinding(
                isError: complaint.isError, code: .badField, text: "\(path) \(complaint.message)".onOneLine,
                hint: complaint.hint?.onOneLine))
    }

    mutating func check(_ value: Value, _ shape: IgnitionShape, _ path: String) {
        switch (shape, value) {
        case (_, .null), (.truth, .bool): break
        case (.string(let rule), .string(let text)): add(rule(text, version), at: path)
        case (.number(let rule), .int(let number)): add(rule(number, version), at: path)
        case (.list(let member), .list(let members)):
            for (index, value) in members.enumerated() {
                check(value == .null ? member.zero : value, member, "\(path)[\(index + 1)]")
            }
        case (.object(let object), .map(let map)): check(map, object, path)
        default: add(wrong(value, shape), at: path)
        }
    }

    private mutating func check(_ map: Map, _ object: IgnitionShape.Object, _ path: String) {
        for entry in map.entries {
            if let key = object.keys[entry.key], key.since <= version.minor {
                check(entry.value, key.shape, "\(path).\(entry.key)")
            } else {
                let isWord = !entry.key.isEmpty && entry.key.allSatisfy { $0.isLetter || $0 == "_" }
                let place = isWord ? ".\(entry.key.prefix(60))" : "[\(entry.key.inQuotes)]"
                add(unknown(entry.key, object.keys), at: path + place)
            }
        }
        for key in object.required where map[key] ?? .null == .null {
            add(.error("is missing"), at: "\(path).\(key)")
        }
        for unique in object.unique { requireUnique(unique, in: map, path) }
        object.rule?(map, path, &self)
    }

    /// Tells of members that are there twice, in one list or in several that have one set of keys.
    private mutating func requireUnique(_ unique: IgnitionShape.Unique, in map: Map, _ path: String) {
        var places: [ExactText: String] = [:]
        for list in unique.lists {
            guard case .list(let members)? = map[list] else { continue }
            for (index, member) in members.enumerated() {
                let place = "\(path).\(list)[\(index + 1)]" + (unique.key.map { ".\($0)" } ?? "")
                let text = (unique.key.map { member[$0] ?? "" } ?? member).string ?? ""
                let earlier = places.updateValue(place, forKey: ExactText(text))
                if let earlier { add(.error("is there already, as \(earlier)"), at: place) }
            }
        }
    }

    private func unknown(_ key: String, _ keys: [String: IgnitionShape.Key]) -> IgnitionComplaint {
        let known = keys.filter { $0.value.since <= version.minor }.map(\.key).sorted()
        let hint =
            keys[key].map { "version 3.\($0.since).0 brings it" }
            ?? nearestName(to: key, in: known).map { "did you mean \($0)?" }
            ?? "there are \(known.joined(separator: ", "))"
        return .error("is no key of Ignition \(version.text)", hint: hint)
    }

    private func wrong(_ value: Value, _ shape: IgnitionShape) -> IgnitionComplaint {
        // An empty table of Lua is an object to some and a list to others; Ignition refuses one for the other.
        var hint = value.list?.isEmpty ?? false ? "leave it out" : nil
        if case .number = shape, let mode = value.string.flatMap(FileMode.init(octal:)) { hint = mode.hint }
        let given = if case .double = value { value.kind } else { "a \(Self.kind(value))" }
        return .error("must be \(shape.name), not \(given)", hint: hint)
    }

    static func kind(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .list: "list"
        case .map: "table with names"
        default: value.typeName
        }
    }
}

extension String {
    /// The text in quotation marks, cut where it is long.
    var inQuotes: String { unicodeScalars.count > 60 ? "\"\(prefix(60))…\"" : "\"\(self)\"" }

    /// The text without line ends and what else moves a terminal's cursor.
    var onOneLine: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format: text += scalar.escaped(asASCII: true)
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
