import Basics
import DiskImages
import Foundation
import HostFiles
import Support
import Testing
import XML

@testable import MachineSpec
@testable import Provisioning

@Suite struct `What a change costs` {
    /// A VM with one of everything.
    static func spec() -> VMSpec {
        var spec = VMSpec(name: "web")
        spec.cpuCores = 2
        spec.maxCPUCores = 4
        spec.memoryMiB = 1024
        spec.maxMemoryMiB = 2048
        spec.secureBoot = false
        spec.tpm = true
        spec.guestOS = "debian"
        spec.labels = ["tier": "web"]
        spec.bootOrder = [.disk, .cdrom]
        var disk = DiskSpec(id: "boot")
        disk.sizeGiB = 20
        disk.backingFile = "/images/debian-12.qcow2"
        disk.bootable = true
        disk.bus = .virtio
        var own = DiskSpec(id: "own")
        own.path = "/disks/own.raw"
        own.format = .raw
        own.poolID = "pool"
        spec.disks = [disk, own]
        var nic = NICSpec(id: "lan")
        nic.macAddress = "52:54:00:00:00:01"
        nic.bridge = "br0"
        nic.bandwidthMbps = 100
        var outside = NICSpec(id: "outside")
        outside.network = "default"
        var user = NICSpec(id: "user")
        user.forward = [PortForward(host: 8080, guest: 80)]
        spec.nics = [nic, outside, user]
        spec.cdroms = [CDROMSpec(id: "tools", isoPath: "/isos/tools.iso")]
        spec.console = ConsoleSpec()
        spec.console?.vncEnabled = true
        spec.console?.vncPassword = "secret"
        spec.cloudInit = CloudInitSpec(
            userData: "#cloud-config\n", metaData: "instance-id: a\n", networkConfig: "version: 2\n",
            vendorData: "#cloud-config\n")
        return spec
    }

    static func record(_ spec: VMSpec) -> MachineRecord {
        MachineRecord(
            spec: spec, uuid: "", owner: "me", acceleration: .emulation, folder: "/vms/web")
    }

    static func description(_ spec: VMSpec) throws -> XMLNode {
        try XMLReader.parse(
            DomainXML(
                spec: spec,
                layout: MachineLayout(
                    spec, of: Machine("web", on: FakeHypervisor(), state: StateFolder(root: "/limiq"))),
                host: `Domain XML`.host, acceleration: .emulation, record: record(spec)
            ).description().xml)
    }

    /// - Parameters:
    ///   - hand: changes the description of the next start by hand.
    ///   - liveHand: of the running guest.
    static func changes(
        from old: VMSpec, to new: VMSpec, running live: VMSpec? = nil, isActive: Bool = true,
        hand: (inout XMLNode) -> Void = { _ in }, liveHand: (inout XMLNode) -> Void = { _ in }
    ) throws -> [Change] {
        let kept = record(old).spec
        var next = try description(old)
        hand(&next)
        var guest = try description(live ?? old)
        liveHand(&guest)
        let liveSpec = live.map { $0.withDigests(like: kept) } ?? kept
        return Convergence(
            wanted: new, wantedFacts: DomainFacts(try description(new)),
            next: .init(spec: kept, facts: DomainFacts(next)),
            live: isActive ? .init(spec: liveSpec, facts: DomainFacts(guest)) : nil
        ).changes()
    }

    static func words(_ changes: [Change]) -> [String] {
        changes.map { "\($0.path) \($0.kind.rawValue) \($0.cause.rawValue)" }
    }

    /// A spec in which every field of its JSON form is set.
    static func whole() -> VMSpec {
        var spec = Self.spec()
        let answers = ISOContents(files: [ISOFile("answers.xml", "<xml/>")])
        spec.cdroms.append(CDROMSpec(id: "answers", label: "OEM", files: answers))
        spec.ignition = "{}"
        spec.nics[1].address = "10.77.0.5"
        (spec.protect, spec.ttl, spec.autostart) = (true, 7200, true)
        spec.shares = [ShareSpec(id: "site", host: "/srv/site", guest: "/var/www")]
        spec.cloudInit?.check = .warn
        return spec
    }

