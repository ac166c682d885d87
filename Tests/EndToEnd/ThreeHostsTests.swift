import Foundation
import Support
import Testing

/// `scripts/three-hosts.lua`, and what happens to several hosts while a script runs. Each host is an ordinary user of this
/// machine with an ssh server and a libvirt session of their own.
extension EndToEnd {
    @Suite(
        .enabled(
            if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
    struct `scripts/three-hosts.lua` {
        /// Runs `body` with hosts, a state folder, and the small guest's disk in it.
        private static func with(
            _ count: Int, _ body: ([RemoteHost], Home, _ image: String) async throws -> Void
        ) async throws {
            try await RemoteHost.with(count) { hosts in
                try await Home.with { home in
                    try TestGuest.writeDisk(home.path + "/tiny.raw")
                    try await body(hosts, home, home.path + "/tiny.raw")
                }
            }
        }

        private static func domains(_ host: RemoteHost) async throws -> [String] {
            try await command("virsh", ["-c", host.uri, "-q", "list", "--all", "--name"]).lines.sorted()
        }

        @Test
        func
            `spreads machines over three hosts, changes nothing the second time, and leaves nothing when they are removed`()
            async throws
        {
            try await Self.with(3) { hosts, home, image in
                func run() async throws -> CommandResult {
                    try await home.limiq(
                        "run", "\(repository)/scripts/three-hosts.lua", "--set",
                        "hosts=" + hosts.map(\.uri).joined(separator: " "), "--set", "image=\(image)",
                        "--set", "memory=64MiB", "--set", "wait=running")
                }
                let first = try await run()
                #expect(first.status == 0, "\(first.errors)")
                #expect(first.lines.count == 6)
                for host in hosts {
                    #expect(first.lines.filter { $0.contains(host.uri) }.count == 2)
                    #expect(try await Self.domains(host).count == 2)
                    #expect(host.processes(with: "guest=web-").count == 2)
                    #expect(host.volumes.filter { $0.hasPrefix("tiny-") }.count == 1)
                }
                let before = hosts.map { $0.processes(with: "guest=web-").sorted() }
                let second = try await run()
                #expect(second.status == 0, "\(second.errors)")
                #expect(second.output == first.output)
                #expect(hosts.map { $0.processes(with: "guest=web-").sorted() } == before)
                for host in hosts {
                    let names = try await Self.domains(host)
                    for name in names {
                        let removed = try await home.limiq("rm", "--connect", host.uri, name)
                        #expect(removed.status == 0, "\(removed.errors)")
                    }
                    #expect(try await Self.domains(host) == [])
                    #expect(host.volumes.count == 1)
                }
                #expect(home.machines == [])
            }
        }

        /// Places machines, tells which are up, and waits until each is off.
        private static let waiting = """
            local limiq = require "limiq"
            local wanted = limiq.params { hosts = "", image = "", count = 4, wait = true }
            local uris = {}
            for uri in wanted.hosts:gmatch "%S+" do uris[#uris + 1] = uri end
            local hosts = limiq.hosts(uris, { allow_down = true })
            local names = {}
            for number = 1, wanted.count do names[number] = "web-" .. number end
            limiq.each(names, function(name)
                local vm = hosts.vm { name = name, memory = "64MiB", disks = { { id = "boot", backing_file = wanted.image } } }
                vm:up { wait = "running" }
                print("up", name, vm.uri)
                if wanted.wait then
                    vm:wait("stopped", { timeout = "5m" })
                    print("done", name)
                end
            end)
            """

        private static func words(_ hosts: [RemoteHost], _ image: String, _ count: Int, wait: Bool)
            -> [String]
        {
            let uris = hosts.map(\.uri).joined(separator: " ")
            return ["hosts=\(uris)", "image=\(image)", "count=\(count)", "wait=\(wait)"].flatMap {
                ["--set", $0]
            }
        }

        /// An image that takes a while to upload.
        private static func writeLargeImage(_ path: String) async throws {
            let made = try await command("sh", ["-c", "head -c \(largeImage) /dev/urandom >\(path)"])
            #expect(made.status == 0)
        }
        private static let largeImage = 200 << 20

        /// The bytes of that image that are on a host.
        private static func uploaded(_ host: RemoteHost) -> Int {
            let name = host.volumes.first { $0.hasPrefix("big-") } ?? "none"
            let size = try? FileManager.default.attributesOfItem(atPath: "\(host.pool)/\(name)")[.size]
            return (size as? Int) ?? 0
        }

        /// Waits until a part of the image is there.
        private static func awaitUpload(_ host: RemoteHost) async throws {
            let deadline = ContinuousClock.now + .seconds(120)
            while uploaded(host) < 1 << 20, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(2))
            }
        }

        @Test
        func
            `while a host stops in the middle of an upload the others' machines come up; the next run completes it`()
            async throws
        {
            try await Self.with(2) { hosts, home, _ in
                let image = home.path + "/big.raw"
                try await Self.writeLargeImage(image)
                let script = try home.script("waiting", Self.waiting)
                let words = ["run", script] + Self.words(hosts, image, 4, wait: false)
                let running = try home.start(words)
                try await Self.awaitUpload(hosts[1])
                hosts[1].stop()
                #expect((1..<Self.largeImage).contains(Self.uploaded(hosts[1])))
                let first = await running.result()
                #expect(first.status == 1)
                let up = first.lines.filter { $0.hasPrefix("up") && $0.hasSuffix(hosts[0].uri) }
                #expect(up.count == 2 && first.lines.count == 2, "\(first.output)")
                #expect(first.errors.contains("2 of 4 failed"))
                for name in ["web-1", "web-2", "web-3", "web-4"]
                where !up.contains(where: { $0.contains(name) }) {
                    let line = first.errors.split(separator: "\n").first { $0.contains("  \(name): ") }
                    #expect(line?.contains(hosts[1].uri) == true, "\(first.errors)")
                }

                try await hosts[1].start()
                let second = try await (home.start(words)).result()
                #expect(second.status == 0, "\(second.errors)")
                #expect(hosts.map { $0.processes(with: "guest=web-").count } == [2, 2])
                #expect(hosts[1].volumes.filter { $0.hasPrefix("big-") }.count == 1)
            }
        }

        @Test
        func
            `a host that stops in the middle fails its own machines, by name; they are where they were when it is back`()
            async throws
        {
            try await Self.with(2) { hosts, home, image in
                let script = try home.script("waiting", Self.waiting)
                func run(_ count: Int, wait: Bool) throws -> RunningCommand {
                    try home.start(["run", script] + Self.words(hosts, image, count, wait: wait))
                }
                let running = try run(4, wait: true)
                let deadline = ContinuousClock.now + .seconds(120)
                while hosts.contains(where: { $0.processes(with: "guest=web-").count < 2 }),
                    ContinuousClock.now < deadline
                {
                    try await Task.sleep(for: .milliseconds(100))
                }
                // The waits have begun by then.
                try await Task.sleep(for: .seconds(3))
                let mine = try await Self.domains(hosts[0])
                let lost = try await Self.domains(hosts[1])
                #expect(mine.count == 2 && lost.count == 2)
                hosts[1].stop()
                for name in mine { _ = try await command("virsh", ["-c", hosts[0].uri, "destroy", name]) }
                let first = await running.result()
                #expect(first.status == 1)
                #expect(first.lines.filter { $0.hasPrefix("done") }.count == 2)
                #expect(first.errors.contains("2 of 4 failed"))
                for name in lost {
                    let line = first.errors.split(separator: "\n").first { $0.contains("  \(name): ") }
                    #expect(line?.contains(hosts[1].uri) == true, "\(first.errors)")
                }

                // It is still down: the others come up, a new one too, and its machines are put nowhere else.
                let second = await (try run(5, wait: false)).result()
                #expect(second.status == 1)
                let up = second.lines.filter { $0.hasPrefix("up") && $0.hasSuffix(hosts[0].uri) }
                #expect(up.count == 3, "\(second.output)")
                for name in lost {
                    #expect(
                        second.errors.contains(
                            "the machine \(name) is on \(hosts[1].uri), which does not answer")
                    )
                }
                #expect(try await Self.domains(hosts[0]) == (mine + ["web-5"]).sorted())

                try await hosts[1].start()
                let third = await (try run(5, wait: false)).result()
                #expect(third.status == 0, "\(third.errors)")
                #expect(try await Self.domains(hosts[0]) == (mine + ["web-5"]).sorted())
                #expect(try await Self.domains(hosts[1]) == lost)
                #expect(hosts[1].processes(with: "guest=web-").count == 2)
            }
        }

