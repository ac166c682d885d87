import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `The command` {
        @Test func `--json is one event a line, of what is printed, logged and done`() async throws {
            try await Home.with { home in
                let script = try home.script(
                    "small",
                    """
                    local limiq = require "limiq"
                    local vm = \(smallGuest(#""small""#))
                    vm:up { wait = "running" }
                    print("two\\nlines")
                    limiq.log.info "done"
                    """)
                let run = try await home.limiq("run", "--json", script)
                #expect(run.status == 0, "\(run.errors)")
                let events = try run.lines.map { line in
                    try #require(
                        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
                }
                #expect(
                    events.contains {
                        $0["event"] as? String == "print" && $0["text"] as? String == "two\nlines\n"
                    })
                #expect(
                    events.contains { $0["event"] as? String == "log" && $0["text"] as? String == "done" })
                let ends = events.filter { $0["event"] as? String == "step_end" }
                #expect(ends.allSatisfy { $0["ok"] as? Bool == true })
                let hosts = ends.filter { $0["host"] != nil }.compactMap { $0["step"] as? String }
                #expect(
                    hosts.suffix(2) == ["connect", "probe"], "what comes before the first step: \(hosts)")
                let steps = ends.filter {
                    $0["vm"] as? String == "small" && !["look", "queue"].contains($0["step"] as? String)
                }
                #expect(
                    steps.compactMap { $0["step"] as? String } == [
                        "disks", "define", "start", "forward", "running",
                    ])
            }
        }

        @Test func `what a handle's method is given reaches the primitive`() async throws {
            try await Home.with { home in
                let script = try home.script(
                    "small",
                    """
                    local limiq = require "limiq"
                    local vm = \(smallGuest(#""small""#))
                    vm:up { wait = "running" }
                    limiq.iso.create { path = "other.iso", label = "OTHER", files = { name = "other" } }
                    vm:insert_media("live", "other.iso", { force = true })
                    print((vm:xml():gsub(".*(other%.iso).*", "%1")))
                    vm:destroy()
                    vm.domain:undefine { files = true }
                    print(#limiq.domain.list())
                    """)
                let run = try await home.limiq("run", script)
                #expect(run.lines == ["other.iso", "0"], "\(run.errors)")
                try await expectNothing(in: home)
            }
        }
    }
}
