import Foundation
import Steps
import Support
import Testing

@testable import limiq

@Suite struct `The events of --json` {
    /// Reads the lines by Python's JSON and gives what it makes of them, one a line again: a reader by somebody else.
    private static func read(_ output: String) async throws -> [[String: Any]] {
        let program = """
            import json, sys, datetime
            last = 0
            for line in sys.stdin:
                assert line.endswith("\\n")
                event = json.loads(line)
                assert isinstance(event, dict)
                datetime.datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
                assert event["elapsed"] >= last, event
                last = event["elapsed"]
                print(json.dumps(event))
            """
        let result = try await command("python3", ["-c", program], input: output)
        try #require(result.status == 0, "python3: \(result.errors)")
        return try result.lines.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    private static func names(_ events: [[String: Any]]) -> [String] {
        events.compactMap { $0["event"] as? String }
    }

    @Test func `are one JSON object a line, each with its time, from run_begin to run_end`() async throws {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run(
                "run", "--json", "many.lua", "--set", "count=20", "--set", "fail=2")
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.isEmpty)
            let events = try await Self.read(result.output)
            let names = Self.names(events)
            #expect(names.first == "run_begin")
            #expect(names.suffix(2) == ["report", "run_end"])
            #expect(names.count { $0 == "work_begin" } == 20)
            #expect(names.count { $0 == "work_end" } == 20)
            #expect(names.count { $0 == "step_begin" } == names.count { $0 == "step_end" })
            let printed = events.filter { $0["event"] as? String == "print" }.compactMap {
                $0["text"] as? String
            }
            #expect(printed.joined() == "begun\nno line end until here\n")
            let log = try #require(events.first { $0["event"] as? String == "log" })
            #expect(log["level"] as? String == "warn")
            #expect(log["text"] as? String == "all asked for count=20")
        }
    }

    @Test func `tell of a failure its code, message, resource and line, and again in the report`()
        async throws
    {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run("run", "--json", "many.lua", "--set", "fail=1")
            let events = try await Self.read(result.output)
            let failure = try #require(events.first { $0["event"] as? String == "failure" })
            #expect(failure["vm"] as? String == "vm-001")
            #expect(failure["action"] as? String == "up")
            #expect(failure["code"] as? String == "not_found")
            #expect((failure["message"] as? String)?.contains("/nowhere/base.qcow2") == true)
            #expect(failure["where"] as? String == "many.lua:11")
            let report = try #require(events.first { $0["event"] as? String == "report" })
            let counts = try #require(report["vms"] as? [String: Int])
            #expect(counts == ["total": 3, "done": 2, "failed": 1, "cancelled": 0, "unfinished": 0])
            #expect((report["failures"] as? [[String: Any]])?.count == 1)
            let phases = (report["phases"] as? [[String: Any]] ?? []).compactMap { $0["phase"] as? String }
            #expect(phases == ["disks", "define", "start", "running", "total"])
        }
    }

    @Test func `end with the error that ended the script, and its status`() async throws {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run(
                "run", "--json", "many.lua", "--set", "fail=1", "--set", "swallow=false")
            #expect(result.status == 1)
            let events = try await Self.read(result.output)
            #expect(Self.names(events).suffix(3) == ["failure", "report", "run_end"])
            let error = events[events.count - 3]
            #expect(error["vm"] == nil)
            #expect(error["code"] as? String == "each")
            #expect(events.last?["ok"] as? Bool == false)
            #expect(events.last?["status"] as? Int == 1)
        }
    }

    /// A machine that runs, whose labels then change.
    private static let change = """
        local limiq = require "limiq"
        for _, label in ipairs { "1", "2" } do
            limiq.vm { name = "web", memory = "64MiB", labels = { a = label } }:up { wait = "running" }
        end
        """

    @Test func `tell of a live change what has changed, and of no step that failed`() async throws {
        try await LimiqCommand.with { limiq in
            try Data(Self.change.utf8).write(to: URL(fileURLWithPath: limiq.folder + "/change.lua"))
            let result = try await limiq.run("run", "--json", "--timings", "run.json", "change.lua")
            #expect(result.status == 0, "\(result.errors)")
            let events = try await Self.read(result.output)
            let changed = events.filter { $0["event"] as? String == "changed" }
            try #require(changed.count == 1)
            #expect(changed[0]["vm"] as? String == "web")
            #expect(changed[0]["path"] as? String == "labels.a")
            let ends = events.filter {
                $0["event"] as? String == "step_end" && $0["vm"] != nil
                    && !["look", "queue"].contains($0["step"] as? String)
            }
            let steps = ["define", "start", "running", "change", "running"]
            #expect(ends.compactMap { $0["step"] as? String } == steps)
            #expect(ends.allSatisfy { $0["ok"] as? Bool == true })
            let phases = try Timings.read(limiq.folder + "/run.json").vms.flatMap(\.phases)
            #expect(phases.map(\.phase).filter { !["look", "queue"].contains($0) } == steps)
            let likes = events.filter { $0["event"] as? String == "machine" }
            #expect(likes.compactMap { $0["way"] as? String } == ["new", "present"])
            #expect(likes.allSatisfy { $0["host"] as? String == "test:///default" })
            let host = events.first { $0["host"] != nil && $0["event"] as? String == "step_begin" }
            #expect(host?["step"] as? String == "connect", "what comes before the work is told")
            #expect(phases.allSatisfy { $0.ok })
            let picture = try await limiq.run("report", "run.json")
            #expect(picture.status == 0 && !picture.output.contains("failed"))
            #expect(!picture.output.contains("url(#failed)"))
        }
    }

    @Test func `are of the steps that docs/events.md has, each with what is done in it`() throws {
        let text = try String(contentsOfFile: "\(repository)/docs/events.md", encoding: .utf8)
        let section = try #require(
            text.components(separatedBy: "\n### ").first { $0.hasPrefix("`step_begin`") })
        let rows = section.matches(of: #/\n\| `([a-z-]+)` \| (.+) \|/#).map {
            "\($0.output.1): \($0.output.2)"
        }
        #expect(rows == Step.Kind.allCases.map { "\($0.rawValue): \($0.doc)" })
    }

    @Test func `have every name that docs/events.md has, and no other`() async throws {
        let text = try String(contentsOfFile: "\(repository)/docs/events.md", encoding: .utf8)
        let documented = Set(text.matches(of: #/\n### `([a-z_]+)`/#).map { String($0.output.1) })
        let source = try String(
            contentsOfFile: "\(repository)/Sources/limiq/Display/JSONDisplay.swift", encoding: .utf8)
        let emitted = Set(source.matches(of: #/emit\(\s*"([a-z_]+)"/#).map { String($0.output.1) })
        #expect(documented == emitted)
        #expect(emitted.count > 10)
    }
}
