import Basics
import Glibc
import Hypervisors
import ImageLibrary
import MachineSpec
import Support
import Testing

@testable import HostFiles
@testable import Provisioning

@Suite struct `What killed runs have left` {
    private static let fake = "fake:///default"
    /// The number of a process that has ended.
    private static func deadProcess() throws -> String {
        try run("/bin/sh", "-c", "echo $$").output.trimmed()
    }

    private static func begin(_ name: String, uri: String = fake, _ state: StateFolder) throws {
        let folder = state.machine(name)
        try makeFolders(folder)
        let disk = folder + "/boot-disk.qcow2"
        try MachineJournal(machine: name, uri: uri, parts: [.file(disk)]).begin(
            in: folder)
        append("half", to: disk)
    }

    private static func up(_ name: String, on host: FakeHypervisor, _ state: StateFolder) throws {
        var spec = `Bringing a VM up`.spec()
        spec.name = name
        _ = try Machine(name, on: host, state: state).up(spec)
    }

    private static func unfinish(_ name: String, _ state: StateFolder) throws {
        let folder = state.machine(name)
        try #require(rename(folder + "/made.json", folder + "/making.json") == 0)
    }

    /// Every file and folder of a state folder.
    private static func everything(_ state: StateFolder) throws -> [String] {
        try filesBelow(state.root) + foldersBelow(state.root).sorted()
    }

