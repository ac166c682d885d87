import Basics
import LuaRuntime
import YAML

private struct EncodeArguments: Sendable {
    var value = Value.null
}

private struct TextArgument: Sendable {
    var text = ""
}

/// `limiq.yaml`.
func yamlDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "yaml.encode", .positional,
            Record(
                "limiq.yaml.encode", "", make: { EncodeArguments() },
                fields: [
                    Field("value", \.value, .any, "What to write.")
                ]),
            execution: .inline, returns: "string",
            doc: "A value as YAML text that cloud-init reads back as the same value.",
            example: "print(limiq.yaml.encode { packages = { \"nginx\" } })"
        ) { arguments, _ in .string(writeYAML(arguments.value)) },
        Definition(
            "yaml.decode", .positional,
            Record(
                "limiq.yaml.decode", "", make: { TextArgument() },
                fields: [
                    Field("text", \.text, .string, required: true, "The YAML text.")
                ]),
            execution: .inline, returns: "any",
            doc: "The value of a YAML text, read as cloud-init reads it (YAML 1.1).",
            example: "local config = limiq.yaml.decode \"packages: [nginx]\""
        ) { arguments, _ in try parseYAML(arguments.text).value },
        Definition(
            "yaml.read", .positional, pathRecord("limiq.yaml.read", "The YAML file."),
            returns: "any", doc: "The value of a YAML file.",
            example: "local config = limiq.yaml.read \"user-data.yaml\""
        ) { arguments, _ in
            try reading(arguments.path, environment) { bytes throws(Failure) in
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw Failure("bad_yaml", "it is not UTF-8")
                }
                return try parseYAML(text).value
            }
        },
    ]
}
