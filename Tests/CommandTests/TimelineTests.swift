import Basics
import Foundation
import Steps
import Support
import Testing
import XML

@testable import limiq

@Suite struct `The timeline of a run` {
    private static func row(_ name: String, _ number: Int, failed: Bool = false) -> Timings.Row {
        let start = Double(number) / 4
        return Timings.Row(
            name: name, outcome: failed ? "failed" : "done",
            phases: [
                .init(phase: "disks", began: start, seconds: 0.01, ok: true),
                .init(phase: "first-boot", began: start + 1, seconds: 9, ok: true),
                .init(phase: "cloud-init", began: start + 10, seconds: 60.5, ok: !failed),
            ])
    }

    private static func timings(_ count: Int) -> Timings {
        Timings(
            script: "fleet.lua", began: "2026-11-23T10:00:00.125Z", seconds: Double(count) / 4 + 71,
            vms: (0..<count).map { row("vm-\($0)", $0, failed: $0 % 10 == 3) })
    }

    private static func all(_ name: String, in node: XMLNode) -> [XMLNode] {
        (node.name == name ? [node] : []) + node.children.flatMap { all(name, in: $0) }
    }

    @Test(arguments: [0, 1, 40, 61, 1000])
    func `is XML by xmllint and a picture by librsvg, with one bar a phase inside it`(count: Int) async throws
    {
        let svg = Timeline(Self.timings(count)).svg
        try await ScratchFolder.with { folder in
            let file = folder + "/run.svg"
            try Data(svg.utf8).write(to: URL(fileURLWithPath: file))
            let lint = try await command("xmllint", ["--noout", file])
            #expect(lint.status == 0, "\(lint.errors)")
            let draw = try await command("rsvg-convert", [file, "-o", folder + "/run.png"])
            #expect(draw.status == 0, "\(draw.errors)")
            let png = FileManager.default.contents(atPath: folder + "/run.png") ?? Data()
            // The size stands big-endian behind the signature and the first chunk's head (PNG, section 11.2.2).
            #expect(png.count > 24 && png[16..<20].elementsEqual([0, 0, 0x04, 0xB0]), "1200 pixels wide")
        }
        let root = try XMLReader.parse(svg)
        let width = try #require(root.attributes["width"].flatMap(Double.init))
        let height = try #require(root.attributes["height"].flatMap(Double.init))
        let bars = Self.all("rect", in: root).filter { $0.first("title") != nil }
        #expect(bars.count == count * 3)
        for bar in bars {
            let edges = ["x", "y", "width", "height"].compactMap { bar.attributes[$0].flatMap(Double.init) }
            try #require(edges.count == 4)
            #expect(edges[0] >= 0 && edges[0] + edges[2] <= width)
            #expect(edges[1] >= 0 && edges[1] + edges[3] <= height)
        }
    }

    @Test func `puts each bar where its time is`() throws {
        let root = try XMLReader.parse(Timeline(Self.timings(1)).svg)
        let bars = Self.all("rect", in: root).filter { $0.first("title") != nil }
        let edges = bars.map { bar in
            ["x", "width"].compactMap { bar.attributes[$0].flatMap(Double.init) }
        }
        try #require(edges.count == 3)
        // 9 s and 60.5 s long, the second where the first ends.
        #expect(abs(edges[2][1] / edges[1][1] - 60.5 / 9) < 0.01)
        #expect(abs(edges[1][0] + edges[1][1] - edges[2][0]) < 0.01)
        let texts = Self.all("text", in: root).map(\.text)
        #expect(texts.contains("1 min") && texts.contains("0 s"), "the axis is of minutes: \(texts)")
        #expect(["disks", "first-boot", "cloud-init"].allSatisfy(texts.contains), "the legend")
        #expect(bars.last?.first("title")?.text == "vm-0: cloud-init 61 s")
    }

    @Test func `has names that are no XML as they are`() throws {
        var timings = Self.timings(1)
        let name = "</text>&\"'<script>\u{1}]]>日本"
        timings.vms = [Self.row(name, 0)]
        timings.script = "<&>.lua"
        let root = try XMLReader.parse(Timeline(timings).svg)
        let texts = Self.all("text", in: root).map(\.text)
        #expect(texts.contains("</text>&\"'<script>\u{FFFD}]]>日本"))
        #expect(Self.all("script", in: root).isEmpty)
    }

    @Test func `has a colour for each step, and another for a call`() throws {
        var timings = Self.timings(1)
        let words = Step.Kind.allCases.map(\.rawValue) + ["exec"]
        timings.vms[0].phases = words.map { .init(phase: $0, began: 0, seconds: 1, ok: true) }
        let bars = Self.all("rect", in: try XMLReader.parse(Timeline(timings).svg)).filter {
            $0.first("title") != nil
        }
        #expect(Set(bars.compactMap { $0.attributes["fill"] }).count == words.count)
    }

