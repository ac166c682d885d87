import Basics
import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `The machines of a script` {
        private static let script = """
            local limiq = require "limiq"
            local wanted = limiq.params { count = 3, memory = "64MiB" }
            for number = 1, wanted.count do
                limiq.vm { name = "vm-" .. number, memory = wanted.memory, disks = { { size = "1GiB" } } }:up()
            end
            """

        private func names(_ home: Home) async throws -> [String] {
            try await home.limiq("list", "--columns", "name").lines.dropFirst().map { String($0) }
        }

        @Test func `are told where it brings them up no more, and go with it`() async throws {
            try await Home.with { home in
                let script = try home.script("web", Self.script)
                let other = try home.script(
                    "other", #"require("limiq").vm { name = "vm-3", memory = "64MiB" }:up()"#)
                #expect(try await home.limiq("run", script).status == 0)

                let fewer = try await home.limiq("plan", script, "--set", "count=2")
                #expect(fewer.status == 0)
                #expect(
                    fewer.errors
                        == "vm-3 was made by this script, which does not bring it up any more; limiq rm vm-3 removes it\n"
                )
                let plan = try await home.limiq("plan", script, "--set", "count=2", "--json")
                #expect(try JSONReader.read(plan.output, source: "plan")["unnamed"]?.list == ["vm-3"])
                let run = try await home.limiq("run", script, "--set", "count=2")
                #expect(run.status == 0 && run.errors.contains("warn: vm-3 was made by this script"))

                // Another script's are left, as long as that script is there.
                let refused = try await home.limiq("down", other)
                #expect(
                    refused.status == 1
                        && refused.errors.contains("vm vm-3 was made by \(script), and is left"))
                #expect(try await names(home) == ["vm-1", "vm-2", "vm-3"])

                // A script that was moved has made none, and still names what it would.
                let moved = "\(home.path)/moved.lua"
                try FileManager.default.moveItem(atPath: script, toPath: moved)
                #expect(try await home.limiq("plan", moved, "--set", "count=1").errors == "")
                let down = try await home.limiq("down", moved, "--set", "count=1")
                #expect(down.errors == "removed vm-1\n", "\(down.errors)")
                try FileManager.default.moveItem(atPath: moved, toPath: script)

                let all = try await home.limiq("down", script, "--set", "count=1")
                #expect(all.status == 0)
                #expect(all.errors.split(separator: "\n").sorted() == ["removed vm-2", "removed vm-3"])
                let none = try await home.limiq("down", script)
                #expect(none.status == 0 && none.errors.hasPrefix("there is no machine of"))
                try await expectNothing(in: home)
            }
        }

        @Test
        func `that a script which is gone has made go by its path, and one that fails as far as it goes`()
            async throws
        {
            try await Home.with { home in
                let script = try home.script(
                    "web", Self.script + "\nif limiq.args[1] then error 'no further' end")
                #expect(try await home.limiq("run", script).status == 0)
                let failing = try await home.limiq("down", script, "--set", "count=1", "--", "stop")
                #expect(failing.status == 0 && failing.errors.contains("no further"))
                #expect(try await names(home) == [])
                #expect(try await home.limiq("run", script).status == 0)
                try FileManager.default.removeItem(atPath: script)
                #expect(try await home.limiq("down", script).errors.contains("removed vm-3"))
                try await expectNothing(in: home)
            }
        }

        @Test func `are brought up alone, as the run is told`() async throws {
            try await Home.with { home in
                let script = try home.script("web", Self.script)
                #expect(try await home.limiq("run", script, "--only", "vm-2", "--only", "vm-[3]").status == 0)
                #expect(try await names(home) == ["vm-2", "vm-3"])
                let wrong = try await home.limiq("run", script, "--only", "wm-2")
                #expect(wrong.status == 1 && wrong.errors.contains("did you mean vm-2?"))

                #expect(try await home.limiq("down", script).status == 0)
                try await expectNothing(in: home)
            }
        }

        @Test(.enabled(if: geteuid() == 0, "networks with a bridge are root's to make"))
        func `take their networks with them, but for one that another script's machine is on`() async throws {
            try await Home.with { home in
                let cidr = "10.89.\(UInt8.random(in: 1...250)).0/24"
                let script = try home.script(
                    "lab",
                    """
                    local limiq = require "limiq"
                    local lab = limiq.network { name = "lab", cidr = "\(cidr)", mode = "isolated" }
                    local vm = limiq.vm { name = "db", memory = "64MiB", nics = { { network = lab } } }
                    vm:up { start = false }
                    """)
                let other = try home.script(
                    "other",
                    """
                    local limiq = require "limiq"
                    local vm = limiq.vm { name = "web", memory = "64MiB", nics = { { network = "lab" } } }
                    vm:up { start = false }
                    """)
                #expect(try await home.limiq("run", script).status == 0)
                #expect(try await home.limiq("run", other).status == 0)
                let first = try await home.limiq("down", script)
                #expect(
                    first.status == 0 && first.errors.contains("network lab is in use by web"),
                    "\(first.errors)")
                #expect(try await home.limiq("down", other).status == 0)
                let second = try await home.limiq("down", script)
                #expect(
                    second.status == 0 && second.errors.contains("removed network lab"), "\(second.errors)")
                #expect(try await !home.limiq("network", "list").output.contains("lab "))
                try await expectNothing(in: home)
            }
        }
    }
}
