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

@Suite struct `Bringing a VM up` {
    static let finished =
        "Cloud-init v. 22.4.2 running 'init-local' at Mon, 23 Nov 2026 10:00:00 +0000. Up 9.80 seconds.\r\n"
        + "Cloud-init v. 22.4.2 finished at Mon, 23 Nov 2026 10:01:00 +0000. Datasource DataSourceNoCloud [seed=/dev/sr0][dsmode=net].  Up 63.24 seconds\r\n"

    /// A VM with a blank disk, a seed and a forward.
    static func spec(port: UInt16? = nil) -> VMSpec {
        var spec = VMSpec(name: "web")
        var disk = DiskSpec(id: "boot-disk")
        disk.sizeGiB = 1
        spec.disks = [disk]
        spec.cloudInit = CloudInitSpec(userData: "#cloud-config\n")
        if let port {
            var nic = NICSpec(id: "nic1")
            nic.forward = [PortForward(host: port, guest: 80)]
            spec.nics = [nic]
        }
        return spec
    }

    static func booting() -> FakeHypervisor {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.console = finished
        return FakeHypervisor(behaviour)
    }

    static func contents(_ folder: String) -> [String] {
        folderNames(folder).sorted()
    }

    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        try #require(status == 0)
        return UInt16(bigEndian: address.sin_port)
    }

    @Test func `remembers the user of its seed, else of its image`() throws {
        try withScratchState { state in
            for (seed, expected) in [("#cloud-config\n", "core"), ("#cloud-config\nuser: me\n", "me")] {
                var machine = Machine("web", on: Self.booting(), state: state)
                machine.imageUser = "core"
                var spec = Self.spec()
                spec.cloudInit = CloudInitSpec(userData: .text(seed))
                _ = try machine.up(spec)
                let record = try machine.record()
                #expect(record?.loginUser == expected)
                _ = try machine.remove()
            }
        }
    }

    @Test func `makes disk and seed, defines, starts, forwards and waits, in this order`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let port = try Self.freePort()
            let report = try Machine("web", on: host, state: state).up(Self.spec(port: port))
            #expect(report.changed)
            #expect(
                report.phases.map(\.step.word) == [
                    "disks", "seed", "define", "start", "forward", "first-boot", "cloud-init",
                ])
            #expect(
                host.calls == [
                    "define web", "start web", "hostfwd_add hostua-nic-nic1 tcp:127.0.0.1:\(port)-:80 web",
                ])
            #expect(report.forwards == [PortForward(host: port, guest: 80)])
            let files = Set(Self.contents(state.machine("web")))
            #expect(files.isSuperset(of: ["boot-disk.qcow2", "seed.iso", "made.json", "console.log"]))
            #expect(
                try run("qemu-img", "info", state.machine("web") + "/boot-disk.qcow2").output.contains(
                    "1 GiB"))
        }
    }

    @Test func `leads its forwards to the address the seed gives the guest, at a later start too`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let port = try Self.freePort()
            var spec = Self.spec(port: port)
            spec.cloudInit?.networkConfig = .table([
                "version": 2, "ethernets": ["a": ["match": ["name": "en*"], "addresses": ["10.0.2.50/24"]]],
            ])
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(spec)
            let rule = "hostfwd_add hostua-nic-nic1 tcp:127.0.0.1:\(port)-10.0.2.50:80 web"
            #expect(host.calls.last == rule)
            try host.destroy("web")
            try machine.start()
            #expect(host.calls.suffix(2) == ["start web", rule])
            #expect(try machine.requireAddresses() == ["10.0.2.50"])
        }
    }

    @Test func `does nothing where all is so already`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            let spec = Self.spec(port: try Self.freePort())
            _ = try machine.up(spec)
            let calls = host.calls
            let report = try machine.up(spec)
            #expect(!report.changed)
            #expect(host.calls == calls)
            #expect(report.forwards == spec.nics[0].forward)
        }
    }

    @Test func `starts a VM that is off, with its forwards`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            let spec = Self.spec(port: try Self.freePort())
            _ = try machine.up(spec)
            try machine.down(timeout: .seconds(5))
            let report = try machine.up(spec)
            #expect(report.changed)
            #expect(report.phases.map(\.step.word) == ["start", "forward", "first-boot", "cloud-init"])
            #expect(host.calls.filter { $0 == "define web" }.count == 1)
        }
    }

    @Test func `names every field for which the VM would have to be made anew, and what would be lost`()
        throws
    {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(Self.spec())
            var other = Self.spec()
            other.memoryMiB = 512
            other.firmware = .uefi
            other.disks[0].format = .raw
            let calls = host.calls
            let failure = try #require(throws: Failure.self) { _ = try machine.up(other) }
            #expect(failure.code == .specDiffers)
            #expect(
                failure.message.hasSuffix(
                    "made anew: disks[1].format is \"qcow2\", the script says \"raw\"; "
                        + "firmware is \"bios\", the script says \"uefi\""))
            #expect(failure.hint?.contains("up { replace = true }") == true)
            #expect(failure.hint?.contains("boot-disk.qcow2") == true)
            #expect(host.calls == calls, "and the memory is left alone too")
            #expect(try machine.diff(other)?.count == 3)
            #expect(try machine.diff(Self.spec()) == [])
        }
    }

    @Test func `never touches a domain that is not its own`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            _ = try host.define("<domain><name>web</name></domain>")
            let machine = Machine("web", on: host, state: state)
            for attempt in [{ _ = try machine.up(Self.spec()) }, { _ = try machine.remove() }] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.code == .notOurs)
            }
            #expect(host.calls == ["define web"])
            #expect(Self.contents(state.machines) == [])
        }
    }

    @Test func `removes what it made of a new VM that fails, and nothing else`() throws {
        try withScratchState { state throws in
            var behaviour = FakeHypervisor.Behaviour()
            behaviour.startFails = { _ in Failure(.libvirt, "cannot start") }
            let host = FakeHypervisor(behaviour)
            let base = state.root + "/base.raw"
            append(String(repeating: "\u{1}", count: 1 << 20), to: base)
            var spec = Self.spec()
            spec.disks[0].backingFile = base
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(spec)
            }
            #expect(failure.message == "cannot start")
            #expect(failure.hint?.contains("was removed again") == true)
            #expect(try host.domains().isEmpty)
            #expect(Self.contents(state.machines) == [])
            #expect(fileExists(base))
        }
    }

    @Test func `removes a new VM whose definition was lost on its way back, with its domain`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            host.behaviour.withLock { $0.afterDefinition = { Failure(.libvirt, "the connection is lost") } }
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(Self.spec())
            }
            #expect(failure.message == "the connection is lost")
            #expect(try host.domains().isEmpty)
            #expect(Self.contents(state.machines) == [])
        }
    }

    @Test func `keeps the files of a VM that may be defined while nobody can be asked, and goes on with it`()
        throws
    {
        try withScratchState { state throws in
            let host = Self.booting()
            host.behaviour.withLock {
                $0.afterDefinition = {
                    host.behaviour.withLock { $0.isGone = true }
                    return Failure(.libvirt, "the connection is lost")
                }
            }
            let machine = Machine("web", on: host, state: state)
            let failure = try #require(throws: Failure.self) { _ = try machine.up(Self.spec()) }
            #expect(failure.hint?.contains("limiq rm web") == true)
            #expect(fileExists(machine.folder + "/boot-disk.qcow2"))
            host.behaviour.withLock { $0.isGone = false }
            #expect(try machine.up(Self.spec()).changed)
            #expect(try host.domain("web")?.state == .running)
        }
    }

    @Test func `names the file a VM that is off has lost, whether it is to start or not`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            var options = UpOptions()
            options.start = false
            _ = try machine.up(Self.spec(), options)
            unlink(machine.folder + "/boot-disk.qcow2")
            for start in [false, true] {
                options.start = start
                let failure = try #require(throws: Failure.self) { _ = try machine.up(Self.spec(), options) }
                #expect(failure.message == "\(machine.folder)/boot-disk.qcow2 of vm web is gone")
                #expect(throws: failure) { _ = try machine.plan(Self.spec(), options) }
            }
        }
    }

    @Test func `leaves a new VM that fails where it is told to keep it`() throws {
        try withScratchState { state throws in
            var behaviour = FakeHypervisor.Behaviour()
            behaviour.startFails = { _ in Failure(.libvirt, "cannot start") }
            let host = FakeHypervisor(behaviour)
            var options = UpOptions()
            options.keep = true
            let machine = Machine("web", on: host, state: state)
            #expect(throws: Failure.self) { _ = try machine.up(Self.spec(), options) }
            #expect(try host.domains().count == 1)
            #expect(try machine.remove())
            #expect(try host.domains().isEmpty)
            #expect(Self.contents(state.machines) == [])
        }
    }

    @Test func `removes a new VM when it is interrupted while it waits`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let cancellation = Cancellation()
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(Self.spec(), cancellation: cancellation) {
                    if $0.event == .begins(Step(.firstBoot), detail: nil) { cancellation.cancel() }
                }
            }
            #expect(failure.code == .cancelled)
            #expect(try host.domains().isEmpty)
            #expect(Self.contents(state.machines) == [])
        }
    }

    @Test func `never removes a VM that was there, whatever fails`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(Self.spec())
            try machine.down(timeout: .seconds(5))
            host.behaviour.withLock { $0.startFails = { _ in Failure(.libvirt, "cannot start") } }
            #expect(throws: Failure.self) { _ = try machine.up(Self.spec()) }
            #expect(try host.domains().count == 1)
            #expect(fileExists(state.machine("web") + "/boot-disk.qcow2"))
        }
    }

    @Test func `completes what a killed run has left`() throws {
        try withScratchState { state throws in
            let folder = state.machine("web")
            try makeFolders(folder)
            let left = ["\(folder)/boot-disk.qcow2", "\(folder)/seed.iso"]
            try MachineJournal(machine: "web", uri: "fake:///default", parts: left.map(Part.file))
                .begin(in: folder)
            append("half", to: left[0])
            let report = try Machine("web", on: Self.booting(), state: state).up(Self.spec())
            #expect(report.changed)
            #expect(try run("qemu-img", "check", left[0]).status == 0)
        }
    }

    /// libvirt may get to what a dead client had asked for after the next one has looked.
    @Test(arguments: [1, 2, 3], [true, false])
    func `goes on with the domain of a killed run that is defined while it looks`(
        look: Int, removes: Bool
    ) throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            var options = UpOptions()
            options.start = false
            _ = try machine.up(Self.spec(), options)
            let xml = try host.xml("web", inactive: true, secrets: true)
            try host.undefine("web")
            try MachineJournal.reopen(in: machine.folder)
            let looks = Counter()
            host.behaviour.withLock {
                $0.afterLook = { _ in if looks.next() == look { _ = try? host.define(xml) } }
            }
            if removes {
                #expect(try machine.remove())
                if look == 1 { #expect(try host.domains().isEmpty) }
            } else {
                #expect(try machine.up(Self.spec()).changed)
                #expect(try host.domains().map(\.state) == [.running])
                #expect(try run("qemu-img", "check", machine.folder + "/boot-disk.qcow2").status == 0)
            }
            host.behaviour.withLock { $0.afterLook = { _ in } }
            #expect(try machine.remove() == !removes)
            #expect(try host.domains().isEmpty)
            #expect(Self.contents(state.machines).filter { !$0.hasPrefix(".") }.isEmpty)
        }
    }

    @Test func `takes the place of a killed run's domain that is defined just before its own`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            var options = UpOptions()
            options.start = false
            _ = try machine.up(Self.spec(), options)
            let (xml, dead) = (
                try host.xml("web", inactive: true, secrets: true), try host.domain("web")?.uuid
            )
            #expect(try machine.remove())
            let report = try machine.up(Self.spec()) {
                if $0.event == .begins(Step(.define), detail: nil) { _ = try? host.define(xml) }
            }
            #expect(report.changed)
            #expect(try host.domains().map(\.state) == [.running])
            #expect(try host.domain("web")?.uuid != dead)
            #expect(try machine.remove())
            #expect(Self.contents(state.machines).filter { !$0.hasPrefix(".") }.isEmpty)
        }
    }

    /// Killed after the folder was made and before the journal was whole.
    @Test func `completes, or removes, a folder that a killed run has only begun`() throws {
        try withScratchState { state throws in
            let folder = state.machine("web")
            let dead = try run("/bin/sh", "-c", "echo $$").output.trimmed()
            let machine = Machine("web", on: Self.booting(), state: state)
            for remove in [true, false] {
                try makeFolders(folder)
                append("ha", to: "\(folder)/.making.json.limiq-\(dead)-abc.tmp")
                if remove {
                    #expect(try machine.remove())
                    #expect(Self.contents(state.machines).filter { !$0.hasPrefix(".") }.isEmpty)
                    #expect(try !machine.remove())
                } else {
                    #expect(try machine.up(Self.spec()).changed)
                }
            }
        }
    }

    @Test func `leaves a folder alone whose content it did not make`() throws {
        try withScratchState { state throws in
            try makeFolders(state.machine("web"))
            append("mine", to: state.machine("web") + "/notes.txt")
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: Self.booting(), state: state).up(Self.spec())
            }
            #expect(failure.code == .folderTaken)
            #expect(Self.contents(state.machine("web")) == ["notes.txt"])
        }
    }

    @Test func `says which host port is in use before it makes anything`() throws {
        try withScratchState { state throws in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            let port = try Self.freePort()
            var address = loopback(port: port)
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(status == 0 && listen(descriptor, 1) == 0)
            let host = Self.booting()
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(Self.spec(port: port))
            }
            #expect(failure.code == .portInUse)
            #expect(failure.message.contains("\(port)"))
            #expect(host.calls.isEmpty)
        }
    }

    @Test func `says what a guest would ignore in its seed before it makes anything`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            var spec = Self.spec(port: try Self.freePort())
            spec.cloudInit = CloudInitSpec(userData: "# cloud-config\npackages: [nginx]\n")
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(spec)
            }
            #expect(failure.code == .cloudInit)
            #expect(failure.hint == "write it without a space: #cloud-config")
            #expect(host.calls.isEmpty)

            spec.cloudInit = CloudInitSpec(userData: "#cloud-config\nnetwork: {version: 2}\n")
            let report = try Machine("web", on: host, state: state).up(spec)
            #expect(
                report.warnings.contains(
                    "user-data:2:1: network has no effect in user-data: it is moved to network-config (write it into network_config)"
                ))
        }
    }

    @Test func `lets one run at a time work on a VM`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            let reports = Mailbox<Bool?>()
            for _ in 0..<2 { startThread { reports.put(try? machine.up(Self.spec()).changed) } }
            let changes = [reports.next(), reports.next()]
            #expect(changes.contains(true) && changes.contains(false))
            #expect(host.calls == ["define web", "start web"])
            #expect(Self.contents(state.machines) == ["web"])
        }
    }

    @Test func `makes a domain of libvirt's test driver, and no files for it`() throws {
        try withScratchState { state throws in
            let machine = Machine("plain", on: LibvirtHypervisor(uri: "test:///default"), state: state)
            let report = try machine.up(VMSpec(name: "plain"))
            #expect(report.changed)
            #expect(try machine.up(VMSpec(name: "plain")).changed == false)
            #expect(try machine.info().state == .running)
            #expect(Self.contents(state.machines) == [])
            #expect(try machine.remove())
            #expect(try machine.hypervisor.domain("plain") == nil)

            _ = try machine.up(VMSpec(name: "plain"))
            // It runs on, and is gone with its guest.
            try machine.hypervisor.undefine("plain")
            #expect(try machine.remove())
            #expect(try machine.hypervisor.domain("plain") == nil)
        }
    }

    @Test func `removes disks and seed but no disk the spec names`() throws {
        try withScratchState { state throws in
            let host = Self.booting()
            let machine = Machine("web", on: host, state: state)
            var spec = Self.spec()
            var own = DiskSpec(id: "data")
            own.path = state.root + "/data.raw"
            append(String(repeating: "\u{1}", count: 1 << 20), to: state.root + "/data.raw")
            spec.disks[0].bootable = true
            spec.disks.append(own)
            _ = try machine.up(spec)
            let node = try #require(host.domainNode("web"))
            #expect(node.all("devices/disk/driver").map { $0.attributes["type"] } == ["qcow2", "raw", "raw"])
            #expect(try machine.remove())
            #expect(fileExists(state.root + "/data.raw"))
            #expect(Self.contents(state.machines) == [])
            #expect(try machine.remove() == false)
        }
    }
}

