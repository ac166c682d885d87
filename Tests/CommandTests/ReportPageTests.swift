import Basics
import Foundation
import HostFiles
import Provisioning
import Steps
import Support
import Testing

@testable import limiq

/// The page of a run, looked at by a browser and by a reader of HTML that are somebody else's.
@Suite(.serialized) struct `The page of a run` {
    private static let hostile = "</script><img src=x onerror=alert(1)><!--\"'&\u{202E}gnp.exe"

    private static func timings(_ count: Int) -> Timings {
        let rows = (0..<count).map { number in
            let failed = number % 10 == 3
            var row = Timings.Row(
                name: number == 1 ? hostile : "vm-\(number)", outcome: failed ? "failed" : "done",
                phases: [
                    .init(phase: "queue", began: 0, seconds: Double(number) / 4, ok: true),
                    .init(phase: "first-boot", began: Double(number) / 4, seconds: 9, ok: true, usual: 9),
                    .init(
                        phase: "cloud-init", began: Double(number) / 4 + 9,
                        seconds: 60.5 + Double(number % 7),
                        ok: !failed),
                ])
            row.host = number % 2 == 0 ? "qemu:///system" : "qemu+ssh://far/system"
            row.failure = failed ? "cloud-init failed: <b>\(hostile)</b>" : nil
            return row
        }
        return Timings(
            script: "fleet.lua", began: "2026-11-23T10:00:00.125Z", seconds: Double(count) / 4 + 80, vms: rows
        )
    }

    /// The facts of a page as a browser has it after its script, by Python's reader of HTML.
    private static let look = """
        import html.parser, json, sys
        class Page(html.parser.HTMLParser):
            def __init__(self):
                super().__init__()
                self.rows, self.tags, self.outside, self.title, self.name = [], {}, [], "", False
                self.bars = 0
            def handle_starttag(self, tag, attributes):
                a = dict(attributes)
                self.tags[tag] = self.tags.get(tag, 0) + 1
                for key in ("src", "href"):
                    if a.get(key): self.outside.append(a[key])
                if any(key.startswith("on") for key in a): self.outside.append(str(a))
                words = (a.get("class") or "").split()
                if "row" in words: self.rows.append(a.get("aria-label"))
                if "bar" in words: self.bars += 1
                self.name = tag == "title"
            def handle_endtag(self, tag): self.name = False
            def handle_data(self, data):
                if self.name: self.title += data
        page = Page()
        page.feed(sys.stdin.read())
        print(json.dumps([page.rows, page.tags, page.outside, page.title, page.bars]))
        """

    private struct Facts {
        var rows: [String]
        var tags: [String: Int]
        var outside: [String]
        var title: String
        var bars: Int
    }

    private static func facts(_ html: String) async throws -> Facts {
        let result = try await command("python3", ["-c", look], input: html)
        try #require(result.status == 0, "\(result.errors)")
        let list = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [Any])
        return Facts(
            rows: try #require(list[0] as? [String]), tags: try #require(list[1] as? [String: Int]),
            outside: try #require(list[2] as? [String]), title: try #require(list[3] as? String),
            bars: try #require(list[4] as? Int))
    }

    /// - Parameter place: what is behind the `#` of the page's address.
    private static func browse(
        _ timings: Timings, _ place: String = "", script: String = ""
    ) async throws -> Facts {
        try await ScratchFolder.with { folder in
            let file = folder + "/run.html"
            let page = try ReportPage(timings, library: repository + "/stdlib").html()
                .replacing("</body>", with: "<script>\(script)</script></body>")
            try Data(page.utf8).write(to: URL(fileURLWithPath: file))
            let result = try await command(
                "chromium",
                [
                    "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(folder)/browser",
                    "--window-size=1000,800", "--dump-dom", "file://\(file)\(place)",
                ], environment: ["HOME": folder])
            try #require(result.status == 0, "chromium: \(result.errors)")
            return try await facts(result.output)
        }
    }

