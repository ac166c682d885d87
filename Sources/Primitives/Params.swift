import Basics
import LuaRuntime

private struct ParamsArguments: Sendable {
    var defaults: [String: Value] = [:]
}

/// `limiq.params`: named parameters with defaults.
///
/// - Parameter overrides: what `--set` gave, by name.
func paramsDefinitions(_ overrides: [String: String]) -> [Definition] {
    [
        Definition(
            "params.get", .positional,
            Record(
                "limiq.params", "", make: { ParamsArguments() },
                fields: [
                    Field(
                        "defaults", \.defaults, .dictionary(of: .any), required: true,
                        "Each parameter and its default, whose type it has.")
                ]),
            execution: .inline, returns: "table",
            doc: "The script's parameters: their defaults, or what `--set name=value` said.",
            example: "local p = limiq.params { name = \"web-01\", count = 1 }"
        ) { arguments, _ in
            var result = Map()
            for (name, value) in arguments.defaults.sorted(by: { $0.key < $1.key }) {
                result.append(name, try overrides[name].map { try typed($0, like: value, name) } ?? value)
            }
            for name in overrides.keys.sorted() where arguments.defaults[name] == nil {
                let nearest = nearestName(to: name, in: arguments.defaults.keys)
                throw Failure(
                    .badField, "--set \(name): the script has no such parameter",
                    hint: nearest.map { "did you mean \($0)?" }
                        ?? "its parameters are \(arguments.defaults.keys.sorted().joined(separator: ", "))")
            }
            return .map(result)
        }
    ]
}

/// A word of the command line as the type its default has.
private func typed(_ text: String, like value: Value, _ name: String) throws(Failure) -> Value {
    switch value {
    case .int:
        guard let number = Int64(text) else {
            throw Failure(.badField, "--set \(name)=\(text): \(name) must be a whole number")
        }
        return .int(number)
    case .double:
        guard let number = Double(text) else {
            throw Failure(.badField, "--set \(name)=\(text): \(name) must be a number")
        }
        return .double(number)
    case .bool:
        guard ["true", "false"].contains(text) else {
            throw Failure(.badField, "--set \(name)=\(text): \(name) must be true or false")
        }
        return .bool(text == "true")
    case .list: return .list(text.split(separator: ",").map { .string(String($0)) })
    case .string, .secret: return .string(text)
    case .null, .bytes, .map:
        throw Failure(
            .badField,
            "--set \(name): a parameter's default must be a string, a number, true or false, or a list")
    }
}
