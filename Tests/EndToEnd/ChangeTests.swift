import Foundation
import Support
import Testing

extension EndToEnd {
    /// A guest of its own, as it is started anew here. What it sees is its kernel's word; what libvirt has is virsh's, on the
    /// system daemon.
    @Suite(.serialized) struct `Changing a machine` {
        /// - Parameter fields: of the spec, beside those every version of it has.
        private static func script(
            memory: String = "768MiB", cores: Int = 1, size: Int = 4, disk: String = "", nic: String = "",
            more: String = "", userData: String = "", up: String = #"{ timeout = "15m" }"#
        ) -> String {
            """
            local limiq = require "limiq"
            local vm = limiq.vm {
                name = "changing", memory = "\(memory)", max_memory = "1GiB", cpu_cores = \(cores), max_cpu_cores = 2,
                disks = { { id = "boot", size = "\(size)GiB", bootable = true,
                            backing_file = limiq.image "debian-12"\(disk) } },
                nics = { { id = "user" }, { id = "lan", bridge = limiq.env.get "LQ_BRIDGE"\(nic) } }, \(more)
                cloud_init = { user_data = { ssh_pwauth = false\(userData) } },
            }
            local report = vm:up \(up)
            print(limiq.json.encode { changed = report.changed, changes = report.changes, pending = report.pending })
            """
        }

        private struct Report: Decodable {
            struct Change: Decodable, Equatable {
                var path: String
                var kind: String
                var cause: String
                var reason: String?
            }
            struct Step: Decodable {
                var kind: String
                var changes: [Change]?
                var pending: [Change]?
            }
            var changes: [Change]
            var pending: [Change]
        }

        private struct Document: Decodable {
            var changes: Bool
            var complete: Bool
            var steps: [Report.Step]
        }

        /// A host with a bridge and a state folder, and the commands against it.
        private struct Site {
            let home: Home
            let bridge: String
            /// The kernel has what libvirt limits a bandwidth with.
            let limitsBandwidth: Bool

            func virsh(_ words: String...) async throws -> String {
                let result = try await command("virsh", ["-q", "-c", TestDaemon.uri] + words)
                try #require(result.status == 0, "virsh \(words): \(result.errors)")
                return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
            }