    @Test func `has a row for each machine, and one only of those that a filter leaves`() async throws {
        let all = try await Self.browse(Self.timings(40))
        #expect(all.rows.count == 40 && all.bars == 120)
        #expect(all.title == "fleet.lua · limiq report")
        let failed = try await Self.browse(Self.timings(40), "#state=failed&order=slowest")
        // The 60.5 s and what is added to them, and the boot.
        #expect(
            failed.rows.map { $0.prefix { $0 != "," } } == ["vm-13", "vm-33", "vm-3", "vm-23"],
            "\(failed.rows)")
        let far = try await Self.browse(Self.timings(40), "#host=qemu%2Bssh%3A%2F%2Ffar%2Fsystem&name=VM-3")
        #expect(
            far.rows.map { $0.prefix { $0 != "," } } == ["vm-3", "vm-31", "vm-33", "vm-35", "vm-37", "vm-39"])
    }

    @Test func `takes no name and no message for HTML`() async throws {
        let html = try ReportPage(Self.timings(40), library: repository + "/stdlib").html()
        for (facts, scripts) in [
            (try await Self.facts(html), 2), (try await Self.browse(Self.timings(40)), 3),
        ] {
            #expect(facts.tags["script"] == scripts && facts.tags["img"] == nil && facts.tags["b"] ?? 0 <= 2)
            #expect(facts.outside.isEmpty, "\(facts.outside)")
        }
        #expect(!html.contains("\u{202E}") && !html.contains("://www."))
        let facts = try await Self.browse(Self.timings(3))
        #expect(facts.rows[1].hasPrefix("</script><img src=x onerror=alert(1)><!--\"'&\\u{202e}gnp.exe"))
    }

    @Test func `can be worked by keys alone`() async throws {
        let script = """
            const said = [];
            const press = key => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            const at = () => document.activeElement.getAttribute("aria-label");
            press("s");
            said.push(document.querySelector(".row").getAttribute("aria-label"));
            press("f");
            press("ArrowDown");
            press("ArrowDown");
            said.push(at());
            press("End");
            said.push(at());
            press("Enter");
            said.push(document.getElementById("detail").querySelector(".bad").textContent.slice(0, 19));
            press("Escape");
            said.push(String(document.getElementById("detail").hidden), at());
            press("/");
            said.push(document.activeElement.id);
            document.title = said.join("|");
            """
        let facts = try await Self.browse(Self.timings(40), script: script)
        #expect(
            facts.title
                == "vm-6, done, 76 s|vm-33, failed, 75 s|vm-23, failed, 72 s|✗ cloud-init failed|true|vm-23, failed, 72 s|name",
            "\(facts.title)")
        #expect(facts.rows.count == 4)
    }

    @Test(arguments: [0, 1, 300]) func `is drawn whole, however many there are`(count: Int) async throws {
        let start = ContinuousClock.now
        let facts = try await Self.browse(Self.timings(count))
        #expect(facts.rows.count == count && facts.bars == count * 3)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func `is no other file of the library`() async throws {
        try await ScratchFolder.with { folder in
            #expect(throws: Failure.self) { _ = try ReportPage(Self.timings(1), library: folder) }
            try FileManager.default.createDirectory(
                atPath: folder + "/report", withIntermediateDirectories: false)
            try Data("<html></html>".utf8).write(to: URL(fileURLWithPath: folder + "/report/page.html"))
            #expect(throws: Failure.self) { _ = try ReportPage(Self.timings(1), library: folder) }
        }
    }
}

@Suite struct `The plan of a script` {
    @Test func `says how long a machine usually takes, where earlier runs tell`() async throws {
        try await LimiqCommand.with { limiq in
            let one = "require(\"limiq\").vm { name = \"web\", memory = \"64MiB\" }:up { wait = \"running\" }"
            try Data(one.utf8).write(to: URL(fileURLWithPath: limiq.folder + "/one.lua"))
            #expect(try await limiq.run("plan", "one.lua").output.hasPrefix("+ vm web  make\n"))
            let like = Likeness(
                image: nil, host: "test:///default", acceleration: "emulation", way: .new, goal: "running")
            let state = StateFolder(root: limiq.folder)
            UsualTimes.add([like: .init(steps: [:], total: .seconds(75))], in: state)
            #expect(try await limiq.run("plan", "one.lua").output.hasPrefix("+ vm web  make, about 75 s\n"))
            #expect(
                try await limiq.run("plan", "--json", "one.lua").output.contains("\"usual_seconds\" : 75"))
            let run = try await limiq.run("run", "--json", "--timings", "run.json", "one.lua")
            #expect(run.output.contains("\"usual\":75,\"vm\":\"web\",\"way\":\"new\""), "\(run.output)")
            #expect(try Timings.read(limiq.folder + "/run.json").vms.first?.usual == 75)
            // The run's own time is one of two now.
            #expect((UsualTimes(in: state).total(like) ?? .zero) < .seconds(40))
        }
    }
}
