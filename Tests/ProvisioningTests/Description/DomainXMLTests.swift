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

@Suite struct `Domain XML` {
    static let host = HostDescription(
        emulator: "/usr/bin/qemu-system-x86_64", architecture: "x86_64", offersKVM: true,
        emulatorVersion: 7_002_000, emulatorUser: EmulatorUser(name: "root", uid: 0, gid: 0), isLocal: true,
        relabelsFiles: true)

    static func xml(
        _ spec: VMSpec, _ acceleration: Acceleration = .emulation, host: HostDescription = host
    ) throws -> String {
        let layout = MachineLayout(
            spec,
            of: Machine(spec.name, on: FakeHypervisor(), state: StateFolder(root: "/var/lib/limiquantix")))
        let record = MachineRecord(
            spec: spec, uuid: "", owner: "root@host", acceleration: acceleration, folder: layout.folder)
        return try DomainXML(
            spec: spec, layout: layout, host: host, acceleration: acceleration, record: record
        )
        .text()
    }

    static func spec(_ change: (inout VMSpec) -> Void = { _ in }) -> VMSpec {
        var spec = VMSpec(name: "web-01")
        change(&spec)
        return spec
    }

    @Test func `gives disks that begin alike serial numbers of their own, of the 20 characters a guest sees`()
        throws
    {
        let ids = [
            "root", "application-data-disk-1", "application-data-disk-2", "application-data-disk-3",
            "application-data-dis", "a-long-id-like-no-other",
        ]
        let spec = Self.spec { $0.disks = ids.map { DiskSpec(id: $0) } }
        let serials = spec.diskSerials
        #expect(Set(serials).count == ids.count)
        #expect(serials.allSatisfy { $0.utf8.count <= 20 })
        // Those that differ keep what they have always had.
        #expect(serials[0...1] == ["root", "application-data-dis"] && serials[5] == "a-long-id-like-no-ot")
        let xml = try Self.xml(spec)
        for serial in serials { #expect(xml.contains("<serial>\(serial)</serial>")) }
    }

    static let matrix: [(name: String, spec: VMSpec)] = [
        ("bare", spec()),
        (
            "web server",
            spec {
                var disk = DiskSpec(id: "boot-disk")
                disk.backingFile = "/images/a <b> & \"c\".qcow2"
                disk.iopsLimit = 500
                disk.throughputMBps = 40
                var nic = NICSpec(id: "nic1")
                nic.forward = [PortForward(host: 8080, guest: 80)]
                $0.disks = [disk]
                $0.nics = [nic]
                $0.cloudInit = CloudInitSpec(userData: "#cloud-config\n")
                $0.labels = ["a": "]]> & <b>"]
            }
        ),
        (
            "UEFI with screens",
            spec {
                $0.firmware = .uefi
                var console = ConsoleSpec()
                console.vncEnabled = true
                console.vncPort = 5901
                console.vncPassword = "a&b"
                console.spiceEnabled = true
                $0.console = console
                var bridged = NICSpec(id: "a")
                bridged.bridge = "br0"
                bridged.bandwidthMbps = 100
                bridged.model = .e1000
                var network = NICSpec(id: "b")
                network.network = "default"
                network.model = .rtl8139
                network.macAddress = "52:54:00:12:34:56"
                $0.nics = [bridged, network]
                $0.bootOrder = [.network, .cdrom, .disk]
                $0.cdroms = [CDROMSpec(id: "os", isoPath: "/isos/os.iso")]
                $0.disks = DiskBus.allCases.filter { $0 != .ide }.map { bus in
                    var disk = DiskSpec(id: "d-\(bus)")
                    disk.sizeGiB = 1
                    disk.bus = bus
                    return disk
                }
            }
        ),
        (
            "Windows",
            spec {
                $0.guestOS = "windows-2022"
                $0.firmware = .uefi
                var disk = DiskSpec(id: "c")
                disk.sizeGiB = 50
                $0.disks = [disk]
                $0.cdroms = [CDROMSpec(id: "setup", isoPath: "/isos/w.iso")]
            }
        ),
        (
            "secure boot and a TPM",
            spec {
                $0.firmware = .uefi
                $0.secureBoot = true
                $0.tpm = true
            }
        ),
        (
            "Flatcar",
            spec {
                $0.ignition = #"{"ignition":{"version":"3.3.0"}}"#
                $0.cdroms = [
                    CDROMSpec(id: "tools", label: "TOOLS", files: ISOContents(files: [ISOFile("a", "b")]))
                ]
            }
        ),
        (
            "IDE and a pool",
            spec {
                var old = DiskSpec(id: "old")
                old.bus = .ide
                old.sizeGiB = 1
                old.format = .raw
                old.readonly = true
                var volume = DiskSpec(id: "volume")
                volume.poolID = "default"
                volume.path = "v.qcow2"
                $0.disks = [old, volume]
            }
        ),
    ]

    @Test(arguments: matrix.map(\.name), Acceleration.allCases)
    func `is what libvirt's schema allows`(name: String, acceleration: Acceleration) throws {
        let spec = try #require(Self.matrix.first { $0.name == name }).spec
        let file = "/tmp/limiq-xml-\(UInt64.random(in: 0 ... .max)).xml"
        defer { unlink(file) }
        append(try Self.xml(spec, acceleration), to: file)
        let result = try run("virt-xml-validate", file, "domain")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    @Test func `holds every text as it was, whatever it contains`() throws {
        let node = try XMLReader.parse(try Self.xml(Self.matrix[1].spec))
        let backing = try #require(Self.matrix[1].spec.disks[0].backingFile)
        let metadata = try #require(node.first("metadata/machine"))
        #expect(metadata.namespace == DomainXML.namespace)
        let record = try MachineRecord(
            metadata:
                "<machine>\(XMLElement("x", text: metadata.text).xml.dropFirst(3).dropLast(5))</machine>")
        #expect(record.spec.disks[0].backingFile == backing)
        #expect(record.spec.labels == ["a": "]]> & <b>"])
    }

    @Test func `keeps no cloud-init document and no password in the metadata`() throws {
        var spec = Self.matrix[2].spec
        spec.cloudInit = CloudInitSpec(userData: "#cloud-config\npassword: hunter2\n")
        let metadata = try #require(try XMLReader.parse(try Self.xml(spec)).first("metadata/machine")).text
        #expect(!metadata.contains("hunter2"))
        #expect(!metadata.contains("a&b"))
    }

    @Test func `gives a nic the same address each time, and another to each`() {
        let first = NICSpec.macAddress(ofMachine: "web-01", nic: 0)
        #expect(first == NICSpec.macAddress(ofMachine: "web-01", nic: 0))
        #expect(first != NICSpec.macAddress(ofMachine: "web-01", nic: 1))
        #expect(first != NICSpec.macAddress(ofMachine: "web-02", nic: 0))
        #expect(first.hasPrefix("52:54:00:"))
    }

    @Test func `puts the seed on virtio-scsi, where Debian's cloud kernel sees it`() throws {
        let node = try XMLReader.parse(try Self.xml(Self.matrix[1].spec))
        let seed = try #require(
            node.all("devices/disk").first {
                $0.first("source")?.attributes["file"]?.hasSuffix("seed.iso") == true
            })
        #expect(seed.first("target")?.attributes["bus"] == "scsi")
        #expect(node.all("devices/controller").contains { $0.attributes["model"] == "virtio-scsi" })
    }

    @Test func `tells a libvirt that gives files away to leave them, and no other`() throws {
        func labels(_ host: HostDescription) throws -> [XMLNode] {
            let node = try XMLReader.parse(try Self.xml(Self.matrix[1].spec, host: host))
            return node.all("devices/disk/source/seclabel")
                + node.all("devices/disk/backingStore/source/seclabel")
        }
        let disks = Self.matrix[1].spec.disks.count
        #expect(try labels(Self.host).count >= 2 * disks)
        var session = Self.host
        session.relabelsFiles = false
        #expect(try labels(session).isEmpty)
    }

    @Test(arguments: DiskBus.allCases)
    func `keeps the seed on virtio-scsi whatever bus the disks are on`(bus: DiskBus) throws {
        var spec = Self.matrix[1].spec
        spec.disks[0].bus = bus
        let node = try XMLReader.parse(try Self.xml(spec))
        let buses = node.all("devices/disk").filter { $0.attributes["device"] == "cdrom" }
            .map { $0.first("target")?.attributes["bus"] }
        #expect(buses == ["scsi"])
    }

    @Test(arguments: [(Acceleration.emulation, "yes"), (.kvm, "no")])
    func `gives an emulated guest an HPET, as no other clock of it holds on a busy host`(
        acceleration: Acceleration, present: String
    ) throws {
        let timers = try XMLReader.parse(Self.xml(Self.spec(), acceleration)).all("clock/timer")
        #expect(timers.first { $0.attributes["name"] == "hpet" }?.attributes["present"] == present)
    }

    @Test func `gives a Windows guest SATA and a TPM`() throws {
        let node = try XMLReader.parse(try Self.xml(Self.matrix[3].spec))
        #expect(Set(node.all("devices/disk/target").map { $0.attributes["bus"] }) == ["sata"])
        #expect(node.first("devices/tpm") != nil)
    }

    @Test
    func `asks for the firmware that enforces secure boot where the spec or Windows does, and for no other`()
        throws
    {
        func features(_ spec: VMSpec) throws -> [String: String] {
            let features = try XMLReader.parse(try Self.xml(spec)).all("os/firmware/feature").map(
                \.attributes)
            return Dictionary(uniqueKeysWithValues: features.map { ($0["name"] ?? "", $0["enabled"] ?? "") })
        }
        let no = ["secure-boot": "no", "enrolled-keys": "no"]
        let yes = ["secure-boot": "yes", "enrolled-keys": "yes"]
        #expect(try features(Self.spec { $0.firmware = .uefi }) == no)
        #expect(try features(Self.spec { ($0.firmware, $0.secureBoot) = (.uefi, true) }) == yes)
        #expect(try features(Self.spec { ($0.firmware, $0.guestOS) = (.uefi, "windows-11") }) == yes)
        #expect(try features(Self.spec()) == [:])
        let failure = try #require(throws: Failure.self) { try Self.spec { $0.secureBoot = true }.check() }
        #expect(failure.hint == "firmware = \"uefi\"")
    }

    @Test func `refuses a screen's port without the screen, two on one port, and two nics of one address`()
        throws
    {
        func refusal(_ change: (inout VMSpec) -> Void) -> String? {
            #expect(throws: Failure.self) { try Self.spec(change).check() }?.message
        }
        func nic(_ id: String) -> NICSpec {
            var nic = NICSpec(id: id)
            nic.macAddress = "52:54:00:00:00:01"
            return nic
        }
        var console = ConsoleSpec()
        console.vncPort = 5901
        #expect(refusal { $0.console = console } == "console.vnc_port needs console.vnc_enabled = true")
        console.vncEnabled = true
        console.spicePort = 5901
        #expect(refusal { $0.console = console } == "console.spice_port needs console.spice_enabled = true")
        console.spiceEnabled = true
        #expect(refusal { $0.console = console } == "console.vnc_port and console.spice_port are both 5901")
        #expect(
            refusal { $0.nics = [nic("a"), nic("b")] }
                == "nics[2].mac_address 52:54:00:00:00:01 is that of nics[1] already")
    }

