import Basics
import DiskImages
import Hypervisors
import MachineSpec
import XML

extension DomainXML {
    var devices: [XMLElement] {
        if isTestDriver { return interfaces }
        var elements: [XMLElement] = [XMLElement("emulator", text: host.emulator)]
        elements += drives
        elements.append(XMLElement("controller", ["type": "scsi", "index": "0", "model": "virtio-scsi"]))
        // Without a screen nobody needs a tablet, and a guest boots faster without USB.
        if !hasGraphics { elements.append(XMLElement("controller", ["type": "usb", "model": "none"])) }
        elements += interfaces
        elements += shares
        elements += consoles
        elements += graphics
        // A screenshot needs a video device, with or without a display.
        elements.append(XMLElement("video", [:], [XMLElement("model", ["type": "vga"])]))
        if spec.hasTPM {
            elements.append(
                XMLElement(
                    "tpm", ["model": "tpm-crb"],
                    [XMLElement("backend", ["type": "emulator", "version": "2.0"])]))
        }
        elements.append(XMLElement("memballoon", ["model": "virtio"]))
        elements.append(
            XMLElement(
                "rng", ["model": "virtio"],
                [XMLElement("backend", ["model": "random"], text: "/dev/urandom")]))
        elements.append(XMLElement("panic", ["model": "isa"]))
        if machine == "q35" {
            let ports = DomainPorts(XMLElement("domain", [:], [XMLElement("devices", [:], elements)]).node)
            elements += ports.missing
        }
        return elements
    }

    private var hasGraphics: Bool {
        spec.console.map { $0.vncEnabled || $0.spiceEnabled } ?? false
    }

    // MARK: disks and CD-ROMs

    private var drives: [XMLElement] {
        var names = TargetNames()
        let order = BootPlan(spec)
        var elements: [XMLElement] = []
        let serials = spec.diskSerials
        for (index, disk) in layout.disks.enumerated() {
            let bus = spec.bus(of: disk.spec)
            elements.append(
                drive(
                    disk, bus: bus, target: names.next(bus), serial: serials[index], boot: order.disks[index])
            )
        }
        let cdromBus: DiskBus = isWindows ? .sata : .scsi
        for (index, cdrom) in spec.cdroms.enumerated() {
            let element = Self.cdrom(
                id: cdrom.id, iso: layout.cdroms[index], bus: cdromBus, target: names.next(cdromBus),
                boot: order.cdroms[index], on: host)
            elements.append(SpecFields.cdroms.completed(element, cdrom))
        }
        if let seed = layout.seed {
            // Debian's cloud kernel has no AHCI: on SATA it would never see the seed.
            elements.append(
                Self.cdrom(
                    id: Self.seedID, iso: seed, bus: cdromBus, target: names.next(cdromBus), boot: nil,
                    on: host))
        }
        if !hasFirmwareConfig, let path = layout.ignition {
            elements.append(ignitionDisk(path, target: names.next(.virtio)))
        }
        return elements
    }

    /// The disk with Ignition's configuration. Ignition looks for a disk of this serial number where there is no
    /// firmware configuration (its provider `qemu`, for s390x and ppc64le).
    private func ignitionDisk(_ path: String, target: String) -> XMLElement {
        XMLElement(
            "disk", ["type": "file", "device": "disk"],
            [
                XMLElement("driver", ["name": "qemu", "type": "raw"]),
                XMLElement("source", ["file": path], [Self.keepsOwner(on: host)]),
                XMLElement("target", ["dev": target, "bus": "virtio"]),
                XMLElement("readonly"),
                XMLElement("serial", text: "ignition"),
            ])
    }

    /// The id of the CD-ROM with the cidata image.
    static let seedID = "cidata"

