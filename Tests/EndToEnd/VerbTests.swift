import Basics
import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `Verbs for several machines` {
        /// Machines of two kinds, the odd ones labelled `fleet=odd`, and a domain of somebody else's.
        private static let script = """
            local limiq = require "limiq"
            for number, name in ipairs { "web-1", "web-2", "web-10", "db" } do
                local labels = { fleet = number % 2 == 1 and "odd" or "even" }
                limiq.vm { name = name, memory = "64MiB", labels = labels, disks = { { size = "1GiB" } } }:up()
            end
            """
        private static let stranger = """
            <domain type="qemu"><name>stranger</name><memory unit="MiB">64</memory><os><type>hvm</type></os></domain>
            """

        private func with(_ body: (Home) async throws -> Void) async throws {
            try await Home.with { home in
                let made = try await home.limiq("run", home.script("kinds", Self.script))
                try #require(made.status == 0, "\(made.errors)")
                let file = home.path + "/stranger.xml"
                try Self.stranger.write(toFile: file, atomically: false, encoding: .utf8)
                try #require(
                    try await command("virsh", ["-c", home.daemons.uri, "define", file]).status == 0)
                try await body(home)
                _ = try await command("virsh", ["-c", home.daemons.uri, "undefine", "stranger"])
            }
        }

        private func lines(_ text: String) -> [String] {
            text.split(separator: "\n").map(String.init).sorted()
        }

        /// The states of the machines by name, as `limiq list --json` tells them.
        private func states(_ home: Home) async throws -> [String: String] {
            let result = try await home.limiq("list", "--json")
            #expect(result.status == 0)
            let machines = try JSONReader.read(result.output, source: "list").list ?? []
            return Dictionary(
                uniqueKeysWithValues: machines.map { ($0["name"]?.string ?? "", $0["state"]?.string ?? "") })
        }

        @Test func `are for a name, a pattern, a label or all, and never for a stranger`() async throws {
            try await with { home in
                let paused = try await home.limiq("suspend", "web-*")
                #expect(paused.status == 0)
                #expect(lines(paused.errors) == ["suspended web-1", "suspended web-10", "suspended web-2"])
                #expect(
                    try await states(home)
                        == ["db": "running", "web-1": "paused", "web-2": "paused", "web-10": "paused"])
                let odd = try await home.limiq("resume", "-l", "fleet=odd")
                #expect(lines(odd.errors) == ["resumed web-1", "resumed web-10"])
                let all = try await home.limiq("start", "--all")
                #expect(
                    lines(all.errors) == [
                        "db runs already", "resumed web-2", "web-1 runs already", "web-10 runs already",
                    ])
                #expect(
                    try await home.limiq("suspend", "web-*", "-l", "fleet=even").errors == "suspended web-2\n"
                )
                #expect(try await home.limiq("resume", "web-2").errors == "resumed web-2\n")

                let some = try await home.limiq("restart", "--force", "web-1", "wbe-2", "stranger", "web-1")
                #expect(some.status == 1)
                #expect(some.errors.contains("restarted web-1\n"))
                #expect(some.errors.contains("limiq: there is no VM wbe-2\n  hint: did you mean web-2?"))
                #expect(
                    some.errors.contains("the domain stranger on")
                        && some.errors.contains("was not made by limiq"))

                let asked = try await home.limiq("stop", "web-1", "--timeout", "1s")
                #expect(asked.status == 1)
                #expect(asked.errors.contains("web-1 was asked to shut down and is still on after 1"))
                #expect(asked.errors.contains("--force ends it at once"))
                #expect(try await home.limiq("stop", "web-1", "--force").errors == "stopped web-1\n")
                #expect(try await home.limiq("stop", "web-1").errors == "web-1 is off already\n")
                #expect(try await home.limiq("restart", "web-1").errors == "started web-1: it was off\n")

                let pattern = try await home.limiq("rm", "app-*")
                #expect(pattern.status == 1 && pattern.errors.contains("no machine's name matches app-*"))
                let label = try await home.limiq("stop", "-l", "fleet=od")
                #expect(label.status == 1 && label.errors.contains("no machine has the label fleet=od"))
                #expect(label.errors.contains("did you mean fleet=odd?"))
                #expect(try await home.limiq("rm", "--all").status == 0)
                let none = try await home.limiq("rm", "--all")
                #expect(none.status == 0 && none.errors == "there are no machines\n")
            }
        }

        @Test func `save, snapshot and go back, and list what is there`() async throws {
            try await with { home in
                #expect(try await home.limiq("save", "db", "web-1").status == 0)
                #expect(try await states(home)["db"] == "saved")
                #expect(try await home.limiq("save", "db").errors == "db is saved already\n")
                let resumed = try await home.limiq("resume", "db")
                #expect(resumed.status == 1 && resumed.errors.contains("hint: start goes on from its memory"))
                #expect(
                    try await home.limiq("start", "db").errors
                        == "started db: it goes on from its saved memory\n")
                #expect(try await states(home)["db"] == "running")

                let taken = try await home.limiq("snapshot", "web-*", "--name", "clean")
                #expect(
                    taken.status == 1 && taken.errors.contains("web-1 cannot be kept in a snapshot while"))
                let listed = try await home.limiq("snapshots", "--json")
                let snapshots = try JSONReader.read(listed.output, source: "snapshots").list ?? []
                #expect(snapshots.map { $0["vm"]?.string } == ["web-2", "web-10"])
                #expect(snapshots.allSatisfy { $0["name"]?.string == "clean" && $0["memory"]?.bool == true })
                #expect(try await home.limiq("revert", "web-2").errors == "web-2 is what it was at clean\n")
                let missing = try await home.limiq("revert", "db", "web-2", "--to", "clean")
                #expect(missing.status == 1)
                #expect(missing.errors.contains("web-2 is what it was at clean"))
                #expect(missing.errors.contains("db has no snapshot clean"))
                #expect(try await home.limiq("snapshots", "--delete", "clean", "web-2", "web-10").status == 0)
                #expect(try await home.limiq("snapshots").errors.contains("no snapshots"))

                let table = try await home.limiq("list", "--columns", "name,memory,labels")
                #expect(
                    table.lines.map { $0.split(separator: " ").joined(separator: " ") } == [
                        "NAME MEMORY LABELS", "db 64 MiB fleet=even", "web-1 64 MiB fleet=odd",
                        "web-2 64 MiB fleet=even", "web-10 64 MiB fleet=odd",
                    ])
                let shown = try JSONReader.read(
                    try await home.limiq("show", "db", "--json").output, source: "show")
                #expect(shown["name"]?.string == "db" && shown["spec"]?["memory_mib"]?.int == 64)
                #expect(shown["script"]?.string?.hasSuffix("/kinds.lua") == true)
                let left = try await home.limiq("gc", "--dry-run", "--json")
                #expect(try JSONReader.read(left.output, source: "gc")["left"]?.list == [])
            }
        }
    }
}
