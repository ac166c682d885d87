import Basics
import FoundationEssentials
import Records

/// The primitives of `limiq.json`: JSON (RFC 8259), strictly.
func jsonDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "json.encode", .pure, .positional, encodeRecord, returns: "string",
            doc: "A value as JSON, keys sorted; an empty table is `{}`, `limiq.null` is `null`. "
                + "Where a secret is in it, the whole text is one.",
            example: #"print(limiq.json.encode({ name = "web-01" }, { pretty = true }))"#
        ) { call, _ in
            sealed(try jsonText(call.value, pretty: call.options.pretty), from: call.value)
        },
        Definition(
            "json.decode", .pure, .positional, TextCall.record("limiq.JSONDecode", "The JSON text."),

            returns: "any",
            doc:
                "The value of a JSON text; whole numbers stay whole, `null` is `limiq.null`. Raises `bad_json` with line "
                + "and column, also for a key that is there twice.",
            example: #"local answer = limiq.json.decode '{ "ports": [80, 443] }'"#
        ) { call, _ in
            try call.read { (bytes) throws(Failure) in try parseJSON(bytes) }
        },
        Definition(
            "json.read",
            .reads(.files) { arguments, call in
                try call.read(arguments.path, unknown: [:]) {
                    try JSONReader.read(try utf8($0, named: arguments.path), source: arguments.path)
                }
            }, .positional,
            pathRecord("limiq.JSONRead", "The file; a relative path begins at the script's folder."),
            returns: "any", doc: "The value of a JSON file, read as `limiq.json.decode` does.",
            example: #"local spec = limiq.json.read "web.json""#
        ) { call, _ in
            let bytes = try fileBytes(try environment.reading(call.path), atMost: ReadLimit.document)
            return try JSONReader.read(try utf8(bytes, named: call.path), source: call.path)
        },
    ]
}

private struct EncodeCall: Sendable {
    struct Options: Sendable, Equatable {
        var pretty = false
    }

    var value = Value.null
    var options = Options()
}

private let encodeRecord = Record<EncodeCall>(
    "limiq.JSONEncode", "What to write, and how.", make: { EncodeCall() },
    fields: [
        Field("value", \.value, .any, "Tables, strings, numbers, booleans, `limiq.null`."),
        Field(
            "options", \.options,
            .record(
                Record<EncodeCall.Options>(
                    "limiq.JSONOptions", "How JSON is laid out.", make: { EncodeCall.Options() },
                    fields: [Field("pretty", \.pretty, .bool, "On several lines, indented.")])),
            "How it is laid out."),
    ])