    @Test func `gives Ignition its configuration by the names guests look for`() throws {
        let spec = Self.spec { $0.ignition = #"{"ignition":{"version":"3.3.0"}}"# }
        let node = try XMLReader.parse(try Self.xml(spec))
        let info = try #require(node.first("sysinfo"))
        #expect(info.attributes["type"] == "fwcfg")
        #expect(
            info.all("entry").map(\.attributes)
                == ["opt/com.coreos/config", "opt/org.flatcar-linux/config"].map {
                    ["name": $0, "file": "/var/lib/limiquantix/vms/web-01/ignition.json"]
                })
        #expect(node.first("devices/disk") == nil)
    }

    @Test func `gives it on a disk where there is no firmware configuration`() throws {
        var host = Self.host
        host.architecture = "s390x"
        let xml = try Self.xml(Self.spec { $0.ignition = #"{"ignition":{"version":"3.3.0"}}"# }, host: host)
        let node = try XMLReader.parse(xml)
        #expect(node.first("sysinfo") == nil)
        let disk = try #require(node.first("devices/disk"))
        #expect(disk.first("serial")?.text == "ignition")
        #expect(disk.first("target")?.attributes["bus"] == "virtio")
        #expect(disk.first("readonly") != nil)
    }

    @Test func `keeps neither Ignition's configuration nor the files of a CD-ROM in the metadata`() throws {
        let spec = Self.spec {
            $0.ignition = #"{"ignition":{"version":"3.3.0"},"passwd":{"users":[{"name":"hunter2"}]}}"#
            $0.cdroms = [CDROMSpec(id: "a", files: ISOContents(files: [ISOFile("answer", "hunter2")]))]
        }
        let xml = try Self.xml(spec)
        #expect(!xml.contains("hunter2"))
        let metadata = try #require(try XMLReader.parse(xml).first("metadata/machine")).text
        #expect(metadata.contains("answer"))
        // Salted: two VMs of one spec say nothing of each other.
        #expect(try Self.xml(spec) != xml)
    }

    @Test func `boots in the order the spec says`() throws {
        let node = try XMLReader.parse(try Self.xml(Self.matrix[2].spec))
        let order = node.all("devices/interface/boot").map { $0.attributes["order"] }
        #expect(order == ["1", "2"])
        let cdrom = node.all("devices/disk").first { $0.attributes["device"] == "cdrom" }
        #expect(cdrom?.first("boot")?.attributes["order"] == "3")
    }
}
