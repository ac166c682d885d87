import Foundation
import Support
import Testing

extension EndToEnd {
    /// `scripts/dev-box.lua` as it stands, with a folder shared, and once more with it kept in step.
    @Suite struct `A machine to work in` {
        @Test func `has its author's user, the folder, and the port, shared or kept in step`() async throws {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let work = home.path + "/work"
                try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: false)
                try "a page\n".write(toFile: work + "/index.html", atomically: true, encoding: .utf8)
                let port = freePort()
                let words = [
                    "run", repository + "/scripts/dev-box.lua", "--set", "folder=\(work)", "--set",
                    "port=\(port)",
                    "--set", "user=ann",
                ]
                let shared = try await home.start(words).result()
                try #require(shared.status == 0, "\(shared.errors)")
                #expect(shared.output == "dev-box\tann\tshared\thttp://127.0.0.1:\(port)\n")
                try await expectServed(home, port)
                // One folder: what either writes the other has.
                let said = try await home.limiq(
                    "ssh", "dev-box", "--",
                    "id -un; sudo -n id -u; findmnt -no FSTYPE /work; echo there | sudo tee /work/answer >/dev/null"
                )
                #expect(said.lines == ["ann", "0", "virtiofs"], "\(said)")
                #expect(fileText(work + "/answer") == "there\n")

                let inStep = try home.start(words + ["--set", "share=false"])
                try await until("the folder is in step") { inStep.output.contains("in step") }
                #expect(inStep.output == "dev-box\tann\tin step\thttp://127.0.0.1:\(port)\n")
                try await expectServed(home, port)
                try "another page\n".write(toFile: work + "/index.html", atomically: true, encoding: .utf8)
                try await until("the page is there") {
                    let page = try await home.limiq(
                        "exec", "dev-box", "--", "sh", "-c",
                        "findmnt /work || cat /work/index.html /work/answer")
                    return page.output == "another page\nthere\n"
                }
                inStep.signal(SIGINT)
                let end = await inStep.result()
                #expect(end.status == 130, "\(end.errors)")
            }
        }

        private func until(_ what: Comment, _ isSo: () async throws -> Bool) async throws {
            for _ in 0..<600 {
                if try await isSo() { return }
                try await Task.sleep(for: .milliseconds(500))
            }
            Issue.record(what)
        }

        private func expectServed(_ home: Home, _ port: UInt16) async throws {
            let served = try await home.limiq(
                "exec", "dev-box", "--", "sudo", "systemd-run", "--quiet",
                "sh", "-c", "cd /work && exec python3 -m http.server 8000")
            #expect(served.status == 0, "\(served.errors)")
            try await until("the page is served") {
                try await command("curl", ["--silent", "--fail", "http://127.0.0.1:\(port)/"]).output
                    == "a page\n"
            }
        }
    }
}
