import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import ImageLibrary
import MachineSpec
import Provisioning
import Support
import Synchronization
import Testing
import XML

@Suite struct `A machine that is saved` {
    /// A VM whose guest's memory is kept, and what it was asked to do since.
    private struct Saved {
        let host = `Bringing a VM up`.booting()
        let machine: Machine
        let spec: VMSpec
        let port: UInt16
        private let before: Int

        init(_ state: StateFolder) throws {
            port = try `Bringing a VM up`.freePort()
            spec = `Bringing a VM up`.spec(port: port)
            machine = Machine("web", on: host, state: state)
            _ = try machine.up(spec)
            try host.save("web")
            before = host.calls.count
        }

        var calls: [String] { host.calls.dropFirst(before).map { $0.replacing(" web", with: "") } }
        var disk: String { machine.folder + "/boot-disk.qcow2" }

        func options(_ change: (inout UpOptions) -> Void) -> UpOptions {
            var options = UpOptions()
            options.wait = .running
            change(&options)
            return options
        }

        /// More processors and memory, another bus and a larger disk; more I/O, and a label.
        var other: VMSpec {
            var other = spec
            (other.cpuCores, other.memoryMiB) = (4, 4096)
            (other.disks[0].bus, other.disks[0].sizeGiB, other.disks[0].iopsLimit) = (.scsi, 2, 100)
            other.labels = ["tier": "web"]
            return other
        }
    }

    private static let waiting = ["cpu_cores", "disks[1].bus", "memory_mib"]
    private static let live = ["disks[1].iops_limit", "disks[1].size_gib", "labels.tier"]

    @Test(arguments: [true, false])
    func `has its seed made again, where that is gone or cut, before it goes on`(isGone: Bool) throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            let seed = saved.machine.folder + "/seed.iso"
            #expect(isGone ? unlink(seed) == 0 : truncate(seed, 0) == 0)
            let whole = Mutex(false)
            saved.host.behaviour.withLock {
                $0.startFails = { _ in
                    whole.withLock { $0 = ISOImage.isWhole(seed) }
                    return nil
                }
            }
            #expect(try saved.machine.plan(saved.spec).remade.contains(.seed))
            let report = try saved.machine.up(saved.spec, saved.options { _ in })
            #expect(report.changed && report.changes == [] && report.pending == [])
            #expect(whole.withLock { $0 }, "QEMU opens it as the guest goes on")
            #expect(try saved.machine.plan(saved.spec) == MachinePlan())
        }
    }

    @Test func `says so, and goes on with its forwards where nothing has changed`() throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            #expect(try saved.machine.info().state.rawValue == "saved")
            #expect(try saved.machine.plan(saved.spec).starts)
            let report = try saved.machine.up(saved.spec, saved.options { _ in })
            #expect(report.changed && report.changes == [] && report.pending == [])
            #expect(saved.calls == ["start", "hostfwd_add hostua-nic-nic1 tcp:127.0.0.1:\(saved.port)-:80"])
            #expect(try saved.machine.endpoint(ofGuestPort: 80) == "127.0.0.1:\(saved.port)")
            try saved.host.save("web")
            try saved.machine.start()
            #expect(try saved.machine.info().forwards == saved.spec.nics[0].forward)
        }
    }

    @Test func `is not waited for once more where its cloud-init was done`() throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            // A guest that goes on says nothing of it again, and nobody in it answers.
            saved.host.behaviour.withLock { $0.console = "" }
            var options = UpOptions()
            options.timeout = .milliseconds(500)
            _ = try saved.machine.up(saved.spec, options)
        }
    }

    @Test func `goes on as what it was, takes what a running guest takes, and the rest is pending`() throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            let plan = try saved.machine.plan(saved.other)
            #expect(plan.changes.map(\.path) == Self.live && plan.pending.map(\.path) == Self.waiting)
            #expect(plan.starts && !plan.dropsMemory)
            let report = try saved.machine.up(saved.other, saved.options { _ in })
            #expect(report.changes.map(\.path) == Self.live)
            #expect(report.pending.map(\.path) == Self.waiting)
            #expect(saved.calls.first == "start" && saved.calls.contains("resize vda \(2 << 30)"))
            // The file is grown by who has it open.
            #expect(try DiskImage.inspect(saved.disk)[0].virtualSize == 2 << 30)
            let again = try saved.machine.up(saved.other, saved.options { _ in })
            #expect(again.pending.map(\.path) == Self.waiting)
        }
    }

    @Test func `gives its memory up where it is told to start anew, and only where that is needed`() throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            let restart = saved.options { $0.restart = true }
            _ = try saved.machine.up(saved.spec, restart)
            #expect(!saved.calls.contains("drop"))
            try saved.host.save("web")
            let plan = try saved.machine.plan(saved.other, restart)
            #expect(plan.dropsMemory && plan.starts && !plan.restarts && plan.pending == [])
            #expect(plan.isChange)
            let report = try saved.machine.up(saved.other, restart)
            #expect(Set(report.changes.map(\.path)) == Set(Self.live + Self.waiting) && report.pending == [])
            #expect(report.warnings.contains { $0.contains("saved memory of web is dropped") })
            #expect(try DiskImage.inspect(saved.disk)[0].virtualSize == 2 << 30)
            #expect(saved.host.liveNode("web")?.first("memory")?.text == "4096")
            #expect(saved.host.liveNode("web")?.first("vcpu")?.text == "4")
            #expect(try !saved.machine.up(saved.other, restart).changed)
        }
    }

    @Test func `that is not to be started stays as it is, and all that is another is pending`() throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            let off = saved.options { $0.start = false }
            for _ in 0..<2 {
                let report = try saved.machine.up(saved.other, off)
                #expect(!report.changed && report.changes == [])
                #expect(Set(report.pending.map(\.path)) == Set(Self.live + Self.waiting))
                #expect(report.warnings.contains { $0.contains("web is saved") })
                #expect(try !saved.machine.plan(saved.other, off).isChange)
            }
            #expect(saved.calls == [])
            #expect(try DiskImage.inspect(saved.disk)[0].virtualSize == 1 << 30)
            let both = saved.options { ($0.start, $0.restart) = (false, true) }
            _ = try saved.machine.up(saved.other, both)
            #expect(try saved.machine.info().state == .shutOff)
            #expect(try DiskImage.inspect(saved.disk)[0].virtualSize == 2 << 30)
        }
    }

    @Test func `is made anew, and removed, with its memory`() throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            var other = saved.spec
            other.disks[0].format = .raw
            #expect(throws: Failure.self) { try saved.machine.up(other, saved.options { _ in }) }
            #expect(try saved.machine.up(other, saved.options { $0.replace = true }).changed)
            try saved.host.save("web")
            #expect(try saved.machine.remove() && !fileExists(saved.machine.folder))
        }
    }

    @Test func `is kept in no snapshot, gets no other medium, and its disk is nobody's to change`() throws {
        try withScratchState { state throws in
            let saved = try Saved(state)
            try writeISO("an image", to: state.root + "/tools.iso")
            let relation = try StandsOn(state: state, on: saved.host)
            for attempt in [
                { try saved.machine.snapshot("now") },
                { try saved.machine.attachCDROM(id: "tools", iso: state.root + "/tools.iso") },
                { try Disk.resize(saved.disk, to: ByteSize(gib: 3), unless: relation) },
                { try Disk.remove(saved.disk, unless: relation) },
            ] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.message.contains("saved"), "\(failure)")
                #expect(failure.hint?.contains("start") == true)
            }
            #expect(saved.calls == [])
            try saved.host.dropSaved("web")
            try Disk.resize(
                saved.disk, to: ByteSize(gib: 3), unless: StandsOn(state: state, on: saved.host))
        }
    }
}

