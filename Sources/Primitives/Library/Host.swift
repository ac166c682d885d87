import Basics
import HostFiles
import LuaRuntime
import Records

private struct RunOptions: Sendable, Equatable {
    var stdin: [UInt8] = []
    var timeout: Duration?
    var check = true
    var cwd: String?
    var env: [String: String] = [:]
}

private struct RunArguments: Sendable {
    var command: [String] = []
    var options = RunOptions()
}

private let runOptions = Record(
    "limiq.host.RunOptions", "How a program of this machine is run.", make: { RunOptions() },
    fields: [
        Field("stdin", \.stdin, .bytes, "What it reads."),
        Field("timeout", \.timeout, .duration, "When to end it."),
        Field("check", \.check, .bool, "Raise an error for a code that is not 0; true unless told."),
        Field("cwd", \.cwd, .path, "The folder it runs in; the script's unless told."),
        Field("env", \.env, .dictionary(of: .string), "Added to the environment."),
    ])

/// The primitives of `limiq.host` and `limiq.env`.
func hostDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "host.run",
            .runsProgram(.files) { arguments, call in
                try call.environment.gate.program("limiq.host.run")
                return call.runs(arguments.command, on: "this machine")
            }, .positional,
            Record(
                "limiq.host.run", "", make: { RunArguments() },
                fields: [
                    Field(
                        "command", \.command, .command(runOptions), required: true,
                        "The words, `{ \"ls\", \"-l\" }`; options may stand among them by name."),
                    Field("options", \.options, .record(runOptions), "How it is run."),
                ]),
            returns: "{ code: integer, stdout: string, stderr: string }",
            doc: "Runs a program of this machine. `limiq run --no-host` and `--sandbox` forbid it.",
            example: "print(limiq.host.run { \"uname\", \"-r\", timeout = \"5s\" }.stdout)",
            check: { _, call in
                try call.environment.gate.program("limiq.host.run")
                return call.result
            }
        ) { arguments, request in
            try environment.gate.program("limiq.host.run")
            var program = HostProgram(arguments.command)
            // Its own folder is not where a relative path begins.
            if let name = arguments.command.first, name.contains("/") {
                program.command[0] = environment.absolute(name)
            }
            let options = arguments.options
            program.input = options.stdin
            program.timeout = options.timeout
            program.folder = options.cwd.map(environment.absolute) ?? environment.scriptFolder
            program.environment = options.env
            let result = try program.run(request.cancellation)
            if options.check, result.code != 0 {
                let words = String(decoding: result.errors.suffix(2000), as: UTF8.self)
                    .split(separator: "\n").suffix(5).joined(separator: "; ")
                throw Failure(
                    .program, "\(arguments.command.first ?? "") ended with code \(result.code)",
                    hint: "check = false returns the code instead", cause: words.isEmpty ? nil : words)
            }
            return [
                "code": .int(Int64(result.code)), "stdout": said(result.output),
                "stderr": said(result.errors),
            ]
        }
    ]
}

/// The text a program wrote, as a script gets it: a secret where it repeats one.
func said(_ bytes: [UInt8]) -> Value {
    let value = Codec.bytes.encode(bytes)
    guard case .string(let text) = value, Secrets.areIn(text) else { return value }
    return .secret(text)
}
