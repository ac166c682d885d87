import Basics
import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `Machines that are wanted for a while` {
        private static let with = """
            local limiq = require "limiq"
            local how = limiq.params { how = "return" }.how
            local spec = { name = "try", memory = "64MiB", disks = { { size = "1GiB" } } }
            print(limiq.with(spec, function(vm)
                vm:up()
                print(vm:state())
                if how == "error" then error "no further" end
                if how == "wait" then limiq.sleep "60s" end
                return "one", 2
            end))
            """

        /// Starts the script and waits until its machine runs.
        private func waiting(_ script: String, _ home: Home) async throws -> RunningCommand {
            let run = try home.start(["run", script, "--set", "how=wait"])
            for _ in 0..<100 {
                if try await home.limiq("list").output.contains("running") { return run }
                try await Task.sleep(for: .milliseconds(100))
            }
            Issue.record("its machine does not run")
            return run
        }

        @Test func `go when the function returns, raises or is interrupted`() async throws {
            try await Home.with { home in
                let script = try home.script("with", Self.with)
                let run = try await home.limiq("run", script)
                #expect(run.status == 0 && run.lines == ["running", "one\t2"], "\(run.errors)")
                try await expectNothing(in: home)
                let failed = try await home.limiq("run", script, "--set", "how=error")
                #expect(failed.status == 1 && failed.errors.contains("no further"))
                try await expectNothing(in: home)
                let interrupted = try await waiting(script, home)
                interrupted.signal(SIGINT)
                #expect(await interrupted.result().status == 130)
                try await expectNothing(in: home)
            }
        }

        @Test func `are told from what is in use, and go after their run was killed`() async throws {
            try await Home.with { home in
                let script = try home.script("with", Self.with)
                let run = try await waiting(script, home)
                #expect(try await home.limiq("gc").output == "")
                let second = try await home.limiq("run", script)
                #expect(second.status == 1 && second.errors.contains("belongs to another run"))
                run.signal(SIGKILL)
                _ = await run.result()
                let dry = try await home.limiq("gc", "--dry-run")
                #expect(dry.output.contains("vms/try: the run that was to throw it away is gone"))
                #expect(try await home.limiq("run", script).lines == ["running", "one\t2"])
                #expect(try await home.limiq("list").output == "")

                let killed = try await waiting(script, home)
                killed.signal(SIGKILL)
                _ = await killed.result()
                #expect(try await home.limiq("gc").status == 0)
                try await expectNothing(in: home)
            }
        }

        @Test func `are none that are there already, and of a run with --rm only those it made`() async throws
        {
            try await Home.with { home in
                let made = try home.script(
                    "made", #"require("limiq").vm { name = "try", memory = "64MiB" }:up()"#)
                #expect(try await home.limiq("run", made).status == 0)
                let refused = try await home.limiq("run", home.script("with", Self.with))
                #expect(refused.status == 1 && refused.errors.contains("vm try is there already"))
                #expect(try await home.limiq("run", "--rm", made).status == 0)
                #expect(try await home.limiq("list", "--columns", "name").lines == ["NAME", "try"])
                #expect(try await home.limiq("rm", "try").status == 0)
                let run = try await home.limiq("run", "--rm", made)
                #expect(run.status == 0 && run.errors.contains("removed try"))
                try await expectNothing(in: home)
            }
        }
    }
}