    private func drive(
        _ disk: MachineLayout.Disk, bus: DiskBus, target: String, serial: String, boot: Int?
    ) -> XMLElement {
        let format = disk.format == .raw ? "raw" : "qcow2"
        let (type, source): (String, XMLElement)
        if let rbd = disk.rbd {
            (type, source) = ("network", rbd.element(disk.path))
        } else if let pool = disk.spec.poolID, !disk.isMade {
            (type, source) = ("volume", XMLElement("source", ["pool": pool, "volume": disk.path]))
        } else {
            let owner = disk.isMade || disk.spec.readonly ? Self.keepsOwner(on: host) : nil
            (type, source) = ("file", XMLElement("source", ["file": disk.path], [owner]))
        }
        let spec = disk.spec
        let element = XMLElement(
            "disk", ["type": type, "device": "disk"],
            [
                XMLElement("driver", ["name": "qemu", "type": format, "discard": "unmap"]),
                source,
                disk.isMade || type == "file" && disk.format == .qcow2 && !disk.backing.isEmpty
                    ? Self.backingStore(disk.backing[...], on: host) : nil,
                XMLElement("target", ["dev": target, "bus": Self.busName(bus)]),
                // What a guest finds in /dev/disk/by-id.
                XMLElement("serial", text: serial),
                boot.map { XMLElement("boot", ["order": String($0)]) },
                XMLElement("alias", ["name": Self.diskAlias(spec.id)]),
            ])
        return SpecFields.disks.completed(element, spec)
    }

    /// The whole chain, ended explicitly: libvirt then probes no file for a format somebody may have put there.
    static func backingStore(_ chain: ArraySlice<BackingImage>, on host: HostDescription) -> XMLElement {
        guard let image = chain.first else { return XMLElement("backingStore") }
        return XMLElement(
            "backingStore", ["type": "file"],
            [
                XMLElement("format", ["type": image.format]),
                XMLElement("source", ["file": image.path], [keepsOwner(on: host)]),
                backingStore(chain.dropFirst(), on: host),
            ])
    }

    /// The element that keeps a file's owner. libvirt as root gives a running guest's files to its own user and never
    /// gives images and ISOs back. On another host they are limiq's own volumes, which may keep the owner libvirt gives
    /// them.
    private static func keepsOwner(on host: HostDescription) -> XMLElement? {
        host.isLocal && host.relabelsFiles ? XMLElement("seclabel", ["model": "dac", "relabel": "no"]) : nil
    }

    /// - Parameters:
    ///   - id: `nil` for a drive that was not made with one.
    ///   - iso: where the hypervisor finds it; `nil` is an empty drive.
    static func cdrom(
        id: String?, iso: String?, bus: DiskBus, target: String, boot: Int?, on host: HostDescription
    ) -> XMLElement {
        XMLElement(
            "disk", ["type": "file", "device": "cdrom"],
            [
                XMLElement("driver", ["name": "qemu", "type": "raw"]),
                iso.map { XMLElement("source", ["file": $0], [keepsOwner(on: host)]) },
                XMLElement("target", ["dev": target, "bus": busName(bus)]),
                XMLElement("readonly"),
                boot.map { XMLElement("boot", ["order": String($0)]) },
                id.map { XMLElement("alias", ["name": cdromAlias($0)]) },
            ])
    }

    static func busName(_ bus: DiskBus) -> String {
        switch bus {
        case .virtio: "virtio"
        case .scsi: "scsi"
        case .sata: "sata"
        case .ide: "ide"
        }
    }

    // MARK: network

    private var interfaces: [XMLElement] {
        let order = BootPlan(spec)
        return spec.nics.enumerated().compactMap { index, nic in
            nic.kind == .private && !isTestDriver ? nil : interface(nic, index, boot: order.nics[index])
        }
    }

    private func interface(_ nic: NICSpec, _ index: Int, boot: Int?) -> XMLElement {
        let model =
            switch nic.model {
            case .virtio: "virtio"
            case .e1000: "e1000"
            case .rtl8139: "rtl8139"
            }
        let element = XMLElement(
            "interface", ["type": nic.kind == .private ? "network" : nic.kind.rawValue],
            [
                XMLElement(
                    "mac",
                    ["address": nic.macAddress ?? NICSpec.macAddress(ofMachine: spec.name, nic: index)]),
                XMLElement("model", ["type": model]),
                isTestDriver ? nil : XMLElement("link", ["state": "up"]),
                boot.map { XMLElement("boot", ["order": String($0)]) },
                isTestDriver ? nil : XMLElement("alias", ["name": Self.nicAlias(nic.id)]),
            ])
        return SpecFields.nics.completed(element, nic)
    }

