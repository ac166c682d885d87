import Basics

/// `limiq.base64`: bytes as text, as `encoding: b64` of cloud-init's `write_files` takes them.
func base64Definitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "base64.encode", .positional, TextCall.record("limiq.Base64Encode", "The bytes."),
            execution: .inline,
            returns: "string", doc: "Bytes as base64 with padding, on one line.",
            example: #"print(limiq.base64.encode "hello")"#
        ) { call, _ in
            .string(Base64.encode(call.text))
        },
        Definition(
            "base64.decode", .positional,
            TextCall.record("limiq.Base64Decode", "Base64; white space in it means nothing."),
            execution: .inline, returns: "string", doc: "The bytes of a base64 text.",
            example: #"print(limiq.base64.decode "aGVsbG8=")"#
        ) { call, _ in
            guard let bytes = Base64.decode(String(decoding: call.text, as: UTF8.self)) else {
                throw Failure(.badField, "the text is not base64")
            }
            return Codec.bytes.encode(bytes)
        },
    ]
}
