import Basics
import Provisioning
import Steps
import Testing

@testable import limiq

@Suite struct `The frame on a terminal` {
    /// `count` machines, of which the first `working` are in a step.
    private static func story(_ count: Int, working: Int, step: Step.Kind = .firstBoot) -> Story {
        var story = Story()
        for number in 0..<count {
            let name = "vm-" + String(number + 1000).dropFirst()
            story.ask(name, at: 0)
            if number < working { story.step(name, step, at: 1 + Double(number) / 1000) }
        }
        return story
    }

    @Test func `shows one machine as one line: its step, its time, what its console says`() {
        var story = Story()
        story.ask("web-01", at: 0)
        story.step("web-01", .firstBoot, at: 10)
        #expect(
            story.lines(at: 75, console: { "\($0) is booting\u{1B}[0m" }) == [
                "web-01  first-boot   1m 05s  web-01 is booting^[[0m"
            ])
    }

    @Test func `prefers the line it was told to the file`() {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", .cloudInit, at: 0)
        story.tell(.vm("web"), .console("told"), at: 1)
        let lines = story.lines(at: 2) { _ in
            Issue.record("the console was read")
            return nil
        }
        #expect(lines == ["web  cloud-init      2 s  told"])
    }

    @Test(arguments: [Step.Kind.disks, .media, .seed, .define, .change, .remove, .start])
    func `does not show what an earlier boot said`(step: Step.Kind) {
        var story = Story()
        story.ask("web", at: 0)
        story.step("web", step, at: 0)
        #expect(story.lines(at: 2) { _ in "old" } == ["web  \(step.rawValue)      2 s"])
    }

    @Test func `shows how far a step is`() {
        var story = Story()
        story.tell(.image("debian-12"), .begins(Step(.download), detail: nil), at: 0)
        story.tell(.image("debian-12"), .detail(Step(.download), "34% of 410 MiB"), at: 1)
        #expect(story.lines(at: 9) == ["debian-12  download      9 s  34% of 410 MiB"])
    }

    @Test func `sums up several machines`() {
        var story = Self.story(5, working: 2)
        story.bring("done", from: 0, to: 2)
        story.ask("bad", at: 0)
        story.answer("bad", failure: Failure(.io, "disk full"), at: 3)
        #expect(story.lines(at: 65).last == "1 done, 2 working, 3 waiting, 1 failed, 1m 05s")
        #expect(story.lines(at: 65).first == "bad     up                   failed: disk full")
        #expect(story.lines(at: 65, width: 30).last == "1/7 done, 1 failed, 1m 05s")
        #expect(story.lines(at: 65, width: 16).last == "1/7, 1 failed")
    }

    @Test func `folds what does not fit and says what it is`() {
        let lines = Self.story(300, working: 90).lines(at: 10, height: 24)
        #expect(lines.count == 23, "the last line of the terminal is the cursor's")
        #expect(lines[21] == "… and 279 more: 210 waiting, 69 booting")
        #expect(lines[22] == "0 done, 90 working, 210 waiting, 0 failed, 10 s")
    }

    @Test func `puts first what failed, then what is slow, then what works longest`() {
        var story = Story()
        for number in 1...5 { story.bring("quick-\(number)", from: 0, to: 10) }
        story.ask("young", at: 60)
        story.step("young", .cloudInit, at: 60)
        story.ask("slow", at: 30)
        story.step("slow", .cloudInit, at: 30)
        story.tell(.vm("slow"), .console("waiting for the network"), at: 31)
        story.ask("old", "exec", step: Step(word: "exec"), at: 20)
        story.ask("bad", at: 0)
        story.answer("bad", failure: Failure(.io, "disk full"), at: 3)
        let lines = story.lines(at: 65)
        #expect(lines.map { $0.prefix(5) } == ["bad  ", "slow ", "old  ", "young", "5 don"])
        #expect(
            lines[1]
                == "slow   cloud-init     35 s  slow: 35 s in it, others 10 s  │ waiting for the n…")
        #expect(lines[4] == "5 done, 3 working, 1 failed, 1 slow in cloud-init, 1m 05s")
    }

    @Test func `says of many at a glance where they are slow`() {
        var story = Self.story(300, working: 0)
        for number in 0..<300 {
            let name = "vm-" + String(number + 1000).dropFirst()
            story.step(name, .cloudInit, at: 1)
            guard number < 200 else { continue }
            story.step(name, .cloudInit, took: 60, at: 61)
            story.answer(name, at: 61)
        }
        let lines = story.lines(at: 200, height: 24)
        #expect(lines.count == 23)
        #expect(lines[0] == "vm-200  cloud-init   3m 19s  slow: 3m 19s in it, others 60 s")
        #expect(lines[21] == "… and 79 more: 79 slow in cloud-init")
        #expect(lines[22] == "200 done, 100 working, 0 failed, 100 slow in cloud-init, 3m 20s")
    }

    @Test func `keeps each machine in its place as long as it does not begin to matter more`() {
        var story = Story()
        for name in ["c-10", "c-9", "a-1"] {
            story.ask(name, at: 0)
            story.step(name, .disks, at: 1)
        }
        func order() -> [Substring] { story.lines(at: 4).dropLast().map { $0.prefix { $0 != " " } } }
        #expect(order() == ["a-1", "c-9", "c-10"])
        story.step("a-1", .disks, took: 1, at: 2)
        story.step("a-1", .define, at: 2)
        story.step("c-9", .disks, took: 1, at: 2)
        story.step("c-9", .start, at: 3)
        #expect(order() == ["a-1", "c-9", "c-10"])
    }

    @Test func `cuts long names in the middle, where they differ least`() {
        var story = Story()
        for number in 1...2 {
            let name = "fleet-of-web-servers-in-the-north-\(number)"
            story.ask(name, at: 0)
            story.step(name, .disks, at: 1)
        }
        #expect(
            story.lines(at: 2).dropLast().map { String($0.prefix { $0 != " " }) } == [
                "fleet-of-web-…-the-north-1", "fleet-of-web-…-the-north-2",
            ])
    }

    @Test func `shows what is usual, and what is slower than that where no others are`() throws {
        let like = Likeness(
            image: "debian-12", host: "test:///default", acceleration: "kvm", way: .new, goal: "cloud-init")
        let usual = try UsualTimesFixture.times(
            like, step: Step(.cloudInit), .seconds(60), total: .seconds(75))
        var story = Story(usual: usual)
        story.ask("web", at: 0)
        story.step("web", .look, at: 0)
        story.tell(.vm("web"), .isLike(like), at: 0)
        story.step("web", .cloudInit, at: 10)
        #expect(story.lines(at: 40) == ["web  cloud-init     40 s  usually 75 s"])
        #expect(
            story.lines(at: 140) == ["web  cloud-init   2m 20s  slow: 2m 10s in it, usually 60 s"])
        #expect(
            story.record.tellSlow(at: .seconds(140)) == [
                .slow(
                    .vm("web"),
                    Slowness(
                        step: Step(.cloudInit), elapsed: .seconds(130), median: .seconds(60),
                        measure: .usually))
            ])
        #expect(story.record.tellSlow(at: .seconds(150)).isEmpty, "it is told once")
    }

    @Test func `shows a host while it is reached, and not after`() {
        var story = Story()
        let host = Subject.host("qemu+ssh://root@far.example.com/system")
        story.tell(host, .begins(Step(.connect), detail: nil), at: 0)
        #expect(story.lines(at: 3).first?.contains("connect") == true)
        story.tell(host, .ended(Step(.connect), .seconds(3), ok: true), at: 3)
        #expect(story.lines(at: 4).isEmpty)
    }

    @Test func `leaves room for those that run, however many failed`() {
        var story = Self.story(40, working: 40)
        for number in 0..<100 {
            story.ask("bad-\(number)", at: 0)
            story.answer("bad-\(number)", failure: Failure(.io, "disk full"), at: 3)
        }
        let lines = story.lines(at: 10, height: 24)
        #expect(lines.count { $0.contains("disk full") } == 5)
        #expect(lines.count { $0.contains("first-boot") } == 16)
        #expect(lines[21] == "… and 119 more: 95 failed, 24 booting")
    }

    @Test(arguments: [1, 2, 3, 4, 5, 24, 200], [1, 5, 10, 20, 40, 80, 300])
    func `never fills the terminal`(height: Int, width: Int) {
        var story = Self.story(100, working: 50)
        story.ask("機械-" + String(repeating: "長", count: 60), at: 0)
        let lines = story.lines(at: 100, width: width, height: height) { _ in
            String(repeating: "語", count: 400)
        }
        #expect(lines.count <= max(0, height - 1))
        for line in lines { #expect(TerminalText.columns(line) <= max(1, width - 1)) }
    }

    @Test func `says in colours nothing that it does not say in words`() {
        var story = Story()
        story.ask("bad", at: 0)
        story.answer("bad", failure: Failure(.io, "disk full"), at: 3)
        #expect(story.lines(at: 5) == ["bad  up           failed: disk full"])
        #expect(
            story.lines(at: 5, colours: Colours(isOn: true))
                == ["\u{1B}[38;5;160mbad  up           failed: disk full\u{1B}[m"])
    }

    @Test func `reads the consoles of the lines it shows and of no others`() {
        let story = Self.story(1000, working: 1000)
        var read: [String] = []
        let lines = story.lines(at: 10, height: 24) { name in
            read.append(name)
            return "line of \(name)"
        }
        #expect(read.count == 21)
        #expect(lines.prefix(21).allSatisfy { $0.contains("line of") })
    }
}
