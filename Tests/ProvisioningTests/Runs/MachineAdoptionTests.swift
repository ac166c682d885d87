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

@Suite struct `A VM whose domain was undefined by hand` {
    private static func spec(_ change: (inout VMSpec) -> Void = { _ in }) -> VMSpec {
        var spec = `Bringing a VM up`.spec()
        spec.disks[0].bootable = true
        change(&spec)
        return spec
    }

    private static var running: UpOptions {
        var options = UpOptions()
        options.wait = .running
        return options
    }

    /// What its guest has written to its disk.
    private static func write(_ machine: Machine) throws {
        let disk = machine.folder + "/boot-disk.qcow2"
        try #require(try run("qemu-io", "-f", "qcow2", "-c", "write -P 0xab 0 1M", disk).status == 0)
    }

    private static func isWritten(_ machine: Machine) throws -> Bool {
        let disk = machine.folder + "/boot-disk.qcow2"
        return try run("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0xab 0 1M", disk).output.contains(
            "1 MiB")
    }

    /// Up, written to, off and undefined.
    private static func undefined(
        _ state: StateFolder, on host: FakeHypervisor = FakeHypervisor(), _ spec: VMSpec = spec()
    ) throws -> Machine {
        let machine = Machine("web", on: host, state: state)
        _ = try machine.up(spec, running)
        try host.destroy("web")
        try write(machine)
        try host.undefine("web")
        try #require(try host.domains().isEmpty)
        return machine
    }

    @Test func `is taken up again with its disk, and the plan says so`() throws {
        try withScratchState { state throws in
            let web = try Self.undefined(state)
            let disk = web.folder + "/boot-disk.qcow2"
            let plan = try web.plan(Self.spec(), Self.running)
            #expect(plan.action == .adopt && plan.starts && plan.isChange)
            #expect(plan.kept == [disk])
            #expect(plan.changes.isEmpty)
            let report = try web.up(Self.spec(), Self.running)
            #expect(report.changed)
            #expect(report.warnings.contains { $0.contains("taken up again with \(disk)") })
            #expect(try web.hypervisor.domain("web")?.state == .running)
            try web.hypervisor.destroy("web")
            #expect(try Self.isWritten(web))
            #expect(try web.plan(Self.spec(), Self.running).action == .none)
        }
    }

