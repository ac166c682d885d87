import Basics
import DiskImages
import Foundation
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing
import XML

@testable import Provisioning

/// A machine that runs, with an agent that says what a test has it say of a disk's use.
private struct Running {
    let host: FakeHypervisor
    let machine: Machine
    private let before: Int

    init(_ spec: VMSpec, _ state: StateFolder) throws {
        host = `Bringing a VM up`.booting()
        machine = Machine("web", on: host, state: state)
        _ = try machine.up(spec)
        before = host.calls.count
        says("free")
    }

    var calls: [String] { host.calls.dropFirst(before).map { $0.replacing(" web", with: "") } }

    /// - Parameter words: `nil` where no agent answers.
    func says(_ words: String?) {
        let data = words.map { Data($0.utf8).base64EncodedString() }
        host.behaviour.withLock {
            $0.agent = { command in
                guard let data else { return nil }
                if command.contains(#""guest-ping""#) { return #"{"return":{}}"# }
                if command.contains(#""guest-exec""#) { return #"{"return":{"pid":7}}"# }
                return #"{"return":{"exited":true,"exitcode":0,"out-data":"\#(data)"}}"#
            }
        }
    }

    var disks: [String] { aliases("devices/disk") }
    var nics: [String] { aliases("devices/interface") }

    private func aliases(_ path: String) -> [String] {
        (host.liveNode("web")?.all(path) ?? []).compactMap(\.alias).filter { $0 != "ua-cdrom-cidata" }
    }
}

private let spec = `Bringing a VM up`.spec()

private func with(disks: [String] = [], nics: [String] = []) -> VMSpec {
    var spec = spec
    spec.disks[0].bootable = true
    for id in disks {
        var disk = DiskSpec(id: id)
        disk.sizeGiB = 1
        spec.disks.append(disk)
    }
    spec.nics += nics.map { NICSpec(id: $0) }
    return spec
}

private func options(_ change: (inout UpOptions) -> Void) -> UpOptions {
    var options = UpOptions()
    change(&options)
    return options
}

@Suite struct `Disks and nics of a running guest` {
    @Test func `are plugged in at once, and out again, the disk's file kept until the VM goes`() throws {
        try withScratchState { state throws in
            let running = try Running(with(), state)
            let wanted = with(disks: ["data"], nics: ["lan"])
            let added = try running.machine.up(wanted)
            #expect(added.changes.map(\.path) == ["disks[2]", "nics[\(wanted.nics.count)]"])
            #expect(added.changes.allSatisfy { $0.kind == .live } && added.pending == [])
            #expect(running.calls == ["define", "attach live", "attach live", "metadata live"])
            #expect(
                running.disks == ["ua-disk-boot-disk", "ua-disk-data"] && running.nics.last == "ua-nic-lan")
            #expect(try !running.machine.up(wanted).changed)

            let file = state.machine("web") + "/data.qcow2"
            let removed = try running.machine.up(with())
            #expect(removed.changes.map(\.path) == added.changes.map(\.path) && removed.pending == [])
            #expect(removed.warnings.contains { $0.contains("kept until the machine is removed: \(file)") })
            #expect(running.disks == ["ua-disk-boot-disk"] && !running.nics.contains("ua-nic-lan"))
            #expect(running.host.domainNode("web")?.device("ua-disk-data") == nil)
            #expect(try !running.machine.up(with()).changed && fileExists(file))

            // It comes back with what is on it.
            let digest = try fileBytes(file, atMost: 1 << 20)
            let back = try running.machine.up(wanted)
            #expect(back.warnings.contains { $0.contains("the one it had before") })
            #expect(try fileBytes(file, atMost: 1 << 20) == digest && running.disks.contains("ua-disk-data"))
            _ = try running.machine.up(with())
            #expect(try running.machine.remove())
            #expect(`Bringing a VM up`.contents(state.machines) == [])
        }
    }

    @Test func `a disk that is no longer what was dropped under its name is refused, and stays`() throws {
        try withScratchState { state throws in
            let running = try Running(with(disks: ["data"]), state)
            _ = try running.machine.up(with())
            var wanted = with(disks: ["data"])
            wanted.disks[1].sizeGiB = 2
            let failure = try #require(throws: Failure.self) { _ = try running.machine.up(wanted) }
            #expect(failure.code == .diskExists && fileExists(state.machine("web") + "/data.qcow2"))
        }
    }

    @Test func `without the disk it boots from it is another VM`() throws {
        try withScratchState { state throws in
            let running = try Running(with(disks: ["data"]), state)
            var wanted = with(disks: ["data"])
            wanted.disks.removeFirst()
            let failure = try #require(throws: Failure.self) { _ = try running.machine.up(wanted) }
            #expect(failure.code == .specDiffers && running.calls == [])
        }
    }

    @Test func `take the ports that are free, and the others wait, with the reason`() throws {
        try withScratchState { state throws in
            let running = try Running(with(), state)
            let wanted = with(disks: ["a", "b", "c"], nics: ["d", "e"])
            let plan = try running.machine.plan(wanted)
            let report = try running.machine.up(wanted)
            #expect(
                report.changes.count == 4 && report.changes == plan.changes && report.pending == plan.pending)
            #expect(report.pending.map(\.kind) == [.restart])
            #expect(report.pending.first?.reason == "all PCI ports that the guest was started with are taken")
            #expect(report.warnings.contains { $0.contains("as all PCI ports") })
            #expect(!running.nics.contains("ua-nic-e"))
            // Its next start has ports to spare again.
            let next = try #require(running.host.domainNode("web"))
            #expect(DomainPorts(next).count == DomainPorts.spare)
            #expect(try running.machine.up(wanted, options { $0.restart = true }).changed)
            #expect(running.nics.contains("ua-nic-e"))
            #expect(try running.machine.diff(wanted) == [])
        }
    }