extension `A machine that is saved` {
    @Test(.enabled(if: geteuid() == 0, "a daemon of one's own is root's to start"))
    func `is what libvirt keeps the memory of`() async throws {
        try await PrivateDaemon.with { daemon in
            try await ScratchFolder.with { folder in
                let host = LibvirtHypervisor(uri: daemon.uri)
                let machine = Machine("web", on: host, state: StateFolder(root: folder))
                var spec = VMSpec(name: "web")
                spec.memoryMiB = 64
                spec.disks = [DiskSpec(id: "boot")]
                spec.disks[0].sizeGiB = 1
                spec.nics = [NICSpec(id: "nic1")]
                spec.nics[0].forward = [PortForward(host: freePort(), guest: 80)]
                var other = spec
                (other.cpuCores, other.memoryMiB, other.disks[0].bus, other.disks[0].sizeGiB) = (
                    2, 96, .scsi, 2
                )
                let (before, wanted) = (spec, other)
                try await onThread { _ = try machine.up(before) }
                try #require(try await daemon.virsh("managedsave", "web").status == 0)
                try await onThread {
                    #expect(try host.domain("web")?.state == .saved)
                    #expect(try host.domains().map(\.state) == [.saved])
                    var off = UpOptions()
                    off.start = false
                    #expect(try machine.up(wanted, off).pending.count == 4)
                    #expect(throws: Failure.self) { try machine.snapshot("now") }
                    let report = try machine.up(wanted)
                    #expect(report.changes.map(\.path) == ["disks[1].size_gib"])
                    #expect(report.pending.map(\.path) == ["cpu_cores", "disks[1].bus", "memory_mib"])
                    #expect(try machine.info().forwards == before.nics[0].forward)
                    #expect(try machine.info().state == .running)
                }
                let running = try await daemon.virsh("dominfo", "web").output
                #expect(running.contains("65536 KiB"), "\(running)")
                try #require(try await daemon.virsh("managedsave", "web").status == 0)
                try await onThread {
                    var restart = UpOptions()
                    restart.restart = true
                    let report = try machine.up(wanted, restart)
                    #expect(report.pending == [])
                    #expect(try !machine.up(wanted).changed)
                }
                let anew = try await daemon.virsh("dominfo", "web").output
                #expect(anew.contains("98304 KiB"), "\(anew)")
                #expect(try await daemon.virsh("domblklist", "web").output.contains("sda"))
                // Reverting leaves no memory of what came after.
                try await onThread {
                    try machine.down(timeout: .seconds(1))
                    try machine.snapshot("off")
                    try machine.start()
                }
                try #require(try await daemon.virsh("managedsave", "web").status == 0)
                try await onThread {
                    try machine.revert(to: "off")
                    #expect(try host.domain("web")?.state == .shutOff)
                    _ = try machine.remove()
                }
            }
        }
    }
}
