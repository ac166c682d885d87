import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Steps
import Support
import Testing
import XML

@testable import Provisioning

@Suite struct `A VM on another machine, its volumes in memory` {
    /// A host, a VM on it with an overlay, a blank disk, an ISO image and a seed.
    struct Setting {
        let host: FakeHypervisor
        let machine: Machine
        var spec: VMSpec

        init(
            _ state: StateFolder, storage: FakeStorage = FakeStorage(),
            uri: String = "fake+ssh://node2/system"
        )
            throws
        {
            host = FakeHypervisor(uri: uri, storage: storage)
            machine = Machine("web", on: host, state: state)
            let (base, iso) = (state.root + "/base.raw", state.root + "/tools.iso")
            try? TestGuest.writeDisk(base)
            try writeISO("an ISO image", to: iso)
            spec = VMSpec(name: "web")
            var boot = DiskSpec(id: "boot-disk")
            boot.backingFile = base
            boot.bootable = true
            var data = DiskSpec(id: "data")
            data.sizeGiB = 2
            data.poolID = "fast"
            spec.disks = [boot, data]
            spec.cdroms = [CDROMSpec(id: "tools", isoPath: iso)]
            spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\n"))
        }

        /// The VM's parts as a run has written down that it makes them.
        func begun() throws -> MachineParts {
            var parts = try MachineParts(machine, spec)
            var record = MachineRecord(
                spec: spec, uuid: "", owner: "me", acceleration: .emulation, folder: machine.folder)
            try parts.begin(&record)
            return parts
        }

        /// Somebody else's, under the name of the VM's second disk.
        func putOthersVolume() throws {
            let other = VolumeXML(name: "web.data.qcow2", format: .qcow2, capacity: 1)
            _ = try host.createVolume(other, in: "fast")
        }

        func up(
            _ steps: StepLog = StepLog(), _ change: (inout UpOptions) -> Void = { _ in }
        ) throws -> UpReport {
            var options = UpOptions()
            options.wait = .running
            change(&options)
            return try machine.up(spec, options) { steps.add($0) }
        }
    }

    @Test func `every file of the domain is a volume of that host, none of this machine`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            #expect(try setting.up().changed)
            let storage = setting.host.storage
            let own = storage.names.filter { $0.hasPrefix("web.") }
            #expect(own == ["web.boot-disk.qcow2", "web.console.log", "web.data.qcow2", "web.seed.iso"])
            let base = try #require(storage.names.first { $0.hasPrefix("base-") })
            let iso = try #require(storage.names.first { $0.hasPrefix("tools-") })
            let overlay = try #require(storage.description("web.boot-disk.qcow2"))
            #expect(overlay.backing == BackingImage(path: "/limiq/\(base)", format: "raw"))
            #expect(overlay.capacity == 1 << 20)
            #expect(overlay.mode == "0600")
            #expect(storage.description("web.data.qcow2")?.capacity == 2 << 30)
            #expect(storage.description("web.seed.iso")?.mode == "0600")

