import Basics
import Foundation
import LuaRuntime
import Provisioning
import Support
import Synchronization
import Testing

@testable import Primitives

private func environment(_ folder: String) -> Primitives.Environment {
    Environment(state: StateFolder(root: folder), scriptFolder: folder) { _ throws(Failure) in
        throw Failure(.hostNotAble, "there is no host in this test")
    }
}

@Suite("limiq.json and limiq.yaml")
struct DocumentTests {
    static let values: [Value] = [
        .null, true, 0, .int(.max), .int(.min), .double(0.5), .double(1e300), "", "é \"quoted\" \\ \n\t\u{1}",
        [], [:],
        ["list": [1, "two", [.null]], "map": ["x": ["y": false]]],
    ]

    @Test("what is written as JSON is read back the same", arguments: values)
    func json(value: Value) throws {
        #expect(try parseJSON(Array(try jsonText(value).utf8)) == value)
        #expect(try JSONSerialization.jsonObject(with: Data(try jsonText([value]).utf8)) is [Any])
    }

    @Test("what is no JSON is refused", arguments: ["", "{", "[1 2]", "{\"a\" 1}", "nul", "'a'"])
    func noJSON(text: String) {
        #expect { try parseJSON(Array(text.utf8)) } throws: { ($0 as? Failure)?.code == "bad_json" }
    }

    @Test("a document of a file names the file in its error")
    func files() async throws {
        try await ScratchFolder.with { folder in
            let definitions = jsonDefinitions(environment(folder)) + yamlDefinitions(environment(folder))
            try Data("{\"name\": \"web\", \"n\": 1}".utf8).write(
                to: URL(fileURLWithPath: folder + "/web.json"))
            try Data("a: 1\nb: [\n".utf8).write(to: URL(fileURLWithPath: folder + "/bad.yaml"))
            #expect(try call(definitions, "json.read", "web.json") == ["n": 1, "name": "web"])
            #expect { try call(definitions, "yaml.read", "bad.yaml") } throws: {
                ($0 as? Failure)?.message.hasPrefix("bad.yaml: line 3, column 1") == true
            }
            #expect { try call(definitions, "json.read", "none.json") } throws: {
                ($0 as? Failure)?.code == .notFound
            }
        }
    }
}

@Suite("limiq.file")
struct FileTests {
    @Test("bytes are written whole, read back, listed, and readable by nobody else")
    func roundTrip() async throws {
        try await ScratchFolder.with { folder in
            let files = fileDefinitions(environment(folder))
            _ = try call(files, "file.write", "a.bin", .bytes([0xFF, 0]))
            #expect(try call(files, "file.read", "a.bin") == .bytes([0xFF, 0]))
            let mode =
                try FileManager.default.attributesOfItem(atPath: folder + "/a.bin")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            _ = try call(files, "file.write", "a.bin", "again", ["mode": 0o644])
            #expect(try call(files, "file.read", .string(folder + "/a.bin")) == "again")
            #expect(
                try call(files, "file.exists", "a.bin") == true && call(files, "file.exists", "b") == false)
            try FileManager.default.createDirectory(
                atPath: folder + "/in/ner", withIntermediateDirectories: true)
            _ = try call(files, "file.write", "in/ner/z", "")
            #expect(try call(files, "file.list", ".") == ["a.bin", "in/ner/z"])
        }
    }

    @Test("what cannot be read or written is named", arguments: ["none", ".", "fifo"])
    func refused(name: String) async throws {
        try await ScratchFolder.with { folder in
            mkfifo(folder + "/fifo", 0o600)
            #expect { try call(fileDefinitions(environment(folder)), "file.read", .string(name)) } throws: {
                ($0 as? Failure)?.message.contains(name) == true
            }
            #expect {
                try call(fileDefinitions(environment(folder)), "file.write", "no/such/folder", "x")
            } throws: {
                ($0 as? Failure)?.code == .notFound
            }
        }
    }
}

@Suite("limiq.host.run")
struct HostRunTests {
    @Test("a program's code, output and errors come back")
    func result() async throws {
        try await ScratchFolder.with { folder in
            let host = hostDefinitions(environment(folder))
            let answer = try call(
                host, "host.run",
                [
                    "command": ["sh", "-c", "cat; echo $WHO; pwd; echo no >&2; exit 3"], "stdin": "in\n",
                    "check": false, "env": ["WHO": "me"],
                ])
            #expect(answer == ["code": 3, "stdout": .string("in\nme\n\(folder)\n"), "stderr": "no\n"])
            #expect {
                try call(host, "host.run", ["command": ["sh", "-c", "echo broken >&2; exit 1"]])
            } throws: {
                ($0 as? Failure)
                    == Failure(
                        .program, "sh ended with code 1", hint: "check = false returns the code instead",
                        cause: "broken")
            }
            #expect { try call(host, "host.run", ["command": ["no-such-program"]]) } throws: {
                ($0 as? Failure)?.code == .notFound
            }
        }
    }

    @Test("a program that takes too long is ended with all that it started")
    func timeout() async throws {
        try await ScratchFolder.with { folder in
            let marker = "31.\(UInt32.random(in: 100_000...999_999))"
            #expect {
                try call(
                    hostDefinitions(environment(folder)), "host.run",
                    [
                        "command": ["sh", "-c", .string("sleep \(marker) & sleep \(marker)")],
                        "timeout": .double(0.2),
                    ])
            } throws: { ($0 as? Failure)?.code == .timeout }
            let left = try await command("pgrep", ["--full", "sleep \(marker)"])
            #expect(left.output.isEmpty, "still running: \(left.output)")
        }
    }

    @Test("--no-host forbids it")
    func forbidden() {
        var forbidden = environment("/tmp")
        forbidden.forbidsHostPrograms = true
        #expect { try call(hostDefinitions(forbidden), "host.run", ["command": ["true"]]) } throws: {
            ($0 as? Failure)?.code == "forbidden"
        }
    }
}

@Suite("limiq.params and limiq.log")
struct ParameterTests {
    @Test("a parameter has its default's type")
    func types() throws {
        let definitions = paramsDefinitions(["count": "3", "on": "true", "names": "a,b", "ratio": "0.5"])
        #expect(
            try call(
                definitions, "params.get",
                ["count": 1, "on": false, "names": ["x"], "name": "web", "ratio": .double(1)])
                == ["count": 3, "name": "web", "names": ["a", "b"], "on": true, "ratio": .double(0.5)])
    }

    @Test(
        "a word of the wrong type or an unknown parameter is refused",
        arguments: ["count": "x", "cuont": "1"])
    func refused(name: String, text: String) {
        #expect(throws: Failure.self) {
            try call(paramsDefinitions([name: text]), "params.get", ["count": 1])
        }
    }

    @Test("a line of the log reaches whoever shows it")
    func log() throws {
        let lines = Mutex<[String]>([])
        let definitions = logDefinitions { level, text in lines.withLock { $0.append("\(level): \(text)") } }
        _ = try call(definitions, "log.warn", "careful")
        #expect(lines.withLock { $0 } == ["warn: careful"])
    }
}
