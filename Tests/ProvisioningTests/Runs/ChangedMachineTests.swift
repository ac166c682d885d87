import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Steps
import Support
import Synchronization
import Testing
import XML

@testable import Provisioning

@Suite struct `Bringing a VM to another spec` {
    private static let spec = `Bringing a VM up`.spec()

    /// With a second disk.
    private static var specWithData: VMSpec {
        var spec = spec
        spec.disks[0].bootable = true
        var data = DiskSpec(id: "data")
        data.sizeGiB = 1
        spec.disks.append(data)
        return spec
    }

    /// A VM that runs, and what it was asked to do since.
    private struct Running {
        let host: FakeHypervisor
        let machine: Machine
        private let before: Int

        init(_ spec: VMSpec, _ state: StateFolder) throws {
            host = `Bringing a VM up`.booting()
            machine = Machine("web", on: host, state: state)
            _ = try machine.up(spec)
            before = host.calls.count
        }

        var calls: [String] { host.calls.dropFirst(before).map { $0.replacing(" web", with: "") } }
    }

    private static func options(_ change: (inout UpOptions) -> Void) -> UpOptions {
        var options = UpOptions()
        change(&options)
        return options
    }

    @Test func `what the running guest can take it takes at once, and its next start as well`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            var wanted = Self.spec
            wanted.memoryMiB = 512
            wanted.disks[0].iopsLimit = 100
            wanted.labels = ["tier": "web"]
            let plan = try running.machine.plan(wanted)
            let report = try running.machine.up(wanted)
            #expect(report.changed)
            #expect(report.changes.map(\.path) == ["disks[1].iops_limit", "labels.tier", "memory_mib"])
            #expect(report.changes == plan.changes && report.pending == [])
            #expect(running.calls == ["define", "limits vda 0 100", "memory 512", "metadata live"])
            #expect(running.host.domainNode("web")?.first("memory")?.text == "512")
            #expect(running.host.liveNode("web")?.first("memory")?.text == "1024")
            let calls = running.calls
            #expect(try !running.machine.up(wanted).changed)
            #expect(try running.machine.diff(wanted) == [])
            #expect(running.calls == calls)
        }
    }

    @Test func `what it takes only when it starts anew waits for that, and is not forgotten`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            var wanted = Self.spec
            wanted.cpuCores = 2
            wanted.labels = ["tier": "web"]
            wanted.cloudInit?.userData = "#cloud-config\nhostname: other\n"
            let first = try running.machine.up(wanted)
            #expect(first.changed && first.changes.map(\.path) == ["labels.tier"])
            #expect(first.pending.map(\.path) == ["cloud_init.user_data", "cpu_cores"])
            #expect(first.warnings.contains { $0.contains("up { restart = true }") })
            #expect(running.calls == ["define", "metadata live"])
            // Told again, and nothing is done.
            let second = try running.machine.up(wanted)
            #expect(!second.changed && second.pending.map(\.cause) == [.pending, .pending])
            #expect(try !running.machine.plan(wanted).isChange)
            // Whoever starts it.
            try running.host.destroy("web")
            try running.host.start("web")
            let third = try running.machine.up(wanted)
            #expect(!third.changed && third.pending == [])
            #expect(running.host.liveNode("web")?.first("vcpu")?.text == "2")
        }
    }

    private func seed(_ file: String, _ state: StateFolder) throws -> String {
        let iso = try ISOReader(state.machine("web") + "/seed.iso")
        return String(decoding: try iso.read(Array(file.utf8)), as: UTF8.self)
    }

    @Test func `what only another instance takes is pending, told with the way out, and starts nothing anew`()
        throws
    {
        try withScratchState { state throws in
            var spec = Self.spec
            spec.cloudInit = CloudInitSpec(
                userData: "#cloud-config\nhostname: a\n", metaData: "instance-id: i-1\nlocal-hostname: a\n")
            let running = try Running(spec, state)
            spec.cloudInit?.userData = "#cloud-config\nhostname: b\n"
            let restart = Self.options { $0.restart = true }
            let plan = try running.machine.plan(spec, restart)
            let first = try running.machine.up(spec, restart)
            #expect(first.changed && first.changes == [] && first.pending == plan.pending && !plan.restarts)
            #expect(first.pending.map(\.path) == ["cloud_init.user_data"])
            #expect(first.pending.map(\.kind) == [.instance])
            #expect(first.warnings.contains { $0.contains("the instance i-1") })
            #expect(!running.calls.contains("shutdown"))
            #expect(try seed("user-data", state) == "#cloud-config\nhostname: b\n")
            let second = try running.machine.up(spec, restart)
            #expect(!second.changed && second.pending.map(\.cause) == [.pending])

            // Another instance starts anew with all that waits.
            spec.cloudInit?.metaData = "instance-id: i-2\nlocal-hostname: a\n"
            let third = try running.machine.up(spec, restart)
            #expect(third.changes.map(\.path) == ["cloud_init.meta_data", "cloud_init.user_data"])
            #expect(third.pending == [] && running.calls.contains("shutdown"))
            // A host name is taken at each start, by the same instance too.
            spec.cloudInit?.metaData = "instance-id: i-2\nlocal-hostname: b\n"
            let fourth = try running.machine.up(spec)
            #expect(fourth.pending.map(\.kind) == [.restart])
        }
    }

    @Test
    func
        `meta-data without an instance-id makes another instance with each change, and reads as it was written`()
        throws
    {
        try withScratchState { state throws in
            var spec = Self.spec
            spec.cloudInit = CloudInitSpec(
                userData: "#cloud-config\nhostname: a\n", metaData: "# mine\nlocal-hostname: a\n")
            let running = try Running(spec, state)
            let before = try seed("meta-data", state)
            #expect(
                before.hasPrefix("# mine\ninstance-id: \"iid-") && before.hasSuffix("local-hostname: a\n"))
            #expect(try running.machine.spec().cloudInit?.metaData == spec.cloudInit?.metaData)
            #expect(try !running.machine.up(try running.machine.spec()).changed)
            spec.cloudInit?.userData = "#cloud-config\nhostname: b\n"
            let report = try running.machine.up(spec, Self.options { $0.restart = true })
            #expect(report.changes.map(\.path) == ["cloud_init.user_data"] && report.pending == [])
            #expect(try seed("meta-data", state) != before)
        }
    }

    @Test func `errors of the check are warnings where the spec says so, and saying so touches no seed`()
        throws
    {
        try withScratchState { state throws in
            var spec = Self.spec
            spec.cloudInit = CloudInitSpec(userData: "#cloud-config\nruncmds: [a]\n")
            #expect(throws: Failure.self) { try Running(spec, state) }
            spec.cloudInit?.check = .warn
            let running = try Running(spec, state)
            #expect(try running.machine.spec().cloudInit == spec.cloudInit)
            spec.cloudInit?.userData = "#cloud-config\nruncmds: [b]\n"
            #expect(
                try running.machine.up(spec).warnings.contains(
                    "user-data:2:1: runcmds is no cloud-config key (did you mean runcmd?)"))
            spec.cloudInit?.userData = "#cloud-config\nruncmd: [b]\n"
            _ = try running.machine.up(spec, Self.options { $0.restart = true })
            let seed = try fileBytes(state.machine("web") + "/seed.iso", atMost: 1 << 20)
            spec.cloudInit?.check = nil
            let report = try running.machine.up(spec)
            #expect(report.changes.map(\.path) == ["cloud_init.check"] && report.pending == [])
            #expect(try fileBytes(state.machine("web") + "/seed.iso", atMost: 1 << 20) == seed)
            #expect(try !running.machine.up(spec).changed)
        }
    }

    @Test func `starts the guest anew where it is told to, for what is new and for what waits`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            var wanted = Self.spec
            wanted.cpuCores = 2
            _ = try running.machine.up(wanted)
            wanted.memoryMiB = 2048
            let report = try running.machine.up(wanted, Self.options { $0.restart = true })
            #expect(report.changes.map(\.path) == ["cpu_cores", "memory_mib"])
            #expect(
                report.phases.map(\.step.word) == ["change", "shutdown", "start", "first-boot", "cloud-init"])
            #expect(running.calls == ["define", "define", "shutdown", "start"])
            #expect(running.host.liveNode("web")?.first("memory")?.text == "2048")
            #expect(try !running.machine.up(wanted, Self.options { $0.restart = true }).changed)
        }
    }

    @Test
    func `a disk that waits for the next start grows as one that the guest has, and is not thrown away`()
        throws
    {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            var wanted = Self.specWithData
            wanted.disks[1].bus = .sata
            #expect(try running.machine.up(wanted).pending.map(\.path) == ["disks[2]"])
            #expect(try !running.machine.up(wanted).changed)
            wanted.disks[1].sizeGiB = 2
            let grown = try running.machine.up(wanted)
            #expect(grown.changes.map(\.path) == ["disks[2].size_gib"])
            let file = state.machine("web") + "/data.qcow2"
            #expect(try run("qemu-img", "info", file).output.contains("2 GiB"))
            wanted.disks[1].format = .raw
            #expect {
                try running.machine.up(wanted, Self.options { $0.restart = true })
            } throws: { error in
                (error as? Failure)?.message.contains("disks[2].format") == true
            }
            #expect(fileExists(file))
        }
    }

    @Test func `a disk grows before the domain says so, and so does when a change after it fails`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            var wanted = Self.spec
            wanted.disks[0].sizeGiB = 2
            wanted.disks[0].iopsLimit = 100
            running.host.behaviour.withLock {
                $0.changeFails = { change in
                    if case .diskLimits = change { Failure(.libvirt, "no limits") } else { nil }
                }
            }
            #expect(throws: Failure.self) { try running.machine.up(wanted) }
            #expect(running.calls == ["resize vda \(2 << 30)", "define", "limits vda 0 100"])
        }
    }

    @Test
    func `in the place of somebody's file a disk is made for the next start, and the file stays as it is`()
        throws
    {
        try withScratchState { state throws in
            let file = state.root + "/own.qcow2"
            #expect(try run("qemu-img", "create", "-f", "qcow2", file, "64G").status == 0)
            var spec = Self.specWithData
            spec.disks[1].path = file
            spec.disks[1].sizeGiB = 0
            let running = try Running(spec, state)
            let wanted = Self.specWithData
            #expect(try running.machine.up(wanted).pending.map(\.path).contains("disks[2].path"))
            #expect(try !running.machine.up(wanted).changed)
            #expect(!running.calls.contains { $0.hasPrefix("resize") })
            #expect(try running.machine.up(wanted, Self.options { $0.restart = true }).changed)
            #expect(try !running.machine.up(wanted).changed)
            #expect(try run("qemu-img", "info", file).output.contains("64 GiB"))
            #expect(fileExists(state.machine("web") + "/data.qcow2"))
        }
    }

    @Test func `a drive that was taken out of the running guest comes back once, with its other image`()
        throws
    {
        try withScratchState { state throws in
            var spec = Self.spec
            for name in ["one", "two"] { try writeISO(name, to: state.root + "/\(name).iso") }
            spec.cdroms = [CDROMSpec(id: "tools", isoPath: state.root + "/one.iso")]
            let running = try Running(spec, state)
            running.host.edit("web", live: true) { node in
                node.edit("devices") { $0.children.removeAll { $0.alias == "ua-cdrom-tools" } }
            }
            spec.cdroms[0].isoPath = state.root + "/two.iso"
            #expect(try running.machine.up(spec).changed)
            #expect(running.calls.filter { $0 == "attach live" }.count == 1)
            let drive = running.host.liveNode("web")?.all("devices/disk").first {
                $0.alias == "ua-cdrom-tools"
            }
            #expect(drive?.first("source")?.attributes["file"] == state.root + "/two.iso")
            #expect(try !running.machine.up(spec).changed)
        }
    }

    @Test(arguments: [true, false])
    func `another file in the place of a disk that was made is left there, as what the guest wrote is in it`(
        isActive: Bool
    ) throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            let overlay = state.machine("web") + "/boot-disk.before-backup"
            for live in [false, true] {
                running.host.edit("web", live: live) { node in
                    node.editDevice({ $0.alias == "ua-disk-boot-disk" }) { $0.set("source", "file", overlay) }
                }
            }
            if !isActive { try running.host.destroy("web") }
            var wanted = Self.spec
            wanted.labels = ["tier": "web"]
            for spec in [Self.spec, wanted] {
                #expect {
                    try running.machine.up(spec, Self.options { $0.restart = true })
                } throws: { error in
                    let failure = error as? Failure
                    return failure?.code == .specDiffers && failure?.message.contains(overlay) == true
                        && failure?.hint?.contains("by hand") == true
                }
            }
            let disk = running.host.domainNode("web")?.all("devices/disk").first {
                $0.alias == "ua-disk-boot-disk"
            }
            #expect(disk?.first("source")?.attributes["file"] == overlay)
        }
    }

    @Test func `a guest that is off takes all, and its disk grows`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            try running.host.destroy("web")
            var wanted = Self.spec
            wanted.cpuCores = 2
            wanted.disks[0].sizeGiB = 2
            let report = try running.machine.up(wanted, Self.options { $0.start = false })
            #expect(report.changes.map(\.path) == ["cpu_cores", "disks[1].size_gib"] && report.pending == [])
            #expect(running.calls == ["destroy", "define"])
            let info = try run("qemu-img", "info", state.machine("web") + "/boot-disk.qcow2").output
            #expect(info.contains("2 GiB"))
        }
    }

    @Test
    func `a new disk is made; one left behind by a killed run is made anew`()
        throws
    {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            let wanted = Self.specWithData
            let file = state.machine("web") + "/data.qcow2"
            try Self.begin(file, running)
            append("half", to: file)
            let report = try running.machine.up(wanted)
            #expect(report.changes.map(\.path) == ["disks[1].bootable", "disks[2]"])
            #expect(try run("qemu-img", "check", file).status == 0)
            #expect(try running.machine.record()?.parts.files.contains(file) == true)
            #expect(try running.machine.remove())
            #expect(`Bringing a VM up`.contents(state.machines) == [])
        }
    }

    /// Writes down that a change makes a disk, as a run that is killed then leaves it.
    private static func begin(_ file: String, _ running: Running) throws {
        var journal = try #require(MachineJournal.read(in: running.machine.folder))
        let part = Part.file(file)
        journal.parts.append(part)
        journal.making = [part]
        try journal.takePlace(of: journal, in: running.machine.folder)
    }

    @Test func `a seed that a killed change has written is written again for the script that was before`()
        throws
    {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            let seed = try fileBytes(state.machine("web") + "/seed.iso", atMost: 1 << 20)
            let before = try #require(running.host.domainNode("web"))
            var wanted = Self.spec
            wanted.cloudInit = CloudInitSpec(userData: .text("#cloud-config\nhostname: other\n"))
            running.host.behaviour.withLock {
                $0.afterDefinition = { Failure(.libvirt, "the connection is lost") }
            }
            #expect(throws: Failure.self) { _ = try running.machine.up(wanted) }
            // As if it had been killed just before libvirt was told.
            running.host.edit("web", live: false) { $0 = before }
            running.host.behaviour.withLock { $0.afterDefinition = { nil } }
            #expect(try fileBytes(state.machine("web") + "/seed.iso", atMost: 1 << 20) != seed)
            #expect(try running.machine.plan(Self.spec).remade == [.seed])
            #expect(try running.machine.up(Self.spec).changed)
            #expect(try fileBytes(state.machine("web") + "/seed.iso", atMost: 1 << 20) == seed)
            #expect(try !running.machine.up(Self.spec).changed)
        }
    }

    @Test func `a file in a new disk's place that no killed run was making stays, and is named`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            let wanted = Self.specWithData
            let before = try running.host.xml("web", inactive: true, secrets: true)
            _ = try running.machine.up(wanted)
            let file = state.machine("web") + "/data.qcow2"
            // As after going back to a snapshot of before.
            append("what the guest wrote", to: file, truncate: true)
            _ = try running.host.define(before)
            let failure = try #require(throws: Failure.self) { _ = try running.machine.up(wanted) }
            #expect(failure.code == .diskExists && failure.resource == file, "\(failure)")
            #expect(readWhole(file) == "what the guest wrote")
        }
    }

    @Test func `what a killed change had begun is removed with the VM, also after another change`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            let begun = state.machine("web") + "/begun.qcow2"
            try Self.begin(begun, running)
            append("half", to: begun)
            let wanted = Self.specWithData
            _ = try running.machine.up(wanted)
            #expect(try running.machine.remove())
            #expect(`Bringing a VM up`.contents(state.machines) == [])
        }
    }

    @Test func `is made anew where it may be, and only then`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            var wanted = Self.spec
            wanted.disks[0].format = .raw
            #expect(throws: Failure.self) {
                _ = try running.machine.up(wanted, Self.options { $0.restart = true })
            }
            #expect(fileExists(state.machine("web") + "/boot-disk.qcow2"))
            let report = try running.machine.up(wanted, Self.options { $0.replace = true })
            #expect(report.changed && report.changes.map(\.kind) == [.replace])
            #expect(report.phases.first?.step.word == "remove")
            #expect(!fileExists(state.machine("web") + "/boot-disk.qcow2"))
            #expect(fileExists(state.machine("web") + "/boot-disk.raw"))
            #expect(try running.machine.diff(wanted) == [])
        }
    }

    @Test func `a spec that cannot be made leaves the VM that is there`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            var wanted = Self.spec
            wanted.disks[0].format = .raw
            wanted.cloudInit?.userData = "# cloud-config\n"
            #expect(throws: Failure.self) {
                _ = try running.machine.up(wanted, Self.options { $0.replace = true })
            }
            wanted.cloudInit?.userData = "#cloud-config\n"
            wanted.disks[0].format = .qcow2
            wanted.disks[0].backingFile = state.root + "/large.raw"
            append("", to: state.root + "/large.raw")
            #expect(truncate(state.root + "/large.raw", 3 << 30) == 0)
            let failure = try #require(throws: Failure.self) {
                _ = try running.machine.up(wanted, Self.options { $0.replace = true })
            }
            #expect(failure.message.hasPrefix("disks[1].size is 1 GiB, smaller than its base"), "\(failure)")
            #expect(running.calls == [])
            #expect(fileExists(state.machine("web") + "/boot-disk.qcow2"))
        }
    }

    @Test func `what somebody changed by hand is shown, and brought back`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            running.host.edit("web", live: true) { $0.edit("currentMemory") { $0.text = "256" } }
            running.host.edit("web", live: false) { domain in
                domain.edit("vcpu") { $0.text = "4" }
                domain.edit("cpu") { $0.children = [] }
            }
            let drift = try #require(try running.machine.diff(Self.spec))
            #expect(
                drift.contains {
                    $0.path == "memory_mib" && $0.current == .number(256) && $0.cause == .drift
                })
            #expect(drift.contains { $0.path == "cpu_cores" && $0.cause == .drift })
            let report = try running.machine.up(Self.spec)
            #expect(report.changed && report.pending == [])
            #expect(try running.machine.diff(Self.spec) == [])
            #expect(running.host.domainNode("web")?.first("vcpu")?.text == "1")
        }
    }

    @Test func `a nic is led elsewhere and its rate is changed under the running guest`() throws {
        try withScratchState { state throws in
            var spec = Self.spec
            spec.nics = [NICSpec(id: "lan")]
            spec.nics[0].bridge = "br0"
            let running = try Running(spec, state)
            spec.nics[0].bridge = "br1"
            spec.nics[0].bandwidthMbps = 80
            #expect(
                try running.machine.up(spec).changes.map(\.path) == [
                    "nics[1].bandwidth_mbps", "nics[1].bridge",
                ])
            #expect(running.calls == ["define", "bandwidth 10000", "update live", "metadata live"])
            let nic = running.host.liveNode("web")?.first("devices/interface")
            #expect(nic?.first("source")?.attributes["bridge"] == "br1")
            running.host.edit("web", live: true) { domain in
                domain.editDevice({ $0.alias == "ua-nic-lan" }) { $0.set("link", "state", "down") }
            }
            #expect(try running.machine.up(spec).changes.map(\.path) == ["nics[1].link"])
            #expect(try running.machine.diff(spec) == [])
        }
    }

    @Test func `a VM that another state folder keeps is left alone`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            try withScratchState { other throws in
                let machine = Machine("web", on: running.host, state: other)
                for attempt in [{ _ = try machine.up(Self.spec) }, { _ = try machine.diff(Self.spec) }] {
                    let failure = try #require(throws: Failure.self) { try attempt() }
                    #expect(failure.code == .notOurs && failure.message.contains(state.machine("web")))
                }
            }
            #expect(running.calls == [])
        }
    }

    @Test func `forwards come and go in the running guest`() throws {
        try withScratchState { state throws in
            let first = try `Bringing a VM up`.freePort()
            let second = try `Bringing a VM up`.freePort()
            let running = try Running(`Bringing a VM up`.spec(port: first), state)
            let report = try running.machine.up(`Bringing a VM up`.spec(port: second))
            #expect(report.changes.map(\.path) == ["nics[1].forward"])
            #expect(
                running.calls == [
                    "define", "hostfwd_add hostua-nic-nic1 tcp:127.0.0.1:\(second)-:80",
                    "hostfwd_remove hostua-nic-nic1 tcp:127.0.0.1:\(first)", "metadata live",
                ])
        }
    }

    @Test func `a change that fails says what was done and what was not, and is made up for`() throws {
        try withScratchState { state throws in
            let running = try Running(Self.spec, state)
            running.host.behaviour.withLock {
                $0.changeFails = { change in
                    if case .memory = change { Failure(.libvirt, "no balloon") } else { nil }
                }
            }
            var wanted = Self.spec
            wanted.memoryMiB = 512
            wanted.disks[0].iopsLimit = 100
            wanted.labels = ["z": "z"]
            let failure = try #require(throws: Failure.self) { _ = try running.machine.up(wanted) }
            #expect(failure.message == "no balloon")
            #expect(failure.hint?.contains("changed: disks[1].iops_limit, labels.z") == true)
            #expect(failure.hint?.contains("not changed in the running guest: memory_mib") == true)
            #expect(try running.machine.diff(wanted)?.map(\.path) == ["labels.z", "memory_mib"])
            running.host.behaviour.withLock { $0.changeFails = { _ in nil } }
            #expect(try running.machine.up(wanted).changed)
            #expect(try running.machine.diff(wanted) == [])
        }
    }

    @Test func `killed between any two steps, the next run does the rest`() throws {
        // Each step that talks to the hypervisor fails once: what is left is what a kill would leave.
        for step in 0..<4 {
            try withScratchState { state throws in
                let running = try Running(Self.spec, state)
                var wanted = Self.spec
                wanted.memoryMiB = 512
                wanted.disks[0].iopsLimit = 100
                wanted.disks[0].bootable = true
                var data = DiskSpec(id: "data")
                data.sizeGiB = 1
                wanted.disks.append(data)
                let count = Counter()
                running.host.behaviour.withLock {
                    $0.changeFails = { _ in count.next() - 1 == step ? Failure(.libvirt, "killed") : nil }
                }
                _ = try? running.machine.up(wanted)
                running.host.behaviour.withLock { $0.changeFails = { _ in nil } }
                _ = try running.machine.up(wanted, Self.options { $0.restart = true })
                #expect(try running.machine.diff(wanted) == [], "step \(step)")
                #expect(running.host.liveNode("web")?.first("currentMemory")?.text == "512")
                #expect(running.host.liveNode("web")?.all("devices/disk/serial").count == 2)
            }
        }
    }

    @Test func `media come, go and change in a running guest`() throws {
        try withScratchState { state throws in
            for name in ["a", "b"] { try writeISO("iso", to: "\(state.root)/\(name).iso") }
            let running = try Running(Self.spec, state)
            var wanted = Self.spec
            wanted.cdroms = [CDROMSpec(id: "tools", isoPath: state.root + "/a.iso")]
            #expect(try running.machine.up(wanted).changes.map(\.path) == ["cdroms[1]"])
            wanted.cdroms[0].isoPath = state.root + "/b.iso"
            #expect(try running.machine.up(wanted).changes.map(\.path) == ["cdroms[1].iso_path"])
            let drive = running.host.liveNode("web")?.all("devices/disk").first {
                $0.alias == "ua-cdrom-tools"
            }
            #expect(drive?.first("source")?.attributes["file"] == state.root + "/b.iso")
            // Beside a change that waits, the drive is gone all the same.
            var last = Self.spec
            last.cpuCores = 2
            #expect(try running.machine.up(last).changes.map(\.path) == ["cdroms[1]"])
            #expect(try running.machine.diff(last)?.map(\.path) == ["cpu_cores"])
            #expect(
                running.calls == [
                    "define", "attach live", "metadata live", "define", "update", "metadata live", "define",
                    "detach live", "metadata live",
                ])
        }
    }

    @Test func `converges on libvirt's own test driver`() throws {
        try withScratchState { state throws in
            let machine = Machine("plain", on: LibvirtHypervisor(uri: "test:///default"), state: state)
            var spec = VMSpec(name: "plain")
            _ = try machine.up(spec)
            spec.memoryMiB = 512
            spec.labels = ["a": "b"]
            #expect(try machine.up(spec).changes.map(\.path) == ["labels.a", "memory_mib"])
            #expect(try !machine.up(spec).changed)
            spec.cpuCores = 2
            #expect(try machine.up(spec).pending.map(\.path) == ["cpu_cores"])
            #expect(try !machine.up(spec).changed)
            var options = UpOptions()
            options.restart = true
            #expect(try machine.up(spec, options).changed)
            #expect(try machine.diff(spec) == [])
            #expect(try machine.remove())
        }
    }
}
