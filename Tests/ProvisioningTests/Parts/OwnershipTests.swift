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

/// What a domain is by hand since limiq made it: `virt-clone`, `virsh domrename`, `virsh undefine`, another daemon.
@Suite struct `A part of a VM that somebody else uses too` {
    static func machine(
        _ state: StateFolder, on host: FakeHypervisor, beside others: [FakeHypervisor] = []
    ) -> Machine {
        var machine = Machine("web", on: host, state: state)
        machine.neighbours = { _, _ in others }
        return machine
    }

    /// A VM that is off, with a disk and a seed.
    static func made(
        _ state: StateFolder, on host: FakeHypervisor, beside others: [FakeHypervisor] = []
    ) throws -> Machine {
        let machine = machine(state, on: host, beside: others)
        var options = UpOptions()
        options.start = false
        _ = try machine.up(`Bringing a VM up`.spec(), options)
        return machine
    }

    /// Defines a copy of a domain, with limiq's record in it, as `virt-clone` does.
    static func copy(
        _ name: String, of machine: Machine, to host: FakeHypervisor, uuid: String? = nil,
        _ change: (inout XMLNode) -> Void = { _ in }
    ) throws {
        var node = try XMLReader.parse(
            try machine.hypervisor.xml(machine.name, inactive: true, secrets: true))
        node.edit("name") { $0.text = name }
        if let uuid { node.edit("uuid") { $0.text = uuid } }
        change(&node)
        _ = try host.define(XMLElement(node).xml)
    }

    static let otherUUID = "11111111-2222-4333-8444-555555555555"

    /// Gives every drive and log of a description another file.
    static func separate(_ node: inout XMLNode) {
        node.edit("devices") { devices in
            for index in devices.children.indices {
                devices.children[index].edit("source") { $0.attributes["file"] = "/elsewhere/disk.qcow2" }
                devices.children[index].edit("log") { $0.attributes["file"] = "/elsewhere/console.log" }
            }
        }
    }

    static func failure(_ body: () throws -> Void) throws -> Failure {
        try #require(throws: Failure.self) { try body() }
    }

    private func requireWhole(_ machine: Machine) {
        for file in ["boot-disk.qcow2", "seed.iso", "made.json"] {
            #expect(fileExists("\(machine.folder)/\(file)"), "\(file)")
        }
    }