    @Test func `says which machines failed`() throws {
        let root = try XMLReader.parse(Timeline(Self.timings(4)).svg)
        #expect(Self.all("text", in: root).contains { $0.text == "✗ vm-3 (failed)" })
        let striped = Self.all("rect", in: root).filter { $0.attributes["fill"] == "url(#failed)" }
        #expect(striped.count == 1 && Self.all("pattern", in: root).count == 1)
        #expect(Self.all("title", in: root).contains { $0.text == "vm-3: cloud-init 61 s, failed" })
    }
}

@Suite struct `The timings of a run` {
    @Test func `are written by run, and drawn by report`() async throws {
        try await LimiqCommand.with { limiq in
            let run = try await limiq.run(
                "run", "many.lua", "--timings", "run.json", "--set", "count=4", "--set", "fail=1")
            #expect(run.status == 0, "\(run.errors)")
            let timings = try Timings.read(limiq.folder + "/run.json")
            #expect(timings.script == "many.lua")
            #expect(timings.vms.map(\.outcome).sorted() == ["done", "done", "done", "failed"])
            let done = try #require(timings.vms.first { $0.outcome == "done" })
            let steps = done.phases.map(\.phase).filter { !["look", "queue"].contains($0) }
            #expect(steps == ["disks", "define", "start", "running"])
            for (phase, next) in zip(done.phases, done.phases.dropFirst()) {
                #expect(phase.began + phase.seconds <= next.began + 0.01)
            }
            let report = try await limiq.run("report", "run.json")
            #expect(report.status == 0, "\(report.errors)")
            #expect(report.output == Timeline(timings).svg)
            let page = try await limiq.run("report", "--html", "run.json")
            #expect(page.status == 0 && page.output.hasPrefix("<!doctype html>"), "\(page.errors)")
            // Each moment of the run is somebody's.
            let rows = timings.vms + timings.images + (timings.hosts ?? [])
            let phases = (rows.flatMap(\.phases) + (timings.run ?? [])).sorted { $0.began < $1.began }
            var covered = 0.0
            for phase in phases {
                #expect(phase.began <= covered + 0.002, "nobody's: \(covered) to \(phase.began)")
                covered = max(covered, phase.began + phase.seconds)
            }
            #expect(abs(covered - timings.seconds) < 0.002)
            // And of a machine, from its call to its end.
            for row in timings.vms where row.outcome == "done" {
                let sum = row.phases.reduce(0) { $0 + $1.seconds }
                let last = row.phases.map { $0.began + $0.seconds }.max() ?? 0
                #expect(abs(sum - (last - (row.phases.first?.began ?? 0))) < 0.02, "\(row)")
            }
            #expect(timings.hosts?.first?.phases.contains { $0.phase == "connect" } == true)
        }
    }

    @Test func `show their phases at the end, of one machine too`() async throws {
        try await LimiqCommand.with { limiq in
            let run = try await limiq.run("run", "many.lua", "--timings", "run.json", "--set", "count=1")
            #expect(run.errors.contains("TIMES"))
        }
    }

    @Test func `are written where the run is interrupted`() async throws {
        try await LimiqCommand.with { limiq in
            let run = try limiq.start(
                "run", "many.lua", "--timings", "run.json", "--set", "count=2", "--set", "hang=2")
            #expect(try await eventually { limiq.machines.count == 2 })
            run.signal(SIGINT)
            #expect(await run.result().status == 130)
            #expect(
                try Timings.read(limiq.folder + "/run.json").vms.map(\.outcome) == ["cancelled", "cancelled"])
        }
    }

    @Test func `have a place to go to before anything is run`() async throws {
        try await LimiqCommand.with { limiq in
            let run = try await limiq.run("run", "many.lua", "--timings", "nowhere/run.json")
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(run.errors.contains("cannot write nowhere/run.json"))
        }
    }

    @Test(arguments: ["", "[]", "{}", "{\"format\": 2}", "not json"])
    func `are not mistaken in another file`(text: String) async throws {
        try await ScratchFolder.with { folder in
            let file = folder + "/x.json"
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            let failure = #expect(throws: Failure.self) { _ = try Timings.read(file) }
            #expect(failure?.code == .badField)
            #expect(failure?.hint != nil)
        }
    }

    @Test func `of another format say so`() async throws {
        try await ScratchFolder.with { folder in
            var timings = Timings(script: "x.lua", began: "", seconds: 1, vms: [])
            timings.format = 2
            try timings.write(to: folder + "/x.json")
            let failure = #expect(throws: Failure.self) { _ = try Timings.read(folder + "/x.json") }
            #expect(failure?.message.contains("format 2") == true)
        }
    }

    @Test(arguments: [1e300, -5]) func `that no run takes are not drawn`(seconds: Double) async throws {
        try await ScratchFolder.with { folder in
            let phase = Timings.Phase(phase: "disks", began: 0, seconds: seconds, ok: true)
            let row = Timings.Row(name: "web", outcome: "done", phases: [phase])
            try Timings(script: "x.lua", began: "", seconds: 1, vms: [row]).write(to: folder + "/x.json")
            let failure = #expect(throws: Failure.self) { _ = try Timings.read(folder + "/x.json") }
            #expect(failure?.message.contains("has times that no run takes") == true)
        }
    }
}
