import Foundation
import Support
import Testing

/// `scripts/build-web.lua` as a newcomer runs it, in a state folder of its own that shares the image.
@Suite("scripts/build-web.lua", .serialized)
struct BuildWebTests {
    @Test("makes a web server that answers, changes nothing the second time, and is removed without a trace")
    func wholeLife() async throws {
        let image = try await command("\(repository)/scripts/limiq", ["image", "pull", "debian-12"])
        #expect(image.status == 0, "limiq image pull debian-12: \(image.errors)")
        let imagePath = image.output.trimmingCharacters(in: .whitespacesAndNewlines)

        let home = try ScratchFolder(prefix: "e2e")
        defer { home.remove() }
        try FileManager.default.createDirectory(
            atPath: home.path + "/cloud-images", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: home.path + "/cloud-images/debian-12.qcow2", withDestinationPath: imagePath)
        func limiq(_ words: String...) async throws -> CommandResult {
            try await command(
                "\(repository)/scripts/limiq", words, environment: ["LIMIQ_HOME": home.path, "LIMIQ_URI": ""])
        }

        let first = try await limiq("run", "\(repository)/scripts/build-web.lua")
        do {
            #expect(first.status == 0, "the first run: \(first.errors)")
            #expect(first.output.contains("web-server-01"), "the name is printed: \(first.output)")
            #expect(first.output.contains("127.0.0.1:8080"), "the URL is printed: \(first.output)")

            let page = try await command("curl", ["--silent", "--fail", "http://127.0.0.1:8080/"])
            let ours = try String(contentsOfFile: "\(repository)/scripts/site/index.html", encoding: .utf8)
            #expect(page.output == ours, "curl gets our page")

            let began = ContinuousClock.now
            let second = try await limiq("run", "\(repository)/scripts/build-web.lua")
            #expect(second.status == 0, "the second run: \(second.errors)")
            #expect(second.output == first.output, "the second run prints what the first did")
            print("the second run took \(began.duration(to: .now))")

            let list = try await limiq("list")
            #expect(
                list.output.contains("web-server-01") && list.output.contains("running"), "\(list.output)")
            let show = try await limiq("show", "web-server-01")
            #expect(show.output.contains("debian-12"), "show names the image: \(show.output)\(show.errors)")
        }

        let removed = try await limiq("rm", "web-server-01")
        #expect(removed.status == 0, "rm: \(removed.errors)")
        let after = try await limiq("list")
        #expect(!after.output.contains("web-server-01"), "no domain is left")
        #expect(
            !FileManager.default.fileExists(atPath: home.path + "/vms/web-server-01"), "no folder is left")
        let processes = try await command("pgrep", ["--full", home.path])
        #expect(processes.output.isEmpty, "no process is left: \(processes.output)")
        let refused = try await command("curl", ["--silent", "--max-time", "5", "http://127.0.0.1:8080/"])
        #expect(refused.status == 7, "nothing listens on the forwarded port any more")
    }
}
