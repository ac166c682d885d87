import Foundation
import Support
import Testing

@Suite struct `What a shell offers after Tab` {
    @Test(arguments: ["bash", "zsh", "fish"])
    func `knows every subcommand`(_ shell: String) async throws {
        let help = try await command(program, ["--help"])
        let list = help.output.components(separatedBy: "SUBCOMMANDS:\n").last ?? ""
        let names = list.split(separator: "\n").compactMap { line in
            line.firstMatch(of: /^ {2}([a-z]+)\s/).map { String($0.output.1) }
        }
        try #require(names.contains("run") && names.contains("doctor"))
        let script = try await command(program, ["--generate-completion-script", shell])
        #expect(script.status == 0 && script.errors.isEmpty)
        for name in names { #expect(script.output.contains(name), "\(name)") }
    }

    /// Asks bash what it offers.
    private func offered(_ words: [String], in folder: String) async throws -> [String] {
        let generated = try await command(program, ["--generate-completion-script", "bash"])
        try generated.output.write(toFile: folder + "/limiq.bash", atomically: false, encoding: .utf8)
        let line = words.joined(separator: " ")
        let ask = """
            source ./limiq.bash
            PATH=\(URL(fileURLWithPath: program).deletingLastPathComponent().path):$PATH
            COMP_WORDS=(\(words.map { "'\($0)'" }.joined(separator: " ")))
            COMP_CWORD=\(words.count - 1) COMP_LINE='\(line)' COMP_POINT=\(line.utf8.count)
            _limiq limiq '\(words.last ?? "")' '\(words.dropLast().last ?? "")'
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let answer = try await command(
            "bash", ["-c", ask], environment: ["LIMIQ_HOME": folder], folder: folder)
        return answer.lines.map { $0.trimmingCharacters(in: .whitespaces) }.sorted()
    }

    @Test func `the parameters of the script that is named, and their choices`() async throws {
        try await ScratchFolder.with { folder in
            let script =
                "require('limiq').params { count = 1, tier = { choices = { 'test', 'live' } }, debug = false }"
            try script.write(toFile: "\(folder)/a.lua", atomically: false, encoding: .utf8)
            #expect(
                try await offered(["limiq", "run", "a.lua", "--set", ""], in: folder) == [
                    "count=", "debug=false", "debug=true", "tier=live", "tier=test",
                ])
        }
    }

    @Test func `a subcommand, a script, a machine that has a folder`() async throws {
        try await ScratchFolder.with { folder in
            for name in ["vms/web-1", "vms/web-2", "vms/db", "vms/.lock"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            }
            for name in ["a.lua", "b.txt"] {
                try "".write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
            }
            #expect(try await offered(["limiq", "doc"], in: folder) == ["doctor"])
            #expect(try await offered(["limiq", "show", "web"], in: folder) == ["web-1", "web-2"])
            #expect(try await offered(["limiq", "rm", ""], in: folder) == ["db", "web-1", "web-2"])
            #expect(try await offered(["limiq", "stop", "db", "web-"], in: folder) == ["web-1", "web-2"])
            #expect(try await offered(["limiq", "sna"], in: folder) == ["snapshot", "snapshots"])
            #expect(
                try await offered(["limiq", "image", "pull", "debian-1"], in: folder).contains("debian-12"))
            let scripts = try await offered(["limiq", "run", ""], in: folder)
            #expect(scripts.contains("a.lua") && !scripts.contains("b.txt"), "\(scripts)")
        }
    }
}