    @Test func `is told apart, and removed, from what finished VMs, other hosts and other people own`() throws
    {
        try withScratchState { state throws in
            let host = `Bringing a VM up`.booting()
            let dead = try Self.deadProcess()
            for name in ["web", "gone", "shared", "half-booted", "renamed", "taken", "kept"] {
                try Self.up(name, on: host, state)
                if !["web", "half-booted"].contains(name) { try host.destroy(name) }
            }
            try host.undefine("kept")
            let temporary = "\(state.machine("web"))/.cloud-init.json.limiq-\(dead)-abc.tmp"
            append("{", to: temporary)
            try host.undefine("gone")
            try host.undefine("shared")
            append("mine", to: state.machine("shared") + "/notes.txt")
            // With a disk they were no leftovers.
            for name in ["gone", "shared"] { unlink(state.machine(name) + "/boot-disk.qcow2") }
            try Self.unfinish("half-booted", state)
            let xml = try host.xml("renamed", inactive: true, secrets: true)
            try host.undefine("renamed")
            _ = try host.define(xml.replacing("<name>renamed</name>", with: "<name>new-name</name>"))
            try host.undefine("taken")
            _ = try host.define("<domain><name>taken</name></domain>")
            try Self.begin("half-made", state)
            try Self.begin("elsewhere", uri: "qemu:///system", state)
            try MachineJournal.finish(in: state.machine("elsewhere"))
            try Self.begin("half-elsewhere", uri: "qemu:///system", state)
            try makeFolders(state.machine("empty"))
            try makeFolders(state.machine("mine"))
            append("mine", to: state.machine("mine") + "/notes.txt")
            try makeFolders(state.cloudImages)
            try makeFolders(state.root + "/ssh")
            let files = [
                temporary, state.machines + "/.old.lock",
                state.root + "/.acceleration.json.limiq-\(dead)-x.tmp",
                state.cloudImages + "/.debian-12.0123456789abcdef.part",
                state.cloudImages + "/..debian-12.build.part.Xy12",
                state.cloudImages + "/.ubuntu-24.04.lock", "\(state.sshKey).\(dead)", state.sshKey + ".lock",
            ]
            for file in files { append("1\n", to: file) }
            // A person's own, whatever it is called.
            let own = [
                "/cloud-images/debian-12.qcow2", "/cloud-images/.mine.part", "/cloud-images/.x.limiq.tmp",
            ]
            for file in own { append("mine", to: state.root + file) }

            let before = try Self.everything(state)
            let survey = try Leftovers(state: state, on: host).survey()
            #expect(
                Set(survey.left.map(\.path))
                    == Set(
                        files + ["gone", "shared", "half-booted", "half-made", "empty"].map(state.machine)))
            #expect(survey.left.count == files.count + 5)
            #expect(
                Set(survey.spared.map(\.path))
                    == Set(["taken", "half-elsewhere", "mine", "kept"].map(state.machine)))
            #expect(
                survey.spared.first { $0.path == state.machine("half-elsewhere") }?.reason
                    == "it is on another host: limiq gc --connect qemu:///system")
            #expect(
                survey.spared.first { $0.path == state.machine("kept") }?.reason.hasPrefix(
                    "its domain is gone and its disk is kept") == true)
            #expect(try Self.everything(state) == before, "a survey changes nothing")
            #expect(host.calls.last == "define taken")

            let leftovers = try Leftovers(state: state, on: host)
            for item in survey.left {
                let reason = try leftovers.remove(item)
                #expect(
                    (reason != nil) == (item.path == state.machine("shared")), "\(item.path): \(reason ?? "")"
                )
            }
            #expect(try Leftovers(state: state, on: host).survey().left.isEmpty)
            #expect(try host.domains().map(\.name).sorted() == ["new-name", "taken", "web"])
            #expect(`Bringing a VM up`.contents(state.machine("shared")) == ["notes.txt"])
            let removed = Set(
                files + ["gone", "shared", "half-booted", "half-made", "empty"].map(state.machine))
            let kept = before.filter { path in
                let path = "\(state.root)/\(path)"
                return !removed.contains(path) && !removed.contains { path.hasPrefix($0 + "/") }
            }
            #expect(Set(try Self.everything(state)) == Set(kept + ["vms/shared", "vms/shared/notes.txt"]))
        }
    }

    @Test func `is nothing that another limiq is at work on`() throws {
        try withScratchState { state throws in
            let host = `Bringing a VM up`.booting()
            try Self.begin("busy", state)
            try makeFolders(state.cloudImages)
            let part = state.cloudImages + "/.debian-12.any.part"
            append("half", to: part)
            let survey = try Leftovers(state: state, on: host).survey()
            #expect(survey.left.map(\.path) == [state.machine("busy"), part])

            let image = ImageLibrary.lock("debian-12", in: state)
            try MachineLock.hold(Machine("busy", on: host, state: state), cancellation: Cancellation()) {
                () throws(Failure) in
                try FileLock.hold(image, for: "it", Cancellation()) { () throws(Failure) in
                    let leftovers = try Leftovers(state: state, on: host)
                    let now = try leftovers.survey()
                    #expect(now.left.isEmpty)
                    let reason = "process \(getpid()) is at work on it"
                    #expect(now.spared.map(\.reason) == [reason, reason])
                    // What was seen before the other began is not removed under its hands.
                    for item in survey.left { #expect(try leftovers.remove(item) == reason) }
                }
            }
            #expect(fileExists(part) && fileExists(state.machine("busy") + "/making.json"))
        }
    }

    @Test func `is no VM that has been finished since it was looked for`() throws {
        try withScratchState { state throws in
            let host = `Bringing a VM up`.booting()
            try Self.begin("web", state)
            let leftovers = try Leftovers(state: state, on: host)
            let item = try #require(try leftovers.survey().left.first)
            try Self.up("web", on: host, state)
            #expect(try leftovers.remove(item) == "it has been finished meanwhile")
            #expect(try host.domains().count == 1)
        }
    }

    @Test func `is a VM whose guest was still awaited, until the next run has seen it through`() throws {
        try withScratchState { state throws in
            let host = `Bringing a VM up`.booting()
            try Self.up("web", on: host, state)
            try Self.unfinish("web", state)
            #expect(try Leftovers(state: state, on: host).survey().left.count == 1)
            try Self.up("web", on: host, state)
            #expect(try Leftovers(state: state, on: host).survey().left.isEmpty)
        }
    }

    @Test func `is no VM that was kept for a look`() throws {
        try withScratchState { state throws in
            var behaviour = FakeHypervisor.Behaviour()
            behaviour.startFails = { _ in Failure(.libvirt, "cannot start") }
            let host = FakeHypervisor(behaviour)
            var options = UpOptions()
            options.keep = true
            #expect(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(`Bringing a VM up`.spec(), options)
            }
            #expect(try Leftovers(state: state, on: host).survey() == Leftovers.Survey())
        }
    }

    @Test func `is told by its writer's number and start: a new process may have the number of an old one`()
        throws
    {
        try withScratchState { state throws in
            let mine = ".web.json.limiq-\(getpid())-abc.tmp"
            append("half", to: "\(state.root)/\(mine)")
            #expect(AtomicFile.leftovers(in: state.root).isEmpty)
            try run("touch", "-d", "@1000000000", "\(state.root)/\(mine)")
            #expect(AtomicFile.leftovers(in: state.root) == [mine])
        }
    }
}
