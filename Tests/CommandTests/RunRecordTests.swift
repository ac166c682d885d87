import Basics
import LuaRuntime
import Provisioning
import Steps
import Testing

@testable import limiq

@Suite struct `The record of a run` {
    @Test func `tells at its end how to get in, once for each machine that has come up`() {
        var story = Story()
        for name in ["a", "b"] {
            story.ask(name, at: 0)
            story.step(name, .start, at: 0)
            story.step(name, .start, took: 1, at: 1)
            story.tell(.vm(name), .wayIn("limiq ssh \(name)"), at: 1)
            story.answer(name, failure: name == "b" ? Failure(.timeout, "late") : nil, at: 2)
        }
        let report = RunReport(story.record, took: .seconds(2), error: nil)
        #expect(report.waysIn == ["limiq ssh a"])
        #expect(report.text.hasSuffix("\nssh: limiq ssh a"), "\(report.text)")
    }

    @Test func `gives each way out once, with NAME only where machines differ in it`() {
        func hints(_ given: [(String, String)]) -> [String] {
            var story = Story()
            for (name, hint) in given {
                story.ask(name, at: 0)
                story.answer(name, failure: Failure(word: "x", "it fails", hint: hint), at: 1)
            }
            return RunReport(story.record, took: .seconds(2), error: nil).text.split(separator: "\n")
                .map(String.init).filter { $0.hasPrefix("  hint: ") }
        }
        #expect(hints([("a", "write a number")]) == ["  hint: write a number"])
        #expect(hints([("a", "write a number"), ("b", "write a number")]) == ["  hint: write a number"])
        #expect(
            hints([("web", "limiq rm web removes it"), ("db", "limiq rm db removes it")])
                == ["  hint: limiq rm NAME removes it"])
    }

    @Test func `has a machine wait from its call to its first step`() {
        var story = Story()
        story.ask("web", at: 1)
        #expect(story.state("web") == .waiting)
        story.step("web", .disks, at: 5)
        #expect(story.state("web") == .working)
        story.step("web", .disks, took: 2, at: 7)
        #expect(story.state("web") == .working)
        story.answer("web", at: 8)
        #expect(story.state("web") == .done)
    }

    @Test func `accounts for every moment of a machine, from its call to its answer`() throws {
        var story = Story()
        story.ask("web", at: 1)
        story.step("web", .look, at: 3)
        story.step("web", .disks, at: 4)
        story.step("web", .disks, took: 2, at: 6)
        story.step("web", .start, at: 7)
        story.step("web", .start, took: 1, at: 8)
        story.answer("web", at: 10)
        let phases = try #require(story.record.track(.vm("web"))?.phases)
        #expect(phases.map(\.step.word) == ["queue", "look", "disks", "look", "start", "look"])
        #expect(phases.map(\.took) == [2, 1, 2, 1, 1, 2].map { .seconds($0) })
        #expect(phases.reduce(.zero) { $0 + $1.took } == .seconds(9))
        let began = story.events.count {
            if case .progress(let news, _) = $0, case .begins = news.event { true } else { false }
        }
        let ended = story.events.count {
            if case .progress(let news, _) = $0, case .ended = news.event { true } else { false }
        }
        #expect(began == 6 && ended == 6)
    }

    @Test func `has of a run, for what is usual, the median of machines that are alike and came up`() throws {
        var story = Story()
        func like(_ way: Likeness.Way) -> Likeness {
            Likeness(image: "debian-12", host: "test:", acceleration: "kvm", way: way, goal: "agent")
        }
        for (name, took, way) in [
            ("a", 10.0, Likeness.Way.new), ("b", 30, .new), ("c", 20, .new), ("d", 1, .present),
        ] {
            story.ask(name, at: 0)
            story.step(name, .look, at: 5)
            story.tell(.vm(name), .isLike(like(way)), at: 5)
            story.step(name, .agent, at: 6)
            story.step(name, .agent, took: took, at: 6 + took)
            story.answer(name, at: 6 + took)
        }
        story.ask("bad", at: 0)
        story.tell(.vm("bad"), .isLike(like(.new)), at: 0)
        story.step("bad", .agent, at: 1)
        story.step("bad", .agent, took: 500, ok: false, at: 501)
        story.answer("bad", failure: Failure(.timeout, "late"), at: 501)
        #expect(
            story.record.samples == [
                like(.new): UsualTimes.Sample(steps: [Step(.agent): .seconds(20)], total: .seconds(20))
            ])
    }

    @Test func `has the time of a step from the work itself`() throws {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", .disks, at: 5)
        story.step("web", .disks, took: 1.5, at: 7)
        let phase = try #require(story.phases("web").first)
        #expect(phase == Track.Phase(step: Step(.disks), began: .seconds(5.5), took: .seconds(1.5)))
        #expect(
            story.events.suffix(2) == [
                .progress(Progress(.vm("web"), .begins(Step(.disks), detail: nil))),
                .progress(Progress(.vm("web"), .ended(Step(.disks), .seconds(1.5), ok: true))),
            ])
    }

    @Test func `marks the step that failed, and what was undone after it not`() {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", .start, at: 1)
        story.step("web", .start, took: 3, ok: false, at: 4)
        story.step("web", .undo, at: 4)
        story.step("web", .undo, took: 1, at: 5)
        story.answer("web", failure: Failure(.libvirt, "no memory"), at: 5)
        let phases = story.phases("web")
        #expect(phases.map(\.step.kind) == [.start, .undo])
        #expect(phases.map(\.ok) == [false, true])
        #expect(phases.first?.took == .seconds(3))
        #expect(story.state("web") == .failed)
        #expect(story.record.track(.vm("web"))?.problem?.failure.message == "no memory")
    }

    @Test func `has nothing failed where a field has changed, a person was warned or the guest has spoken`() {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", .change, at: 1)
        story.tell(.vm("web"), .warning("look"), at: 1)
        story.tell(.vm("web"), .console("hello"), at: 1)
        story.step("web", .change, took: 1, at: 2)
        story.tell(.vm("web"), .changed(path: "labels.a"), at: 2)
        story.answer("web", at: 3)
        let phases = story.phases("web")
        #expect(phases == [Track.Phase(step: Step(.change), began: .seconds(1), took: .seconds(1))])
    }

    @Test func `keeps apart the steps of two calls that work on one machine`() {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", .disks, at: 1)
        story.ask("web", "define", at: 2)
        story.step("web", .lock, at: 2)
        story.step("web", .disks, took: 3, at: 4)
        story.step("web", .lock, took: 4, at: 6)
        let phases = story.phases("web")
        #expect(phases.map(\.step.kind) == [.disks, .lock])
        #expect(phases.allSatisfy { $0.ok })
        #expect(phases.map(\.took) == [.seconds(3), .seconds(4)])
    }

    @Test func `tells an image from a machine of its name`() {
        var story = Story()
        story.ask("debian-12", at: 0)
        story.step("debian-12", .lock, at: 1)
        story.tell(.image("debian-12"), .begins(Step(.download), detail: nil), at: 2)
        #expect(story.record.track(.vm("debian-12"))?.steps.map(\.step.kind) == [.lock])
        #expect(story.record.track(.image("debian-12"))?.steps.map(\.step.kind) == [.download])
    }

    @Test func `has a step that nobody has ended fail with its call`() {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", .disks, at: 1)
        story.answer("web", failure: Failure(.cancelled, "stop"), at: 3)
        #expect(story.phases("web").map(\.ok) == [false])
    }

    @Test func `forgets a failure when the same call works later, and no other`() {
        var story = Story()
        let failure = Failure(.timeout, "late")
        story.ask("web", at: 0)
        story.answer("web", failure: failure, at: 1)
        story.ask("web", "remove", step: Step(.remove), at: 2)
        story.answer("web", "remove", at: 3)
        #expect(story.state("web") == .failed)
        story.ask("web", at: 4)
        story.answer("web", at: 5)
        #expect(story.state("web") == .done)
    }

    @Test(arguments: [Failure.Code.cancelled, .interrupted])
    func `tells a machine that was to end from one that failed`(code: Failure.Code) {
        var story = Story()
        story.ask("web", at: 0)
        story.answer("web", failure: Failure(code, "stop"), at: 1)
        #expect(story.state("web") == .cancelled)
    }

    @Test func `has the failure of a spec, and no machine of a spec that is only looked at`() {
        var story = Story()
        let check = Work(.vm("good"), "check")
        _ = story.record.begin(check, call: 1, at: .zero)
        _ = story.record.end(check, call: 1, took: .zero, failure: nil, at: .zero)
        #expect(story.record.tracks.isEmpty)
        let bad = Work(.vm("bad"), "check")
        _ = story.record.end(bad, call: 2, took: .zero, failure: Failure(.badField, "no"), at: .zero)
        #expect(story.state("bad") == .failed)
    }

    @Test func `shows an image from its first step to its last`() {
        var story = Story()
        let resolve = Work(.image("debian-12"), "resolve")
        _ = story.record.begin(resolve, call: 1, at: .zero)
        #expect(story.record.tracks.isEmpty, "an image that is here shows nothing")
        let download = Step(.download)
        story.tell(.image("debian-12"), .begins(download, detail: "1%"), at: 1)
        story.tell(.image("debian-12"), .detail(download, "2%"), at: 2)
        story.tell(.image("debian-12"), .ended(download, .seconds(2), ok: true), at: 3)
        story.tell(.image("debian-12"), .begins(Step(.verify), detail: nil), at: 3)
        #expect(story.record.track(.image("debian-12"))?.state == .working)
        story.tell(.image("debian-12"), .ended(Step(.verify), .seconds(2), ok: true), at: 5)
        story.tell(.image("debian-12"), .finished(.image, .seconds(4)), at: 5)
        _ = story.record.end(resolve, call: 1, took: .seconds(5), failure: nil, at: .seconds(5))
        let track = story.record.track(.image("debian-12"))
        #expect(track?.state == .done)
        #expect(track?.phases.map(\.step.kind) == [.download, .verify])
        #expect(track?.phases.map(\.ok) == [true, true])
        #expect(story.events.contains(.progress(Progress(.image("debian-12"), .detail(download, "2%")))))
    }

    @Test func `hears nothing of work that nobody waits for any more`() {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", .running, at: 1)
        story.answer("web", failure: Failure(.cancelled, "cancelled"), at: 2)
        let before = story.events.count
        story.step("web", .undo, at: 3)
        #expect(story.events.count == before)
        #expect(story.record.tracks.count == 1)
        #expect(story.state("web") == .cancelled)
    }

    @Test func `forgets what the console said when the machine starts anew`() {
        var story = Story()
        story.ask("web", at: 0)
        story.tell(.vm("web"), .console("old"), at: 1)
        story.step("web", .start, at: 2)
        #expect(story.record.track(.vm("web"))?.line == nil)
    }
}

