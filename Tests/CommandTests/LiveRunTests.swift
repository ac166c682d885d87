import Foundation
import Support
import Testing

/// Runs that a person watches in a terminal.
@Suite(.serialized) struct `A run in a terminal` {
    private static func isRow(_ line: String) -> Bool { line.contains(#/^vm-\d+ +(first-boot|agent|undo) /#) }

    @Test func `shows a line for each machine and the rest as one, and folds anew when it is resized`()
        async throws
    {
        try await LimiqCommand.with { limiq in
            try await TmuxPane.with(limiq, columns: 80, rows: 12) { pane in
                try await pane.enter("limiq run many.lua --set count=40 --set hang=40")
                #expect(try await pane.shows { $0.contains { $0.hasPrefix("… and 31 more: 31 booting") } })
                let lines = try await pane.lines()
                #expect(lines.count { Self.isRow($0) } == 9)
                #expect(lines.last?.hasPrefix("0 done, 40 working, 0 failed") == true, "\(lines)")

                try await pane.resize(columns: 30, rows: 8)
                #expect(try await pane.shows { $0.contains { $0.hasPrefix("… and 35 more") } })
                #expect(try await pane.lines().count { Self.isRow($0) } == 5)
                #expect(try await pane.shows { $0.last?.hasPrefix("0/40 done, 0 failed") == true })

                try await pane.resize(columns: 100, rows: 50)
                // The terminal gives back what was scrolled out of it, and nothing of that is a row that was.
                #expect(try await pane.shows { $0.count { Self.isRow($0) } == 40 })
                let all = try await pane.lines()
                #expect(all.count { $0.contains("working") } == 1, "\(all)")
                #expect(all.contains("begun"), "\(all)")
                #expect(!all.contains { $0.hasPrefix("… and") }, "\(all)")
                try await pane.press("C-c")
                #expect(try await pane.shows { $0.contains { $0.hasPrefix("cancelled: vm-001") } })
            }
        }
    }

    @Test func `shows what a guest says on its console`() async throws {
        try await LimiqCommand.with { limiq in
            try await TmuxPane.with(limiq) { pane in
                try await pane.enter("limiq run many.lua --set count=2 --set hang=2")
                #expect(try await pane.shows { $0.count { Self.isRow($0) } == 2 })
                let line = "\u{1B}[32m[  OK  ]\u{1B}[0m Reached target \u{1B}[2JCloud-config.\r\n"
                try Data(line.utf8).write(
                    to: URL(fileURLWithPath: limiq.folder + "/vms/vm-002/console.log"))
                #expect(
                    try await pane.shows {
                        $0.contains {
                            $0.contains(#/^vm-002 +agent .* \[  OK  \] Reached target Cloud-config\.$/#)
                        }
                    })
                #expect(try await pane.lines().contains { $0.contains(#/^vm-001 +first-boot /#) })
            }
        }
    }

    @Test(arguments: ["C-c", "TERM", "HUP", "error"])
    func `leaves nothing of its drawing behind, and the cursor visible`(end: String) async throws {
        try await LimiqCommand.with { limiq in
            try await TmuxPane.with(limiq, columns: 100, rows: 40) { pane in
                let timeout = end == "error" ? "2s" : "60s"
                try await pane.enter(
                    "sh -c 'echo $$ > pid; exec limiq run many.lua --set count=6 --set hang=5"
                        + " --set swallow=false --set timeout=\(timeout)'")
                #expect(try await pane.shows { $0.count { Self.isRow($0) } == 5 })
                switch end {
                case "C-c": try await pane.press("C-c")
                case "error": break
                default:
                    let text = try String(contentsOfFile: limiq.folder + "/pid", encoding: .utf8)
                    kill(try #require(Int32(text.dropLast())), end == "TERM" ? SIGTERM : SIGHUP)
                }
                #expect(try await pane.shows { $0.last == "$" })
                let lines = try await pane.history()
                #expect(lines.contains("begun"))
                #expect(lines.contains { $0.hasPrefix("vm-001: up (") })
                let outcome = end == "error" ? "failed: 5 of 6" : "cancelled: vm-002"
                #expect(lines.contains { $0.hasPrefix(outcome) }, "\(lines)")
                #expect(!lines.contains { Self.isRow($0) || $0.contains(" working, ") }, "\(lines)")
                #expect(try await pane.cursorIsVisible)
            }
        }
    }

    @Test func `goes on below what the shell wrote while it was stopped`() async throws {
        try await LimiqCommand.with { limiq in
            try await TmuxPane.with(limiq) { pane in
                try await pane.enter("limiq run many.lua --set count=3 --set hang=3")
                #expect(try await pane.shows { $0.count { Self.isRow($0) } == 3 })
                try await pane.press("C-z")
                #expect(try await pane.shows { $0.last == "$" })
                try await pane.enter("echo meanwhile")
                try await pane.enter("fg")
                #expect(try await pane.shows { $0.last?.contains(" working, ") == true })
                let lines = try await pane.lines()
                #expect(lines.contains("meanwhile"))
                #expect(lines.contains("$ fg"))
                #expect(lines.count { Self.isRow($0) } == 6, "the old rows stand where they were: \(lines)")
                try await pane.press("C-c")
                #expect(try await pane.shows { $0.last == "$" })
            }
        }
    }

    @Test func `lets a line of output that has no end yet go on where it stopped`() async throws {
        try await LimiqCommand.with { limiq in
            let script = """
                local limiq = require "limiq"
                limiq.spawn(function()
                    limiq.try(function() limiq.vm { name = "vm-001" }:up { wait = "agent", timeout = "2s" } end)
                end)
                io.write "first"
                limiq.sleep "700ms"
                io.write " second"
                limiq.sleep "700ms"
                print " third"
                print "fourth"
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: limiq.folder + "/halves.lua"))
            try await TmuxPane.with(limiq) { pane in
                try await pane.enter("limiq run halves.lua")
                #expect(
                    try await pane.shows { $0.dropFirst().first == "first" && Self.isRow($0.last ?? "") })
                #expect(
                    try await pane.shows {
                        $0.dropFirst().first == "first second" && Self.isRow($0.last ?? "")
                    })
                #expect(try await pane.shows { $0.last == "$" })
                #expect(try await pane.lines().dropFirst().prefix(2) == ["first second third", "fourth"])
            }
        }
    }

    @Test func `has colours for what failed, and none where NO_COLOR is set`() async throws {
        for (noColor, hasColours) in [("", true), ("1", false)] {
            try await LimiqCommand.with { limiq in
                try await TmuxPane.with(limiq, environment: ["NO_COLOR": noColor]) { pane in
                    try await pane.enter("limiq run many.lua --set count=3 --set hang=2 --set fail=1")
                    #expect(try await pane.shows { $0.contains { $0.hasPrefix("vm-001  up ") } })
                    #expect(try await pane.coloured().contains("\u{1B}[38;5;160mvm-001") == hasColours)
                    try await pane.press("C-c")
                    #expect(try await pane.shows { $0.last == "$" })
                }
            }
        }
    }

    @Test func `writes plain lines where the terminal is dumb`() async throws {
        try await LimiqCommand.with { limiq in
            try await TmuxPane.with(limiq, rows: 40) { pane in
                try await pane.enter("TERM=dumb limiq run many.lua --set count=2")
                #expect(try await pane.shows { $0.last == "$" && $0.count > 5 })
                #expect(try await pane.lines().contains("vm-001: define"))
            }
        }
    }
}
