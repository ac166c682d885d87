import Foundation
import Support
import Testing

extension EndToEnd {
    /// The host is an ordinary user of this machine with an ssh server and a libvirt session of their own.
    @Suite(
        .enabled(
            if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
    struct `Changes on another machine that are killed` {
        /// At each turn another seed, other files in a drive, another limit, and at each second one a new disk.
        private static let script = """
            local limiq = require "limiq"
            local wanted = limiq.params { host = "", image = "", turn = 0 }
            local turn = tostring(wanted.turn)
            local disks = {
                { id = "boot", bootable = true, backing_file = wanted.image, iops_limit = 100 + wanted.turn },
            }
            for number = 2, wanted.turn, 2 do disks[#disks + 1] = { id = "data-" .. number, size = "1GiB" } end
            limiq.connect(wanted.host).vm({
                name = "web", memory = "64MiB", labels = { turn = turn }, disks = disks,
                cdroms = { { id = "notes", label = "NOTES", files = { turn = turn } } },
                cloud_init = { user_data = "#cloud-config\\nhostname: turn-" .. turn .. "\\n" },
            }):up { wait = "running" }
            """

        @Test func `at a random moment of each are completed by the next run, with nothing left over`()
            async throws
        {
            try await RemoteHost.with(1) { hosts in
                try await Home.with { home in
                    let image = home.path + "/tiny.raw"
                    try TestGuest.writeDisk(image)
                    let script = try home.script("web", Self.script)
                    func words(_ word: String, _ turn: Int) -> [String] {
                        [word, script]
                            + ["host=\(hosts[0].uri)", "image=\(image)", "turn=\(turn)"].flatMap {
                                ["--set", $0]
                            }
                    }
                    var generator = SeededGenerator(state: 12)
                    var (kills, whole) = (0, Duration.zero)
                    for turn in 0..<20 {
                        // The first change says how long one takes.
                        if turn > 1 {
                            let killed = try home.start(words("run", turn))
                            try await Task.sleep(for: whole * Double.random(in: 0.1...1, using: &generator))
                            killed.signal(SIGKILL)
                            if await killed.result().status != 0 { kills += 1 }
                        }
                        let start = ContinuousClock.now
                        let run = try await home.start(words("run", turn)).result()
                        if turn == 1 { whole = .now - start }
                        try #require(run.status == 0, "turn \(turn): \(run.errors)")
                        let plan = try await home.start(words("plan", turn)).result()
                        #expect(plan.status == 0, "turn \(turn): \(plan.output)")
                        try await Self.expectWhole(hosts[0], turn)
                    }
                    #expect(kills > 8, "\(kills) of 18 changes were killed")
                    let removed = try await home.limiq("rm", "--connect", hosts[0].uri, "web")
                    #expect(removed.status == 0, "\(removed.errors)")
                    #expect(hosts[0].volumes.filter { !$0.hasPrefix("tiny-") } == [])
                    #expect(home.machines == [])
                }
            }
        }

        /// One guest, its volumes and no others, and in them what the script said last.
        private static func expectWhole(_ host: RemoteHost, _ turn: Int) async throws {
            let disks = stride(from: 2, through: turn, by: 2).map { "web.data-\($0).qcow2" }
            let expected =
                ["web.boot.qcow2", "web.cdrom-notes.iso", "web.console.log", "web.seed.iso"] + disks
            #expect(
                host.volumes.filter { !$0.hasPrefix("tiny-") } == expected.sorted(), "turn \(turn)")
            #expect(host.processes(with: "guest=web").count == 1, "turn \(turn)")
            for (volume, file, text) in [
                ("web.cdrom-notes.iso", "/turn", "\(turn)"),
                ("web.seed.iso", "/user-data", "#cloud-config\nhostname: turn-\(turn)\n"),
            ] {
                let read = try await command("isoinfo", ["-R", "-x", file, "-i", "\(host.pool)/\(volume)"])
                #expect(read.output == text, "turn \(turn): \(read.errors)")
            }
            for disk in disks {
                let check = try await command("qemu-img", ["check", "-q", "-U", "\(host.pool)/\(disk)"])
                #expect(check.status == 0, "turn \(turn): \(disk): \(check.errors)")
            }
        }
    }
}
