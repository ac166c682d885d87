import Basics
import Glibc
import HostFiles
import ImageLibrary
import MachineSpec
import Support
import Testing
import XML

@testable import DiskImages
@testable import Hypervisors
@testable import Provisioning

@Suite struct `A machine whose disk others stand on` {
    /// `gold`, which is off, and `child`, whose disk is an overlay on its.
    struct Family {
        let host: FakeHypervisor
        let state: StateFolder
        let gold: Machine
        let child: Machine
        let goldSpec: VMSpec
        let childSpec: VMSpec
        /// The disk of `gold`.
        let base: String
        let overlay: String

        init(_ state: StateFolder) throws {
            self.state = state
            host = FakeHypervisor()
            gold = Machine("gold", on: host, state: state)
            child = Machine("child", on: host, state: state)
            base = state.machine("gold") + "/boot.qcow2"
            overlay = state.machine("child") + "/boot.qcow2"
            goldSpec = Self.spec("gold")
            childSpec = Self.spec("child", base: base)
            _ = try gold.up(goldSpec, Self.off)
            _ = try child.up(childSpec, Self.off)
        }

        static let off = options { $0.start = false }

        static func options(_ change: (inout UpOptions) -> Void) -> UpOptions {
            var options = UpOptions()
            change(&options)
            return options
        }

        static func spec(_ name: String, base: String? = nil) -> VMSpec {
            var spec = VMSpec(name: name)
            spec.disks = [DiskSpec(id: "boot")]
            spec.disks[0].sizeGiB = base == nil ? 1 : 0
            spec.disks[0].backingFile = base
            return spec
        }

        /// A file and a domain of somebody else's.
        func define(_ name: String, disk: String, readonly: Bool = false) throws {
            _ = try host.define(
                """
                <domain><name>\(name)</name><devices><disk type='file' device='disk'><source file='\(disk)'/>
                \(readonly ? "<readonly/>" : "")</disk></devices></domain>
                """)
        }

        /// The attempt is refused, names both, and nothing was done.
        func refused(
            _ who: String = "gold", by other: String = "vm child",
            at location: SourceLocation = #_sourceLocation,
            _ attempt: () throws -> Void
        ) throws {
            let (calls, bytes) = (host.calls, readBytes(base))
            let failure = try #require(throws: Failure.self, sourceLocation: location) { try attempt() }
            #expect(failure.code == .inUse, "\(failure)", sourceLocation: location)
            #expect(failure.message.contains(who), "\(failure)", sourceLocation: location)
            #expect(failure.message.contains(other), "\(failure)", sourceLocation: location)
            #expect(failure.message.contains("stand"), "\(failure)", sourceLocation: location)
            #expect(failure.hint?.isEmpty == false, sourceLocation: location)
            #expect(host.calls == calls && readBytes(base) == bytes, sourceLocation: location)
        }

        static func with(_ body: (Family) throws -> Void) throws {
            try withScratchState { state throws in try body(try Family(state)) }
        }
    }

    @Test func `is not removed, replaced, started, grown or kept in a snapshot, and says who stands on it`()
        throws
    {
        try Family.with { family throws in
            let gold = family.gold
            try family.refused { _ = try gold.remove() }
            try family.refused { try gold.start() }
            try family.refused { _ = try gold.up(family.goldSpec) }
            try family.refused { _ = try gold.plan(family.goldSpec) }
            var other = family.goldSpec
            other.disks[0].format = .raw
            for start in [true, false] {
                let options = Family.options { ($0.replace, $0.start) = (true, start) }
                try family.refused { _ = try gold.up(other, options) }
                try family.refused { _ = try gold.plan(other, options) }
            }
            var larger = family.goldSpec
            larger.disks[0].sizeGiB = 2
            try family.refused { _ = try gold.up(larger, Family.off) }
            try family.refused { try gold.snapshot("before") }
            // What writes nothing there may be.
            var labelled = family.goldSpec
            labelled.labels = ["tier": "gold"]
            #expect(try gold.up(labelled, Family.off).changed)
            // The one on it does what it likes, and when it is gone so does the other.
            _ = try family.child.up(family.childSpec)
            #expect(try family.child.remove())
            _ = try gold.up(labelled)
            #expect(try gold.remove())
            #expect(!fileExists(family.base))
        }
    }

