import Basics
import Records
import YAML

/// The primitives of `limiq.yaml`: YAML as cloud-init reads and writes it.
func yamlDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "yaml.encode", .pure, .positional, encodeRecord, returns: "string",
            doc: "A value as YAML in block style, keys sorted, that cloud-init reads back as the same value. "
                + "Where a secret is in it, the whole text is one.",
            example: #"print(limiq.yaml.encode { packages = { "nginx" } })"#
        ) { call, _ in
            sealed(YAML.write(call.value), from: call.value)
        },
        Definition(
            "yaml.decode", .pure, .positional, TextCall.record("limiq.YAMLDecode", "The YAML text."),

            returns: "any",
            doc:
                "The value of a YAML text, by the rules of cloud-init's reader: `yes` is true, `0644` is 420, a date "
                + "stays text. Raises `bad_yaml` with line and column, also for a key that is there twice.",
            example: #"local config = limiq.yaml.decode "packages: [nginx]""#
        ) { call, _ in
            try call.read { (bytes) throws(Failure) in try YAML.parse(try document(bytes)) }
        },
        Definition(
            "yaml.read",
            .reads(.files) { arguments, call in
                try call.read(arguments.path, unknown: [:]) {
                    try YAML.parse(try utf8($0, named: arguments.path), source: arguments.path)
                }
            }, .positional,
            pathRecord("limiq.YAMLRead", "The file; a relative path begins at the script's folder."),
            returns: "any", doc: "The value of a YAML file, read as `limiq.yaml.decode` does.",
            example: #"local config = limiq.yaml.read "web.yaml""#
        ) { call, _ in
            let bytes = try fileBytes(try environment.reading(call.path), atMost: ReadLimit.document)
            return try YAML.parse(try utf8(bytes, named: call.path), source: call.path)
        },
    ]
}

private struct EncodeCall: Sendable {
    var value = Value.null
}

private let encodeRecord = Record<EncodeCall>(
    "limiq.YAMLEncode", "What to write.", make: { EncodeCall() },
    fields: [Field("value", \.value, .any, "Tables, strings, numbers, booleans, `limiq.null`.")])

/// The argument of a call that takes one text.
struct TextCall: Sendable {
    struct Text: Sendable, Equatable {
        var bytes: [UInt8] = []
        var isSecret = false

        static let codec = Codec<Text>("string") { value, path throws(Failure) in
            Text(bytes: try Codec.bytes.decode(value, path), isSecret: value.holdsSecret)
        } encode: {
            Codec.bytes.encode($0.bytes)
        }
    }

    var text = Text()

    static func record(_ name: String, _ doc: String) -> Record<TextCall> {
        Record(
            name, doc, make: { TextCall() }, fields: [Field("text", \.text, Text.codec, required: true, doc)])
    }

    /// The value that the text means. That of a secret is a secret, and what is wrong with it is not quoted.
    func read(_ body: ([UInt8]) throws(Failure) -> Value) throws(Failure) -> Value {
        guard text.isSecret else { return try body(text.bytes) }
        do { return try body(text.bytes).sealed } catch {
            throw Failure(error.code, "the text, a secret, cannot be read")
        }
    }
}

/// The text made of a value: as much a secret as what went into it.
func sealed(_ text: String, from value: Value) -> Value {
    value.holdsSecret ? .secret(text) : .string(text)
}