    @Test func `of a VM made without ports to spare all wait, and then it has some`() throws {
        try withScratchState { state throws in
            let running = try Running(with(), state)
            for live in [true, false] {
                running.host.edit("web", live: live) { domain in
                    domain.edit("devices") { devices in
                        devices.children.removeAll { DomainPorts.isPort($0) }
                    }
                }
            }
            #expect(try !running.machine.up(with()).changed)
            #expect(try running.machine.up(with(disks: ["data"])).pending.map(\.path) == ["disks[2]"])
            _ = try running.machine.up(with(disks: ["data"]), options { $0.restart = true })
            #expect(
                try running.machine.up(with(disks: ["data", "more"])).changes.map(\.path) == ["disks[3]"])
        }
    }

    @Test(
        arguments: [
            ("vdb is mounted at /mnt", "vdb is mounted at /mnt"),
            ("vdb1 is in use by vg-lv", "vdb1 is in use by vg-lv"),
            (nil, "the guest's agent does not answer, which could say whether it is in use"),
        ] as [(String?, String)])
    func `a disk in use stays until a start anew, and the reason is said`(says: String?, reason: String)
        throws
    {
        try withScratchState { state throws in
            let running = try Running(with(disks: ["data"]), state)
            running.says(says)
            let plan = try running.machine.plan(with())
            #expect(plan.pending.map(\.reason) == [reason] && plan.changes == [])
            let report = try running.machine.up(with())
            #expect(report.pending == plan.pending && running.disks.contains("ua-disk-data"))
            #expect(report.warnings.contains { $0.contains(reason) })
            #expect(running.calls == ["define"])
            #expect(try !running.machine.up(with()).changed)
            // Nothing of it is forgotten: once nobody uses it, it goes.
            running.says("free")
            #expect(try running.machine.up(with()).changed && !running.disks.contains("ua-disk-data"))
            #expect(try running.machine.diff(with()) == [])
        }
    }

    @Test func `a disk in use that the script has again stays, and is not made`() throws {
        try withScratchState { state throws in
            let running = try Running(with(disks: ["data"]), state)
            running.says("vdb is mounted at /mnt")
            _ = try running.machine.up(with())
            #expect(try running.machine.up(with(disks: ["data"])).pending == [])
            #expect(try running.machine.diff(with(disks: ["data"])) == [])
            #expect(!running.calls.contains("attach live"))
        }
    }

    @Test func `what the guest does not let go of is pending, and asked for again`() throws {
        try withScratchState { state throws in
            let running = try Running(with(disks: ["data"], nics: ["lan"]), state)
            running.host.behaviour.withLock { $0.keepsDevices = true }
            let report = try running.machine.up(with())
            #expect(report.changes == [])
            #expect(
                report.pending.map(\.reason) == Array(repeating: "the guest did not let go of it", count: 2))
            running.host.behaviour.withLock { $0.keepsDevices = false }
            #expect(try running.machine.up(with()).changes.count == 2)
            #expect(running.disks == ["ua-disk-boot-disk"])
            #expect(try running.machine.diff(with()) == [])
        }
    }

    @Test func `killed between any two steps, the next run does the rest`() throws {
        for (from, to) in [
            (with(), with(disks: ["data"], nics: ["lan"])), (with(disks: ["data"], nics: ["lan"]), with()),
        ] {
            for step in 0..<4 {
                try withScratchState { state throws in
                    let running = try Running(from, state)
                    let count = Counter()
                    running.host.behaviour.withLock {
                        $0.changeFails = { _ in
                            count.next() - 1 == step ? Failure(.libvirt, "killed") : nil
                        }
                    }
                    _ = try? running.machine.up(to)
                    running.host.behaviour.withLock { $0.changeFails = { _ in nil } }
                    _ = try running.machine.up(to)
                    #expect(try running.machine.diff(to) == [], "step \(step)")
                    #expect(running.disks.contains("ua-disk-data") == (to.disks.count == 2), "step \(step)")
                    #expect(running.nics.contains("ua-nic-lan") == (to.nics.count > spec.nics.count))
                }
            }
        }
    }

    @Test func `a new nic's forwards are set with it`() throws {
        try withScratchState { state throws in
            let running = try Running(with(), state)
            var wanted = with(nics: ["lan"])
            let port = try `Bringing a VM up`.freePort()
            wanted.nics[wanted.nics.count - 1].forward = [PortForward(host: port, guest: 80)]
            let report = try running.machine.up(wanted)
            #expect(report.forwards.contains { $0.host == port })
            #expect(running.calls.contains("hostfwd_add hostua-nic-lan tcp:127.0.0.1:\(port)-:80"))
            #expect(try !running.machine.up(wanted).changed)
        }
    }
}