@Suite struct `Hardware acceleration` {
    static func chooser(_ state: StateFolder, boot: String = "boot-1", flags: String) -> AccelerationChooser {
        let host = `Domain XML`.host
        return AccelerationChooser(
            state: state, host: host, cpuinfo: { "flags\t\t: fpu \(flags) sse" }, bootID: boot)
    }

    @Test func `is not tried where the processor has neither vmx nor svm, and that is said once a boot`()
        throws
    {
        try withScratchState { state throws in
            let first = Self.chooser(state, flags: "").choose()
            #expect(first.acceleration == .emulation)
            #expect(first.warning?.contains("neither vmx nor svm") == true)
            let second = Self.chooser(state, flags: "").choose()
            #expect(second.acceleration == .emulation && second.warning == nil)
            #expect(Self.chooser(state, boot: "boot-2", flags: "vmx").choose().acceleration == .kvm)
        }
    }

    /// A host on which a guest dies at its first instruction under KVM.
    static func deadly() -> FakeHypervisor {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.offersKVM = true
        behaviour.console = `Bringing a VM up`.finished
        behaviour.eventsAfterStart = { $0.attributes["type"] == "kvm" ? [.stopped(.failed)] : [] }
        return FakeHypervisor(behaviour)
    }

    @Test func `gives way to emulation where a guest dies under it`() throws {
        try withScratchState { state throws in
            let host = Self.deadly()
            var options = UpOptions()
            var machine = Machine("web", on: host, state: state)
            machine.cpuinfo = { "flags\t\t: vmx" }
            let report = try machine.up(`Bringing a VM up`.spec(), options)
            #expect(report.warnings.count == 1)
            #expect(host.domainNode("web")?.attributes["type"] == "qemu")
            #expect(try machine.record()?.acceleration == .emulation)
            // The second VM is not tried again, and nothing is said again.
            options.wait = .running
            var second = `Bringing a VM up`.spec()
            second.name = "second"
            #expect(try Machine("second", on: host, state: state).up(second, options).warnings.isEmpty)
        }
    }