            let node = try #require(setting.host.domainNode("web"))
            let files = node.all("devices/disk").compactMap { $0.first("source")?.attributes["file"] }
            #expect(
                files == [
                    "/limiq/web.boot-disk.qcow2", "/fast/web.data.qcow2", "/limiq/\(iso)",
                    "/limiq/web.seed.iso",
                ])
            #expect(node.first("devices/disk/backingStore/source")?.attributes["file"] == "/limiq/\(base)")
            #expect(node.first("devices/serial/log")?.attributes["file"] == "/limiq/web.console.log")
            #expect(!(try setting.host.xml("web", inactive: true, secrets: false)).contains("relabel"))
            #expect(!(try setting.host.xml("web", inactive: true, secrets: false)).contains(">\(state.root)"))
            #expect(try run("isoinfo", "-version").status == 0)
            let seed = state.root + "/seed.iso"
            try writeBytes(storage.bytes("web.seed.iso") ?? [], to: seed)
            #expect(try run("isoinfo", "-d", "-i", seed).output.contains("Volume id: cidata"))
        }
    }

    @Test
    func
        `images are uploaded before the disks are made, each step ends well, and goes without an image to upload`()
        throws
    {
        try withScratchState { state throws in
            var setting = try Setting(state)
            let steps = StepLog()
            _ = try setting.up(steps)
            #expect(
                steps.bounds == [
                    "upload begins", "upload ends", "disks begins", "disks ends", "seed begins", "seed ends",
                    "define begins", "define ends", "start begins", "start ends", "running begins",
                    "running ends",
                ])
            #expect(try setting.machine.remove())
            setting.spec.disks.removeFirst()
            setting.spec.cdroms = []
            let later = StepLog()
            _ = try setting.up(later)
            #expect(later.bounds.first == "disks begins")
        }
    }

    @Test func `an upload that fails is the step that failed, and no disk has been made`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            let (steps, cancellation) = (StepLog(), Cancellation())
            steps.watch { if $0.event == .begins(Step(.upload), detail: nil) { cancellation.cancel() } }
            #expect(throws: Failure.self) {
                try setting.machine.up(setting.spec, cancellation: cancellation) { steps.add($0) }
            }
            #expect(steps.bounds == ["upload begins", "upload fails", "undo begins", "undo ends"])
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
        }
    }

    @Test func `the seed has the network where the guest reads it, and ssh takes the host keys in it alone`()
        throws
    {
        try withScratchState { state throws in
            var setting = try Setting(state)
            let key = try HostKey(machine: "web", state: state)
            setting.spec.cloudInit = CloudInitSpec(
                userData: .table([
                    "network": ["version": 2],
                    "ssh_keys": [
                        "ed25519_private": .secret(key.privateText),
                        "ed25519_public": .string(key.publicLine),
                    ],
                ]))
            _ = try setting.up()
            let seed = state.root + "/seed.iso"
            try writeBytes(setting.host.storage.bytes("web.seed.iso") ?? [], to: seed)
            #expect(
                try run("isoinfo", "-R", "-x", "/network-config", "-i", seed).output.contains("version: 2"))
            let trusted = try run("ssh-keygen", "-F", "guest", "-f", setting.machine.folder + "/host_keys")
            #expect(
                trusted.output.contains(key.publicLine.split(separator: " ")[1]), "\(trusted.output)")
            #expect(try setting.machine.remove())
            #expect(folderNames(state.machines) == [])
        }
    }

    @Test
    func `the console of a guest that boots again is the new boot's, also to one who has not made the VM`()
        throws
    {
        try withScratchState { state throws in
            let setting = try Setting(state)
            _ = try setting.up()
            let log = HostVolume(pool: "limiq", name: "web.console.log")
            func say(_ text: String) {
                setting.host.storage.state.withLock { $0.volumes[log]?.bytes += Array(text.utf8) }
            }
            let other = Machine("web", on: setting.host, state: StateFolder(root: state.root + "/other"))
            for (index, machine) in [setting.machine, other].enumerated() {
                say("before \(index)\n")
                try machine.reboot(timeout: .seconds(20))
                say("after \(index)\n")
                let lines = Mailbox<[String]>()
                let watch = machine.followConsole(onStart: {}) { lines.put($0) }
                defer { watch?.cancel() }
                #expect(lines.next(before: .now + .seconds(20)) == ["after \(index)"])
            }
            #expect(try other.remove())
            #expect(folderNames(other.state.machines) == [])
        }
    }

    @Test func `its spec is read back from its seed there, also by one who has not made the VM`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            _ = try setting.up()
            #expect(try setting.machine.spec() == setting.spec)
            let other = Machine("web", on: setting.host, state: StateFolder(root: state.root + "/other"))
            #expect(try other.spec() == setting.spec)
            #expect(folderNames(other.state.machines) == [])
        }
    }

    @Test func `a second up changes nothing, and removal leaves only what several VMs share`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            _ = try setting.up()
            let made = setting.host.storage.made
            #expect(try !setting.up().changed)
            #expect(setting.host.storage.made == made)
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
            #expect(setting.host.storage.names.count == 2)
            #expect(folderNames(state.machines) == [])
            #expect(try !setting.machine.remove())
        }
    }

    @Test func `where a pool is gone the VM stays, and with it what tells of its volumes`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            _ = try setting.up()
            let volumes = setting.host.storage.names
            for undefines in [false, true] {
                if undefines {
                    try setting.host.destroy("web")
                    try setting.host.undefine("web")
                }
                _ = setting.host.storage.state.withLock { $0.pools.removeValue(forKey: "fast") }
                let failure = try #require(throws: Failure.self) { _ = try setting.machine.remove() }
                #expect(failure.code == .poolGone)
                #expect(failure.message.contains("fast") && failure.message.contains("web.data.qcow2"))
                #expect(failure.hint?.contains("pool-define") == true)
                if undefines { #expect(throws: failure) { try setting.up() } }
                let survey = try Leftovers(state: state, on: setting.host).survey()
                #expect(survey.left.isEmpty)
                #expect(setting.host.storage.names == volumes)
                #expect(try setting.host.domains().isEmpty == undefines)
                setting.host.storage.state.withLock { $0.pools["fast"] = "dir" }
            }
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
        }
    }

    @Test func `what cannot be brought up is removed again`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            setting.host.behaviour.withLock { $0.startFails = { _ in Failure(.libvirt, "no start") } }
            #expect(throws: Failure.self) { try setting.up() }
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
            #expect(folderNames(state.machines) == [])
        }
    }

    @Test func `what a killed run left is removed by the next one, by its journal`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            var parts = try setting.begun()
            try parts.bringImages(Cancellation()) { _ in }
            try parts.makeDisks(Cancellation())
            // Here it died.
            #expect(setting.host.storage.names.contains("web.data.qcow2"))
            #expect(try setting.up().changed)
            #expect(setting.host.storage.made.filter { $0 == "web.data.qcow2" }.count == 2)
            #expect(setting.host.storage.made.filter { $0.hasPrefix("base-") }.count == 1)
        }
    }

    @Test func `a volume of that name that is not ours is refused, and stays`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            try setting.putOthersVolume()
            #expect {
                try setting.up()
            } throws: { error in (error as? Failure)?.code == .diskExists }
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == ["web.data.qcow2"])
        }
    }

    @Test
    func `a volume another host made of that name stays, also where this run is killed before it came to it`()
        throws
    {
        try withScratchState { state throws in
            let setting = try Setting(state)
            try setting.putOthersVolume()
            _ = try setting.begun()
            // Here it died.
            #expect(throws: Failure.self) { try setting.up() }
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == ["web.data.qcow2"])
            _ = try setting.machine.remove()
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == ["web.data.qcow2"])
        }
    }

    @Test func `a volume whose making was not heard of is removed with the rest`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            setting.host.storage.state.withLock { $0.unheard = "web.data.qcow2" }
            let failure = try #require(throws: Failure.self) { try setting.up() }
            #expect(failure.message == "the connection is lost")
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
            #expect(folderNames(state.machines) == [])
        }
    }

    @Test
    func `two hosts may have a VM of one name each, and what is of one stays when the other's is removed`()
        throws
    {
        try withScratchState { state throws in
            let first = try Setting(state)
            let second = try Setting(state, uri: "fake+ssh://node3/system")
            let here = Machine("web", on: FakeHypervisor(), state: state)
            _ = try first.up()
            _ = try second.up()
            var spec = VMSpec(name: "web")
            spec.disks = second.spec.disks
            spec.disks[1].poolID = nil
            _ = try here.up(spec)
            #expect(try second.machine.remove())
            #expect(first.host.storage.names.contains("web.seed.iso"))
            #expect(fileExists(here.folder + "/data.qcow2"))
            // Made here, asked to be removed as if it were there: no file of this machine goes.
            let xml = try #require(try here.hypervisor.metadata("web"))
            let confused = FakeHypervisor(uri: "fake+ssh://node4/system")
            _ = try confused.define(try here.hypervisor.xml("web", inactive: true, secrets: false))
            try confused.setMetadata("web", xml)
            #expect {
                try Machine("web", on: confused, state: state).remove()
            } throws: { error in (error as? Failure)?.code == .hostNotAble }
            #expect(fileExists(here.folder + "/data.qcow2"))
        }
    }

    @Test
    func
        `where a guest there dies under acceleration it runs emulated from the same volumes, and nothing is learnt of here`()
        throws
    {
        try withScratchState { state throws in
            let setting = try Setting(state)
            setting.host.behaviour.withLock { behaviour in
                behaviour.offersKVM = true
                behaviour.startFails = { node in
                    guard node.attributes["type"] == "kvm" else { return nil }
                    return Failure(
                        .libvirt, "cannot start web",
                        cause: "internal error: process exited while connecting to monitor: failed to set MSR"
                    )
                }
            }
            let report = try setting.up()
            #expect(report.warnings.contains { $0.contains("failed to set MSR") })
            let node = try #require(setting.host.domainNode("web"))
            #expect(node.attributes["type"] == "qemu")
            let files = node.all("devices/disk").compactMap { $0.first("source")?.attributes["file"] }
            #expect(
                files.count == 4 && files.allSatisfy { $0.hasPrefix("/limiq/") || $0.hasPrefix("/fast/") })
            #expect(node.first("devices/disk/backingStore/format")?.attributes["type"] == "raw")
            #expect(node.first("devices/serial/log")?.attributes["file"] == "/limiq/web.console.log")
            #expect(!fileExists(state.root + "/acceleration.json"))
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
        }
    }

    @Test func `a pool that is not there, or holds no files, is refused with the disk's name`() throws {
        try withScratchState { state throws in
            var setting = try Setting(state)
            for (pool, code) in [
                ("nowhere", Failure.Code.badField), ("lvm", .hostNotAble), ("ceph", .badField),
            ] {
                setting.spec.disks[1].poolID = pool
                #expect {
                    try setting.up()
                } throws: { error in
                    let failure = error as? Failure
                    return failure?.code == code && failure?.message.contains(pool) == true
                }
            }
            #expect(setting.host.storage.names == [])
        }
    }

    @Test
    func `a disk in Ceph is named as libvirt's own pool of it does, one that is made and one that is there`()
        throws
    {
        try withScratchState { state throws in
            var setting = try Setting(state)
            setting.spec.disks[1].poolID = "ceph"
            setting.spec.disks[1].format = .raw
            var old = DiskSpec(id: "old")
            old.poolID = "ceph"
            old.path = "archive"
            old.format = .raw
            setting.spec.disks.append(old)
            _ = try setting.up()
            #expect(setting.host.storage.description("web.data.raw")?.format == .raw)
            let node = try #require(setting.host.domainNode("web"))
            let disks = node.all("devices/disk").filter { $0.attributes["type"] == "network" }
            #expect(
                disks.map { $0.first("source")?.attributes } == [
                    ["protocol": "rbd", "name": "libvirt-pool/web.data.raw"],
                    ["protocol": "rbd", "name": "libvirt-pool/archive"],
                ])
            for disk in disks {
                #expect(
                    disk.all("source/host").map(\.attributes) == [
                        ["name": "mon1", "port": "6789"], ["name": "mon2"],
                    ])
                #expect(disk.first("source/auth")?.attributes == ["username": "admin"])
                #expect(
                    disk.first("source/auth/secret")?.attributes == ["type": "ceph", "usage": "ceph admin"])
            }
            let file = state.root + "/domain.xml"
            try writeBytes(Array(try setting.host.xml("web", inactive: true, secrets: false).utf8), to: file)
            let valid = try run("virt-xml-validate", file, "domain")
            #expect(valid.status == 0, "\(valid.output)\(valid.errors)")
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])

            setting.spec.disks[0].poolID = "ceph"
            #expect {
                try setting.up()
            } throws: { error in
                (error as? Failure)?.message.hasPrefix("disks[1].pool_id: the storage pool ceph") == true
            }
        }
    }

    @Test func `disks on one image have it each in their own pool, also when the VM is changed`() throws {
        try withScratchState { state throws in
            var setting = try Setting(state)
            setting.spec.disks[1].backingFile = setting.spec.disks[0].backingFile
            func pools() -> [String?] {
                setting.host.domainNode("web")?.all("devices/disk/backingStore/source").map {
                    $0.attributes["file"].map { String($0.dropFirst().prefix { $0 != "/" }) }
                } ?? []
            }
            _ = try setting.up()
            #expect(pools() == ["limiq", "fast"])
            setting.spec.memoryMiB = 512
            #expect(try setting.up().changed)
            #expect(pools() == ["limiq", "fast"])
            #expect(try setting.machine.record()?.bases?.keys.sorted() == ["boot-disk", "data"])
            #expect(try !setting.up().changed)
        }
    }

    @Test func `an overlay of this machine is no base for another`() throws {
        try withScratchState { state throws in
            var setting = try Setting(state)
            let overlay = state.root + "/overlay.qcow2"
            try Overlay.create(overlay, base: state.root + "/base.raw")
            setting.spec.disks[0].backingFile = overlay
            #expect {
                try setting.up()
            } throws: { error in
                (error as? Failure)?.message.hasPrefix("disks[1]: backing_file") == true
            }
            #expect(setting.host.storage.names == [])
        }
    }
}