    @Test func `is the same domain again, by its UUID`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = Machine("web", on: host, state: state)
            _ = try web.up(Self.spec(), Self.running)
            let uuid = try host.domain("web")?.uuid
            try host.destroy("web")
            try host.undefine("web")
            _ = try web.up(Self.spec(), Self.running)
            #expect(try host.domain("web")?.uuid == uuid)
        }
    }

    @Test func `takes what the script says now, and grows its disk`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.undefined(state, on: host)
            let wanted = Self.spec {
                $0.memoryMiB = 768
                $0.disks[0].sizeGiB = 2
                var data = DiskSpec(id: "data")
                data.sizeGiB = 1
                $0.disks.append(data)
                $0.cloudInit = CloudInitSpec(userData: "#cloud-config\nhostname: other\n")
            }
            let plan = try web.plan(wanted, Self.running)
            #expect(plan.action == .adopt)
            let paths = ["cloud_init.user_data", "disks[1].size_gib", "disks[2]", "memory_mib"]
            #expect(plan.changes.map(\.path).sorted() == paths)
            #expect(try web.up(wanted, Self.running).changes.map(\.path).sorted() == paths)
            #expect(try host.domain("web")?.state == .running)
            try host.destroy("web")
            #expect(try Self.isWritten(web))
            #expect(try DiskImage.inspect(web.folder + "/boot-disk.qcow2")[0].virtualSize == 2 << 30)
            #expect(fileExists(web.folder + "/data.qcow2"))
            #expect(try web.plan(wanted, Self.running).action == .none)
        }
    }

    @Test func `is never made anew unless that is asked for`() throws {
        try withScratchState { state throws in
            let web = try Self.undefined(state)
            let other = Self.spec { $0.disks[0].format = .raw }
            for attempt in [
                { _ = try web.up(other, Self.running) }, { _ = try web.plan(other, Self.running) },
            ] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.code == .specDiffers)
                #expect(failure.hint?.contains(web.folder + "/boot-disk.qcow2") == true)
            }
            #expect(try Self.isWritten(web))
            var options = Self.running
            options.replace = true
            #expect(try web.plan(other, options).action == .replace)
            _ = try web.up(other, options)
            #expect(!fileExists(web.folder + "/boot-disk.qcow2"))
        }
    }

    @Test func `is nothing that gc removes; rm of its name does`() throws {
        try withScratchState { state throws in
            let web = try Self.undefined(state)
            let leftovers = try Leftovers(state: state, on: web.hypervisor)
            let survey = try leftovers.survey()
            #expect(survey.left.isEmpty && survey.spared.map(\.path) == [web.folder])
            #expect(try web.keptDisks() == [web.folder + "/boot-disk.qcow2"])
            #expect(try web.remove())
            #expect(!fileExists(web.folder))
        }
    }

    @Test func `is removed to its end where a removal was killed`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = Machine("web", on: host, state: state)
            _ = try web.up(Self.spec(), Self.running)
            // A removal ends the guest, says that it has begun, and undefines the domain.
            try host.destroy("web")
            try MachineJournal.reopen(in: web.folder)
            try host.undefine("web")
            #expect(try web.keptDisks().isEmpty)
            #expect(try Leftovers(state: state, on: host).survey().left.map(\.path) == [web.folder])
            #expect(try web.plan(Self.spec(), Self.running).action == .make)
        }
    }

    /// Their journals have no record.
    @Test func `is taken up again also where an older limiq made it, as its disk says`() throws {
        try withScratchState { state throws in
            let base = state.root + "/base.qcow2"
            try Disk.create(base, size: ByteSize(gib: 1))
            let spec = Self.spec { $0.disks[0].backingFile = base }
            let web = try Self.undefined(state, spec)
            func old() throws -> MachineJournal {
                var journal = try #require(MachineJournal.read(in: web.folder))
                journal.record = nil
                try journal.takePlace(of: journal, in: web.folder)
                return journal
            }
            _ = try old()
            for change in [
                { $0.disks[0].backingFile = nil }, { $0.disks[0].format = .raw },
                { $0.disks[0].id = "other" },
            ] as [(inout VMSpec) -> Void] {
                var other = spec
                change(&other)
                let failure = try #require(throws: Failure.self) { _ = try web.plan(other, Self.running) }
                #expect(failure.code == .specDiffers, "\(failure)")
            }
            var larger = spec
            larger.disks[0].sizeGiB = 3
            #expect(try web.plan(larger, Self.running).changes.map(\.path) == ["disks[1].size_gib"])
            #expect(try web.plan(spec, Self.running).action == .adopt)
            _ = try web.up(spec, Self.running)
            try web.hypervisor.destroy("web")
            #expect(try Self.isWritten(web))
        }
    }

    @Test func `is not taken up while somebody else uses its disk`() throws {
        try withScratchState { state throws in
            let web = try Self.undefined(state)
            let reader = try OpenFile(web.folder + "/boot-disk.qcow2")
            for attempt in [
                { _ = try web.up(Self.spec(), Self.running) },
                { _ = try web.plan(Self.spec(), Self.running) },
            ] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.code == .inUse && failure.message.contains("\(reader.process)"))
            }
            #expect(try web.hypervisor.domains().isEmpty)
        }
    }

    @Test func `says which disk is gone, where only some are left`() throws {
        try withScratchState { state throws in
            let spec = Self.spec {
                var data = DiskSpec(id: "data")
                data.sizeGiB = 1
                $0.disks.append(data)
            }
            let web = try Self.undefined(state, spec)
            unlink(web.folder + "/boot-disk.qcow2")
            let failure = try #require(throws: Failure.self) { _ = try web.up(spec, Self.running) }
            #expect(failure.message == "\(web.folder)/boot-disk.qcow2 of vm web is gone")
            #expect(fileExists(web.folder + "/data.qcow2"))
        }
    }

    @Test func `is defined again while its guest still runs`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = Machine("web", on: host, state: state)
            _ = try web.up(Self.spec(), Self.running)
            try host.undefine("web")
            try #require(try !host.isPersistent("web"))
            let plan = try web.plan(Self.spec(), Self.running)
            #expect(plan.action == .change && plan.redefines)
            let report = try web.up(Self.spec(), Self.running)
            #expect(report.changed)
            #expect(report.warnings == ["web had been undefined while it runs, and is defined again"])
            #expect(try host.isPersistent("web") && host.domain("web")?.state == .running)
            #expect(try !web.up(Self.spec(), Self.running).changed)
        }
    }

    @Test func `is taken up again on another machine, with its volumes`() throws {
        try withScratchState { state throws in
            let setting = try `A VM on another machine, its volumes in memory`.Setting(state)
            _ = try setting.up()
            let host = setting.host
            let uuid = try host.domain("web")?.uuid
            try host.destroy("web")
            try host.undefine("web")
            let made = host.storage.made
            let plan = try setting.machine.plan(setting.spec, Self.running)
            #expect(plan.action == .adopt)
            #expect(plan.kept.sorted() == ["fast/web.data.qcow2", "limiq/web.boot-disk.qcow2"])
            #expect(try Leftovers(state: state, on: host).survey().left.isEmpty)
            #expect(try setting.up().changed)
            #expect(try host.domain("web")?.uuid == uuid && host.domain("web")?.state == .running)
            #expect(host.storage.made == made, "nothing is made anew")
            #expect(try !setting.up().changed)
            #expect(try setting.machine.remove())
            #expect(host.storage.names.filter { $0.hasPrefix("web.") } == [])
        }
    }
}