            func write(_ text: String) throws -> String {
                try home.script(
                    "change", text.replacing(#"limiq.env.get "LQ_BRIDGE""#, with: "\"\(bridge)\""))
            }

            /// What the plan says, and what the run that follows does; they must agree.
            func change(_ text: String) async throws -> Report {
                let script = try write(text)
                let plan = try await home.limiq("plan", script, "--json")
                #expect(plan.status == 2, "\(plan.output) \(plan.errors)")
                let planned = try JSONDecoder().decode(Document.self, from: Data(plan.output.utf8))
                #expect(planned.changes && planned.complete)
                let step = try #require(planned.steps.first { $0.kind == "vm" })
                let report = try await run(script)
                #expect(step.changes ?? [] == report.changes, "\(plan.output)")
                #expect(step.pending ?? [] == report.pending, "\(plan.output)")
                let after = try await home.limiq("plan", script)
                #expect(after.status == 0, "\(after.output)")
                return report
            }

            func run(_ script: String) async throws -> Report {
                let result = try await home.limiq("run", script)
                try #require(result.status == 0, "\(result.errors)")
                return try JSONDecoder().decode(Report.self, from: Data((result.lines.last ?? "").utf8))
            }

            /// A shell in the guest.
            func shell(_ text: String) async throws -> String {
                let look = try home.script(
                    "look",
                    """
                    local guest = require("limiq").domain.get "changing"
                    io.write(guest:exec({ "sh", "-c", [==[\(text)]==] }).stdout)
                    """)
                let result = try await home.limiq("run", look)
                try #require(result.status == 0, "\(result.errors)")
                return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
            }
        }

        @Test(.timeLimit(.minutes(40)))
        func `live, at a new start, by hand: each as a plan says, in the guest and in libvirt`() async throws
        {
            try await TestDaemon.withSystemDaemon {
                try await Home.with(on: TestDaemon.uri) { home in
                    try await home.linkImage("debian-12")
                    let bridge = "lq\(UInt16.random(in: 0...UInt16.max))"
                    let made = try await command("ip", ["link", "add", bridge, "type", "bridge"])
                    try #require(made.status == 0, "\(made.errors)")
                    let sfq = try await command(
                        "tc", ["qdisc", "add", "dev", bridge, "root", "handle", "5:", "sfq"])
                    if sfq.status == 0 {
                        _ = try await command("tc", ["qdisc", "del", "dev", bridge, "root"])
                    }
                    let site = Site(home: home, bridge: bridge, limitsBandwidth: sfq.status == 0)
                    do {
                        try await live(site)
                        try await devices(site)
                        try await restart(site)
                        try await drift(site)
                    } catch {
                        _ = try? await command("ip", ["link", "delete", bridge])
                        throw error
                    }
                    _ = try await home.limiq("rm", "changing")
                    _ = try await command("ip", ["link", "delete", bridge])
                }
            }
        }

        private func live(_ site: Site) async throws {
            let first = try site.write(Self.script())
            let plan = try await site.home.limiq("plan", first)
            #expect(plan.status == 2 && plan.output.hasPrefix("+ vm changing  make\n"), "\(plan.output)")
            #expect(
                try await command("virsh", ["-q", "-c", TestDaemon.uri, "list", "--all", "--name"]).output
                    .contains("changing") == false)
            _ = try await site.run(first)
            #expect(try await site.home.limiq("plan", first).status == 0)

            let report = try await site.change(
                Self.script(
                    memory: "1GiB", cores: 2, size: 6, disk: ", iops_limit = 500, throughput_mbps = 50",
                    nic: site.limitsBandwidth ? ", bandwidth_mbps = 80" : "",
                    more:
                        #"labels = { tier = "web" }, cdroms = { { id = "rescue", iso_path = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso" } },"#
                ))
            #expect(
                report.changes.map(\.path) == [
                    "cdroms[1]", "disks[1].iops_limit", "disks[1].size_gib",
                    "disks[1].throughput_mbps", "labels.tier", "memory_mib",
                ] + (site.limitsBandwidth ? ["nics[2].bandwidth_mbps"] : []))
            #expect(report.changes.allSatisfy { $0.kind == "live" })
            // The guest is emulated.
            #expect(report.pending.map(\.path) == ["cpu_cores"])
            #expect(report.pending.first?.reason?.hasPrefix("QEMU that emulates processors may end") == true)
            #expect(try await site.shell("lsblk -bdno SIZE /dev/vda") == "\(6 << 30)")
            #expect(
                Int(try await site.shell("df --output=size / | tail -n 1")) ?? 0 > 5_600_000,
                "the file system has grown with its disk")
            #expect(try await site.shell("nproc") == "1")
            #expect(Int(try await site.shell("awk '/MemTotal/ { print $2 }' /proc/meminfo")) ?? 0 > 900_000)
            #expect(try await site.shell("lsblk -dno NAME /dev/sr*").split(separator: "\n").count == 2)
            let tune = try await site.virsh("blkdeviotune", "changing", "vda")
            #expect(
                tune.contains("total_iops_sec : 500") && tune.contains("total_bytes_sec: 50000000"), "\(tune)"
            )
            if site.limitsBandwidth {
                let rate = try await site.virsh("domiftune", "changing", try await tap(site))
                #expect(rate.contains("inbound.average: 10000"), "\(rate)")
            }
            let shown = try await site.home.limiq("show", "changing")
            #expect(shown.output.contains("tier=web"))
        }

        /// A disk and a nic come and go; a disk in use stays.
        private func devices(_ site: Site) async throws {
            func script(_ more: Bool) -> String {
                let plain = Self.script(
                    memory: "1GiB", cores: 2, size: 6, more: #"labels = { tier = "web" }, "#)
                guard more else { return plain }
                return plain.replacing(
                    "\"debian-12\" } },", with: #""debian-12" }, { id = "data", size = "1GiB" } },"#
                )
                .replacing(#"get "LQ_BRIDGE" }"#, with: #"get "LQ_BRIDGE" }, { id = "more" }"#)
            }
            func guest() async throws -> [String] {
                try await site.shell("lsblk -dno NAME,SERIAL | grep ^vd; ls /sys/class/net").split(
                    separator: "\n"
                ).map {
                    $0.split(separator: " ").joined(separator: " ")
                }
            }
            let before = try await guest()
            let added = try await site.change(script(true))
            #expect(added.changes.filter { $0.cause == "script" }.map(\.path).contains("disks[2]"))
            #expect(added.changes.map(\.path).contains("nics[3]"))
            #expect(added.pending.map(\.path) == ["cpu_cores"])
            let after = try await guest()
            #expect(after.contains("vdb data") && after.count == before.count + 2, "\(before) \(after)")

            _ = try await site.shell("mkfs.ext4 -q /dev/vdb && mount /dev/vdb /mnt && echo kept >/mnt/file")
            let used = try await site.change(script(false))
            #expect(used.changes.map(\.path) == ["nics[3]"])
            #expect(used.pending.map(\.path) == ["cpu_cores", "disks[2]"])
            #expect(used.pending.last?.reason == "vdb is mounted at /mnt")
            #expect(try await site.shell("cat /mnt/file") == "kept")
            #expect(try await guest().count == before.count + 1)

            _ = try await site.shell("umount /mnt")
            let removed = try await site.change(script(false))
            #expect(removed.changes.map(\.path) == ["disks[2]"])
            #expect(try await guest() == before)

            // It comes back with what is on it, and a run that is killed while it takes it out is made up for.
            _ = try await site.change(script(true))
            #expect(try await site.shell("mount /dev/vdb /mnt && cat /mnt/file && umount /mnt") == "kept")
            let killed = try site.home.start(["run", try site.write(script(false))])
            try await Task.sleep(for: .seconds(3))
            killed.signal(SIGKILL)
            _ = await killed.result()
            _ = try await site.run(try site.write(script(false)))
            #expect(try await guest() == before)
            #expect(try await site.home.limiq("plan", try site.write(script(false))).status == 0)
        }

        private func restart(_ site: Site) async throws {
            func script(_ up: String) -> String {
                Self.script(
                    memory: "1GiB", cores: 2, size: 6,
                    more: #"labels = { tier = "db" }, "#,
                    userData: #", write_files = { { path = "/root/again", content = "again\n" } }"#,
                    up: up
                ).replacing(
                    "disks = { {", with: #"disks = { { id = "more", size = "1GiB", bus = "sata" }, {"#)
            }
            let waiting = try await site.change(script(#"{ wait = "running" }"#))
            #expect(waiting.pending.map(\.path) == ["cloud_init.user_data", "cpu_cores", "disks[1]"])
            #expect(waiting.changes.contains { $0.path == "labels.tier" })
            #expect(try await site.shell("ls /sys/block | grep vd") == "vda")

            let done = try await site.change(script(#"{ restart = true, timeout = "15m" }"#))
            #expect(done.changes.map(\.path) == ["cloud_init.user_data", "cpu_cores", "disks[1]"])
            #expect(done.pending.isEmpty)
            #expect(try await site.shell("cat /root/again; nproc") == "again\n2")
            // The guest's kernel knows no SATA.
            #expect(try await site.virsh("dumpxml", "changing").contains("ua-disk-more"))
        }

        private func drift(_ site: Site) async throws {
            _ = try await site.virsh("setmem", "changing", "900MiB", "--live")
            _ = try await site.virsh("setvcpus", "changing", "1", "--config")
            _ = try await site.virsh("domif-setlink", "changing", try await tap(site), "down")
            for _ in 0..<100
            where try await !site.virsh("dominfo", "changing").contains("Used memory:    921600 KiB") {
                try await Task.sleep(for: .milliseconds(200))
            }
            let script = "\(site.home.path)/change.lua"
            let plan = try await site.home.limiq("plan", script)
            #expect(plan.status == 2)
            for path in [
                "memory_mib  900 → 1024  live, changed by hand", "cpu_cores  1 → 2",
                "nics[2].link  down → up",
            ] {
                #expect(plan.output.contains(path), "\(plan.output)")
            }
            let report = try await site.run(script)
            #expect(report.changes.map(\.path) == ["cpu_cores", "memory_mib", "nics[2].link"])
            #expect(try await site.home.limiq("plan", script).status == 0)
            #expect(try await site.virsh("vcpucount", "changing", "--config", "--current") == "2")

            _ = try await site.virsh("define", try foreign(site))
            let other = try site.home.script("other", #"require("limiq").vm { name = "foreign" }:up()"#)
            for verb in ["plan", "run"] {
                let refused = try await site.home.limiq(verb, other)
                #expect(
                    refused.status == 1 && refused.errors.contains("was not made by limiq"),
                    "\(refused.errors)")
            }
            _ = try await site.virsh("undefine", "foreign")
        }

        private func tap(_ site: Site) async throws -> String {
            let interfaces = try await site.virsh("domiflist", "changing")
            return interfaces.split(separator: "\n").first { $0.contains(site.bridge) }?.split(separator: " ")
                .first
                .map(String.init) ?? ""
        }

        private func foreign(_ site: Site) throws -> String {
            let path = site.home.path + "/foreign.xml"
            try TestGuest.domain("foreign").write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
    }
}