    @Test func `every field of a spec has its rule and its value, and no rule is of a field there is not`()
        throws
    {
        let spec = Self.whole()
        let lists = ["disks", "nics", "cdroms", "shares"]
        let json = try #require(
            try JSONSerialization.jsonObject(with: try JSONEncoder().encode(spec)) as? [String: Any])
        var fields: Set<String> = ["labels"]
        for (name, value) in json where name != "labels" {
            if lists.contains(name) {
                fields.insert("\(name)[]")
                for device in try #require(value as? [[String: Any]]) {
                    fields.formUnion(device.keys.filter { $0 != "id" }.map { "\(name)[].\($0)" })
                }
            } else if let members = value as? [String: Any] {
                fields.formUnion(members.keys.map { "\(name).\($0)" })
            } else {
                fields.insert(name)
            }
        }
        #expect(Set(SpecFields.of(spec).keys.map(\.pattern)) == fields)

        func names(_ keys: [some CodingKey], in owner: String) -> [String] {
            keys.map(\.stringValue).filter { $0 != "id" }.map { "\(owner).\($0)" }
        }
        let parts = lists + ["console", "cloud_init"]
        var known = Set(VMSpec.CodingKeys.allCases.map(\.rawValue)).subtracting(parts)
        known.formUnion(lists.map { "\($0)[]" })
        known.formUnion(names(DiskSpec.CodingKeys.allCases, in: "disks[]"))
        known.formUnion(names(NICSpec.CodingKeys.allCases, in: "nics[]"))
        known.formUnion(names(CDROMSpec.CodingKeys.allCases, in: "cdroms[]"))
        known.formUnion(names(ShareSpec.CodingKeys.allCases, in: "shares[]"))
        known.formUnion(names(ConsoleSpec.CodingKeys.allCases, in: "console"))
        known.formUnion(names(CloudInitSpec.CodingKeys.allCases, in: "cloud_init"))
        // Of a running nic, and in no spec.
        #expect(known.union(["nics[].link"]) == Set(SpecFields.costs.keys))
    }

    @Test func `what a change is told in are the words of a script, and no other`() throws {
        var old = Self.whole()
        old.disks[0].path = "/disks/a.qcow2"
        var new = old
        new.firmware = .uefi
        new.secureBoot = true
        new.guestOS = nil
        new.bootOrder = [.network, .disk]
        new.disks[0].format = .raw
        new.disks[0].bus = .scsi
        new.disks[0].readonly = true
        new.nics[0].model = .rtl8139
        new.nics[2].forward = [PortForward(host: 53, guest: 53, proto: .udp)]
        new.labels = [:]
        new.console?.vncPassword = "other"
        new.ignition = nil
        new.cdroms[1].files?.files[0].contents = Array("<other/>".utf8)
        new.disks.append(DiskSpec(id: "data"))
        let told = try Self.changes(from: old, to: new).map(\.description)
        #expect(
            told == [
                "boot_order is \"disk\", \"cdrom\", the script says \"network\", \"disk\"",
                "cdroms[2].files is another", "console.vnc_password is another",
                "disks[1].bus is \"virtio\", the script says \"scsi\"",
                "disks[1].format is \"qcow2\", the script says \"raw\"",
                "disks[1].readonly is false, the script says true",
                "disks[3] is not set, the script says \"data\"",
                "firmware is \"bios\", the script says \"uefi\"",
                "guest_os is \"debian\", the script has none", "ignition is there, the script has none",
                "labels.tier is \"web\", the script has none",
                "nics[1].model is \"virtio\", the script says \"rtl8139\"",
                "nics[3].forward is 8080→80/tcp, the script says 53→53/udp",
                "secure_boot is false, the script says true",
            ])
        for change in try Self.changes(from: old, to: new) {
            for value in [change.current, change.wanted].compactMap(\.self) {
                #expect(!value.text.contains("\"") && !value.short.contains("\""), "\(change)")
                #expect(value.text.wholeMatch(of: /.*[A-Z]+_[A-Z]+.*/) == nil, "\(change)")
            }
        }
    }

    @Test func `what somebody changed by hand is told in the words of a script too`() throws {
        let spec = Self.whole()
        let told = try Self.changes(
            from: spec, to: spec,
            hand: { domain in
                domain.editDevice({ $0.alias == "ua-disk-boot" }) { disk in
                    disk.set("target", "bus", "sata")
                    disk.set("boot", "order", "9")
                }
                domain.editDevice({ $0.alias == "ua-nic-lan" }) { $0.set("model", "type", "e1000e") }
            }, liveHand: { domain in domain.edit("vcpu") { $0.attributes["current"] = "3" } }
        ).map(\.description)
        #expect(
            told.contains("disks[1].bus is \"sata\", the script says \"virtio\"")
                && told.contains("nics[1].model is \"e1000e\", the script says \"virtio\""), "\(told)")
        #expect(
            told.contains {
                $0.hasPrefix("boot_order is cdrom tools, ") && $0.contains("it should be disk boot")
            },
            "\(told)")
    }

    @Test func `the same spec is no change`() throws {
        #expect(try Self.changes(from: Self.spec(), to: Self.spec()) == [])
        #expect(try Self.changes(from: Self.spec(), to: Self.spec(), isActive: false) == [])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let expected: String
        let change: @Sendable (inout VMSpec) -> Void

        init(_ expected: String, _ change: @escaping @Sendable (inout VMSpec) -> Void) {
            self.expected = expected
            self.change = change
        }

        var testDescription: String { expected }
    }

    @Test(arguments: [
        // It is emulated.
        Case("cpu_cores restart", { $0.cpuCores = 3 }),
        Case("max_cpu_cores restart", { $0.maxCPUCores = 8 }),
        Case("cpu_sockets restart", { $0.cpuSockets = 2 }),
        Case("memory_mib live", { $0.memoryMiB = 512 }),
        Case("memory_mib live", { $0.memoryMiB = 2048 }),
        Case("max_memory_mib restart", { $0.maxMemoryMiB = 4096 }),
        Case("firmware replace", { $0.firmware = .uefi }),
        Case("tpm replace", { $0.tpm = false }),
        Case("boot_order restart", { $0.bootOrder = [.cdrom, .disk] }),
        Case("guest_os live", { $0.guestOS = "ubuntu" }),
        Case("labels.tier live", { $0.labels["tier"] = "db" }),
        Case("labels.new live", { $0.labels["new"] = "x" }),
        Case("disks[1].size_gib live", { $0.disks[0].sizeGiB = 30 }),
        Case("disks[1].size_gib replace", { $0.disks[0].sizeGiB = 10 }),
        Case("disks[1].backing_file replace", { $0.disks[0].backingFile = "/images/other.qcow2" }),
        Case("disks[1].bus restart", { $0.disks[0].bus = .sata }),
        Case("disks[1].readonly restart", { $0.disks[0].readonly = true }),
        Case("disks[1].iops_limit live", { $0.disks[0].iopsLimit = 100 }),
        Case("disks[1].throughput_mbps live", { $0.disks[0].throughputMBps = 10 }),
        Case("disks[2].path restart", { $0.disks[1].path = "/disks/other.raw" }),
        Case("disks[2] live", { $0.disks = [$0.disks[0]] }),
        Case("disks[1] replace", { $0.disks = [$0.disks[1]] }),
        Case("disks[3] live", { $0.disks.append(DiskSpec(id: "data")) }),
        Case(
            "disks[3] restart",
            {
                $0.disks.append(DiskSpec(id: "data"))
                $0.disks[2].bus = .sata
            }),
        Case("nics[1].mac_address restart", { $0.nics[0].macAddress = "52:54:00:00:00:09" }),
        Case("nics[1].bridge live", { $0.nics[0].bridge = "br1" }),
        Case("nics[2].network live", { $0.nics[1].network = "other" }),
        Case("nics[1].model restart", { $0.nics[0].model = .e1000 }),
        Case("nics[1].bandwidth_mbps live", { $0.nics[0].bandwidthMbps = 10 }),
        Case("nics[3].forward live", { $0.nics[2].forward[0].host = 8081 }),
        Case("nics[4] live", { $0.nics.append(NICSpec(id: "new")) }),
        Case("nics[3] live", { $0.nics.removeLast() }),
        Case(
            "nics[4] restart",
            {
                $0.nics.append(NICSpec(id: "new"))
                $0.nics[3].model = .rtl8139
            }),
        Case("cdroms[1].iso_path live", { $0.cdroms[0].isoPath = "/isos/other.iso" }),
        Case("cdroms[2] live", { $0.cdroms.append(CDROMSpec(id: "more", isoPath: "/isos/more.iso")) }),
        Case("console.vnc_password restart", { $0.console?.vncPassword = "other" }),
        Case("console.vnc_port restart", { $0.console?.vncPort = 5999 }),
        // Its meta-data names the instance.
        Case("cloud_init.user_data instance", { $0.cloudInit?.userData = "#cloud-config\n{}\n" }),
        Case("cloud_init.network_config instance", { $0.cloudInit?.networkConfig = "version: 1\n" }),
        Case("cloud_init.vendor_data instance", { $0.cloudInit?.vendorData = nil }),
        Case("cloud_init.meta_data restart", { $0.cloudInit?.metaData = "instance-id: b\n" }),
        Case("cloud_init.meta_data restart", { $0.cloudInit?.metaData = nil }),
        Case(
            "cloud_init.user_data restart",
            { $0.cloudInit = CloudInitSpec(userData: "#cloud-config\n{}\n", metaData: "instance-id: b\n") }),
        Case("cloud_init.check live", { $0.cloudInit?.check = .warn }),
    ])
    func `each field costs what it must`(one: Case) throws {
        let expected = one.expected
        var wanted = Self.spec()
        one.change(&wanted)
        let changes = try Self.changes(from: Self.spec(), to: wanted)
        #expect(Self.words(changes).contains("\(expected) script"), "\(changes)")
        // A guest that does not run is not started anew; what would be lost would be lost all the same.
        let off = try Self.changes(from: Self.spec(), to: wanted, isActive: false)
        #expect(
            changes.allSatisfy {
                ($0.reason == nil)
                    == ($0.kind == .live || $0.kind == .replace && $0.field.field != "size_gib")
            })
        let costs = expected.hasSuffix(" restart") ? expected.replacing(" restart", with: " live") : expected
        #expect(Self.words(off).contains("\(costs) script"), "\(off)")
        #expect(!off.contains { $0.kind == .restart }, "\(off)")
        #expect(off.contains { $0.kind == .replace } == expected.hasSuffix("replace"))
    }

    @Test func `cores come and go in a guest of this host's own processors, up to those it was started with`()
        throws
    {
        for (cores, expected) in [(3, Change.Kind.live), (1, .restart), (5, .restart)] {
            var wanted = Self.spec()
            wanted.cpuCores = cores
            func facts(_ spec: VMSpec) throws -> DomainFacts {
                var domain = try Self.description(spec)
                domain.attributes["type"] = "kvm"
                return DomainFacts(domain)
            }
            let side = Convergence.Description(
                spec: Self.record(Self.spec()).spec, facts: try facts(Self.spec()))
            let changes = Convergence(
                wanted: wanted, wantedFacts: try facts(wanted), next: side, live: side
            ).changes()
            #expect(changes.first { $0.path == "cpu_cores" }?.kind == expected, "\(changes)")
        }
    }

    @Test func `one change is told once`() throws {
        var plain = VMSpec(name: "web")
        plain.disks = [DiskSpec(id: "a")]
        var wanted = plain
        wanted.memoryMiB = 2048
        wanted.cpuCores = 2
        wanted.disks[0].bus = .sata
        wanted.disks.append(DiskSpec(id: "b"))
        wanted.disks[0].bootable = true
        #expect(
            Self.words(try Self.changes(from: plain, to: wanted)) == [
                "cpu_cores restart script", "disks[1].bootable live script", "disks[1].bus restart script",
                "disks[2] live script", "memory_mib restart script",
            ])
    }

    @Test func `what was changed by hand is drift, with what is and what should be`() throws {
        let changes = try Self.changes(
            from: Self.spec(), to: Self.spec(),
            hand: { domain in
                domain.edit("currentMemory") { $0.text = "512" }
                domain.editDevice({ $0.alias == "ua-nic-outside" }) { nic in
                    nic.children.removeAll { $0.name == "mac" }
                }
                domain.edit("devices") { $0.children.removeAll { $0.alias == "ua-cdrom-tools" } }
            },
            liveHand: { domain in
                domain.edit("vcpu") { $0.attributes["current"] = "1" }
                domain.editDevice({ $0.alias == "ua-nic-lan" }) { $0.set("link", "state", "down") }
            })
        #expect(
            Self.words(changes) == [
                "cdroms[1] live drift", "cpu_cores restart pending", "memory_mib live drift",
                "nics[1].link live drift", "nics[2].mac_address live drift",
            ])
        #expect(changes[2].current == .number(512) && changes[2].wanted == .number(1024))
    }

    @Test func `what others have added is theirs`() throws {
        func add(_ domain: inout XMLNode) {
            domain.edit("devices") { devices in
                devices.children.append(
                    XMLNode(
                        name: "disk", attributes: ["device": "cdrom"],
                        children: [XMLNode(name: "alias", attributes: ["name": "ua-cdrom-mine"])]))
                devices.children.append(XMLNode(name: "interface", attributes: ["type": "user"]))
            }
        }
        #expect(try Self.changes(from: Self.spec(), to: Self.spec(), hand: add, liveHand: add) == [])
    }

    @Test func `what the guest has not taken yet is pending, until it starts anew`() throws {
        var old = Self.spec()
        old.cloudInit?.userData = "#cloud-config\n{}\n"
        old.disks[0].bus = .sata
        old.disks.removeLast()
        let changes = try Self.changes(from: Self.spec(), to: Self.spec(), running: old)
        // A disk needs no start anew.
        #expect(
            Self.words(changes) == [
                "cloud_init.user_data instance pending", "disks[1].bus restart pending",
                "disks[2] live drift",
            ])
        #expect(try Self.changes(from: Self.spec(), to: Self.spec(), running: old, isActive: false) == [])
    }

    @Test func `of a guest whose record does not name its instance, the same meta-data does`() throws {
        let facts = DomainFacts(try Self.description(Self.spec()))
        let side = Convergence.Description(spec: Self.record(Self.spec()).spec, facts: facts)
        for (metaData, kind) in [
            ("instance-id: a\n", Change.Kind.instance), ("instance-id: a\nb: c\n", .restart),
        ] {
            var wanted = Self.spec()
            wanted.cloudInit?.userData = "#cloud-config\n{}\n"
            wanted.cloudInit?.metaData = .text(metaData)
            let changes = Convergence(wanted: wanted, wantedFacts: facts, next: side, live: side).changes()
            #expect(changes.first { $0.path == "cloud_init.user_data" }?.kind == kind)
        }
    }

    @Test func `a disk without a size grows beyond what its file has, and not below`() throws {
        var old = Self.spec()
        old.disks[0].sizeGiB = 0
        var wanted = old
        wanted.disks[0].sizeGiB = 3
        let kept = Self.record(old).spec
        for (gib, kind) in [(2, Change.Kind.live), (4, .replace)] as [(UInt64, Change.Kind)] {
            let side = Convergence.Description(spec: kept, facts: DomainFacts(try Self.description(old)))
            let changes = Convergence(
                wanted: wanted, wantedFacts: DomainFacts(try Self.description(wanted)), next: side,
                live: side,
                diskSizes: ["boot": gib << 30]
            ).changes()
            #expect(changes.map(\.kind) == [kind])
        }
    }
}

