import Basics
import Provisioning
import Records

/// The primitives that run programs in a guest. One whose output is wanted as it comes is begun, asked for its next lines
/// until it ends, and ended: Lua is never called from here.
func domainExecDefinitions(_ environment: Environment) -> [Definition] {
    [exec(environment), begin(environment), next(environment), end(environment)]
}

private struct ExecOptions: Sendable {
    var timeout = Duration.seconds(60)
    var stdin: [UInt8]?
    var check = true
    var user: String?
    var env: [String: String] = [:]
    var cwd: String?

    var surroundings: GuestSurroundings {
        get throws(Failure) {
            let surroundings = GuestSurroundings(
                environment: env.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, folder: cwd)
            try surroundings.check()
            return surroundings
        }
    }
}

private struct ExecArguments: DomainArguments {
    var domain = DomainReference()
    var command: [String] = []
    var options: ExecOptions?
}

private let execOptions = Record(
    "limiq.ExecOptions", "How the program runs.", make: ExecOptions.init,
    fields: [
        Field("timeout", \.timeout, .duration, "The longest it may take; 60 s where left out."),
        Field("stdin", \.stdin, .bytes, "What it reads."),
        Field("check", \.check, .bool, "A code other than 0 is an error; true where left out."),
        Field("user", \.user, .string, "By ssh as this user; by the agent, as root, where left out."),
        Field(
            "env", \.env, .dictionary(of: .string),
            "Variables of its environment. Who lists processes sees them: what is secret goes into stdin."),
        Field("cwd", \.cwd, .path, "The folder it runs in."),
        .ofLua(
            "on_output", "fun(line: string)",
            "Called with each line it writes, on either stream, as it comes; the answer has all of them too."
        ),
    ])

private let execFields: [Field<ExecArguments>] = [
    Field(
        "command", \.command, .command(execOptions), required: true,
        "The program and its arguments; options may stand among them by name."),
    Field("options", \.options, .record(execOptions), "How it runs."),
]

extension Field {
    /// A field that the library's Lua takes out before the call: a function.
    fileprivate static func ofLua(_ name: String, _ luaType: String, _ doc: String) -> Field {
        Field(name: name, luaType: luaType, isRequired: false, doc: doc, records: { [] }) {
            _, value, path throws(Failure) in
            throw wrongType(path, expected: "a function", got: value)
        } encode: { _ in
            nil
        }
    }
}

private func value(of result: ExecResult) -> Value {
    ["code": .int(Int64(result.code)), "stdout": said(result.stdout), "stderr": said(result.stderr)]
}

private func exec(_ environment: Environment) -> Definition {
    .domain(
        "domain.exec",
        .runsProgram(.machine) { arguments, call in
            let machine = try call.domain(arguments.domain)
            return call.runs(arguments.command, on: machine.name, afterBoot: ["its answer"])
        }, environment, ExecArguments.self, fields: execFields,
        returns: "{ code: integer, stdout: string, stderr: string }",
        doc: "Runs a program in the guest, through its agent, else by ssh, and waits for its end.",
        example: """
            local limiq = require "limiq"
            local vm = limiq.domain.get("web-01")
            print(vm:exec { "uname", "-r" }.stdout)
            vm:exec { "apt-get", "-y", "upgrade", env = { DEBIAN_FRONTEND = "noninteractive" },
                      timeout = "10m", on_output = print }
            """
        ,
        check: { _, call in call.result }
    ) { machine, arguments, request in
        let options = arguments.options ?? ExecOptions()
        return value(
            of: try machine.exec(
                arguments.command, stdin: options.stdin, timeout: options.timeout, user: options.user,
                surroundings: try options.surroundings, check: options.check,
                cancellation: request.cancellation))
    }
}

// MARK: output as it comes

private func begin(_ environment: Environment) -> Definition {
    .domain(
        "domain.exec_begin",
        .runsProgram(.machine) { arguments, call in
            let machine = try call.domain(arguments.domain)
            return ["result": call.runs(arguments.command, on: machine.name, afterBoot: ["its answer"])]
        }, environment, ExecArguments.self, fields: execFields, in: .inner,
        returns: "{ id?: integer, result?: table }",
        doc: "Begins a program in the guest, whose lines `domain.exec_next` gives.", example: "",
        check: { _, call in ["result": call.result] }
    ) { machine, arguments, request in
        let options = arguments.options ?? ExecOptions()
        let surroundings = try options.surroundings
        let id = GuestPrograms.begin { onLine, cancellation throws(Failure) in
            try machine.exec(
                arguments.command, stdin: options.stdin, timeout: options.timeout, user: options.user,
                surroundings: surroundings, check: options.check, onLine: onLine,
                cancellation: cancellation)
        }
        return ["id": .int(id)]
    }
}

private struct ProgramArguments: DomainArguments {
    var domain = DomainReference()
    var id: Int64 = 0
}

private let programFields: [Field<ProgramArguments>] = [
    Field("id", \.id, .int(1...Int64.max), required: true, "What `domain.exec_begin` gave.")
]

private func next(_ environment: Environment) -> Definition {
    .domain(
        "domain.exec_next", .reads(.machine), environment, ProgramArguments.self, fields: programFields,
        in: .inner, returns: "{ lines: string[], result?: table }",
        doc: "Waits for the next lines of a program in the guest, or for its end.", example: ""
    ) { _, arguments, request in
        let news = try GuestPrograms.next(of: arguments.id, request.cancellation)
        var map: Map = ["lines": .list(news.lines.map(said))]
        if let result = news.result { map.append("result", value(of: result)) }
        return .map(map)
    }
}

private func end(_ environment: Environment) -> Definition {
    .domain(
        "domain.exec_end", .reads(.machine), environment, ProgramArguments.self, fields: programFields,
        in: .inner, doc: "Ends a program in the guest that nobody follows any more.", example: ""
    ) { _, arguments, _ in
        GuestPrograms.end(arguments.id)
        return .null
    }
}
