import Basics
import HostFiles
import LuaRuntime
import Records

struct PathArgument: Sendable {
    var path = ""
}

/// The schema of a primitive that takes one path.
func pathRecord(_ name: String, _ doc: String) -> Record<PathArgument> {
    Record(name, "", make: { PathArgument() }, fields: [Field("path", \.path, .path, required: true, doc)])
}

private struct WriteArguments: Sendable {
    struct Options: Sendable, Equatable {
        var mode = "0600"
    }

    var path = ""
    var bytes: [UInt8] = []
    var options = Options()
}

/// The most files a script is told of at once.
private let mostFilesListed = 200_000

/// The primitives of `limiq.file`. Relative paths begin at the script's folder.
func fileDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "file.read",
            .reads(.files) {
                try $1.read($0.path, unknown: .string(PlanRun.unknown), Codec.bytes.encode)
            }, .positional, pathRecord("limiq.file.read", "The file."),
            returns: "string",
            doc: "The bytes of a file.", example: "local motd = limiq.file.read \"motd.txt\""
        ) { arguments, _ in
            let bytes = try fileBytes(try environment.reading(arguments.path), atMost: ReadLimit.bytes)
            return Codec.bytes.encode(bytes)
        },
        Definition(
            "file.write", .changes(.files, plan: planWrite), .positional,
            Record(
                "limiq.file.write", "", make: { WriteArguments() },
                fields: [
                    Field("path", \.path, .path, required: true, "The file; one of the name is replaced."),
                    Field("bytes", \.bytes, .bytes, required: true, "What it holds."),
                    Field(
                        "options", \.options,
                        .record(
                            Record(
                                "limiq.file.WriteOptions", "How a file is written.", make: { .init() },
                                fields: [
                                    Field(
                                        "mode", \.mode, .mode,
                                        "Its permissions in octal digits, `\"0644\"`; `\"0600\"` where left out."
                                    )
                                ])), "How it is written."),
                ]),
            doc: "Writes a file, whole or not at all.",
            example: "limiq.file.write(\"hosts.txt\", \"web-01\\n\", { mode = \"0644\" })",
            check: { _, call in
                // What it wrote may be read again.
                call.guess()
                return .null
            }
        ) { arguments, _ in
            let mode = try permissionBits(parsing: arguments.options.mode)
            try environment.gate.mode(mode)
            try writeBytes(arguments.bytes, to: try environment.writing(arguments.path), mode: mode)
            return .null
        },
        Definition(
            "file.exists",
            .reads(.files) { .bool($1.isThere(try $1.environment.reading($0.path))) }, .positional,
            pathRecord("limiq.file.exists", "The file or folder."),
            returns: "boolean",
            doc: "Whether something has this name.",
            example: "if limiq.file.exists \"site\" then print \"a site\" end"
        ) { arguments, _ in .bool(fileExists(try environment.reading(arguments.path))) },
        Definition(
            "file.list", .reads(.files, plan: planList), .positional,
            pathRecord("limiq.file.list", "The folder."),
            returns: "string[]",
            doc: "The files below a folder, sorted, by their paths in it.",
            example: "for _, name in ipairs(limiq.file.list \"site\") do print(name) end"
        ) { arguments, _ in
            .list(
                try filesBelow(try environment.reading(arguments.path), atMost: mostFilesListed).map(
                    Value.string))
        },
    ]
}

private func planWrite(_ arguments: WriteArguments, _ call: PlannedCall) throws -> Value {
    try call.environment.gate.mode(try permissionBits(parsing: arguments.options.mode))
    let path = try call.writing(arguments.path)
    let present: [UInt8]?
    switch call.run.expected(path) {
    case .holds(let bytes): present = bytes
    case .gone: present = nil
    case .made: present = []
    case nil: present = try? fileBytes(path, atMost: ReadLimit.bytes)
    }
    guard present != arguments.bytes else { return .null }
    call.add(PlanStep(action: present == nil ? .make : .change, kind: "file", name: path))
    call.run.expect(path, .holds(arguments.bytes))
    return .null
}

/// The answer of a plan, with what a run would have made below the folder by then.
private func planList(_ arguments: PathArgument, _ call: PlannedCall) throws -> Value {
    let folder = try call.environment.reading(arguments.path)
    let expected = call.run.expectedFiles(below: folder)
    guard !expected.isEmpty else { return try call.perform() }
    var names = Set(fileExists(folder) ? try filesBelow(folder, atMost: mostFilesListed) : [])
    for (name, file) in expected { if file == .gone { names.remove(name) } else { names.insert(name) } }
    return .list(names.sorted().map(Value.string))
}
