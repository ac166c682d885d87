import Basics
import DiskImages
import HostFiles
import Hypervisors
import MachineSpec
import Steps
import Support
import Testing
import XML

@testable import Provisioning

@Suite struct `Bringing a VM on another machine to another spec` {
    private typealias Setting = `A VM on another machine, its volumes in memory`.Setting

    /// A VM that runs there.
    private static func running(_ state: StateFolder) throws -> Setting {
        let setting = try Setting(state)
        _ = try setting.up()
        return setting
    }

    /// One that has two drives more, `a` and `b`, with images of files.
    private static func runningWithImages(_ state: StateFolder) throws -> Setting {
        var setting = try Setting(state)
        for name in ["a", "b"] {
            let files = ISOContents(files: [ISOFile("name", name)])
            setting.spec.cdroms.append(CDROMSpec(id: name, files: files))
        }
        _ = try setting.up()
        return setting
    }

    private static func diskSource(_ node: XMLNode?, _ id: String) -> String? {
        node?.all("devices/disk").first { $0.alias == "ua-disk-\(id)" || $0.alias == "ua-cdrom-\(id)" }?
            .first("source")?.attributes["file"]
    }

    @Test func `what the guest can take it takes at once, from the volumes it has`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let before = (setting.host.calls.count, setting.host.storage.names)
            setting.spec.memoryMiB = 512
            setting.spec.disks[0].iopsLimit = 100
            setting.spec.disks[1].sizeGiB = 3
            let plan = try setting.machine.plan(setting.spec)
            let report = try setting.up()
            #expect(
                report.changes.map(\.path) == ["disks[1].iops_limit", "disks[2].size_gib", "memory_mib"])
            #expect(report.changes == plan.changes && report.pending == [])
            #expect(
                setting.host.calls.dropFirst(before.0) == [
                    "resize vdb \(3 << 30) web", "define web", "limits vda 0 100 web", "memory 512 web",
                    "metadata live web",
                ])
            #expect(setting.host.storage.names == before.1)
            #expect(Self.diskSource(setting.host.domainNode("web"), "data") == "/fast/web.data.qcow2")
            #expect(try setting.machine.diff(setting.spec) == [])
            #expect(try !setting.up().changed)
        }
    }

    @Test func `a disk of a guest that is off grows in its pool, and never shrinks`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            try setting.host.destroy("web")
            setting.spec.disks[0].sizeGiB = 5
            setting.spec.disks[1].sizeGiB = 3
            #expect(try setting.up { $0.start = false }.changed)
            #expect(setting.host.storage.description("web.boot-disk.qcow2")?.capacity == 5 << 30)
            #expect(setting.host.storage.description("web.data.qcow2")?.capacity == 3 << 30)
            // Grown by somebody else since.
            let data = HostVolume(pool: "fast", name: "web.data.qcow2")
            try setting.host.growVolume(data, to: 9 << 30)
            setting.spec.disks[1].sizeGiB = 4
            #expect {
                try setting.up()
            } throws: { error in
                let failure = error as? Failure
                return failure?.code == .specDiffers
                    && failure?.hint?.contains("throws away limiq/web.boot-disk.qcow2, fast/web.data.qcow2")
                        == true
            }
            #expect(setting.host.storage.description("web.data.qcow2")?.capacity == 9 << 30)
        }
    }

    @Test func `a new disk is a new volume, one left behind by a killed run is made anew`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            var logs = DiskSpec(id: "logs")
            logs.sizeGiB = 1
            setting.spec.disks.append(logs)
            setting.host.behaviour.withLock {
                $0.afterDefinition = { Failure(.libvirt, "the connection is lost") }
            }
            let node = try #require(setting.host.domainNode("web"))
            #expect(throws: Failure.self) { try setting.up() }
            // As if it had been killed just before libvirt was told.
            setting.host.edit("web", live: false) { $0 = node }
            setting.host.behaviour.withLock { $0.afterDefinition = { nil } }

            let report = try setting.up()
            #expect(report.changes.map(\.path).contains("disks[3]") && report.pending == [])
            #expect(setting.host.storage.made.filter { $0 == "web.logs.qcow2" }.count == 2)
            #expect(Self.diskSource(setting.host.domainNode("web"), "logs") == "/limiq/web.logs.qcow2")
            #expect(MachineJournal.read(in: setting.machine.folder)?.isFinished == true)
            #expect(MachineJournal.read(in: setting.machine.folder)?.making == nil)
            #expect(try !setting.up { $0.restart = true }.changed)
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
            #expect(folderNames(state.machines) == [])
        }
    }

    @Test func `a volume that another made under the name of a new disk is refused, and stays`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            var logs = DiskSpec(id: "logs")
            logs.sizeGiB = 1
            setting.spec.disks.append(logs)
            let other = VolumeXML(name: "web.logs.qcow2", format: .qcow2, capacity: 1)
            _ = try setting.host.createVolume(other, in: "limiq")
            for _ in 1...2 {
                #expect {
                    try setting.up()
                } throws: { error in (error as? Failure)?.code == .diskExists }
            }
            #expect(setting.host.storage.description("web.logs.qcow2")?.capacity == 1)
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == ["web.logs.qcow2"])
        }
    }

    @Test func `other cloud-init is a new seed, with which the guest starts anew`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            setting.spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\nhostname: other\n"))
            let report = try setting.up { $0.restart = true }
            #expect(report.changes.map(\.path) == ["cloud_init.user_data"])
            #expect(report.phases.map(\.step.word) == ["seed", "change", "shutdown", "start", "running"])
            let seed = state.root + "/seed.iso"
            try writeBytes(setting.host.storage.bytes("web.seed.iso") ?? [], to: seed)
            #expect(
                try run("isoinfo", "-R", "-x", "/user-data", "-i", seed).output.contains("hostname: other"))
            #expect(try !setting.up().changed)

            // A run that was killed between the old seed and the new one.
            try setting.host.destroy("web")
            try setting.host.removeVolume(HostVolume(pool: "limiq", name: "web.seed.iso"))
            setting.spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\nhostname: third\n"))
            #expect(try setting.up().changed)
            #expect(setting.host.storage.names.contains("web.seed.iso"))
            setting.spec.cloudInit = nil
            #expect(try setting.up { $0.restart = true }.changed)
            #expect(!setting.host.storage.names.contains("web.seed.iso"))
            #expect(try !setting.up().changed)
        }
    }

    @Test func `another ISO image is put there, and into the drive of the running guest`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let (other, more) = (state.root + "/other.iso", state.root + "/more.iso")
            try writeISO("another", to: other)
            try writeISO("one more", to: more)
            setting.spec.cdroms[0].isoPath = other
            setting.spec.cdroms.append(CDROMSpec(id: "more", isoPath: more))
            let report = try setting.up()
            #expect(report.changes.map(\.path) == ["cdroms[1].iso_path", "cdroms[2]"])
            for node in [setting.host.domainNode("web"), setting.host.liveNode("web")] {
                #expect(Self.diskSource(node, "tools")?.hasPrefix("/limiq/other-") == true)
                #expect(Self.diskSource(node, "more")?.hasPrefix("/limiq/more-") == true)
            }
            #expect(try !setting.up().changed)
        }
    }

    @Test func `what was changed by hand there is told and brought back`() throws {
        try withScratchState { state throws in
            let setting = try Self.running(state)
            for live in [false, true] {
                setting.host.edit("web", live: live) { node in
                    node.edit("currentMemory") { $0.text = "300" }
                    node.editDevice({ $0.alias == "ua-cdrom-tools" }) { drive in
                        drive.children.removeAll { $0.name == "source" }
                    }
                }
            }
            let report = try setting.up()
            #expect(report.changes.map(\.path) == ["cdroms[1].iso_path", "memory_mib"])
            #expect(report.changes.map(\.cause) == [.drift, .drift])
            for node in [setting.host.domainNode("web"), setting.host.liveNode("web")] {
                #expect(Self.diskSource(node, "tools")?.hasPrefix("/limiq/tools-") == true)
                #expect(node?.first("currentMemory")?.text == "\(setting.spec.memoryMiB)")
            }
            #expect(try !setting.up().changed)
        }
    }

    @Test func `another file in the place of a disk that was made is left there`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let overlay = "/limiq/web.boot-disk.before-backup"
            for live in [false, true] {
                setting.host.edit("web", live: live) { node in
                    node.editDevice({ $0.alias == "ua-disk-boot-disk" }) { $0.set("source", "file", overlay) }
                }
            }
            setting.spec.memoryMiB = 512
            #expect {
                try setting.up()
            } throws: { error in
                (error as? Failure)?.message.contains(
                    "disks[1].path is \"\(overlay)\", it should be \"web.boot-disk.qcow2\"") == true
            }
            #expect(Self.diskSource(setting.host.domainNode("web"), "boot-disk") == overlay)
        }
    }

    @Test func `one that is changed from another machine than it was made from is the same VM`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let other = Machine(
                "web", on: setting.host, state: StateFolder(root: state.root + "/other"))
            var logs = DiskSpec(id: "logs")
            logs.sizeGiB = 1
            setting.spec.disks.append(logs)
            var options = UpOptions()
            options.wait = .running
            options.restart = true
            #expect(try other.up(setting.spec, options).changed)
            #expect(try !setting.up().changed)
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
        }
    }

    @Test func `what cannot be put there is refused before the VM is thrown away for it`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let overlay = state.root + "/overlay.qcow2"
            try Overlay.create(overlay, base: state.root + "/base.raw")
            setting.spec.disks[0].backingFile = overlay
            #expect {
                try setting.up { $0.replace = true }
            } throws: { error in (error as? Failure)?.code == .badField }
            #expect(setting.host.domainNode("web") != nil)
        }
    }

    @Test func `Ignition's configuration is a volume there, which another one takes the VM's place for`()
        throws
    {
        try withScratchState { state throws in
            var setting = try Setting(state)
            setting.spec.ignition = #"{ "ignition": { "version": "3.4.0" } }"#
            _ = try setting.up()
            func configuration() -> String {
                String(decoding: setting.host.storage.bytes("web.ignition.json") ?? [], as: UTF8.self)
            }
            #expect(configuration() == setting.spec.ignition)
            #expect(setting.host.storage.description("web.ignition.json")?.mode == "0600")
            let entries = setting.host.domainNode("web")?.all("sysinfo/entry").map { $0.attributes["file"] }
            #expect(entries == ["/limiq/web.ignition.json", "/limiq/web.ignition.json"])
            #expect(try setting.machine.spec() == setting.spec)
            setting.spec.memoryMiB = 512
            #expect(try setting.up().changes.map(\.path) == ["memory_mib"])
            #expect(
                setting.host.domainNode("web")?.first("sysinfo/entry")?.attributes["file"]
                    == "/limiq/web.ignition.json")
            #expect(try !setting.up().changed)

            setting.spec.ignition = #"{ "ignition": { "version": "3.3.0" } }"#
            #expect(throws: Failure.self) { try setting.up() }
            #expect(try setting.up { $0.replace = true }.changed)
            #expect(configuration() == setting.spec.ignition)
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
        }
    }

    @Test(arguments: ["fake+ssh://node2/system", "fake:///default"])
    func `a disk in Ceph stays as libvirt's own pool names it`(uri: String) throws {
        try withScratchState { state throws in
            var setting = try Setting(state, uri: uri)
            var archive = DiskSpec(id: "archive")
            archive.poolID = "ceph"
            archive.path = "old"
            archive.format = .raw
            setting.spec.disks[1] = archive
            _ = try setting.up()
            #expect(try !setting.up().changed)
            setting.spec.memoryMiB = 512
            setting.spec.disks[1].iopsLimit = 10
            #expect(try setting.up().changes.map(\.path) == ["disks[2].iops_limit", "memory_mib"])
            let disk = setting.host.domainNode("web")?.all("devices/disk").first {
                $0.alias == "ua-disk-archive"
            }
            #expect(disk?.attributes["type"] == "network")
            #expect(
                disk?.first("source")?.attributes == ["protocol": "rbd", "name": "libvirt-pool/old"])
            #expect(disk?.all("source/host").count == 2)
            #expect(try !setting.up().changed)
        }
    }

    @Test func `files of a CD-ROM are an image there, and others another for the next start`() throws {
        try withScratchState { state throws in
            var setting = try Setting(state)
            let answers = ISOContents(files: [ISOFile("answers/a.txt", "yes")])
            setting.spec.cdroms.insert(CDROMSpec(id: "answers", label: "ANSWERS", files: answers), at: 0)
            _ = try setting.up()
            func read() throws -> String {
                let image = state.root + "/answers.iso"
                try writeBytes(setting.host.storage.bytes("web.cdrom-answers.iso") ?? [], to: image)
                return try run("isoinfo", "-R", "-x", "/answers/a.txt", "-i", image).output
            }
            #expect(try read() == "yes")
            #expect(setting.host.storage.description("web.cdrom-answers.iso")?.mode == "0600")
            let node = setting.host.domainNode("web")
            #expect(Self.diskSource(node, "answers") == "/limiq/web.cdrom-answers.iso")
            #expect(Self.diskSource(node, "tools")?.hasPrefix("/limiq/tools-") == true)
            #expect(try setting.machine.spec().cdroms[0].files?.files == answers.files)
            #expect(try !setting.up().changed)

            setting.spec.cdroms[0].files = ISOContents(files: [ISOFile("answers/a.txt", "no")])
            #expect(try setting.up().pending.map(\.path) == ["cdroms[1].files"])
            #expect(try read() == "no")
            #expect(try setting.up { $0.restart = true }.changed)
            #expect(try !setting.up().changed)

            // The drive that had an image of this machine gets one of files.
            setting.spec.cdroms[1] = CDROMSpec(id: "tools", files: answers)
            #expect(try setting.up { $0.restart = true }.changed)
            for node in [setting.host.domainNode("web"), setting.host.liveNode("web")] {
                #expect(Self.diskSource(node, "tools") == "/limiq/web.cdrom-tools.iso")
            }
            #expect(try !setting.up().changed)

            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
            #expect(folderNames(state.machines) == [])
        }
    }

    @Test func `a disk that was moved to another pool stays there`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            for live in [false, true] {
                setting.host.edit("web", live: live) { node in
                    node.editDevice({ $0.alias == "ua-disk-boot-disk" }) {
                        $0.set("source", "file", "/fast/web.boot-disk.qcow2")
                    }
                }
            }
            setting.spec.labels = ["tier": "web"]
            setting.spec.memoryMiB = 512
            #expect(try setting.up().changed)
            #expect(try !setting.up().changed)
            setting.spec.disks[0].sizeGiB = 5
            #expect(try setting.up().changed)
            try setting.host.destroy("web")
            setting.spec.disks[0].sizeGiB = 6
            #expect {
                try setting.up()
            } throws: { error in
                (error as? Failure)?.message.contains("is at /fast/web.boot-disk.qcow2") == true
            }
            let source = Self.diskSource(setting.host.domainNode("web"), "boot-disk")
            #expect(source == "/fast/web.boot-disk.qcow2")
        }
    }

    /// What breaks off a change: killed, or a host that is gone.
    private static func breakOff(_ setting: Setting, at volume: String) {
        setting.host.storage.state.withLock { $0.unheard = volume }
        #expect(throws: Failure.self) { try setting.up() }
        setting.host.storage.state.withLock { $0.unheard = nil }
    }

    @Test func `a seed that was not written to its end is written anew, also for the script that was before`()
        throws
    {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let before = setting.spec
            setting.spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\nhostname: other\n"))
            Self.breakOff(setting, at: "web.seed.iso")
            #expect(setting.host.storage.bytes("web.seed.iso") == [])
            try setting.host.destroy("web")
            setting.spec = before
            #expect(try setting.machine.plan(before).isChange)
            #expect(try setting.up().changed)
            #expect(setting.host.storage.bytes("web.seed.iso")?.isEmpty == false)
            #expect(try !setting.up().changed)
        }
    }

    @Test func `images of files are written again only where they are others, or not whole`() throws {
        try withScratchState { state throws in
            var setting = try Self.runningWithImages(state)
            func made(_ name: String) -> Int { setting.host.storage.made.filter { $0 == name }.count }
            setting.spec.cdroms[2].files = ISOContents(files: [ISOFile("name", "c")])
            Self.breakOff(setting, at: "web.cdrom-b.iso")
            setting.spec.cdroms[2].files = ISOContents(files: [ISOFile("name", "b")])
            #expect(try setting.up().changed)
            #expect((made("web.cdrom-a.iso"), made("web.cdrom-b.iso")) == (1, 3))
            #expect(setting.host.storage.bytes("web.cdrom-b.iso")?.isEmpty == false)
            #expect(try !setting.up().changed)
        }
    }

    @Test func `what the journal knows and the domain does not is in nobody's way`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let answers = CDROMSpec(id: "answers", files: ISOContents(files: [ISOFile("a", "b")]))
            setting.spec.cdroms.append(answers)
            let before = try #require(setting.host.domainNode("web"))
            _ = try setting.up { $0.restart = true }
            // As a snapshot that is gone back to, which knows nothing of the image.
            setting.host.edit("web", live: false) { $0 = before }
            setting.host.edit("web", live: true) { $0 = before }
            #expect(try setting.up { $0.restart = true }.changed)
            #expect(try !setting.up().changed)
            setting.spec.cdroms.removeLast()
            #expect(try setting.up { $0.restart = true }.changed)
            #expect(!setting.host.storage.names.contains("web.cdrom-answers.iso"))
        }
    }

    @Test func `an ISO image that has become another stays what it was until the script names another`()
        throws
    {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            try writeISO("another content", to: setting.spec.cdroms[0].isoPath ?? "")
            let volumes = setting.host.storage.names
            setting.spec.memoryMiB = 512
            #expect(try setting.up().changes.map(\.path) == ["memory_mib"])
            #expect(setting.host.storage.names == volumes)
            #expect(try !setting.up().changed)
        }
    }

    @Test func `of a run that was killed while it put files there nothing is left in the VM's folder`() throws
    {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let before = setting.spec
            setting.spec.cdroms.append(CDROMSpec(id: "a", files: ISOContents(files: [ISOFile("a", "b")])))
            Self.breakOff(setting, at: "web.cdrom-a.iso")
            setting.spec = before
            setting.spec.memoryMiB = 512
            #expect(try setting.up().changed)
            #expect(!setting.host.storage.names.contains("web.cdrom-a.iso"))
            // Somebody else's from now on.
            let other = VolumeXML(name: "web.cdrom-a.iso", format: .raw, capacity: 1)
            _ = try setting.host.createVolume(other, in: "limiq")
            #expect(try setting.machine.remove())
            #expect(setting.host.storage.names.contains("web.cdrom-a.iso"))
            #expect(folderNames(state.machines) == [])
        }
    }

    @Test func `an image of files that is gone there is made anew along with a change of another`() throws {
        try withScratchState { state throws in
            var setting = try Self.runningWithImages(state)
            try setting.host.removeVolume(HostVolume(pool: "limiq", name: "web.cdrom-a.iso"))
            setting.spec.cdroms[2].files = ISOContents(files: [ISOFile("name", "c")])
            #expect(try setting.up { $0.restart = true }.changed)
            #expect(setting.host.storage.bytes("web.cdrom-a.iso")?.isEmpty == false)
            #expect(try !setting.up().changed)
        }
    }

    @Test func `a seed that could not be written over is not taken for whole`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let before = setting.spec
            let seed = HostVolume(pool: "limiq", name: "web.seed.iso")
            setting.spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\nhostname: other\n"))
            // Killed at the removal of the old one: it may be gone by then.
            setting.host.storage.state.withLock { $0.volumes[seed]?.isInUse = true }
            #expect(throws: Failure.self) { try setting.up() }
            setting.host.storage.state.withLock { $0.volumes[seed] = nil }
            try setting.host.destroy("web")
            setting.spec = before
            #expect(try setting.up().changed)
            #expect(setting.host.storage.bytes("web.seed.iso")?.isEmpty == false)
        }
    }

    @Test func `a change from another machine that makes nothing leaves nothing there`() throws {
        try withScratchState { state throws in
            var setting = try Self.running(state)
            let other = Machine("web", on: setting.host, state: StateFolder(root: state.root + "/other"))
            setting.spec.labels = ["tier": "web"]
            var options = UpOptions()
            options.wait = .running
            #expect(try other.up(setting.spec, options).changed)
            #expect(folderNames(other.state.machines) == [])
            #expect(try !setting.up().changed)
        }
    }
}