@Suite struct `What somebody changed by hand` {
    /// What a plan says of each field that differs: what is, and what the script says.
    private func told(_ running: Running, _ spec: VMSpec) throws -> [String] {
        try (running.machine.diff(spec) ?? []).map {
            "\($0.path) \($0.current?.short ?? "none") → \($0.wanted?.short ?? "none") \($0.cause.rawValue)"
        }
    }

    @Test func `is told as what it is, beside what the script says`() throws {
        try withScratchState { state throws in
            let wanted = with(disks: ["data"], nics: ["lan"])
            let nic = wanted.nics.count
            var labelled = wanted
            labelled.labels = ["tier": "web"]
            let cases: [(Bool, String, (inout XMLNode) -> Void)] = [
                (
                    false, "cpu_cores 3 processors in all → 1 drift",
                    { domain in
                        domain.edit("vcpu") { $0.text = "3" }
                        domain.edit("cpu") { $0.children = [] }
                    }
                ),
                (false, "cpu_sockets none → 1 drift", { $0.edit("cpu") { $0.children = [] } }),
                (true, "memory_mib 700 → 1024 drift", { $0.edit("currentMemory") { $0.text = "700" } }),
                (
                    true, "disks[2] none → data drift",
                    { domain in
                        domain.edit("devices") { $0.children.removeAll { $0.alias == "ua-disk-data" } }
                    }
                ),
                (
                    false, "nics[\(nic)] none → lan drift",
                    { domain in
                        domain.edit("devices") { $0.children.removeAll { $0.alias == "ua-nic-lan" } }
                    }
                ),
                (
                    false, "labels.tier db → web script",
                    { domain in
                        domain.edit("metadata") { metadata in
                            metadata.children[0].text = metadata.children[0].text.replacing(
                                #""tier":"web""#, with: #""tier":"db""#)
                        }
                    }
                ),
            ]
            for (live, expected, hand) in cases {
                let running = try Running(labelled, state)
                running.host.edit("web", live: live, hand)
                let found = try told(running, labelled)
                #expect(found.contains(expected), "\(found)")
                _ = try running.machine.up(labelled)
                #expect(try told(running, labelled) == [])
                _ = try running.machine.remove()
            }
        }
    }

    @Test func `is what is told where the script says another value too`() throws {
        try withScratchState { state throws in
            let running = try Running(with(), state)
            running.host.edit("web", live: true) { $0.edit("currentMemory") { $0.text = "700" } }
            var wanted = with()
            wanted.memoryMiB = 512
            #expect(try told(running, wanted) == ["memory_mib 700 → 512 script"])
        }
    }

    @Test func `to a disk's file is told; a smaller one grows again, a larger one is left as it is`() throws {
        try withScratchState { state throws in
            let running = try Running(with(disks: ["data"]), state)
            let file = state.machine("web") + "/data.qcow2"
            try running.host.destroy("web")
            #expect(try run("qemu-img", "resize", "--shrink", file, "512M").status == 0)
            #expect(try told(running, with(disks: ["data"])) == ["disks[2].size_gib 512 MiB → 1 drift"])
            #expect(
                try running.machine.up(with(disks: ["data"])).changes.map(\.path) == ["disks[2].size_gib"])
            #expect(try told(running, with(disks: ["data"])) == [])

            try running.host.destroy("web")
            #expect(try run("qemu-img", "resize", file, "3G").status == 0)
            #expect(try told(running, with(disks: ["data"])) == ["disks[2].size_gib 3 → 1 drift"])
            for _ in 0..<2 {
                let report = try running.machine.up(with(disks: ["data"]))
                #expect(report.changes == [] && report.pending.map(\.path) == ["disks[2].size_gib"])
                #expect(
                    report.warnings.contains {
                        $0.contains("it is left as it is, as a disk is not made smaller")
                    })
            }
            #expect(try !running.machine.plan(with(disks: ["data"])).isChange)
            #expect(try run("qemu-img", "info", file).output.contains("3 GiB"))
            // The script may say what is.
            var wanted = with(disks: ["data"])
            wanted.disks[1].sizeGiB = 3
            #expect(try running.machine.up(wanted).changed)
            #expect(try running.machine.diff(wanted) == [])
        }
    }
}
