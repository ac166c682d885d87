import Foundation
import Support
import Testing

/// Runs of the program whose output goes to files.
@Suite struct `The end of a run` {
    @Test func `has a line for each machine that failed, whatever the script did with the error`()
        async throws
    {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run("run", "many.lua", "--set", "count=6", "--set", "fail=2")
            #expect(result.status == 0)
            let missing = "disks[1].backing_file /nowhere/base.qcow2 is not there (many.lua:11)"
            #expect(
                result.errors.hasSuffix(
                    "failed: 2 of 6 machines\n  vm-001: \(missing)\n  vm-002: \(missing)\n"))
            #expect(result.output == "begun\nno line end until here\n")
        }
    }

    @Test func `has a table of each machine's phases where there is more than one machine`() async throws {
        try await LimiqCommand.with { limiq in
            let several = try await limiq.run("run", "many.lua", "--set", "count=4")
            let table = several.errors.split(separator: "\n").suffix(8)
            #expect(
                table.first?.split(separator: " ") == [
                    "TIMES", "disks", "define", "start", "running", "total",
                ])
            #expect(
                table.dropFirst().prefix(4).allSatisfy { $0.contains(#/^vm-00[1-4]( +[0-9.]+ m?s){5}$/#) })
            #expect(
                table.suffix(3).map { $0.split(separator: " ").first } == ["minimum", "median", "maximum"])
            let one = try await limiq.run("run", "many.lua", "--set", "count=1")
            #expect(!one.errors.contains("TIMES"))
            let many = try await limiq.run("run", "many.lua", "--set", "count=13")
            #expect(many.errors.contains("\n… and 3 more"))
        }
    }

    @Test func `tells a failure once where it is the script's own`() async throws {
        try await LimiqCommand.with { limiq in
            let script =
                "require(\"limiq\").vm { name = \"web\", disks = { { backing_file = \"/no.img\" } } }:up()"
            try Data(script.utf8).write(to: URL(fileURLWithPath: limiq.folder + "/one.lua"))
            let result = try await limiq.run("run", "one.lua")
            #expect(result.status == 1)
            #expect(
                result.errors.components(separatedBy: "/no.img is not there").count == 2, "\(result.errors)")
        }
    }

    @Test func `tells of an error of limiq.each only what the list below it does not`() async throws {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run(
                "run", "many.lua", "--set", "count=6", "--set", "fail=3", "--set", "swallow=false")
            #expect(result.status == 1)
            let end = result.errors.split(separator: "\n").suffix(5)
            #expect(end.first == "limiq: many.lua:15: 3 of 6 failed:", "\(result.errors)")
            #expect(end.dropFirst().first == "failed: 3 of 6 machines")
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `cleans up after a signal, and says what was cancelled`(signal: Int32) async throws {
        try await LimiqCommand.with { limiq in
            let run = try limiq.start("run", "many.lua", "--set", "count=3", "--set", "hang=3")
            #expect(try await eventually { limiq.machines.count == 3 })
            run.signal(signal)
            let result = await run.result()
            #expect(result.status == 130)
            #expect(result.errors.contains("cancelled: vm-001, vm-002, vm-003"), "\(result.errors)")
            #expect(limiq.machines.isEmpty)
        }
    }

    @Test func `does not come earlier because nobody reads what it says`() async throws {
        try await LimiqCommand.with { limiq in
            let script = "exec 2> >(exec true); sleep 0.2; \"$0\" run many.lua --set count=30"
            let result = try await command(
                "bash", ["-c", script, program], environment: limiq.environment,
                folder: limiq.folder)
            #expect(result.status == 0)
            #expect(result.output == "begun\nno line end until here\n")
        }
    }

    @Test(arguments: ["run many.lua", "run --json many.lua", "plan many.lua", "--version", "report run.json"])
    func `is a failure where what belongs on standard output is lost`(words: String) async throws {
        try await LimiqCommand.with { limiq in
            _ = try await limiq.run("run", "many.lua", "--timings", "run.json")
            let line = "exec \(program) \(words) >/dev/full"
            let result = try await command(
                "sh", ["-c", line], environment: limiq.environment, folder: limiq.folder)
            #expect(result.status != 0, "\(words)")
            #expect(
                result.errors.hasSuffix(
                    "limiq: what belongs on standard output is lost: No space left on device\n"),
                "\(words): \(result.errors)")
        }
    }

    @Test func `is none where a reader has read enough`() async throws {
        try await LimiqCommand.with { limiq in
            let line = "{ \(program) run many.lua; echo $? >status; } | true"
            _ = try await command("sh", ["-c", line], environment: limiq.environment, folder: limiq.folder)
            #expect(
                try await eventually {
                    (try? String(contentsOfFile: limiq.folder + "/status", encoding: .utf8)) == "0\n"
                })
        }
    }

    @Test func `says that a parameter did nothing where the script asks for none`() async throws {
        try await LimiqCommand.with { limiq in
            try Data("print(1)".utf8).write(to: URL(fileURLWithPath: limiq.folder + "/plain.lua"))
            let set = try await limiq.run("run", "plain.lua", "--set", "count=2")
            #expect(set.status == 0 && set.output == "1\n")
            #expect(set.errors.contains("--set count did nothing: the script has no parameters"))
            #expect(try await !limiq.run("run", "plain.lua").errors.contains("--set"))
        }
    }
}
