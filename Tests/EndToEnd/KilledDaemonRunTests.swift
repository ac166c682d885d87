import Foundation
import Hypervisors
import Support
import Testing

extension EndToEnd {
    /// On daemons of limiq's own, as root has them: what libvirt itself keeps counts too.
    @Suite(.enabled(if: geteuid() == 0, "they are root's"))
    struct `Runs that are killed, with libvirt's daemons on demand` {
        /// 200 is the whole proof; each round of two takes half a minute.
        private static var kills: Int {
            ProcessInfo.processInfo.environment["LIMIQ_TEST_KILLS"].flatMap { Int($0) } ?? 6
        }

        @Test func `leave nothing, with UEFI and a TPM among ten machines, of libvirt's neither`()
            async throws
        {
            try await Home.with { home in
                let fleet = try Fleet(home, count: 10, hasFirmware: true)
                let words = fleet.words + ["--set", "start=true"]
                var generator = SeededGenerator(state: 10)
                var whole = try await expectUp(words, home, "the first run")
                var removal = try await expectRemoved(fleet, "the first run")
                for round in 1...max(1, Self.kills / 2) {
                    let shares = (0..<2).map { _ in Int.random(in: 0..<1000, using: &generator) }
                    let what = "round \(round): run killed after \(shares[0]) ‰, removal after \(shares[1]) ‰"
                    try await killed(words, in: home, after: whole * shares[0] / 1000)
                    if round.isMultiple(of: 3) {
                        let collected = try await home.limiq("gc")
                        #expect(collected.status == 0, "\(what): \(collected.errors)")
                    }
                    whole = try await expectUp(words, home, what)
                    try await killed(["rm"] + fleet.names, in: home, after: removal * shares[1] / 1000)
                    removal = try await expectRemoved(fleet, what)
                }
                // Without a machine and a command they have no reason to stay.
                let daemon = pid_t(fileText(home.daemons.runtime + "/libvirtd.pid").filter(\.isNumber))
                let end = ContinuousClock.now + .seconds(60)
                while let daemon, isRunning(daemon), ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(200))
                }
                #expect(daemon.map(isRunning) == false, "libvirtd ends by itself")
            }
        }

        /// - Returns: how long it took.
        private func expectUp(_ words: [String], _ home: Home, _ what: String) async throws -> Duration {
            let began = ContinuousClock.now
            let run = try await home.start(words).result()
            #expect(run.status == 0, "\(what), run again: \(run.errors)")
            #expect(home.guests.count == 10, "\(what): a process each")
            return began.duration(to: .now)
        }

        private func expectRemoved(_ fleet: Fleet, _ what: String) async throws -> Duration {
            let (home, began) = (fleet.home, ContinuousClock.now)
            // Those of which a killed removal has left nothing are no machines any more.
            let left = home.machines
            if !left.isEmpty {
                let removed = try await home.start(["rm"] + left).result()
                #expect(removed.status == 0, "\(what): \(removed.errors)")
            }
            let took = began.duration(to: .now)
            let collected = try await home.limiq("gc")
            #expect(collected.status == 0, "\(what): \(collected.errors)")
            let list = try await home.limiq("list")
            let problems = fleet.leftovers(list: list.output) + leftOfLibvirt(home)
            #expect(problems.isEmpty, "\(what), removed: \(problems)")
            return took
        }

        private func leftOfLibvirt(_ home: Home) -> [String] {
            let (lasting, runtime) = (home.daemons.folder, home.daemons.runtime + "/run")
            let states = folderNames(lasting + "/lib/qemu")
                .filter { $0.hasPrefix("domain-") || $0.hasPrefix("qmp-") }
            let folders = [
                lasting + "/lib/qemu/nvram", lasting + "/lib/qemu/save", lasting + "/lib/swtpm",
                lasting + "/log/qemu", lasting + "/log/swtpm/libvirt/qemu", runtime + "/qemu/swtpm",
            ]
            let statuses = folderNames(runtime + "/qemu").filter { name in
                name != "driver.pid" && (name.hasSuffix(".xml") || name.hasSuffix(".pid"))
            }
            let files = folders.flatMap { folder in folderNames(folder).map { "\(folder)/\($0)" } }
            let processes = folderNames("/proc").compactMap { pid_t($0) }.filter { process in
                let line = fileText("/proc/\(process)/cmdline")
                return isRunning(process) && line.contains("swtpm")
                    && fileText("/proc/\(process)/mountinfo").contains(lasting)
            }
            return states + files + statuses + processes.map { "process \($0)" }
                + home.guests.map { "the guest \($0)" }
        }

        private func killed(_ words: [String], in home: Home, after time: Duration) async throws {
            let run = try home.start(words)
            try await Task.sleep(for: time)
            run.signal(SIGKILL)
            _ = await run.result()
        }
    }
}