    @Test func `is not to blame where a guest cannot start for another reason, or nobody hears of it`() throws
    {
        let failures = [
            Failure(.libvirt, "cannot start web", cause: "network 'default' is not active"),
            Failure(.libvirt, "the connection is lost"),
        ]
        for reason in failures {
            try withScratchState { state throws in
                let host = Self.deadly()
                host.behaviour.withLock { $0.startFails = { _ in reason } }
                var machine = Machine("web", on: host, state: state)
                machine.cpuinfo = { "flags\t\t: vmx" }
                let failure = try #require(throws: Failure.self) {
                    _ = try machine.up(`Bringing a VM up`.spec())
                }
                #expect(failure.message == reason.message)
                let chooser = AccelerationChooser(
                    state: state, host: try host.host(), cpuinfo: machine.cpuinfo)
                #expect(!chooser.isRefuted && chooser.choose().acceleration == .kvm)
            }
        }
    }

    @Test func `gives way also where the run that found it wanting was killed before it had changed the VM`()
        throws
    {
        try withScratchState { state throws in
            let host = Self.deadly()
            var machine = Machine("web", on: host, state: state)
            machine.cpuinfo = { "flags\t\t: vmx" }
            var options = UpOptions()
            options.start = false
            _ = try machine.up(`Bringing a VM up`.spec(), options)
            #expect(host.domainNode("web")?.attributes["type"] == "kvm")
            let chooser = AccelerationChooser(
                state: state, host: try host.host(), cpuinfo: machine.cpuinfo)
            chooser.remember(works: false, reason: "it died")
            #expect(try machine.up(`Bringing a VM up`.spec()).changed)
            #expect(host.domainNode("web")?.attributes["type"] == "qemu")
        }
    }

    @Test func `is found wanting once, however many VMs ask at once`() throws {
        try withScratchState { state throws in
            let warnings = Mailbox<String?>()
            for _ in 0..<8 { startThread { warnings.put(Self.chooser(state, flags: "").choose().warning) } }
            let said = (0..<8).compactMap { _ in warnings.next() }
            #expect(said.count == 1)
        }
    }

    @Test func `stays where it was asked for by name, even if the guest dies`() throws {
        try withScratchState { state throws in
            let host = Self.deadly()
            var options = UpOptions()
            options.acceleration = .kvm
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(`Bringing a VM up`.spec(), options)
            }
            #expect(failure.code == .guestFailed)
            #expect(try host.domains().isEmpty)
        }
    }
}
