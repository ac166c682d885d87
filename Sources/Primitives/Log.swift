import Basics
import Glibc
import LuaRuntime

public enum LogLevel: String, Sendable, CaseIterable {
    case info
    case warn
    case error
}

private struct LogArguments: Sendable {
    var text = ""
}

/// `limiq.log`.
func logDefinitions(_ sink: @escaping @Sendable (LogLevel, String) -> Void) -> [Definition] {
    LogLevel.allCases.map { level in
        Definition(
            "log.\(level.rawValue)", .positional,
            Record(
                "limiq.log.\(level.rawValue)", "", make: { LogArguments() },
                fields: [
                    Field("text", \.text, .string, required: true, "One line.")
                ]),
            execution: .inline,
            doc: "Tells the person who watches; standard output stays the script's results.",
            example: "limiq.log.\(level.rawValue) \"the page answers\""
        ) { arguments, _ in
            sink(level, arguments.text)
            return .null
        }
    }
}

/// `limiq.env`.
func environmentDefinitions() -> [Definition] {
    [
        Definition(
            "env.get", .positional,
            Record(
                "limiq.env.get", "", make: { LogArguments() },
                fields: [
                    Field("name", \.text, .string, required: true, "The variable.")
                ]),
            execution: .inline, returns: "string?",
            doc: "A variable of the environment, nil where it is not set; `limiq.env.HOME` is the same.",
            example: "print(limiq.env.HOME)"
        ) { arguments, _ in
            guard let value = getenv(arguments.text) else { return .null }
            return .string(String(cString: value))
        }
    ]
}
