import Basics
import Foundation
import HostFiles
import ImageLibrary
import LuaRuntime
import Records
import Support
import Testing

@testable import Primitives

private func environment(_ folder: String) -> Primitives.Environment {
    Environment(
        state: StateFolder(root: folder),
        images: ImageLibrary(state: StateFolder(root: folder), builders: folder, catalogue: shippedCatalogue),
        scriptFolder: folder
    ) { _ throws(Failure) in
        throw Failure(.hostNotAble, "there is no host in this test")
    }
}

@Suite struct `limiq.json and limiq.yaml` {
    static let values: [Value] = [
        .null, true, 0, .int(.max), .int(.min), .double(0.5), .double(1e300), "", "é \"quoted\" \\ \n\t\u{1}",
        [], [:],
        ["list": [1, "two", [.null]], "map": ["x": ["y": false]]],
    ]

    @Test(arguments: values)
    func `what is written as JSON is read back the same`(value: Value) throws {
        #expect(try parseJSON(Array(try jsonText(value).utf8)) == value)
        #expect(try JSONSerialization.jsonObject(with: Data(try jsonText([value]).utf8)) is [Any])
    }

    @Test(arguments: ["", "{", "[1 2]", "{\"a\" 1}", "nul", "'a'"])
    func `what is no JSON is refused`(text: String) {
        #expect { try parseJSON(Array(text.utf8)) } throws: { ($0 as? Failure)?.code == .badJSON }
    }

    @Test func `a document of a file names the file in its error`() async throws {
        try await ScratchFolder.with { folder in
            let definitions = jsonDefinitions(environment(folder)) + yamlDefinitions(environment(folder))
            try Data("{\"name\": \"web\", \"n\": 1}".utf8).write(
                to: URL(fileURLWithPath: folder + "/web.json"))
            try Data("a: 1\nb: [\n".utf8).write(to: URL(fileURLWithPath: folder + "/bad.yaml"))
            #expect(try call(definitions, "json.read", "web.json") == ["name": "web", "n": 1])
            #expect { try call(definitions, "yaml.read", "bad.yaml") } throws: {
                ($0 as? Failure)?.message.hasPrefix("bad.yaml:3:1:") == true
            }
            #expect { try call(definitions, "json.read", "none.json") } throws: {
                ($0 as? Failure)?.code == .notFound
            }
        }
    }
}

@Suite struct `limiq.file` {
    @Test func `bytes are written whole, read back, listed, and readable by nobody else`() async throws {
        try await ScratchFolder.with { folder in
            let files = fileDefinitions(environment(folder))
            _ = try call(files, "file.write", "a.bin", .bytes([0xFF, 0]))
            #expect(try call(files, "file.read", "a.bin") == .bytes([0xFF, 0]))
            let mode =
                try FileManager.default.attributesOfItem(atPath: folder + "/a.bin")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            _ = try call(files, "file.write", "a.bin", "again", ["mode": "0644"])
            #expect(
                try FileManager.default.attributesOfItem(atPath: folder + "/a.bin")[.posixPermissions] as? Int
                    == 0o644)
            #expect(try call(files, "file.read", .string(folder + "/a.bin")) == "again")
            #expect(
                try call(files, "file.read", "/proc/self/status").string?.contains("Threads:") == true,
                "a file of /proc has no length, and a text")
            #expect(
                try call(files, "file.exists", "a.bin") == true && call(files, "file.exists", "b") == false)
            try FileManager.default.createDirectory(
                atPath: folder + "/in/ner", withIntermediateDirectories: true)
            _ = try call(files, "file.write", "in/ner/z", "")
            #expect(try call(files, "file.list", ".") == ["a.bin", "in/ner/z"])
        }
    }

    @Test func `a mode is octal digits in quotes, here and in the guest: Lua would read 0400 as decimal`()
        async throws
    {
        try await ScratchFolder.with { folder in
            let all = fileDefinitions(environment(folder)) + domainGuestDefinitions(environment(folder))
            for (mode, message) in [
                (400, "options.mode must be octal digits in quotes, not the number 400"),
                (.double(0.5), "options.mode must be octal digits in quotes, not the number 0.5"),
                ("rw", "options.mode: mode \"rw\" is not octal digits"),
                ("0888", "options.mode: mode \"0888\" is not octal digits"),
                ("7", "options.mode: mode \"7\" is not octal digits"),
                ("00644", "options.mode: mode \"00644\" is not octal digits"),
                ("٦٤٤", "options.mode: mode \"٦٤٤\" is not octal digits"),
                (true, "options.mode must be a string, not true"),
            ] as [(Value, String)] {
                let host = #expect(throws: Failure.self) {
                    try call(all, "file.write", "a", "x", ["mode": mode])
                }
                #expect(host?.message == message)
                #expect(host?.hint?.contains("\"0644\"") ?? (mode == true))
                let guest = #expect(throws: Failure.self) {
                    try call(all, "domain.write_file", ["name": "web-01"], "/a", "x", ["mode": mode])
                }
                #expect(guest?.message == message)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            _ = try call(all, "file.write", "a", "x", ["mode": "400"])
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/a")
            #expect(attributes[.posixPermissions] as? Int == 0o400)
        }
    }

    @Test(arguments: ["none", ".", "fifo"])
    func `what cannot be read or written is named`(name: String) async throws {
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