@Suite struct `Changing a description` {
    static func merge(
        _ old: VMSpec, _ new: VMSpec, present: XMLNode, restored: Set<String> = []
    ) throws -> XMLNode {
        let merge = DomainMerge(
            before: try `What a change costs`.description(old),
            after: try `What a change costs`.description(new),
            present: present, restored: restored)
        return merge.merged(metadata: XMLNode(name: "machine", namespace: DomainXML.namespace, text: "{}"))
    }

    /// As libvirt has it: with addresses, and with what somebody else has added.
    static func present(_ spec: VMSpec) throws -> XMLNode {
        var node = try `What a change costs`.description(spec)
        node.children.append(
            XMLNode(
                name: "metadata",
                children: [
                    XMLNode(name: "machine", namespace: DomainXML.namespace, text: "old"),
                    XMLNode(name: "note", namespace: "urn:other", text: "mine"),
                ]))
        node.edit("devices") { devices in
            for index in devices.children.indices {
                devices.children[index].children.append(
                    XMLNode(name: "address", attributes: ["slot": "\(index)"]))
            }
            devices.children.append(XMLNode(name: "hostdev", attributes: ["mode": "subsystem"]))
        }
        return node
    }

    @Test func `touches nothing else: places, foreign devices and foreign metadata stay`() throws {
        let spec = `What a change costs`.spec()
        var wanted = spec
        wanted.memoryMiB = 512
        wanted.disks[0].iopsLimit = 100
        let present = try Self.present(spec)
        let merged = try Self.merge(spec, wanted, present: present)
        #expect(merged.first("currentMemory")?.text == "512")
        #expect(merged.first("devices/disk/iotune/total_iops_sec")?.text == "100")
        #expect(merged.first("devices/hostdev") != nil)
        #expect(merged.all("metadata").flatMap(\.children).map(\.text) == ["mine", "{}"])
        #expect(
            merged.all("devices").flatMap(\.children).map { $0.first("address") }
                == present.all("devices").flatMap(\.children).map { $0.first("address") })
    }

    @Test func `a new drive takes a free name, and the others keep theirs`() throws {
        let spec = `What a change costs`.spec()
        var wanted = spec
        var disk = DiskSpec(id: "data")
        disk.bus = .scsi
        disk.sizeGiB = 1
        wanted.disks.append(disk)
        wanted.cdroms.insert(CDROMSpec(id: "first", isoPath: "/isos/first.iso"), at: 0)
        let merged = try Self.merge(spec, wanted, present: try Self.present(spec))
        func target(_ alias: String) -> String? {
            merged.all("devices/disk").first { $0.alias == alias }?.first("target")?.attributes["dev"]
        }
        #expect(target("ua-cdrom-tools") == "sda" && target("ua-cdrom-cidata") == "sdb")
        #expect(Set([target("ua-disk-data"), target("ua-cdrom-first")]) == ["sdc", "sdd"])
    }

    @Test func `a device on another bus leaves its place, one that is gone goes`() throws {
        let spec = `What a change costs`.spec()
        var wanted = spec
        wanted.disks[0].bus = .sata
        wanted.nics.removeFirst()
        let merged = try Self.merge(spec, wanted, present: try Self.present(spec))
        let disk = try #require(merged.all("devices/disk").first { $0.alias == "ua-disk-boot" })
        #expect(disk.first("target")?.attributes["bus"] == "sata" && disk.first("address") == nil)
        #expect(!merged.all("devices/interface").contains { $0.alias == "ua-nic-lan" })
    }

    @Test func `is written as the XML it was read from`() throws {
        let text = """
            <domain type="kvm"><name>a &amp; b</name><metadata><x:a xmlns:x="urn:x" k="v"><x:b>t</x:b></x:a></metadata></domain>
            """
        let again = try XMLReader.parse(XMLElement(try XMLReader.parse(text)).xml)
        #expect(again.first("name")?.text == "a & b" && again.attributes == ["type": "kvm"])
        let inner = try #require(again.first("metadata/a"))
        #expect(inner.namespace == "urn:x" && inner.attributes == ["k": "v"])
        #expect(inner.first("b")?.text == "t" && inner.first("b")?.namespace == "urn:x")
    }
}
