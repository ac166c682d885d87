import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing

@testable import Provisioning

/// Files in a state folder that limiq has not put there.
@Suite struct `A journal, link or FIFO that limiq did not make` {
    private static let fake = "fake:///default"

    /// A folder of a VM with a journal, as a run that was killed leaves it.
    private static func journal(
        _ state: StateFolder, machine: String = "evil", folder: String = "evil", files: [String],
        volumes: [HostVolume] = [], isFinished: Bool = false
    ) throws {
        let path = state.machine(folder)
        try makeFolders(path)
        let parts =
            files.map(Part.file) + volumes.map(Part.volume)
        try MachineJournal(machine: machine, uri: fake, parts: parts).begin(in: path)
        if isFinished { try MachineJournal.finish(in: path) }
    }

    /// Removes all that `gc` would, and what `rm` and `up` would of the VM.
    private static func tryAll(_ state: StateFolder, _ name: String = "evil") throws {
        let host = FakeHypervisor()
        let leftovers = try Leftovers(state: state, on: host, beside: { _, _ in [] })
        for item in try leftovers.survey().left { _ = try? leftovers.remove(item) }
        var machine = Machine(name, on: host, state: state)
        machine.neighbours = { _, _ in [] }
        _ = try? machine.remove()
        var spec = `Bringing a VM up`.spec()
        spec.name = name
        spec.cloudInit = nil
        _ = try? machine.up(spec)
        _ = try? machine.remove()
    }

    @Test(arguments: [
        "/precious", "/vms/evil/../../precious", "/vms/evil/./boot-disk.qcow2/../../../precious",
        "/vms//evil/boot-disk.qcow2", "/vms/other/boot-disk.qcow2",
    ])
    func `removes nothing outside its folder`(_ path: String) throws {
        try withScratchState { state throws in
            append("keep", to: state.root + "/precious")
            try makeFolders(state.machine("other"))
            append("keep", to: state.machine("other") + "/boot-disk.qcow2")
            for isFinished in [false, true] {
                try Self.journal(state, files: [state.root + path, "precious"], isFinished: isFinished)
                append("mine", to: state.machine("evil") + "/boot-disk.qcow2")
                try Self.tryAll(state)
                #expect(readWhole(state.root + "/precious") == "keep")
                #expect(readWhole(state.machine("other") + "/boot-disk.qcow2") == "keep")
                try run("/bin/rm", "-rf", state.machine("evil"))
            }
        }
    }

    @Test func `says what it names and is left`() throws {
        try withScratchState { state throws in
            let precious = state.root + "/precious"
            append("keep", to: precious)
            try Self.journal(state, files: [precious, state.machine("evil") + "/boot-disk.qcow2"])
            var machine = Machine("evil", on: FakeHypervisor(), state: state)
            machine.neighbours = { _, _ in [] }
            var left: [String] = []
            #expect(try machine.remove { left.append($0) })
            #expect(left.count == 1 && left[0].hasPrefix(precious))
            #expect(!fileExists(machine.folder))
        }
    }

    @Test(arguments: ["../outside", "other", "/tmp", "", "evil@node2,system", "."])
    func `is of no other VM than its folder's`(_ name: String) throws {
        try withScratchState { state throws in
            for folder in ["outside", "vms/other"] {
                try makeFolders(state.root + "/" + folder)
                append("keep", to: "\(state.root)/\(folder)/boot-disk.qcow2")
            }
            try Self.journal(
                state, machine: name, files: [state.root + "/outside/boot-disk.qcow2"], isFinished: true)
            try Self.tryAll(state)
            for folder in ["outside", "vms/other"] {
                #expect(readWhole("\(state.root)/\(folder)/boot-disk.qcow2") == "keep")
            }
        }
    }

