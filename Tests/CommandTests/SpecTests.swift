import Foundation
import Support
import Testing

@Suite struct `limiq test` {
    /// Runs the command in a folder with these specs, by name.
    private func test(
        _ specs: [String: String], _ words: String..., check: (String, CommandResult) async throws -> Void
    ) async throws {
        try await ScratchFolder.with { folder in
            try write(specs, in: folder)
            try await check(folder, try await run(words, in: folder))
        }
    }

    private func write(_ specs: [String: String], in folder: String) throws {
        for (name, body) in specs {
            let file = URL(fileURLWithPath: "\(folder)/\(name)_spec.lua")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            let head = "local limiq, spec = require \"limiq\", require \"limiq.spec\"\n"
            try Data((head + body).utf8).write(to: file)
        }
    }

    private func run(_ words: [String], in folder: String) async throws -> CommandResult {
        try await command(
            program, ["test"] + words, environment: ["LIMIQ_HOME": folder + "/home"], folder: folder)
    }

    @Test func `runs the specs below a folder in order, but none that is hidden`() async throws {
        let names = ["b", "a/inner", ".hidden", ".git/inside", "a/.cache/deep"]
        let specs = names.map { ($0, "spec.it(\"is called \($0)\", function() error \"runs\" end)") }
        try await test(Dictionary(uniqueKeysWithValues: specs)) { folder, result in
            #expect(result.status == 1)
            #expect(
                result.lines.map { $0.split(separator: ":").dropFirst().first } == [
                    " is called a/inner", " is called b", nil,
                ], "\(result.output)\(result.errors)")
            #expect(result.lines.last == "0 passed, 2 failed")
        }
    }

    @Test func `tells what comes of each file in their order, whichever ends first`() async throws {
        let specs = [
            "a":
                "spec.it('waits', function() limiq.host.run { 'sleep', '0.5' } print 'a says' error('a fails', 0) end)",
            "b": "spec.it('does not', function() print 'b says' error('b fails', 0) end)",
        ]
        try await test(specs, "--jobs", "2") { _, result in
            #expect(
                result.lines == [
                    "a says", "./a_spec.lua: waits: a fails", "b says", "./b_spec.lua: does not: b fails",
                    "0 passed, 2 failed",
                ])
        }
    }

    @Test func `runs the cases that have a text in their names`() async throws {
        let spec = """
            spec.describe("a fleet", function()
                spec.it("grows", function() end)
                spec.it("shrinks", function() error "it does not" end)
            end)
            """
        try await test(["a": spec], "--filter", "fleet › GROWS") { folder, result in
            #expect(result.lines == ["1 passed, 0 failed"])
            let none = try await run(["--filter", "dances"], in: folder)
            #expect(none.status == 1)
            #expect(none.errors.contains(#"no case has "dances" in its name"#))
        }
    }

    @Test func `cuts a case that does not end, names it, and runs the other files`() async throws {
        let specs = [
            "a":
                "spec.it('computes for ever', function() while true do end end)\nspec.it('comes after', function() end)",
            "b":
                #"spec.it('matches for ever', function() ("a"):rep(40):find(("a?"):rep(40) .. ("a"):rep(40) .. "b") end)"#,
            "c": "spec.it('waits for ever', function() limiq.host.run { 'sleep', '1000' } end)",
            "d": "while true do end",
            "e": "spec.it('is quick', function() end)",
        ]
        try await test(specs, "--time-limit", "500ms", "--jobs", "5") { _, result in
            #expect(result.status == 1)
            let late = "took longer than 0.5s, and the rest of the file was not run"
            #expect(
                result.lines == [
                    "./a_spec.lua: computes for ever: \(late)", "./b_spec.lua: matches for ever: \(late)",
                    "./c_spec.lua: waits for ever: \(late)", "./d_spec.lua: (outside a case): \(late)",
                    "1 passed, 4 failed",
                ])
        }
    }

    @Test func `lets hours pass in no time, and keeps the machines of each case apart`() async throws {
        let spec = """
            local function web() return limiq.vm { name = "web", memory = "64MiB" } end
            for number = 1, 2 do
                spec.it("makes it " .. number, function()
                    spec.host { guests = { boot = "2h" } }
                    spec.equal(web():up({ wait = "agent", timeout = "3h" }).changed, true)
                    assert(spec.elapsed() >= 7200)
                end)
            end
            """
        try await test(["a": spec]) { folder, result in
            #expect(result.lines == ["2 passed, 0 failed"])
            #expect(folderNames(folder + "/home/vms") == [])
        }
    }

    @Test func `touches no real host unless one is named`() async throws {
        let spec = """
            spec.it("connects", function() limiq.connect "qemu:///system" end)
            spec.it("has a fault", function() spec.host { down = true } end)
            spec.it("makes a machine", function()
                local host = spec.host()
                limiq.vm({ name = "web", memory = "64MiB" }):up { wait = "running" }
                spec.equal(host.uri == "simulated:///host", spec.is_simulated())
            end)
            spec.it("has it no more", function()
                spec.expect_error("not_found", function() limiq.domain.get "web" end)
            end)
            """
        try await test(["a": spec]) { folder, result in
            #expect(result.lines.last == "3 passed, 1 failed")
            #expect(
                result.output.contains("qemu:///system is no host of this spec, and specs touch no real one"))
            let real = try await run(["--connect", "test:///default", "--filter", "a"], in: folder)
            #expect(real.lines == ["2 passed, 0 failed, 1 skipped"], "\(real.output)\(real.errors)")
        }
    }

    @Test func `keeps snapshots beside the spec, and shows what differs`() async throws {
        func spec(_ memory: String) -> String {
            """
            spec.describe("plans", function()
                spec.it("stay", function()
                    spec.snapshot({ memory = "\(memory)", disks = { "a", "b" } })
                    spec.snapshot("one line")
                end)
            end)
            """
        }
        try await test(["a": spec("1GiB")]) { folder, result in
            #expect(result.status == 1)
            #expect(result.output.contains("there is no snapshot yet"))
            #expect(result.output.contains("hint: limiq test --update-snapshots writes it"))
            #expect(try await run(["--update-snapshots"], in: folder).lines == ["1 passed, 0 failed"])
            #expect(
                folderNames(folder + "/a_spec.snapshots").sorted() == ["plans-stay-2.txt", "plans-stay.txt"])
            #expect(
                fileText(folder + "/a_spec.snapshots/plans-stay.txt")
                    == "{\n  disks = {\n    \"a\",\n    \"b\",\n  },\n  memory = \"1GiB\",\n}\n")
            #expect(try await run([], in: folder).lines == ["1 passed, 0 failed"])
            try write(["a": spec("2GiB")], in: folder)
            let changed = try await run([], in: folder)
            #expect(changed.status == 1)
            #expect(
                changed.output.contains("-   memory = \"1GiB\",\n  +   memory = \"2GiB\",\n"),
                "\(changed.output)")
        }
    }

    @Test func `writes results that a reader of JUnit's XML understands`() async throws {
        let spec = """
            spec.describe("a <group>", function()
                spec.it("passes", function() print "it says \\27[31mthis\\27[0m" end)
                spec.it("fails & says why", function() error('a "quoted" <reason>\\nand more', 0) end)
                spec.it("is skipped", function() spec.skip "not here" end)
            end)
            """
        try await test(["a": spec, "b": "error 'not at all'"], "--junit", "results.xml") { folder, result in
            #expect(result.lines.last == "1 passed, 2 failed, 1 skipped")
            let reader = """
                import sys
                from junitparser import JUnitXml
                for suite in JUnitXml.fromfile(sys.argv[1]):
                    print(suite.name, suite.tests, suite.failures, suite.skipped)
                    for case in suite:
                        print(case.classname, "|", case.name, "|", [(type(r).__name__, r.message) for r in case.result])
                """
            let read = try await command("/usr/bin/python3", ["-c", reader, folder + "/results.xml"])
            #expect(
                read.lines == [
                    "./a_spec.lua 3 1 1",
                    "./a_spec.lua | a <group> › passes | []",
                    "./a_spec.lua | a <group> › fails & says why | [('Failure', 'a \"quoted\" <reason>')]",
                    "./a_spec.lua | a <group> › is skipped | [('Skipped', 'not here')]",
                    "./b_spec.lua 1 1 0",
                    "./b_spec.lua | (outside a case) | [('Failure', 'b_spec.lua:2: not at all')]",
                ], "\(read.output)\(read.errors)")
            #expect(try await command("xmllint", ["--noout", folder + "/results.xml"]).status == 0)
        }
    }

    @Test func `runs again when a file changes`() async throws {
        try await ScratchFolder.with { folder in
            try write(["a": "spec.it('fails', function() error('first', 0) end)"], in: folder)
            let run = try RunningCommand(
                program, ["test", "--watch"], environment: ["LIMIQ_HOME": folder + "/home"], folder: folder)
            #expect(try await eventually { run.output.contains("0 passed, 1 failed") })
            try write(["a": "spec.it('passes', function() end)"], in: folder)
            #expect(try await eventually { run.output.contains("1 passed, 0 failed") })
            run.signal(SIGINT)
            #expect(await run.result().status == 130)
        }
    }

    @Test func `ends at Ctrl-C`() async throws {
        try await ScratchFolder.with { folder in
            try write(
                ["a": "spec.it('waits', function() print 'begun' limiq.host.run { 'sleep', '100' } end)"],
                in: folder)
            let run = try RunningCommand(
                program, ["test"], environment: ["LIMIQ_HOME": folder + "/home", "TMPDIR": folder],
                folder: folder)
            #expect(
                try await eventually { !folderNames(folder).filter { $0.hasPrefix("limiq-test") }.isEmpty })
            try await Task.sleep(for: .milliseconds(500))
            run.signal(SIGINT)
            #expect(await run.result().status == 130)
            #expect(folderNames(folder).filter { $0.hasPrefix("limiq-test") } == [])
        }
    }
}