    @Test func `is stood on by way of others, of links, and by what only the other's folder knows`() throws {
        try Family.with { family throws in
            let link = family.state.root + "/link.qcow2"
            symlink(family.overlay, link)
            let grandchild = Machine("grandchild", on: family.host, state: family.state)
            _ = try grandchild.up(Family.spec("grandchild", base: link), Family.off)
            try family.refused("child", by: "vm grandchild") { _ = try family.child.remove() }
            try family.refused("gold", by: "vm child and 1 more") { _ = try family.gold.remove() }
            // Undefined by hand, their disks are kept.
            try family.host.undefine("child")
            try family.host.undefine("grandchild")
            try family.refused("gold", by: "vm child and 1 more") { _ = try family.gold.remove() }
            // The middle is gone: the rest still names it.
            unlink(family.overlay)
            #expect(try family.gold.remove())
        }
    }

    @Test func `is stood on by domains and disks that are not limiq's`() throws {
        try Family.with { family throws in
            _ = try family.child.remove()
            let elsewhere = family.state.root + "/elsewhere.qcow2"
            try Overlay.create(elsewhere, base: family.base)
            try family.refused(by: "the disk \(elsewhere)") { _ = try family.gold.remove() }
            try family.define("own", disk: elsewhere)
            try family.refused(by: "vm own") { try family.gold.start() }
            try family.host.undefine("own")
            unlink(elsewhere)
            #expect(try family.gold.remove())
        }
    }

    @Test func `is stood on by whatever name an overlay calls it`() throws {
        try Family.with { family throws in
            for name in [
                "../gold/boot.qcow2", "file:\(family.base)",
                #"json:{"driver":"qcow2","file":{"driver":"file","filename":"\#(family.base)"}}"#,
                #"json:{"driver":"qcow2","file.driver":"file","file.filename":"\#(family.base)"}"#,
            ] {
                let rebased = try run(
                    "qemu-img", "rebase", "-u", "-f", "qcow2", "-b", name, "-F", "qcow2", family.overlay)
                try #require(rebased.status == 0, "\(rebased.errors)")
                // As after a while, and by another process.
                OverlayIndex.note(family.overlay)
                try family.refused { _ = try family.gold.remove() }
            }
        }
    }

    @Test func `is stood on by machines of other daemons here too, whatever they are called`() throws {
        try Family.with { family throws in
            _ = try family.child.remove()
            let elsewhere = family.state.root + "/elsewhere.qcow2"
            try Overlay.create(elsewhere, base: family.base)
            let other = FakeHypervisor(uri: "fake:///other")
            _ = try other.define(
                """
                <domain><name>gold</name><devices><disk type='file' device='disk'><source file='\(elsewhere)'/></disk>
                </devices></domain>
                """)
            var gold = family.gold
            gold.neighbours = { _, _ in [other] }
            try family.refused(by: "vm gold of fake:///other") { _ = try gold.remove() }
            try family.refused(by: "vm gold of fake:///other") { try gold.start() }
            unlink(elsewhere)
            #expect(try gold.remove())
        }
    }

    @Test func `may stand on itself, as after a snapshot by virsh, and on what it only reads`() throws {
        try Family.with { family throws in
            _ = try family.child.remove()
            let after = family.state.machine("gold") + "/boot.after"
            try Overlay.create(after, base: family.base)
            try family.define("reader", disk: family.base, readonly: true)
            try family.gold.start()
            try family.host.destroy("gold")
            // It goes when nobody reads it any more.
            let kept = try #require(throws: Failure.self) { _ = try family.gold.remove() }
            #expect(kept.code == .inUse && kept.message.contains("reader"), "\(kept)")
            try family.host.undefine("reader")
            #expect(try family.gold.remove())
            #expect(fileExists(after))
        }
    }

