import Basics
import Glibc
import HostFiles
import Records
import YAML

/// The values that a caller gives a script's parameters.
public struct GivenParameters: Sendable, ExpressibleByDictionaryLiteral {
    private struct OfFile: Sendable {
        var value: Value
        var file: String
    }

    /// The texts of `--set name=value`.
    private var texts: [String: String]
    /// The values of the files of `--set-file`; of two files the later one's.
    private var values: [String: OfFile] = [:]

    public init(dictionaryLiteral elements: (String, String)...) {
        texts = Dictionary(elements) { $1 }
    }

    /// - Parameters:
    ///   - texts: the texts of `--set`, by name.
    ///   - files: the paths of `--set-file`: YAML or JSON, a table of names and values.
    public init(texts: [String: String], files: [String]) throws(Failure) {
        self.texts = texts
        for file in files {
            let text = try utf8(try fileBytes(file, atMost: ReadLimit.document), named: file)
            let content = try YAML.parse(text, source: file)
            guard let map = content.map else {
                throw Failure(
                    .badField,
                    "--set-file \(file): it must be a table of names and values, not \(content.kind)")
            }
            for entry in map.entries { values[entry.key] = OfFile(value: entry.value, file: file) }
        }
    }

    /// The name of one that was given on the command line.
    public var first: String? { (Array(texts.keys) + values.keys).min() }

    /// All that was given, by name: what stands on the command line goes before the environment, `--set` before
    /// `--set-file`.
    ///
    /// - Parameters:
    ///   - declared: the names of the script's parameters: of the environment only those are looked for.
    ///   - variable: a variable of the environment, `nil` where it is not set.
    func all(declared: [String], variable: (String) throws(Failure) -> String?) throws(Failure) -> Map {
        var all = Map()
        for name in Set(declared).union(texts.keys).union(values.keys).sorted() {
            if let text = texts[name] {
                all.append(name, ["text": .string(text), "from": "--set"])
            } else if let of = values[name] {
                all.append(name, ["value": of.value, "from": .string("--set-file \(of.file)")])
            } else if let text = try variable("LIMIQ_SET_\(name)") {
                all.append(name, ["text": .string(text), "from": .string("LIMIQ_SET_\(name)")])
            }
        }
        return all
    }
}

/// A script's parameters: what the caller gave. What they are declared as, and what is said of a value that does not fit,
/// is the library's own Lua, which recipes' options share.
func paramsDefinitions(_ environment: Environment, _ given: GivenParameters) -> [Definition] {
    [
        Definition(
            "params.get", .pure, in: .inner, .positional, paramsRecord, returns: "table",
            doc: "What a caller has given a script's parameters.", example: ""
        ) { call, _ in
            .map(
                try given.all(declared: call.declared.compactMap { $0["name"]?.string }) {
                    name throws(Failure) in try environment.variable(name)
                })
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
            return environmentVariable(call.name).map(Codec.bytes.encode) ?? .null
        }
    ]
}

private func environmentVariable(_ name: String) -> [UInt8]? {
    guard !name.utf8.contains(0), let text = getenv(name) else { return nil }
    return Array(UnsafeBufferPointer(start: text, count: strlen(text))).map(UInt8.init(bitPattern:))
}

extension Environment {
    /// A variable that the caller has set for the script.
    ///
    /// - Throws: `Failure` with code `forbidden` for one that is set and that the script may not see.
    fileprivate func variable(_ name: String) throws(Failure) -> String? {
        guard let bytes = environmentVariable(name) else { return nil }
        try gate.variable(name)
        return try utf8(bytes, named: name)
    }
}

private struct ParamsCall: Sendable {
    var declared: [Value] = []
}

private let paramsRecord = Record<ParamsCall>(
    "limiq.ParamsGet", "", make: { ParamsCall() },
    fields: [
        Field(
            "declared", \.declared, .list(of: .any), required: true,
            "Each parameter: its name, type, default and what else is said of it.")
    ])

private struct EnvCall: Sendable {
    var name = ""
}

private let envRecord = Record<EnvCall>(
    "limiq.EnvGet", "Which variable.", make: { EnvCall() },
    fields: [Field("name", \.name, .string, required: true, "The variable's name.")])
