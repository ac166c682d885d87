import Basics
import Glibc
import HostFiles
import Support
import Testing

@testable import Primitives

struct `What a caller gives a script's parameters` {
    private func given(
        _ parameters: GivenParameters, declared: [String] = ["count"], gate: Gate = .open
    ) throws -> Value {
        try HostSide.call(
            "params.get", [.list(declared.map { ["name": .string($0)] })],
            in: paramsDefinitions(HostSide(gate: gate).environment, parameters))
    }

    @Test func `is what stands on the command line, also for a name that is not declared`() throws {
        #expect(
            try given(["count": "3", "cuont": "4"]) == [
                "count": ["text": "3", "from": "--set"], "cuont": ["text": "4", "from": "--set"],
            ])
        #expect(try given([:]) == [:])
    }

    @Test func `is before that the value of a file, the later one's of two`() throws {
        try withFiles(["a.yaml": "count: 1\nname: a\n", "b.json": #"{"count": 2}"#]) { folder in
            let files = ["\(folder)/a.yaml", "\(folder)/b.json"]
            let parameters = try GivenParameters(texts: ["name": "set"], files: files)
            let answer = try given(parameters)
            #expect(
                answer == [
                    "count": ["value": 2, "from": .string("--set-file \(files[1])")],
                    "name": ["text": "set", "from": "--set"],
                ])
        }
    }

    @Test func `is before that a variable, of the declared names alone`() throws {
        setenv("LIMIQ_SET_limiqtest", "7", 1)
        defer { unsetenv("LIMIQ_SET_limiqtest") }
        #expect(
            try given([:], declared: ["limiqtest"]) == [
                "limiqtest": ["text": "7", "from": "LIMIQ_SET_limiqtest"]
            ])
        #expect(try given([:], declared: ["other"]) == [:])
        let both = try given(["limiqtest": "8"], declared: ["limiqtest"])
        #expect(both["limiqtest"]?["text"] == "8", "the command line goes before the environment")
    }

    @Test func `is refused where a file is no table, or is not there`() throws {
        try withFiles(["list.yaml": "- 1\n", "twice.yaml": "a: 1\na: 2\n"]) { folder in
            for name in ["list", "twice", "none"] {
                let refused = failure {
                    _ = try GivenParameters(texts: [:], files: ["\(folder)/\(name).yaml"])
                    return .null
                }
                #expect(refused.message.contains("\(name).yaml"), "\(refused)")
            }
        }
    }

    @Test func `does not reach into the environment of a script that may not see it`() throws {
        setenv("LIMIQ_SET_hidden", "7", 1)
        defer { unsetenv("LIMIQ_SET_hidden") }
        let bounds = try GateBounds(
            script: "/tmp/x.lua", state: StateFolder(root: "/tmp/none"), library: [], host: "test:///default",
            allowed: GateBounds.Allowed())
        let refused = failure { try given([:], declared: ["hidden"], gate: .sandbox(bounds)) }
        #expect(refused.code == .forbidden)
        #expect(refused.hint == "--allow-env LIMIQ_SET_hidden lets it")
    }

    @Test func `A variable of the environment is text, or nil`() throws {
        let definitions = try environmentDefinitions(HostSide().environment)
        let path = try #require(getenv("PATH").map { String(cString: $0) })
        #expect(try HostSide.call("env.get", ["PATH"], in: definitions) == .string(path))
        #expect(try HostSide.call("env.get", ["LIMIQ_TEST_NOT_SET"], in: definitions) == .null)
    }
}

private func withFiles<Result>(_ files: [String: String], _ body: (String) throws -> Result) throws -> Result
{
    let scratch = try ScratchFolder(prefix: "params")
    defer { scratch.remove() }
    for (name, text) in files {
        let file = try #require(fopen("\(scratch.path)/\(name)", "w"))
        fputs(text, file)
        fclose(file)
    }
    return try body(scratch.path)
}
