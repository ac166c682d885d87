import Basics
import Records

public enum LogLevel: String, Sendable, CaseIterable {
    case info, warn, error
}

/// The primitives of `limiq.log`: lines for whoever runs the script, never on stdout.
///
/// - Parameter sink: gets each line, without the level and without a line break at its end.
func logDefinitions(_ sink: @escaping @Sendable (LogLevel, String) -> Void) -> [Definition] {
    LogLevel.allCases.map { level in
        Definition(
            "log.\(level.rawValue)", .pure, .positional, record,
            doc:
                "Writes a line at level \(level.rawValue), with fields as `key=value` behind it. A secret is shown as ‹secret›.",
            example:
                "limiq.log.\(level.rawValue)(\"page fetched\", { url = \"http://127.0.0.1:8080\", status = 200 })"
        ) { call, _ in
            var line = shown(call.text, quotes: false)
            for entry in call.fields.entries { line += " \(entry.key)=\(shown(entry.value, quotes: true))" }
            sink(level, line)
            return .null
        }
    }
}

private struct Call: Sendable {
    var text = Value.null
    var fields = Map()
}

private let record = Record<Call>(
    "limiq.LogLine", "One line of the log.", make: { Call() },
    fields: [
        Field("text", \.text, .any, "What to say; any value, a table as JSON would show it."),
        Field("fields", \.fields, .fields, "Names and values that belong to it."),
    ])

extension Codec where Content == Map {
    /// A table with any names and values.
    static let fields = Codec("table<string, any>") { value, path throws(Failure) in
        guard let map = value.map else {
            throw wrongType(path, expected: "a table of names and values", got: value)
        }
        return map
    } encode: {
        .map($0)
    }
}

/// The value as text for people. Tables look like Lua.
func shown(_ value: Value, quotes: Bool = false) -> String {
    switch value {
    case .null: "nil"
    case .bool(let flag): "\(flag)"
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .string(let text):
        quotes && text.contains(where: { " \"=\n\t".contains($0) }) || text.isEmpty && quotes
            ? quoted(text) : text
    case .bytes(let bytes): "‹\(bytes.count) bytes›"
    case .secret: "‹secret›"
    case .list(let members): "{ " + members.map { shown($0, quotes: true) }.joined(separator: ", ") + " }"
    case .map(let map) where map.isEmpty: "{}"
    case .map(let map):
        "{ " + map.entries.map { "\($0.key) = \(shown($0.value, quotes: true))" }.joined(separator: ", ")
            + " }"
    }
}

private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
