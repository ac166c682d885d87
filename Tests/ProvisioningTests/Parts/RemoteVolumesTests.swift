import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing
import XML

@testable import Provisioning

@Suite(
    .serialized,
    .enabled(if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
struct `VMs on another machine, by ssh` {
    /// A VM with the small guest on an overlay, in 64 MiB.
    static func spec(_ name: String, base: String) -> VMSpec {
        var spec = VMSpec(name: name)
        spec.memoryMiB = 64
        var disk = DiskSpec(id: "boot")
        disk.backingFile = base
        spec.disks = [disk]
        spec.cloudInit = CloudInitSpec(userData: "#cloud-config\npassword: secret\n")
        return spec
    }

    static var running: UpOptions {
        var options = UpOptions()
        options.wait = .running
        options.acceleration = .emulation
        return options
    }

    @Test
    func `five VMs at once upload their image once, run from it, and are removed without a volume left`()
        async throws
    {
        try await RemoteHost.with(1) { hosts in
            let host = hosts[0]
            try await ScratchFolder.with { folder in
                let state = StateFolder(root: folder)
                let base = folder + "/tiny.raw"
                try TestGuest.writeDisk(base)
                // What is there cannot be read from here: the guest runs from its host's copy.
                chmod(base, 0o600)
                let hypervisor = LibvirtHypervisor(uri: host.uri)
                let machines = (1...5).map { Machine("web-\($0)", on: hypervisor, state: state) }
                try await onEach(machines) { machine in
                    let report = try machine.up(Self.spec(machine.name, base: base), Self.running)
                    #expect(report.changed)
                }
                let images = host.volumes.filter { $0.hasPrefix("tiny-") }
                #expect(images.count == 1)
                #expect(host.processes(with: "guest=web-").count == 5)

                let overlay = host.pool + "/web-3.boot.qcow2"
                let info = try await command("qemu-img", ["info", "-U", "--backing-chain", overlay]).output
                #expect(info.contains("backing file: \(host.pool)/\(images.first ?? "")"))
                #expect(info.contains("backing file format: raw"))
                #expect(info.contains("compat: 1.1"))
                var status = stat()
                #expect(stat(host.pool + "/web-3.seed.iso", &status) == 0)
                #expect(status.st_mode & 0o777 == 0o600)
                let seed = try await command(
                    "isoinfo", ["-R", "-x", "/user-data", "-i", host.pool + "/web-3.seed.iso"])
                #expect(seed.output == "#cloud-config\npassword: secret\n")

                let before = host.volumes
                try await onEach(machines) { machine in
                    let report = try machine.up(Self.spec(machine.name, base: base), Self.running)
                    #expect(!report.changed)
                    #expect(try machine.remove())
                }
                #expect(before.count == 1 + 5 * 3)
                #expect(host.volumes == images)
                #expect(folderNames(state.machines) == [])
                let pools = try await command("virsh", ["-c", host.uri, "-q", "pool-list", "--autostart"])
                #expect(pools.output.contains("limiq"))
            }
        }
    }

    @Test
    func
        `a VM there is changed in place: limits, a larger disk, a new one, another image in a drive, another seed`()
        async throws
    {
        try await RemoteHost.with(1) { hosts in
            let host = hosts[0]
            try await ScratchFolder.with { folder in
                let base = folder + "/tiny.raw"
                try TestGuest.writeDisk(base)
                for name in ["one", "two"] {
                    try ISOImage.write(to: "\(folder)/\(name).iso", label: name, files: [ISOFile("a", name)])
                }
                try await onThread {
                    let machine = Machine(
                        "web", on: LibvirtHypervisor(uri: host.uri), state: StateFolder(root: folder))
                    func size(_ disk: String) -> String {
                        let file = "\(host.pool)/web.\(disk).qcow2"
                        let info = (try? run("qemu-img", "info", "-U", file))?.output ?? ""
                        return info.split(separator: "\n").first { $0.hasPrefix("virtual size") }.map(
                            String.init) ?? info
                    }
                    var spec = Self.spec("web", base: base)
                    spec.ignition = #"{ "ignition": { "version": "3.3.0" } }"#
                    spec.disks[0].bootable = true
                    spec.cdroms = [
                        CDROMSpec(id: "tools", isoPath: folder + "/one.iso"),
                        CDROMSpec(id: "notes", files: ISOContents(files: [ISOFile("note.txt", "of files")])),
                    ]
                    _ = try machine.up(spec, Self.running)
                    let note = try run(
                        "isoinfo", "-R", "-x", "/note.txt", "-i", host.pool + "/web.cdrom-notes.iso")
                    #expect(note.output == "of files")

                    spec.disks[0].iopsLimit = 100
                    spec.disks[0].sizeGiB = 1
                    spec.cdroms[0].isoPath = folder + "/two.iso"
                    let live = try machine.up(spec, Self.running)
                    #expect(
                        live.changes.map(\.path) == [
                            "cdroms[1].iso_path", "disks[1].iops_limit", "disks[1].size_gib",
                        ])
                    #expect(size("boot").contains("1 GiB"))
                    let running = try machine.hypervisor.xml("web", inactive: false, secrets: false)
                    #expect(running.contains("<total_iops_sec>100<") && running.contains("\(host.pool)/two-"))
                    #expect(try !machine.up(spec, Self.running).changed)

                    var data = DiskSpec(id: "data")
                    data.sizeGiB = 2
                    spec.disks.append(data)
                    spec.cloudInit?.userData = "#cloud-config\npassword: another\n"
                    let waiting = try machine.up(spec, Self.running)
                    #expect(waiting.pending.map(\.path) == ["cloud_init.user_data"])
                    #expect(waiting.changes.map(\.path).contains("disks[2]"))
                    #expect(size("data").contains("2 GiB"))
                    let seed = try run("isoinfo", "-R", "-x", "/user-data", "-i", host.pool + "/web.seed.iso")
                    #expect(seed.output == "#cloud-config\npassword: another\n")

                    try machine.hypervisor.destroy("web")
                    spec.disks[1].sizeGiB = 3
                    let started = try machine.up(spec, Self.running)
                    #expect(started.changes.map(\.path) == ["disks[2].size_gib"])
                    #expect(size("data").contains("3 GiB"))
                    #expect(host.processes(with: "guest=web").count == 1)
                    #expect(host.processes(with: "file=\(host.pool)/web.ignition.json").count == 1)
                    #expect(try !machine.up(spec, Self.running).changed)
                    #expect(try machine.remove())
                    #expect(host.volumes.filter { $0.hasPrefix("web.") } == [])
                }
            }
        }
    }

    @Test
    func `what a guest there says is read, its screen is seen, and a person's console is not in the way`()
        async throws
    {
        try await RemoteHost.with(1) { hosts in
            let host = hosts[0]
            try await ScratchFolder.with { folder in
                try TestGuest.writeDisk(folder + "/tiny.raw")
                try await onThread {
                    let machine = Machine(
                        "web", on: LibvirtHypervisor(uri: host.uri), state: StateFolder(root: folder))
                    _ = try machine.up(Self.spec("web", base: folder + "/tiny.raw"), Self.running)
                    let person = try machine.hypervisor.openConsole("web")
                    defer { person.close() }

                    let lines = Mailbox<[String]>()
                    let watch = machine.followConsole(onStart: {}) { lines.put($0) }
                    defer { watch?.cancel() }
                    let greeting = TestGuest.greeting.trimmed()
                    var heard: [String] = []
                    while !heard.contains(greeting), let more = lines.next(before: .now + .seconds(60)) {
                        heard += more
                    }
                    #expect(heard.contains(greeting))
                    #expect(machine.consoleTail(lines: 5).contains(greeting))
                    #expect(String(decoding: try machine.consoleBytes(), as: UTF8.self).contains(greeting))

                    try machine.screenshot(to: folder + "/screen.png")
                    #expect(
                        readBytes(folder + "/screen.png")?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)

                    // An ISO image of this machine, put there for a drive.
                    try ISOImage.write(to: folder + "/t.iso", label: "T", files: [ISOFile("a", "b")])
                    try machine.attachCDROM(id: "tools", iso: folder + "/t.iso")
                    #expect(
                        try machine.hypervisor.xml("web", inactive: true, secrets: false).contains(
                            "\(host.pool)/t-"))
                    try machine.ejectMedia(id: "tools")
                    try machine.insertMedia(id: "tools", iso: folder + "/t.iso")
                    #expect(host.volumes.filter { $0.hasPrefix("t-") }.count == 1)

                    // The guest's end is an event, and the wait that ends by it has the console's words.
                    let ended = Mailbox<Failure?>()
                    startThread {
                        do throws(Failure) {
                            try machine.wait(
                                for: .agent, timeout: .seconds(60), cancellation: Cancellation())
                            ended.put(nil)
                        } catch { ended.put(error) }
                    }
                    usleep(1_500_000)
                    try person.write(Array("q".utf8))
                    let failure = try #require(ended.next(before: .now + .seconds(60)) ?? nil)
                    #expect(failure.code == .guestStopped)
                    #expect(failure.cause?.contains(greeting) == true)
                    try machine.start()
                    #expect(try machine.remove())
                    #expect(host.volumes.filter { $0.hasPrefix("web.") } == [])
                }
            }
        }
    }

    @Test func `ssh to a guest goes by way of its host, with what the host's URI says of ssh`() async throws {
        try await RemoteHost.with(1) { hosts in
            let host = hosts[0]
            try await ScratchFolder.with { folder in
                try await onThread {
                    let hypervisor = LibvirtHypervisor(uri: host.uri)
                    // The host's own server stands for a guest's: only the port is asked for at the other end.
                    let endpoint = try #require(
                        SSHEndpoint(host: "127.0.0.1", port: host.port, byWayOf: hypervisor))
                    #expect(endpoint.proxy.contains(host.user.name))
                    #expect(endpoint.hasBanner())
                    let closed = try #require(
                        SSHEndpoint(host: "127.0.0.1", port: freePort(), byWayOf: hypervisor))
                    #expect(!closed.hasBanner())
                    let ssh = GuestSSH(
                        name: "web", endpoint: endpoint, user: host.user.name, key: host.key,
                        knownHosts: folder + "/known 100% hosts")
                    let result = try ssh.exec(
                        ["sh", "-c", "id -un; echo $SSH_CONNECTION"], timeout: .seconds(30),
                        cancellation: Cancellation())
                    let lines = String(decoding: result.stdout, as: UTF8.self).split(separator: "\n")
                    #expect(lines.first.map(String.init) == host.user.name)

                    // And so for who runs ssh by himself.
                    let entry = Inventory.Entry(name: "web", ssh: ssh, labels: [:], addresses: [])
                    guard case .text(let text) = try Inventory([entry]).document(.ssh) else { return }
                    try writeBytes(Array(text.utf8), to: folder + "/config")
                    for words in [
                        ["ssh", "-F", folder + "/config", "-o", "BatchMode=yes", "web", "id -un"],
                        try ssh.words(["id -un"]),
                    ] {
                        let login = try HostProgram(words).run(Cancellation())
                        #expect(
                            String(decoding: login.output, as: UTF8.self) == "\(host.user.name)\n",
                            "\(words) \(String(decoding: login.errors, as: UTF8.self))")
                    }
                }
            }
        }
    }

    @Test
    func `a host that is reached by TLS gets its VM's volumes and runs it, as one that is reached by ssh`()
        async throws
    {
        try await RemoteHost.with(1) { hosts in
            try await ScratchFolder.with { folder in
                let base = folder + "/tiny.raw"
                try TestGuest.writeDisk(base)
                let uri = try await hosts[0].listenForTLS(folder)
                try await onThread {
                    let machine = Machine(
                        "web", on: LibvirtHypervisor(uri: uri), state: StateFolder(root: folder + "/state"))
                    let report = try machine.up(Self.spec("web", base: base), Self.running)
                    #expect(report.changed)
                    #expect(try !machine.up(Self.spec("web", base: base), Self.running).changed)
                    #expect(hosts[0].processes(with: "guest=web").count == 1)
                    #expect(hosts[0].volumes.count == 4)
                    #expect(try machine.remove())
                    #expect(hosts[0].volumes.count == 1)
                }
            }
        }
    }

    /// Daemons of root's whose QEMU runs as another account, reached as any other host by a program.
    @Test func `QEMU there reads Ignition's configuration under its own account, and nobody else does`()
        async throws
    {
        try await Home.with { home in
            let (base, program, pool) = (home.path + "/tiny.raw", home.path + "/reach", home.path + "/pool")
            try TestGuest.writeDisk(base)
            try await onThread {
                try home.daemons.start()
                // The helper knows libvirt's own socket alone, which the daemons' mount namespace has a place for.
                let runtime = home.daemons.runtime
                symlink(runtime + "/libvirt-sock", runtime + "/run/libvirt-sock")
                let enter = "nsenter --mount --target $(cat \(runtime)/libvirtd.pid)"
                let script = "#!/bin/sh\nexec \(enter) virt-ssh-helper qemu:///system\n"
                try writeBytes(Array(script.utf8), to: program)
                chmod(program, 0o700)
                mkdir(pool, 0o711)
                let uri = "qemu+ext://node2/system?command=\(program)"
                let made = try run("virsh", "-c", uri, "pool-define-as", "limiq", "dir", "--target", pool)
                #expect(made.status == 0, "\(made.errors)")

                let state = StateFolder(root: home.path + "/elsewhere")
                let machine = Machine("web", on: LibvirtHypervisor(uri: uri), state: state)
                var spec = Self.spec("web", base: base)
                spec.ignition = #"{ "ignition": { "version": "3.3.0" } }"#
                _ = try machine.up(spec, Self.running)
                let guest = try #require(home.guests.first)
                let file = pool + "/web.ignition.json"
                let line = readWhole("/proc/\(guest)/cmdline")
                #expect(line?.contains("name=opt/com.coreos/config,file=\(file)") == true)
                var (account, owner) = (stat(), stat())
                #expect(stat("/proc/\(guest)", &account) == 0 && account.st_uid != 0)
                #expect(stat(file, &owner) == 0 && owner.st_mode & 0o777 == 0o600)
                #expect(owner.st_uid == account.st_uid)
                #expect(readWhole(file) == spec.ignition)
                #expect(try machine.spec().ignition == spec.ignition)
                #expect(try !machine.up(spec, Self.running).changed)
                #expect(try machine.remove())
                #expect(folderNames(pool).filter { $0.hasPrefix("web.") } == [])
            }
        }
    }

    @Test func `two hosts that share a pool get an image once altogether, and each runs from it`()
        async throws
    {
        try await RemoteHost.with(2) { hosts in
            try await ScratchFolder.with { folder in
                let pool = folder + "/pool"
                mkdir(pool, 0o777)
                chmod(pool, 0o777)
                for host in hosts {
                    let made = try await command(
                        "virsh", ["-c", host.uri, "pool-define-as", "limiq", "dir", "--target", pool])
                    #expect(made.status == 0, "\(made.errors)")
                }
                let base = folder + "/tiny.raw"
                try TestGuest.writeDisk(base)
                let state = StateFolder(root: folder)
                let hypervisors = hosts.map { LibvirtHypervisor(uri: $0.uri) }
                let machines = (1...4).map {
                    Machine("web-\($0)", on: hypervisors[$0 % 2], state: state)
                }
                try await onEach(machines) { machine in
                    _ = try machine.up(Self.spec(machine.name, base: base), Self.running)
                }
                #expect(folderNames(pool).filter { $0.hasPrefix("tiny-") }.count == 1)
                #expect(hosts.map { $0.processes(with: "guest=web-").count } == [2, 2])
                try await onEach(machines) { machine in
                    let removed = try machine.remove()
                    #expect(removed)
                }
                #expect(folderNames(pool).count == 1)
            }
        }
    }
}

/// Runs a body for all at once, each on a thread of its own.
func onEach<Item: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for item in items { group.addTask { try await onThread { try body(item) } } }
        try await group.waitForAll()
    }
}
