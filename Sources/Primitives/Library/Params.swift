import Basics
import Glibc
import HostFiles
import Records

/// The primitives of `limiq.params`: named parameters with defaults.
///
/// - Parameter overrides: the words of `--set name=value`.
func paramsDefinitions(_ overrides: [String: String]) -> [Definition] {
    [
        Definition(
            "params.get", .pure, in: .function("params"), .positional, paramsRecord, returns: "table",
            doc:
                "Named parameters with their defaults, set by `--set name=value` and typed by their default: a text, a "
                + "number, a boolean, or a list of texts (written `a,b,c`).",
            example: #"local p = limiq.params { name = "web-01", count = 1, packages = { "nginx" } }"#
        ) { call, _ in
            .map(try apply(overrides, to: call.defaults))
        }
    ]
}

/// The primitives of `limiq.env`.
func environmentDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "env.get", .pure, in: .fields("env"), .positional, envRecord, returns: "string?",
            doc:
                "A variable of limiq's own environment, nil where it is not set; `limiq.env.HOME` is the same. Under "
                + "`--sandbox` only those of `--allow-env`.",
            example: "print(limiq.env.HOME)"
        ) { call, _ in
            try environment.gate.variable(call.name)
            guard !call.name.utf8.contains(0), let text = getenv(call.name) else { return .null }
            return Codec.bytes.encode(
                Array(UnsafeBufferPointer(start: text, count: strlen(text))).map(UInt8.init(bitPattern:)))
        }
    ]
}

private struct ParamsCall: Sendable {
    var defaults = Map()
}

private let paramsRecord = Record<ParamsCall>(
    "limiq.Params", "The parameters of a script.", make: { ParamsCall() },
    fields: [Field("defaults", \.defaults, .fields, required: true, "Every parameter with its default.")])

private struct EnvCall: Sendable {
    var name = ""
}

private let envRecord = Record<EnvCall>(
    "limiq.EnvGet", "Which variable.", make: { EnvCall() },
    fields: [Field("name", \.name, .string, required: true, "The variable's name.")])

private func apply(_ overrides: [String: String], to defaults: Map) throws(Failure) -> Map {
    for name in overrides.keys.sorted() where defaults[name] == nil {
        throw Failure(
            .badField, "--set \(name): the script has no parameter of this name",
            hint: nearestName(to: name, in: defaults.keys).map { "did you mean \($0)?" }
                ?? (defaults.isEmpty
                    ? "it takes none" : "its parameters are \(defaults.keys.joined(separator: ", "))"))
    }
    var result = Map()
    for entry in defaults.entries {
        // The default is checked even where it is not used: a script must not fail for some callers only.
        guard hasParameterType(entry.value) else {
            throw Failure(
                .badField,
                "the parameter \(entry.key) needs a text, a number, a boolean or a list of texts as its default"
            )
        }
        guard let text = overrides[entry.key] else {
            result.append(entry.key, entry.value)
            continue
        }
        guard let value = typed(text, like: entry.value) else {
            throw Failure(
                .badField, "--set \(entry.key)=\(text): \(entry.key) is \(expectation(of: entry.value))")
        }
        result.append(entry.key, value)
    }
    return result
}

private func hasParameterType(_ value: Value) -> Bool {
    switch value {
    case .string, .int, .double, .bool, .secret: true
    case .list(let members): members.allSatisfy { $0.string != nil }
    case .map(let map): map.isEmpty
    case .null, .bytes: false
    }
}

private func typed(_ text: String, like value: Value) -> Value? {
    switch value {
    case .string: .string(text)
    case .secret: .secret(text)
    case .int: Int64(text).map(Value.int)
    case .double: Double(text).flatMap { $0.isFinite ? .double($0) : nil }
    case .bool: Bool(text).map(Value.bool)
    case .list, .map:
        .list(
            text.isEmpty
                ? []
                : text.split(separator: ",", omittingEmptySubsequences: false).map { .string(String($0)) })
    case .null, .bytes: nil
    }
}

private func expectation(of value: Value) -> String {
    switch value {
    case .int: "a whole number"
    case .double: "a number"
    case .bool: "true or false"
    default: "a text"
    }
}
