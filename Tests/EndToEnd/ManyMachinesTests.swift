import Foundation
import Support
import Testing

extension EndToEnd {
    /// On libvirt's test driver, where machines cost nothing and all else is limiq's own.
    @Suite struct `A thousand machines from one script` {
        private struct Peak {
            var threads = 0
            var files = 0
            /// KiB.
            var memory = 0
        }

        @Test func `threads and open files do not grow with them, and a waiting machine takes little memory`()
            async throws
        {
            try await Home.with(on: "test:///default") { home in
                let few = try await peak(200, home)
                let many = try await peak(1000, home)
                // A pool of 64 at most, which grows as it is asked, libvirt's and Swift's own beside it.
                for peak in [few, many] { #expect(peak.threads <= 80, "\(peak.threads) threads") }
                #expect(many.files <= few.files + 4, "\(few.files), then \(many.files) open files")
                let each = (many.memory - few.memory) / 800
                #expect(each < 64, "\(each) KiB a machine")
            }
        }

        /// Runs a script that asks for all its machines at once, twice, and looks at its process when they are there.
        private func peak(_ count: Int, _ home: Home) async throws -> Peak {
            let script = try home.script(
                "many",
                """
                local limiq = require "limiq"
                local names = {}
                for i = 1, \(count) do names[i] = ("vm-%04d"):format(i) end
                local function up(name) return limiq.vm { name = name, memory = "64MiB" }:up().changed end
                for _, changed in ipairs(limiq.each(names, up)) do assert(changed) end
                for _, changed in ipairs(limiq.each(names, up)) do assert(not changed) end
                print(#limiq.domain.list { state = "running", prefix = "vm-" })
                limiq.sleep "1s"
                """)
            let run = try home.start(["run", script])
            let deadline = ContinuousClock.now + .seconds(60)
            while run.output.isEmpty, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(10))
            }
            let folder = "/proc/\(run.processID)"
            let status = try String(contentsOfFile: folder + "/status", encoding: .utf8)
            func number(_ field: String) -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix(field) } ?? ""
                return Int(line.filter(\.isNumber)) ?? 0
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/fd").count
            let peak = Peak(threads: number("Threads:"), files: files, memory: number("VmHWM:"))
            let result = await run.result()
            #expect(result.status == 0 && result.output == "\(count)\n", "\(result.errors.suffix(500))")
            print("\(count) machines: \(peak)")
            return peak
        }
    }
}