@Suite struct `A call as work` {
    /// Of a primitive of the library.
    private static func work(_ name: String, _ arguments: Value...) throws -> Work? {
        let definitions = try Session(connect: nil).definitions(PlainDisplay())
        let effect = try #require(definitions.first { $0.primitive.name == name }).effect
        return Work(Request(name: name, arguments: arguments, location: "s.lua:3"), effect)
    }

    @Test func `is about the machine its first argument names`() throws {
        #expect(
            try Self.work("vm.up", ["name": "web", "spec": ["name": "web"]])
                == Work(.vm("web"), "up", location: "s.lua:3"))
        #expect(try Self.work("vm.remove", ["spec": ["name": "web"]])?.subject == .vm("web"))
        #expect(
            try Self.work("domain.start", "web")
                == Work(.vm("web"), "start", step: Step(.start), location: "s.lua:3"))
        #expect(try Self.work("image.resolve", "debian-12")?.subject == .image("debian-12"))
        #expect(try Self.work("image.add", ["name": "fedora"])?.subject == .image("fedora"))
    }

    @Test func `shows what is awaited as its step`() throws {
        #expect(try Self.work("domain.wait", ["name": "web"], "ssh")?.step == Step(.ssh))
    }

    @Test(arguments: [
        "domain.state", "domain.get", "vm.diff", "vm.mac_address", "log.info", "disk.create", "image.list",
    ])
    func `is none where a script only looks, or does something else`(name: String) throws {
        #expect(try Self.work(name, "web") == nil)
    }
}