        @Test func `an upload that is killed is begun anew by the next run, and its half is removed`()
            async throws
        {
            try await Self.with(1) { hosts, home, _ in
                let host = hosts[0]
                let image = home.path + "/big.raw"
                try await Self.writeLargeImage(image)
                let script = try home.script(
                    "big",
                    """
                    local limiq = require "limiq"
                    local hosts = limiq.hosts { "\(host.uri)" }
                    local vm = hosts.vm { name = "web", memory = "64MiB", disks = { { id = "boot", backing_file = "\(image)" } } }
                    print(vm:up({ wait = "running" }).changed)
                    """)
                let running = try home.start(["run", script])
                try await Self.awaitUpload(host)
                running.signal(SIGKILL)
                #expect(await running.result().status == SIGKILL)
                #expect((1..<Self.largeImage).contains(Self.uploaded(host)))

                let again = try await home.limiq("run", script)
                #expect(again.status == 0, "\(again.errors)")
                #expect(again.output == "true\n")
                #expect(again.errors.contains("left half-way"), "\(again.errors)")
                let images = host.volumes.filter { $0.hasPrefix("big-") }
                #expect(images.count == 1)
                let same = try await command("cmp", [image, "\(host.pool)/\(images.first ?? "")"])
                #expect(same.status == 0, "\(same.output)")
                #expect(try await home.limiq("run", script).output == "false\n")
                #expect(try await home.limiq("rm", "--connect", host.uri, "web").status == 0)
                #expect(host.volumes == images)
            }
        }
    }
}
