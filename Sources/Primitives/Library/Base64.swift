import Basics
import Records

/// The primitives of `limiq.base64`: bytes as text, as `encoding: b64` of cloud-init's `write_files` takes them.
func base64Definitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "base64.encode", .pure, .positional, encodeRecord, returns: "string",
            doc: "Bytes as base64 with padding, on one line. That of a secret is one.",
            example: #"print(limiq.base64.encode "hello")"#
        ) { call, _ in
            let bytes = try Codec<[UInt8]>.bytes.decode(call.bytes, "bytes")
            switch call.options.encoding {
            case nil: return sealed(Base64.encode(bytes), from: call.bytes)
            case .utf16LE:
                let units = try utf8(bytes, named: "the text").utf16
                return sealed(
                    Base64.encode(units.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }),
                    from: call.bytes)
            }
        },
        Definition(
            "base64.decode", .pure, .positional,
            TextCall.record("limiq.Base64Decode", "Base64; white space in it means nothing."),
            returns: "string", doc: "The bytes of a base64 text.",
            example: #"print(limiq.base64.decode "aGVsbG8=")"#
        ) { call, _ in
            try call.read { (text) throws(Failure) in
                guard let bytes = Base64.decode(String(decoding: text, as: UTF8.self)) else {
                    throw Failure(.badField, "the text is not base64")
                }
                return Codec.bytes.encode(bytes)
            }
        },
    ]
}

private struct EncodeCall: Sendable {
    enum Encoding: String, CaseIterable {
        case utf16LE = "utf-16le"
    }

    struct Options: Sendable, Equatable {
        var encoding: Encoding?
    }

    var bytes = Value.null
    var options = Options()
}

private let encodeRecord = Record<EncodeCall>(
    "limiq.Base64Encode", "What to encode, and how.", make: { EncodeCall() },
    fields: [
        Field("bytes", \.bytes, .any, required: true, "A string or a secret."),
        Field(
            "options", \.options,
            .record(
                Record<EncodeCall.Options>(
                    "limiq.Base64Options", "What is encoded.", make: { EncodeCall.Options() },
                    fields: [
                        Field(
                            "encoding", \.encoding, .choice(),
                            "Of a text before: `utf-16le`, as Windows wants it; as it is where left out.")
                    ])),
            "How."),
    ])