@Suite struct `The pace of a run` {
    private static func pace(_ times: [Double]) -> Pace {
        var pace = Pace()
        for time in times { pace.add(Step(.cloudInit), .seconds(time)) }
        return pace
    }

    @Test func `is not known of two`() {
        #expect(Self.pace([70, 71]).median(of: Step(.cloudInit), running: []) == nil)
        #expect(Self.pace([71, 70, 69]).median(of: Step(.cloudInit), running: []) == .seconds(70))
        #expect(Self.pace([71, 70, 69]).median(of: Step(.start), running: []) == nil)
    }

    @Test func `is not that of the few that were quick`() {
        let pace = Self.pace([50, 51, 52])
        let running = [Duration](repeating: .seconds(110), count: 20)
        #expect(pace.median(of: Step(.cloudInit), running: running) == nil)
    }

    @Test func `is not changed by those that have just begun`() {
        let running = [Duration](repeating: .seconds(1), count: 20)
        #expect(Self.pace([50, 51, 52]).median(of: Step(.cloudInit), running: running) == .seconds(51))
    }

    @Test func `calls nothing slow that is merely a few seconds late`() {
        #expect(!Pace.isSlow(.seconds(4), median: .milliseconds(10)))
        #expect(Pace.isSlow(.seconds(6), median: .milliseconds(10)))
        #expect(!Pace.isSlow(.seconds(130), median: .seconds(70)))
        #expect(Pace.isSlow(.seconds(141), median: .seconds(70)))
    }

    @Test func `has the middle of an even number between the two`() {
        #expect(median([.seconds(4), .seconds(1), .seconds(2), .seconds(9)]) == .seconds(3))
        #expect(median([]) == .zero)
    }
}
