import Foundation
import Support
import Testing

extension EndToEnd {
    /// On a libvirt daemon of the test's own, as a domain that starts there needs no time of the killed process.
    @Suite(.enabled(if: geteuid() == 0, "a libvirt daemon of its own is root's to start"))
    struct `Runs that are killed` {
        /// 200 is the whole proof; the test takes about two seconds for each.
        private static var kills: Int {
            ProcessInfo.processInfo.environment["LIMIQ_TEST_KILLS"].flatMap { Int($0) } ?? 40
        }

        /// The calls by which a file or folder gets or loses its name or is brought to the disk.
        private static let calls = [
            "mkdir", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "fsync", "fdatasync",
        ]

        @Test func `at every step of making a VM and of removing it`() async throws {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let fleet = try Fleet(home, count: 1)
                    let (up, remove) = (fleet.words, ["rm"] + fleet.names)
                    for words in [up, remove] {
                        var kills = 0
                        for call in Self.calls {
                            kills += try await killAtEach(call, of: words, fleet, daemon)
                        }
                        #expect(kills > (words == up ? 10 : 7), "\(words[0]) was killed \(kills) times")
                    }
                }
            }
        }

        /// Kills a run at its first call of that name, another at its second, until one ends by itself.
        ///
        /// - Returns: how many were killed.
        private func killAtEach(
            _ call: String, of words: [String], _ fleet: Fleet, _ daemon: PrivateDaemon
        ) async throws -> Int {
            for step in 1...100 {
                let what = "\(words[0]), \(call) \(step)"
                let isRemoval = words[0] == "rm"
                if isRemoval { try await expectUp(fleet, daemon, "before \(what)") }
                let killed = try fleet.home.start(words, under: Self.killing(at: call, step))
                let result = await killed.result()
                try #require([0, 137, 9].contains(result.status), "\(what): \(result.errors)")
                if result.status == 0 {
                    try await expectRemoved(fleet, daemon, what)
                    return step - 1
                }
                // What is not finished is made by the next run, or collected.
                if !isRemoval {
                    try await expectUp(fleet, daemon, what)
                    try await expectRemoved(fleet, daemon, what)
                    let again = try fleet.home.start(words, under: Self.killing(at: call, step))
                    _ = await again.result()
                }
                try await expectCollected(fleet, daemon, what)
                try await expectRemoved(fleet, daemon, what)
            }
            Issue.record("\(words[0]) has no end of \(call)")
            return 0
        }

        private static func killing(at call: String, _ step: Int) -> [String] {
            // strace counts by thread and by name, and one thread makes or removes a VM.
            [
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                "inject=\(call):signal=SIGKILL:when=\(step)",
            ]
        }

        @Test func `at random moments of a run of 20 VMs, and of their removal`() async throws {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let fleet = try Fleet(home, count: 20)
                    var generator = SeededGenerator(state: 20)
                    var whole = Duration.seconds(60)
                    // The time of the quickest: kills that come after a run's end kill nothing.
                    for number in 1...3 {
                        let began = ContinuousClock.now
                        try await expectUp(fleet, daemon, "run \(number)")
                        whole = min(whole, ContinuousClock.now - began)
                        try await expectRemoved(fleet, daemon, "run \(number)")
                    }
                    var unfinished = 0
                    for kill in 1...Self.kills {
                        let share = Int.random(in: 0..<1000, using: &generator)
                        let what = "kill \(kill) after \(share) ‰ of a run"
                        try await killed(fleet.words, in: home, after: whole * share / 1000)
                        let survey = try await home.limiq("gc", "--dry-run")
                        #expect(survey.status == 0, "\(what): \(survey.errors)")
                        unfinished += survey.lines.isEmpty ? 0 : 1
                        if kill.isMultiple(of: 4) { try await expectCollected(fleet, daemon, what) }
                        try await expectUp(fleet, daemon, what)
                        if kill.isMultiple(of: 2) {
                            try await killed(["rm"] + fleet.names, in: home, after: whole * share / 2000)
                            try await expectCollected(fleet, daemon, "\(what), then of a removal")
                        }
                        try await expectRemoved(fleet, daemon, what)
                    }
                    #expect(unfinished * 4 > Self.kills, "most kills leave something: \(unfinished)")
                }
            }
        }

        @Test func `at random moments of starting guests, which run once each in the end`() async throws {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let fleet = try Fleet(home, count: 6)
                    var generator = SeededGenerator(state: 6)
                    let words = fleet.words + ["--set", "start=true"]
                    for kill in 1...max(2, Self.kills / 10) {
                        let moment = Int.random(in: 0..<3000, using: &generator)
                        try await killed(words, in: home, after: .milliseconds(moment))
                        let run = try home.start(words)
                        let again = await run.result()
                        #expect(again.status == 0, "kill \(kill): \(again.errors)")
                        let list = try await daemon.virsh("list", "--state-running", "--name")
                        let problems = fleet.problems(list: list.output, runtime: ["console.log"])
                        #expect(problems.isEmpty, "kill \(kill) after \(moment) ms: \(problems)")
                        #expect(daemon.guests.count == fleet.names.count, "kill \(kill): a process each")
                        try await expectRemoved(fleet, daemon, "kill \(kill)")
                        #expect(daemon.guests.isEmpty, "kill \(kill)")
                    }
                }
            }
        }

        private func killed(_ words: [String], in home: Home, after time: Duration) async throws {
            let run = try home.start(words)
            try await Task.sleep(for: time)
            run.signal(SIGKILL)
            _ = await run.result()
        }

        /// Runs the script: each machine is there once, and nothing is left over.
        private func expectUp(_ fleet: Fleet, _ daemon: PrivateDaemon, _ what: String) async throws {
            let run = try fleet.home.start(fleet.words)
            let result = await run.result()
            #expect(result.status == 0, "\(what): \(result.errors)")
            let problems = fleet.problems(list: try await daemon.virsh("list", "--all", "--name").output)
            #expect(problems.isEmpty, "\(what), run again: \(problems)")
            let survey = try await fleet.home.limiq("gc", "--dry-run")
            #expect(survey.status == 0 && survey.output.isEmpty, "\(what): \(survey.output)\(survey.errors)")
        }

        /// Runs `gc`: what is left is whole.
        private func expectCollected(_ fleet: Fleet, _ daemon: PrivateDaemon, _ what: String) async throws {
            let collected = try await fleet.home.limiq("gc")
            #expect(collected.status == 0, "\(what): \(collected.errors)")
            let list = try await daemon.virsh("list", "--all", "--name")
            let domains = list.output.split(separator: "\n").map(String.init).sorted()
            #expect(fleet.home.machines == domains, "\(what): \(fleet.home.machines), \(domains)")
            let survey = try await fleet.home.limiq("gc", "--dry-run")
            #expect(survey.output.isEmpty, "\(what): \(survey.output)")
        }

        /// Removes the machines that are there: nothing is left.
        private func expectRemoved(_ fleet: Fleet, _ daemon: PrivateDaemon, _ what: String) async throws {
            let machines = fleet.home.machines
            if !machines.isEmpty {
                let run = try fleet.home.start(["rm"] + machines)
                let removed = await run.result()
                #expect(removed.status == 0, "\(what): \(removed.errors)")
            }
            let problems = fleet.leftovers(list: try await daemon.virsh("list", "--all", "--name").output)
            #expect(problems.isEmpty, "\(what), removed: \(problems)")
        }
    }
}
