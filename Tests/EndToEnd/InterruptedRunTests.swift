import Foundation
import Hypervisors
import Support
import Testing

extension EndToEnd {
    @Suite struct `A run that does not come to its end` {
        /// A machine that nothing ever answers in.
        private static let waiting = """
            local limiq = require "limiq"
            local vm = \(smallGuest(#""waiting""#))
            vm:up { wait = "agent", timeout = limiq.params({ timeout = "5m" }).timeout }
            """

        @Test func `Ctrl-C removes what the run has made and says so`() async throws {
            try await Home.with { home in
                let run = try home.start(["run", home.script("waiting", Self.waiting)])
                try await waitFor("the guest's console") { exists(home.path + "/vms/waiting/console.log") }
                run.signal(SIGINT)
                let result = await run.result()
                #expect(result.status == 130)
                #expect(
                    result.errors.contains("interrupted: cleaning up")
                        && result.errors.contains("waiting: undo removing what was made of waiting\n"),
                    "\(result.errors)")
                try await expectNothing(in: home)
            }
        }

        @Test
        func `a machine that is not ready in time is left as it is; the next run goes on waiting for it`()
            async throws
        {
            try await Home.with { home in
                let script = try home.script("waiting", Self.waiting)
                for _ in 0..<2 {
                    let failed = try await home.limiq("run", script, "--set", "timeout=1s")
                    #expect(failed.status == 1)
                    #expect(
                        failed.errors.contains("waiting is not answering through its agent after 1s"),
                        "\(failed.errors)")
                    #expect(failed.errors.contains("limiq console waiting shows"), "\(failed.errors)")
                }
                let list = try await home.limiq("list")
                #expect(list.output.contains(/waiting +running/), "\(list.output)")
                let survey = try await home.limiq("gc", "--dry-run")
                #expect(survey.output.isEmpty, "\(survey.output)")
                let removed = try await home.limiq("rm", "waiting")
                #expect(removed.status == 0, "\(removed.errors)")
                try await expectNothing(in: home)
            }
        }

        private static let several = """
            local limiq = require "limiq"
            local names = { "vm-1", "vm-2", "vm-3", "vm-4" }
            limiq.each(names, { limit = 2 }, function(name)
                local vm = \(smallGuest("name"))
                vm:up { wait = "running" }
            end)
            for _, name in ipairs(names) do print(name, limiq.domain.get(name):state()) end
            """

        @Test(arguments: [
            "vms/vm-1", "run/qemu/vm-1.xml", "vms/vm-2/console.log", "vms/vm-3/making.json",
        ])
        func `killed at any moment, the next run makes what is missing, once`(when file: String) async throws
        {
            try await Home.with { home in
                let script = try home.script("several", Self.several)
                let run = try home.start(["run", script])
                let folder = file.hasPrefix("run/") ? home.daemons.runtime : home.path
                try await waitFor(file) { exists("\(folder)/\(file)") }
                run.signal(SIGKILL)
                #expect(await run.result().status != 0)

                let next = try await home.limiq("run", script)
                #expect(next.status == 0, "\(next.errors)")
                #expect(next.lines == (1...4).map { "vm-\($0)\trunning" })
                #expect(home.guests.count == home.machines.count, "one process runs each")
                let removed = try await home.limiq("rm", "vm-1", "vm-2", "vm-3", "vm-4")
                #expect(removed.status == 0, "\(removed.errors)")
                try await expectNothing(in: home)
            }
        }

        @Test func `killed, what it was running of this machine ends with it`() async throws {
            try await Home.with { home in
                // A number of seconds that nobody else waits.
                let time = "\(UInt32.random(in: 100_000...999_999_999))"
                let script = try home.script(
                    "program", #"require("limiq").host.run { "sleep", "\#(time)" }"#)
                let run = try home.start(["run", script])
                func isThere() async throws -> Bool {
                    try await command("pgrep", ["--full", "--exact", "[^ ]*sleep \(time)"]).status == 0
                }
                let deadline = ContinuousClock.now + .seconds(60)
                while try await !isThere() {
                    try #require(ContinuousClock.now < deadline, "the program does not run")
                }
                run.signal(SIGKILL)
                _ = await run.result()
                while try await isThere() {
                    try #require(ContinuousClock.now < deadline, "the program runs on")
                }
            }
        }

        private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

        private func waitFor(_ what: String, _ condition: () -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(60)
            while !condition() {
                try #require(ContinuousClock.now < deadline, "\(what) does not appear")
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}

/// No machine, no file of one and no process is left in a state folder.
func expectNothing(in home: Home) async throws {
    #expect(home.machines.isEmpty)
    let list = try await home.limiq("list")
    #expect(list.status == 0 && list.output.isEmpty, "\(list.output)\(list.errors)")
    #expect(home.guests.isEmpty, "no process is left")
}
