import Foundation
import Support
import Testing

extension EndToEnd {
    /// `scripts/build-web.lua` as a newcomer runs it.
    @Suite struct `scripts/build-web.lua` {
        private static let script = "\(repository)/scripts/build-web.lua"
        private static let site = "http://127.0.0.1:8080/"

        @Test
        func
            `makes a web server that answers, changes nothing the second time, and is removed without a trace`()
            async throws
        {
            try await Home.with { home in
                try await home.linkImage("debian-12")

                let interrupted = try home.start(["run", Self.script])
                let log = home.path + "/vms/web-server-01/console.log"
                while !FileManager.default.fileExists(atPath: log) {
                    try await Task.sleep(for: .milliseconds(50))
                }
                interrupted.signal(SIGINT)
                let undone = await interrupted.result()
                #expect(undone.status == 130)
                #expect(
                    undone.errors.contains("undo removing what was made of web-server-01\n"),
                    "\(undone.errors)")
                try await expectNothing(in: home)

                let first = try await home.limiq("run", Self.script)
                try #require(first.status == 0, "the first run: \(first.errors)")
                #expect(first.output == "web-server-01\t10.0.2.15\thttp://127.0.0.1:8080\n")
                expectSteps(first.errors)
                let page = try await command("curl", ["--silent", "--fail", Self.site])
                let ours = try String(
                    contentsOfFile: "\(repository)/scripts/site/index.html", encoding: .utf8)
                #expect(page.output == ours, "curl gets our page")

                let began = ContinuousClock.now
                let second = try await home.limiq("run", Self.script)
                #expect(second.status == 0, "the second run: \(second.errors)")
                #expect(second.output == first.output, "the second run prints what the first did")
                #expect(second.errors.contains("web-server-01: unchanged"), "\(second.errors)")
                print("the second run took \(began.duration(to: .now))")

                let list = try await home.limiq("list")
                #expect(
                    list.output.contains(/web-server-01 +running +127\.0\.0\.1:8080→80/), "\(list.output)")
                let show = try await home.limiq("show", "web-server-01")
                #expect(
                    show.output.contains("debian-12"), "show names the image: \(show.output)\(show.errors)")
                let console = try await home.limiq("logs", "web-server-01")
                #expect(console.output.contains(/Cloud-init v\. [0-9.]+ finished at/))

                let removed = try await home.limiq("rm", "web-server-01")
                #expect(removed.status == 0, "rm: \(removed.errors)")
                try await expectNothing(in: home)
                let refused = try await command("curl", ["--silent", "--max-time", "5", Self.site])
                #expect(refused.status == 7, "nothing listens on the forwarded port any more")
            }
        }

        /// In a pipe each step is a plain line, and how long the whole took is told at the end.
        private func expectSteps(_ errors: String) {
            let lines = errors.split(separator: "\n")
            let steps = ["disks", "seed", "define", "start", "forward", "first-boot", "cloud-init"]
            #expect(
                lines.compactMap { line in steps.first { line == "web-server-01: \($0)" } } == steps,
                "\(errors)")
            #expect(errors.contains(/web-server-01: up \([0-9.ms ]+\)/), "\(errors)")
            #expect(!errors.contains("\u{1B}"), "nothing steers a terminal")
        }
    }
}