    @Test func `is no other machine's disk by its path, but to read`() throws {
        try Family.with { family throws in
            var spec = VMSpec(name: "second")
            spec.disks = [DiskSpec(id: "stolen")]
            spec.disks[0].path = family.base
            let second = Machine("second", on: family.host, state: family.state)
            for attempt in [{ _ = try second.up(spec) }, { _ = try second.plan(spec) }] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(
                    failure.code == .inUse && failure.message.contains("the disk of vm gold"), "\(failure)")
            }
            spec.disks[0].readonly = true
            _ = try second.up(spec)
            // Put in later.
            var third = VMSpec(name: "third")
            let machine = Machine("third", on: family.host, state: family.state)
            _ = try machine.up(third)
            third.disks = [DiskSpec(id: "stolen")]
            third.disks[0].path = family.overlay
            #expect(throws: Failure.self) { try machine.up(third) }
            _ = try second.remove()
            #expect(fileExists(family.base))
        }
    }

    @Test func `is a file of one machine's own: of no other's, not twice, and no library's image`() throws {
        try Family.with { family throws in
            let own = family.state.root + "/own.qcow2"
            try Disk.create(own, size: ByteSize(gib: 1))
            func spec(_ name: String, _ paths: String...) -> VMSpec {
                var spec = VMSpec(name: name)
                spec.disks = paths.enumerated().map { DiskSpec(id: "disk\($0.offset)") }
                for (index, path) in paths.enumerated() { spec.disks[index].path = path }
                spec.disks[0].bootable = true
                return spec
            }
            func refusal(_ spec: VMSpec) throws -> String {
                let machine = Machine(spec.name, on: family.host, state: family.state)
                let failure = try #require(throws: Failure.self) { _ = try machine.up(spec, Family.off) }
                #expect(throws: failure) { _ = try machine.plan(spec, Family.off) }
                #expect(failure.code == .inUse, "\(failure)")
                return failure.message
            }
            let link = family.state.root + "/link.qcow2"
            #expect(symlink(own, link) == 0)
            #expect(try refusal(spec("one", own, link)).contains("is its disks[2] too"))
            let one = Machine("one", on: family.host, state: family.state)
            _ = try one.up(spec("one", own), Family.off)
            _ = try one.up(spec("one", own), Family.off)
            #expect(try refusal(spec("two", link)).contains("is a disk of vm one"))
            let relation = try StandsOn(state: family.state, on: family.host, beside: { _, _ in [] })
            let failure = try #require(throws: Failure.self) { try Disk.remove(own, unless: relation) }
            #expect(failure.code == .inUse && fileExists(own))

            try makeFolders(family.state.cloudImages)
            let image = family.state.cloudImages + "/tiny.qcow2"
            try Disk.create(image, size: ByteSize(gib: 1))
            #expect(try refusal(spec("three", image)).contains("is an image of the library"))
        }
    }

    @Test func `is stood on by overlays that another process has made elsewhere`() throws {
        try Family.with { family throws in
            let free = family.state.root + "/free.qcow2"
            #expect(
                try run("qemu-img", "create", "-f", "qcow2", "-F", "qcow2", "-b", family.base, free).status
                    == 0)
            _ = try family.child.remove()
            try Overlay.remember(free, in: family.state)
            // What this process has read is a second old at most.
            usleep(1_100_000)
            let failure = try #require(throws: Failure.self) { _ = try family.gold.remove() }
            #expect(failure.code == .inUse && failure.message.contains(free), "\(failure)")
            unlink(free)
            #expect(try family.gold.remove())
        }
    }

    @Test func `cannot be written by its path where somebody stands on it, by whomever`() throws {
        try Family.with { family throws in
            let own = family.state.root + "/own.qcow2"
            try Disk.create(own, size: ByteSize(gib: 1))
            _ = try family.child.remove()
            _ = try family.child.up(Family.spec("child", base: own), Family.off)
            var spec = VMSpec(name: "second")
            spec.disks = [DiskSpec(id: "own")]
            spec.disks[0].path = own
            let second = Machine("second", on: family.host, state: family.state)
            try family.refused("second") { _ = try second.up(spec) }
            // It was there before: then it does not start.
            _ = try family.child.remove()
            _ = try second.up(spec, Family.off)
            _ = try family.child.up(Family.spec("child", base: own), Family.off)
            try family.refused("second") { _ = try second.up(spec) }
            try family.refused("second") { try second.start() }
            // Its file is its owner's: the VM goes without it.
            #expect(try second.remove())
            // Nor both at once by one VM.
            spec.disks[0].bootable = true
            spec.disks.append(DiskSpec(id: "top"))
            spec.disks[1].backingFile = own
            _ = try family.child.remove()
            let failure = try #require(throws: Failure.self) { _ = try second.up(spec) }
            #expect(failure.message.contains("its disks[2] stands on"), "\(failure)")
        }
    }

    @Test func `keeps its file from what works on files`() throws {
        try Family.with { family throws in
            let relation = try StandsOn(state: family.state, on: family.host)
            try family.refused(family.base) { try Disk.remove(family.base, unless: relation) }
            try family.refused(family.base) {
                try Disk.resize(family.base, to: ByteSize(gib: 3), unless: relation)
            }
            // The size it has changes nothing.
            try Disk.resize(family.base, to: ByteSize(gib: 1), unless: relation)
            try Disk.resize(family.overlay, to: ByteSize(gib: 3), unless: relation)
        }
    }

    @Test func `is no leftover while somebody stands on it`() throws {
        try Family.with { family throws in
            try family.host.undefine("gold")
            let leftovers = try Leftovers(state: family.state, on: family.host)
            for item in try leftovers.survey().left where item.path == family.gold.folder {
                #expect(try leftovers.remove(item)?.contains("vm child stands on") == true)
            }
            #expect(fileExists(family.base))
        }
    }

    @Test func `on another machine is known by what its libvirt says`() throws {
        try withScratchState { state throws in
            let setting = try `A VM on another machine, its volumes in memory`.Setting(state)
            _ = try setting.up()
            let disk = try #require(
                setting.host.domainNode("web")?.drive("ua-disk-data")?.first("source")?.attributes["file"])
            _ = try setting.host.define(
                """
                <domain><name>own</name><devices><disk type='file' device='disk'><source file='/srv/own.qcow2'/>
                <backingStore type='file'><format type='qcow2'/><source file='/srv/middle.qcow2'/>
                <backingStore type='file'><format type='qcow2'/><source file='\(disk)'/></backingStore></backingStore>
                </disk></devices></domain>
                """)
            for attempt in [
                { _ = try setting.machine.remove() }, { try setting.machine.start() },
                { try setting.machine.snapshot("now") },
            ] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.code == .inUse && failure.message.contains("vm own stands on \(disk)"))
            }
            try setting.host.undefine("own")
            #expect(try setting.machine.remove())
        }
    }

    @Test func `is looked up in what is known, and only what has changed is read anew`() throws {
        let index = DomainIndex()
        let names = (1...1000).map { "vm-\($0)" }
        var (lists, reads) = (0, 0)
        func ask() throws(Failure) -> HostUses {
            try index.uses(
                list: { () throws(Failure) in
                    lists += 1
                    return names.map { DomainSummary(name: $0, uuid: "", state: .shutOff) }
                },
                one: { name throws(Failure) in
                    name == "gone" ? nil : DomainSummary(name: name, uuid: "", state: .shutOff)
                },
                read: { domain throws(Failure) in
                    reads += 1
                    // The thousand take a tenth of a second: they are known for two.
                    usleep(100)
                    return DomainUses(name: domain.name, [])
                })
        }
        for name in names {
            #expect(try ask().domains.count == 1000)
            index.forget(name)
        }
        #expect(lists == 1 && reads == 1999)
        index.forget("gone")
        #expect(try ask().domains.count == 1000)
        #expect(lists == 1 && reads == 2000)
    }
}