    @Test func `in a VM's record has nothing written or read where it leads`() throws {
        try withScratchState { state throws in
            let machine = Machine("evil", on: `Bringing a VM up`.booting(), state: state)
            var spec = `Bringing a VM up`.spec()
            spec.name = "evil"
            _ = try machine.up(spec)
            let precious = state.root + "/seed.iso"
            try ISOImage.write(to: precious, label: "cidata", files: [ISOFile("user-data", "keep")])
            let bytes = try fileBytes(precious, atMost: 1 << 20)
            var record = try #require(try machine.record())
            record.parts.removeAll { $0.kind == .seed }
            record.parts.append(.file(precious))
            try machine.hypervisor.setMetadata("evil", try record.element())
            #expect(try machine.spec().cloudInit == spec.cloudInit)
            spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\nhostname: other\n"))
            _ = try machine.up(spec)
            #expect(try fileBytes(precious, atMost: 1 << 20) == bytes)
            let seed = try ISOReader(machine.folder + "/seed.iso").read(Array("user-data".utf8))
            #expect(String(decoding: seed, as: UTF8.self).contains("other"))
            _ = try machine.remove()
            #expect(try fileBytes(precious, atMost: 1 << 20) == bytes)
        }
    }

    @Test func `removes no volume of another name, and none where machines have files`() throws {
        try withScratchState { state throws in
            let volumes = [
                HostVolume(pool: "fast", name: "precious.qcow2"), HostVolume(pool: "fast", name: "evil"),
                HostVolume(pool: "fast", name: "evil.txt"), HostVolume(pool: "fast", name: "evilx.a.qcow2"),
            ]
            let uri = "fake+ssh://node2/system"
            let host = FakeHypervisor(uri: uri)
            let local = FakeHypervisor()
            for storage in [host.storage, local.storage] {
                storage.state.withLock { state in
                    for volume in volumes + [HostVolume(pool: "fast", name: "evil.a.qcow2")] {
                        state.volumes[volume] = .init(
                            description: VolumeXML(name: volume.name, format: .qcow2, capacity: 1))
                    }
                }
            }
            let machine = Machine("evil", on: host, state: state)
            try makeFolders(machine.folder)
            let own = HostVolume(pool: "fast", name: "evil.a.qcow2")
            try MachineJournal(
                machine: "evil", uri: uri,
                parts: (volumes + [own]).map(Part.volume)
            ).begin(in: machine.folder)
            try Self.journal(state, files: [], volumes: volumes + [own])
            #expect(try machine.remove())
            #expect(host.storage.names == volumes.map(\.name).sorted())
            #expect(try Machine("evil", on: local, state: state).remove())
            #expect(local.storage.names.count == volumes.count + 1)
        }
    }

    @Test func `in the place of a VM's folder is not followed`() throws {
        try withScratchState { state throws in
            let outside = state.root + "/outside"
            try makeFolders(outside)
            try MachineJournal(
                machine: "evil", uri: Self.fake,
                parts: [.file(state.machine("evil") + "/boot-disk.qcow2")]
            )
            .begin(in: outside)
            append("keep", to: outside + "/boot-disk.qcow2")
            append("keep", to: outside + "/console.log")
            try makeFolders(state.machines)
            try #require(symlink(outside, state.machine("evil")) == 0)
            let before = try filesBelow(outside)
            let host = FakeHypervisor()
            let survey = try Leftovers(state: state, on: host, beside: { _, _ in [] }).survey()
            #expect(survey.left.isEmpty)
            #expect(!survey.spared.isEmpty && survey.spared.allSatisfy { $0.reason.contains("is a link") })
            let machine = Machine("evil", on: host, state: state)
            let failure = try #require(throws: Failure.self) { _ = try machine.remove() }
            #expect(failure.code == .notOurs && failure.message.contains("is a link"), "\(failure)")
            try Self.tryAll(state)
            #expect(try filesBelow(outside) == before)
        }
    }

