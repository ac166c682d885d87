import Foundation
import Support
import Testing

@Suite struct `A script's parameters on the command line` {
    private static let script = """
        -- What a shop needs.
        local limiq = require "limiq"
        local p = limiq.params {
            name = "web-01",
            count = { default = 1, min = 1, max = 9, doc = "how many" },
            tier = { choices = { "test", "live" }, doc = "what it is" },
            ports = { type = { "integer" }, default = { 80 } },
            size = { type = "size", default = "1GiB" },
            token = { secret = true, default = "hush" },
            owner = { required = true, doc = "whose it is" },
            debug = false,
        }
        print(p.name, p.count, p.tier, table.concat(p.ports, "+"), p.size, p.token, p.owner, p.debug)
        """

    private func with(_ body: (LimiqCommand) async throws -> Void) async throws {
        try await LimiqCommand.with { limiq in
            for (name, text) in [
                ("shop.lua", Self.script), ("params.yaml", "owner: file\ncount: 2\nports: [1, 2]\n"),
                ("late.json", #"{"count": 3}"#), ("wrong.yaml", "owner: 7\n"),
            ] {
                try text.write(toFile: "\(limiq.folder)/\(name)", atomically: false, encoding: .utf8)
            }
            try await body(limiq)
        }
    }

    private func run(
        _ limiq: LimiqCommand, _ words: [String], _ environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await command(
            program, ["run", "shop.lua"] + words, environment: limiq.environment.merging(environment) { $1 },
            folder: limiq.folder)
    }

    @Test func `are typed, and those of the command line go before files, these before the environment`()
        async throws
    {
        try await with { limiq in
            let set = try await run(
                limiq,
                [
                    "--set-file", "params.yaml", "--set-file", "late.json", "--set", "tier=live", "--set",
                    "debug=true",
                ],
                ["LIMIQ_SET_owner": "environment", "LIMIQ_SET_name": "env", "LIMIQ_SET_size": "2GiB"])
            #expect(
                set.output == "env\t3\tlive\t1+2\t2GiB\t‹secret›\tfile\ttrue\n", "\(set.errors)")
            let list = try await run(
                limiq, ["--set", "owner=me", "--set", "ports=8080,9090", "--set", "token=other"])
            #expect(list.output == "web-01\t1\tnil\t8080+9090\t1GiB\t‹secret›\tme\tfalse\n", "\(list.errors)")
        }
    }

    @Test(arguments: [
        (["--set", "count=three"], "--set count=three: count must be a whole number"),
        (["--set", "count=10"], "--set count=10: count must be from 1 to 9, not 10"),
        (
            ["--set", "tier=lvie"],
            "--set tier=lvie: tier must be one of test, live, not \"lvie\"\n  hint: did you mean live?"
        ),
        (["--set", "ports=80,x"], "--set ports=80,x: ports must be a list, each a whole number"),
        (["--set", "debug=yes"], "--set debug=yes: debug must be true or false"),
        (["--set", "size=1GB"], "--set size=1GB: size must be a size such as \"2GiB\", not \"1GB\""),
        (
            ["--set", "cuont=1"],
            "--set cuont: the script has no parameter of this name\n  hint: did you mean count?"
        ),
        (["--set", "count=1"], "the parameter owner is missing: whose it is\n  hint: --set owner=…"),
        (["--set-file", "wrong.yaml"], "--set-file wrong.yaml: owner must be a string, not 7"),
        (["--set-file", "none.yaml"], "none.yaml"),
    ])
    func `that do not fit are named with what is expected`(_ words: [String], _ message: String) async throws
    {
        try await with { limiq in
            let refused = try await run(limiq, words)
            #expect(refused.status != 0)
            #expect(refused.errors.contains(message), "\(refused.errors)")
        }
    }

    @Test func `are listed by help, without secrets`() async throws {
        try await with { limiq in
            let help = try await limiq.run("help", "shop.lua")
            #expect(
                help.output.hasPrefix(
                    "What a shop needs.\nparameters (limiq run shop.lua --set NAME=VALUE):\n"))
            #expect(help.output.contains("  count  1         how many; from 1 to 9\n"), "\(help.output)")
            #expect(help.output.contains("  owner            whose it is; required\n"), "\(help.output)")
            #expect(!help.output.contains("hush"))
        }
    }

    @Test func `help names what there is for a wrong word`() async throws {
        try await with { limiq in
            let overlay = try await limiq.run("help", "limiq.disk.overlay")
            #expect(overlay.output.hasPrefix("limiq.disk.overlay(options) → string\n"))
            #expect(overlay.output.contains("backing_file") && overlay.output.contains("example:\n"))
            for word in ["docker", "recipes.docker"] {
                #expect(try await limiq.run("help", word).output.hasPrefix("recipes.docker { … }"))
            }
            #expect(try await limiq.run("help", "vm:up").output.hasPrefix("VM:up(options)"))
            #expect(try await limiq.run("help", "vm:exec").output.hasPrefix("Domain:exec("))
            let wrong = try await limiq.run("help", "recipes.dockr")
            #expect(wrong.status == 2 && wrong.errors.contains("did you mean recipes.docker?"))
        }
    }
}