    // MARK: the devices' names

    /// The beginning of the alias of a device where it was not libvirt that chose it
    /// (https://libvirt.org/formatdomain.html#devices).
    static let ownAlias = "ua-"

    static func diskAlias(_ id: String) -> String { "\(ownAlias)disk-\(id)" }
    static func nicAlias(_ id: String) -> String { "\(ownAlias)nic-\(id)" }
    static func cdromAlias(_ id: String) -> String { "\(ownAlias)cdrom-\(id)" }
    static func shareAlias(_ id: String) -> String { "\(ownAlias)share-\(id)" }

    // MARK: shared folders

    private var shares: [XMLElement] {
        (spec.shares ?? []).map { share in
            XMLElement(
                "filesystem", ["type": "mount", "accessmode": "passthrough"],
                [
                    XMLElement("driver", ["type": "virtiofs"]),
                    XMLElement("source", ["dir": share.host]),
                    XMLElement("target", ["dir": share.tag]),
                    XMLElement("alias", ["name": Self.shareAlias(share.id)]),
                ])
        }
    }

    /// The memory of a guest with shared folders, which the program that serves them reads and writes too.
    var sharedMemory: XMLElement? {
        guard spec.shares?.isEmpty == false, !isTestDriver else { return nil }
        return XMLElement(
            "memoryBacking", [:],
            [XMLElement("source", ["type": "memfd"]), XMLElement("access", ["mode": "shared"])])
    }

    // MARK: consoles and screens

    private var consoles: [XMLElement] {
        [
            XMLElement(
                "serial", ["type": "pty"],
                [
                    XMLElement("log", ["file": layout.consoleLog, "append": "off"]),
                    XMLElement("target", ["port": "0"]),
                ]),
            XMLElement(
                "console", ["type": "pty"], [XMLElement("target", ["type": "serial", "port": "0"])]),
            XMLElement(
                "channel", ["type": "unix"],
                [XMLElement("target", ["type": "virtio", "name": "org.qemu.guest_agent.0"])]),
        ]
    }

    private var graphics: [XMLElement] {
        guard let console = spec.console, hasGraphics else { return [] }
        var elements = [XMLElement("input", ["type": "tablet", "bus": "usb"])]
        if console.vncEnabled {
            elements.append(
                XMLElement(
                    "graphics",
                    [
                        "type": "vnc", "port": console.vncPort == 0 ? "-1" : String(console.vncPort),
                        "autoport": console.vncPort == 0 ? "yes" : "no", "listen": "127.0.0.1",
                        "passwd": console.vncPassword,
                    ]))
        }
        if console.spiceEnabled {
            elements.append(
                XMLElement(
                    "graphics",
                    [
                        "type": "spice", "port": console.spicePort == 0 ? "-1" : String(console.spicePort),
                        "autoport": console.spicePort == 0 ? "yes" : "no", "listen": "127.0.0.1",
                    ]))
        }
        return elements
    }
}

/// The names of drives, such as `vda`, `sdb`, `hdc`; SCSI and SATA share the letters.
struct TargetNames {
    private var used: [String: Int] = [:]

    mutating func next(_ bus: DiskBus) -> String {
        let prefix =
            switch bus {
            case .virtio: "vd"
            case .scsi, .sata: "sd"
            case .ide: "hd"
            }
        let index = used[prefix, default: 0]
        used[prefix] = index + 1
        return prefix + Self.letters(index)
    }

    /// A name like another: that one, or the first on its bus that is free where it is taken.
    static func free(like name: String, besides taken: Set<String>) -> String {
        guard taken.contains(name) else { return name }
        return (0...).lazy.map { name.prefix(2) + letters($0) }.first { !taken.contains($0) } ?? name
    }

    /// The letters of a drive by its number: `a` … `z`, `aa` …
    static func letters(_ index: Int) -> String {
        let letter = String(UnicodeScalar(UInt8(97 + index % 26)))
        return index < 26 ? letter : letters(index / 26 - 1) + letter
    }
}