    @Test func `in the place of a VM's folder keeps a VM that is there from being removed`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try `A part of a VM that somebody else uses too`.made(state, on: host)
            let moved = state.root + "/moved"
            try #require(rename(web.folder, moved) == 0 && symlink(moved, web.folder) == 0)
            #expect(throws: Failure.self) { _ = try web.remove() }
            #expect(try host.domains().count == 1)
            #expect(fileExists(moved + "/boot-disk.qcow2"))
        }
    }

    @Test func `in the place of a file is removed itself, with nothing behind it`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try `A part of a VM that somebody else uses too`.made(state, on: host)
            let precious = state.root + "/precious"
            append("keep", to: precious)
            for file in ["boot-disk.qcow2", "seed.iso", "cloud-init.json"] {
                unlink("\(web.folder)/\(file)")
                try #require(symlink(precious, "\(web.folder)/\(file)") == 0)
            }
            var larger = `Bringing a VM up`.spec()
            larger.disks[0].sizeGiB = 2
            #expect(throws: Failure.self) { _ = try web.up(larger) }
            #expect(try web.remove())
            #expect(readWhole(precious) == "keep")
            #expect(!fileExists(web.folder))
        }
    }

    @Test func `in the place of the console's log keeps the guest from being started`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try `A part of a VM that somebody else uses too`.made(state, on: host)
            let precious = state.root + "/precious"
            append("keep", to: precious)
            try #require(symlink(precious, web.consoleLog) == 0)
            for attempt in [{ _ = try web.up(`Bringing a VM up`.spec()) }, { try web.start() }] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.message.contains("is no plain file"), "\(failure)")
            }
            #expect(readWhole(precious) == "keep")
        }
    }

    @Test(arguments: ["symlink", "link", "text", "fifo", "folder"])
    func `in the place of a lock is neither written nor waited for`(_ kind: String) throws {
        try withScratchState { state throws in
            let (victim, lock) = (state.root + "/victim", state.machines + "/.evil.lock")
            append("KEEP", to: victim)
            try makeFolders(state.machines)
            switch kind {
            case "symlink": try #require(symlink(victim, lock) == 0)
            case "link": try #require(link(victim, lock) == 0)
            case "text": append("KEEP", to: lock)
            case "fifo": try #require(mkfifo(lock, 0o600) == 0)
            default: try makeFolders(lock)
            }
            let machine = Machine("evil", on: FakeHypervisor(), state: state)
            for attempt in [{ _ = try machine.remove() }, { _ = try machine.up(`Bringing a VM up`.spec()) }] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.message.contains("is no lock of limiq's"), "\(failure)")
            }
            let survey = try Leftovers(state: state, on: FakeHypervisor(), beside: { _, _ in [] }).survey()
            #expect(survey.left.isEmpty && survey.spared.map(\.path) == [lock])
            #expect(fileExists(lock))
            #expect(readWhole(victim) == "KEEP")
        }
    }

    /// Each would keep whoever opens it to read or write for ever.
    @Test(.timeLimit(.minutes(1))) func `that is a FIFO keeps nobody waiting`() throws {
        try withScratchState { state throws in
            let folder = state.machine("evil")
            try makeFolders(folder)
            let names = [
                "making.json", "made.json", "boot-disk.qcow2", "seed.iso", "console.log", "boot-offset",
                "cloud-init.json", "known_hosts", "host_keys",
            ]
            for name in names { try #require(mkfifo("\(folder)/\(name)", 0o600) == 0) }
            try #require(mkfifo(state.root + "/acceleration.json", 0o600) == 0)
            try Self.tryAll(state)
            let host = `Bringing a VM up`.booting()
            let web = Machine("web", on: host, state: state)
            _ = try web.up(`Bringing a VM up`.spec())
            try host.destroy("web")
            for name in names
            where !["boot-disk.qcow2", "seed.iso", "making.json", "made.json"].contains(name) {
                unlink("\(web.folder)/\(name)")
                try #require(mkfifo("\(web.folder)/\(name)", 0o600) == 0)
            }
            _ = try web.plan(`Bringing a VM up`.spec())
            _ = web.rememberedOutcome()
            _ = web.consoleTail(lines: 3)
            _ = try? web.up(`Bringing a VM up`.spec())
            #expect(throws: Failure.self) {
                _ = try GuestSSH(
                    name: "web", endpoint: SSHEndpoint(host: "127.0.0.1", port: 1), user: nil, key: "/none",
                    knownHosts: web.folder + "/known_hosts"
                ).trust()
            }
            #expect(try web.remove())
            #expect(!fileExists(web.folder))
        }
    }

    @Test func `that has a new VM's name is not taken for what the VM made`() throws {
        try withScratchState { state throws in
            try Self.journal(state, files: [state.machine("evil") + "/seed.iso"])
            let disk = state.machine("evil") + "/boot-disk.qcow2"
            append("somebody's own", to: disk)
            var spec = `Bringing a VM up`.spec()
            spec.name = "evil"
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("evil", on: FakeHypervisor(), state: state).up(spec)
            }
            #expect(failure.code == .folderTaken && failure.resource == disk)
            #expect(readWhole(disk) == "somebody's own")
        }
    }
}