    @Test func `is not the copy's: that is no VM of limiq's, whatever its metadata says`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            try Self.copy("copy", of: web, to: host, uuid: Self.otherUUID, Self.separate)
            let copy = Machine("copy", on: host, state: state)
            var spec = `Bringing a VM up`.spec()
            spec.name = "copy"
            for attempt in [
                { _ = try copy.remove() }, { _ = try copy.up(spec) }, { _ = try copy.plan(spec) },
            ] {
                let failure = try Self.failure(attempt)
                #expect(failure.code == .notOurs)
                #expect(failure.message.contains("is a copy of vm web"), "\(failure)")
            }
            #expect(try copy.record() == nil)
            #expect(try Machine.list(on: host, state: state).map(\.name) == ["web"])
            requireWhole(web)
            // It shares nothing: the original goes, and the copy stays.
            #expect(try web.remove())
            #expect(try host.domains().map(\.name) == ["copy"])
        }
    }

    @Test(arguments: ["boot-disk.qcow2", "seed.iso"])
    func `is not removed, whoever asks`(_ file: String) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            try Self.copy("copy", of: web, to: host, uuid: Self.otherUUID) { node in
                let kept = "\(web.folder)/\(file)"
                node.editDevice({ $0.first("source")?.attributes["file"] != kept }) { device in
                    device.children.removeAll { $0.name == "source" || $0.name == "log" }
                }
            }
            var options = UpOptions()
            options.replace = true
            var other = `Bringing a VM up`.spec()
            other.disks[0].format = .raw
            for attempt in [{ _ = try web.remove() }, { _ = try web.up(other, options) }] {
                let failure = try Self.failure(attempt)
                #expect(failure.code == .inUse)
                #expect(failure.message.contains("\(web.folder)/\(file)"), "\(failure)")
                #expect(failure.message.contains("copy"))
            }
            requireWhole(web)
            #expect(try host.domains().count == 2)
            try host.undefine("copy")
            #expect(try web.remove())
        }
    }

    @Test func `goes not with the VM where it is the firmware's variables, which libvirt would remove`()
        throws
    {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = Machine("web", on: host, state: state)
            var spec = VMSpec(name: "web")
            spec.firmware = .uefi
            _ = try web.up(spec, Self.off)
            func give(_ name: String, _ variables: String) throws {
                try Self.copy(name, of: web, to: host, uuid: name == "web" ? nil : Self.otherUUID) { node in
                    Self.separate(&node)
                    node.edit("os") { $0.children.append(XMLNode(name: "nvram", text: variables)) }
                }
            }
            try give("web", "/vars/web_VARS.fd")
            try give("twin", "/vars/web_VARS.fd")
            #expect(try Self.failure { _ = try web.remove() }.message.contains("/vars/web_VARS.fd"))
            try host.undefine("twin")
            #expect(try web.remove())
        }
    }

    @Test func `is known by what it is, not by how it is called`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            let link = state.root + "/another-name.qcow2"
            try #require(symlink("\(web.folder)/boot-disk.qcow2", link) == 0)
            _ = try host.define(
                "<domain><name>other</name><devices><disk><source file='\(link)'/></disk></devices></domain>")
            #expect(try Self.failure { _ = try web.remove() }.code == .inUse)
            requireWhole(web)
        }
    }

    @Test func `is not grown or written over`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            try Self.copy("copy", of: web, to: host, uuid: Self.otherUUID)
            var larger = `Bringing a VM up`.spec()
            larger.disks[0].sizeGiB = 2
            var other = `Bringing a VM up`.spec()
            other.cloudInit = CloudInitSpec(userData: "#cloud-config\nhostname: other\n")
            let seed = try fileBytes(web.folder + "/seed.iso", atMost: 64 << 20)
            for spec in [larger, other] {
                #expect(try Self.failure { _ = try web.up(spec) }.code == .inUse)
            }
            let disk = try DiskImage.inspect(web.folder + "/boot-disk.qcow2")[0]
            #expect(disk.virtualSize == 1 << 30)
            try host.start("web")
            #expect(try Self.failure { _ = try web.up(larger) }.code == .inUse)
            #expect(!host.calls.contains { $0.hasPrefix("resize") })
            #expect(try fileBytes(web.folder + "/seed.iso", atMost: 64 << 20) == seed)
        }
    }

    @Test func `stays where the copy writes its console, and goes when that is gone`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            append("a boot\n", to: web.consoleLog)
            try Self.copy("copy", of: web, to: host, uuid: Self.otherUUID) { node in
                node.edit("devices") { devices in
                    for index in devices.children.indices {
                        devices.children[index].children.removeAll { $0.name == "source" }
                    }
                }
            }
            #expect(try web.remove())
            #expect(try host.domains().map(\.name) == ["copy"])
            #expect(`Bringing a VM up`.contents(web.folder) == ["console.log", "made.json"])
            try host.undefine("copy")
            let leftovers = try Leftovers(state: state, on: host)
            for item in try leftovers.survey().left { #expect(try leftovers.remove(item) == nil) }
            #expect(!fileExists(web.folder))
        }
    }

    @Test func `is the renamed domain's: the old script says what is the matter, and makes nothing`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            let xml = try host.xml("web", inactive: true, secrets: true)
            try host.undefine("web")
            _ = try host.define(xml.replacing("<name>web</name>", with: "<name>new</name>"))
            try host.start("new")
            let spec = `Bringing a VM up`.spec()
            for attempt in [
                { _ = try web.up(spec) }, { _ = try web.plan(spec) }, { _ = try web.remove() },
            ] {
                let failure = try Self.failure(attempt)
                #expect(failure.code == .notOurs)
                #expect(failure.message.contains("vm web was renamed to new by hand"), "\(failure)")
                #expect(failure.hint?.contains("domrename new web") == true)
            }
            requireWhole(web)
            let failure = try Self.failure { _ = try Machine("new", on: host, state: state).remove() }
            #expect(failure.message.contains("is vm web, renamed by hand"), "\(failure)")
            #expect(try Machine.list(on: host, state: state).map(\.name) == ["new"])
            #expect(try Leftovers(state: state, on: host).survey() == Leftovers.Survey())
        }
    }

    @Test func `is another daemon's after a move, also of a guest that is off there`() throws {
        try withScratchState { state throws in
            let (old, new) = (FakeHypervisor(), FakeHypervisor(uri: "fake:///other"))
            let web = try Self.made(state, on: old, beside: [new])
            try Self.copy("web", of: web, to: new)
            try old.undefine("web")
            let failure = try Self.failure { _ = try web.remove() }
            #expect(failure.code == .notOurs && failure.message.contains("vm web is on fake:///other"))
            #expect(try Self.failure { _ = try web.up(`Bringing a VM up`.spec()) } == failure)
            requireWhole(web)
            let survey = try Leftovers(state: state, on: old, beside: { _, _ in [new] }).survey()
            #expect(survey.left.isEmpty)
            // There it is a VM as any other.
            let there = Self.machine(state, on: new, beside: [old])
            #expect(try there.plan(`Bringing a VM up`.spec()).action == .none)
            #expect(try there.remove())
            #expect(!fileExists(web.folder))
        }
    }

    @Test func `is not asked of a daemon that is gone`() throws {
        try withScratchState { state throws in
            let (old, new) = (FakeHypervisor(), FakeHypervisor(uri: "fake:///other"))
            let web = try Self.made(state, on: old, beside: [new])
            new.behaviour.withLock { $0.isGone = true }
            #expect(try web.remove())
        }
    }

    @Test func `is in use while a process has it open, under whatever name`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            try host.undefine("web")
            try #require(link(web.folder + "/boot-disk.qcow2", state.root + "/disk.qcow2") == 0)
            for name in ["vms/web/boot-disk.qcow2", "disk.qcow2"] {
                let reader = try OpenFile("\(state.root)/\(name)")
                let failure = try Self.failure { _ = try web.remove() }
                #expect(failure.code == .inUse)
                #expect(failure.message.contains("process \(reader.process) (sleep)"), "\(failure)")
                requireWhole(web)
            }
            #expect(try web.remove())
        }
    }

    @Test func `is proven to be a VM's that an older limiq made, by its name`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            var record = try #require(try web.record())
            (record.version, record.name, record.uuid) = (1, nil, nil)
            let old = try record.json()
            var node = try XMLReader.parse(try host.xml("web", inactive: true, secrets: true))
            node.edit("metadata") { $0.edit("machine") { $0.text = old } }
            _ = try host.define(XMLElement(node).xml)
            #expect(try !web.up(`Bringing a VM up`.spec(), Self.off).changed)
            try Self.copy("copy", of: web, to: host, uuid: Self.otherUUID, Self.separate)
            #expect(
                try Self.failure { _ = try Machine("copy", on: host, state: state).remove() }.code == .notOurs
            )
            var labelled = `Bringing a VM up`.spec()
            labelled.labels = ["tier": "web"]
            _ = try web.up(labelled, Self.off)
            #expect(try web.record()?.uuid == host.domain("web")?.uuid)
            #expect(try web.remove())
        }
    }

    @Test func `is left as it is where a newer limiq made the VM`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let web = try Self.made(state, on: host)
            var record = try #require(try web.record())
            record.version = MachineRecord.currentVersion + 1
            let newer = try record.json()
            var node = try XMLReader.parse(try host.xml("web", inactive: true, secrets: true))
            node.edit("metadata") { $0.edit("machine") { $0.text = newer } }
            _ = try host.define(XMLElement(node).xml)
            let calls = host.calls
            for attempt in [{ _ = try web.remove() }, { _ = try web.up(`Bringing a VM up`.spec()) }] {
                #expect(try Self.failure(attempt).message.contains("was made by a newer limiq"))
            }
            #expect(try web.record() != nil, "it can be looked at")
            #expect(host.calls == calls)
            requireWhole(web)
        }
    }

    private static var off: UpOptions {
        var options = UpOptions()
        options.start = false
        return options
    }
}

/// Another process that has a file open, as long as this lives.
struct OpenFile: ~Copyable {
    let process: pid_t

    init(_ path: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let words: [String] = ["sleep", "600"]
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var process = pid_t()
        try #require(posix_spawnp(&process, "sleep", &actions, nil, &argv, environ) == 0)
        self.process = process
        // It is called so once it has begun.
        while readWhole("/proc/\(process)/comm")?.trimmed() != "sleep" { usleep(1000) }
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }
}
