import Basics
import Glibc
import HostFiles
import Hypervisors
import ImageLibrary
import LuaRuntime
import Provisioning
import Support
import Testing
import XML

@testable import Primitives

/// The scratch host of this process, which all tests share.
private enum DaemonHost {
    private static let process = Swift.Result { try ScratchHost.process() }
    static let root = (try? process.get().folder) ?? "/nowhere"
    static var hypervisor: LibvirtHypervisor { get throws { try process.get().hypervisor } }

    static let environment = Environment(
        state: StateFolder(root: root),
        images: ImageLibrary(state: StateFolder(root: root), builders: root, catalogue: shippedCatalogue),
        scriptFolder: root
    ) { _ throws(Failure) in
        do { return try process.get().hypervisor } catch { throw Failure(.hostNotAble, "\(error)") }
    }

    static let definitions = Dictionary(
        uniqueKeysWithValues: (domainDefinitions(environment) + vmDefinitions(environment)).map {
            ($0.primitive.name, $0.primitive)
        })

    @discardableResult
    static func call(_ name: String, _ arguments: Value...) throws -> Value {
        let primitive = try #require(definitions[name])
        return try primitive.perform(Request(name: name, arguments: arguments)).first ?? .null
    }

    /// Runs `body` with a running VM that boots GRUB's rescue ISO, and removes it, thrown or not.
    static func withGuest(_ change: (inout Map) -> Void = { _ in }, _ body: (Value) throws -> Void) throws {
        let name = "t-\(UInt16.random(in: 0 ... .max))"
        var spec: Map = [
            "name": .string(name), "memory": "128MiB", "nics": [[:]],
            "cdroms": [["id": "live", "iso_path": .string(iso), "bootable": true]],
        ]
        change(&spec)
        let vm: Value = ["name": .string(name), "spec": .map(spec)]
        defer { _ = try? call("vm.remove", vm) }
        try call("vm.up", vm, ["wait": "running"])
        try body(vm)
    }

    static let iso = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso"
    static var isAble: Bool { geteuid() == 0 && access(iso, R_OK) == 0 }
}

@Suite(
    .serialized,
    .enabled(
        if: DaemonHost.isAble, "needs root and the package grub-rescue-pc, for a guest that boots at once"))
struct `Domains on libvirt's private daemons` {
    static func processes(_ name: String) -> Int {
        folderNames("/proc").filter { fileText("/proc/\($0)/cmdline").contains("guest=\(name)") }.count
    }

    @Test func `a VM comes up, is the same the second time, goes down and leaves nothing`() throws {
        try DaemonHost.withGuest { vm in
            let name = try #require(vm["name"]?.string)
            #expect(try DaemonHost.call("domain.state", vm) == "running")
            #expect(Self.processes(name) == 1)
            #expect(try DaemonHost.call("vm.up", vm)["changed"] == false)
            #expect(try DaemonHost.call("vm.diff", vm) == [])
            let handle = try DaemonHost.call("domain.get", .string(name))
            #expect(handle["name"] == .string(name))
            let listed = try DaemonHost.call("domain.list", ["ours": true, "state": "running"]).list ?? []
            #expect(listed.contains { $0["name"] == .string(name) })
            // GRUB hears no ACPI: it is ended after the timeout.
            #expect(try DaemonHost.call("vm.down", handle, ["timeout": "500ms"]) == true)
            #expect(try DaemonHost.call("domain.state", vm) == "shut off")
            #expect(try DaemonHost.call("vm.up", vm)["changed"] == true)
            #expect(try DaemonHost.call("vm.remove", vm) == true)
            #expect(Self.processes(name) == 0)
            #expect(access("\(DaemonHost.root)/vms/\(name)", F_OK) != 0)
            let gone = try #require(throws: Failure.self) {
                try DaemonHost.call("domain.get", .string(name))
            }
            #expect(gone.code == .notFound)
        }
    }

    @Test func `a disk and a seed are made, and their ports forwarded`() throws {
        let port = Int64(freePort())
        try DaemonHost.withGuest {
            $0["nics"] = [["forward": [["host": .int(port), "guest": 80]]]]
            $0["disks"] = [["id": "data", "size": "1GiB"]]
        } _: { vm in
            #expect(try DaemonHost.call("vm.forward", vm, 80) == .string("127.0.0.1:\(port)"))
            #expect(throws: Failure.self) { try DaemonHost.call("vm.forward", vm, 81) }
            let name = try #require(vm["name"]?.string)
            let usernet = try DaemonHost.hypervisor.monitor(name, "info usernet")
            #expect(usernet.contains("HOST_FORWARD") && usernet.contains("\(port)"))
            #expect(access("\(DaemonHost.root)/vms/\(name)/data.qcow2", F_OK) == 0)
        }
    }

    @Test func `has a port that limiq chose and keeps, and forwards of datagrams and of another address`()
        throws
    {
        try DaemonHost.withGuest {
            $0["nics"] = nil
            $0["cloud_init"] = nil
        } _: { vm in
            let place = try DaemonHost.call("vm.forward", vm, 22)
            let name = try #require(vm["name"]?.string)
            let usernet = try DaemonHost.hypervisor.monitor(name, "info usernet")
            let port = try #require(place.string?.split(separator: ":").last)
            #expect(usernet.contains("\(port)"), "\(usernet)")
            try DaemonHost.call("vm.down", vm, ["timeout": "100ms"])
            #expect(try DaemonHost.call("vm.forward", vm, 22) == place)
            #expect(try DaemonHost.call("vm.up", vm)["forwards"]?.list?.count == 1)
            #expect(try DaemonHost.call("vm.forward", vm, 22) == place)
            #expect(try DaemonHost.call("vm.diff", vm) == [])

            var other = try #require(vm["spec"]?.map)
            other["nics"] = [
                [
                    "id": "default",
                    "forward": [
                        ["guest": 22], ["guest": 53, "proto": "udp"], ["guest": 80, "bind": "127.0.0.2"],
                        ["guest": 81, "bind": "0.0.0.0"],
                    ],
                ]
            ]
            let handle: Value = ["name": .string(name), "spec": .map(other)]
            let report = try DaemonHost.call("vm.up", handle, ["wait": "running"])
            #expect(report["forwards"]?.list?.count == 4 && report["changed"] == true)
            #expect(try DaemonHost.call("vm.forward", handle, 22) == place, "the one that was there stays")
            #expect(try DaemonHost.call("vm.forward", handle, 80).string?.hasPrefix("127.0.0.2:") == true)
            #expect(try DaemonHost.call("vm.up", handle)["changed"] == false)
            try DaemonHost.call("vm.down", handle, ["timeout": "100ms"])
            #expect(try DaemonHost.call("vm.up", handle)["forwards"] == report["forwards"])
        }
    }

    @Test func `its description can be had back, secrets included, and makes the same VM`() throws {
        try DaemonHost.withGuest {
            $0["disks"] = [["id": "data", "size": "1GiB", "iops_limit": 100]]
            $0["cloud_init"] = [
                "user_data": [
                    "hostname": "web",
                    "network": ["version": 2, "ethernets": ["ens3": ["addresses": ["10.0.2.50/24"]]]],
                ]
            ]
            $0["console"] = ["vnc_enabled": true, "vnc_password": "secret"]
        } _: { vm in
            let name = try #require(vm["name"]?.string)
            let machine = Machine(
                name, on: try DaemonHost.hypervisor, state: DaemonHost.environment.state)
            let document = vmDocument(of: try machine.spec())
            #expect(
                document["spec"]?["console"] == ["vnc_enabled": true, "vnc_password": .secret("secret")])
            #expect(document["spec"]?["cloud_init"]?["user_data"] == "#cloud-config\nhostname: web\n")
            #expect(document["spec"]?["cpu_cores"] == nil, "a default is left out")
            #expect(
                try DaemonHost.call(
                    "vm.up", ["name": .string(name), "spec": document], ["wait": "running"])["changed"]
                    == false)
        }
    }

    @Test func `lifecycle calls do what libvirt's do`() throws {
        try DaemonHost.withGuest { vm in
            try DaemonHost.call("domain.suspend", vm)
            #expect(try DaemonHost.call("domain.state", vm) == "paused")
            try DaemonHost.call("domain.resume", vm)
            try DaemonHost.call("domain.wait", vm, "running", ["timeout": "10s"])
            // GRUB hears no ACPI.
            let deaf = try #require(throws: Failure.self) {
                try DaemonHost.call("domain.reboot", vm, ["timeout": "300ms"])
            }
            #expect(deaf.code == .timeout)
            let late = try #require(throws: Failure.self) {
                try DaemonHost.call("domain.shutdown", vm, ["timeout": "300ms"])
            }
            #expect(late.code == .timeout)
            // Last, as firmware may reset the machine once more by itself.
            try DaemonHost.call("domain.reset", vm)
            try DaemonHost.call("domain.destroy", vm)
            try DaemonHost.call("domain.wait", vm, "stopped", ["timeout": "10s"])
            try DaemonHost.call("domain.start", vm)
            #expect(try DaemonHost.call("domain.state", vm) == "running")
            let xml = try XMLReader.parse(try #require(try DaemonHost.call("domain.xml", vm).string))
            #expect(xml.attributes["type"] == "qemu" || xml.attributes["type"] == "kvm")
            try DaemonHost.call("domain.destroy", vm)
            try DaemonHost.call("domain.undefine", vm, ["files": true])
            #expect(throws: Failure.self) { try DaemonHost.call("domain.state", vm) }
        }
    }

    /// The image in a drive, by what libvirt says.
    static func medium(_ vm: Value, _ id: String, inactive: Bool) throws -> String? {
        let text = try #require(try DaemonHost.call("domain.xml", vm, ["inactive": .bool(inactive)]).string)
        let drive = try XMLReader.parse(text).all("devices/disk").first {
            $0.first("alias")?.attributes["name"] == "ua-cdrom-\(id)"
        }
        return try #require(drive).first("source")?.attributes["file"]
    }

    @Test func `media change in the running guest and at its next start`() throws {
        try DaemonHost.withGuest { vm in
            let other = "\(DaemonHost.root)/other.iso"
            _ = symlink(DaemonHost.iso, other)
            try DaemonHost.call(
                "domain.attach_cdrom", vm, ["id": "tools", "iso_path": .string(DaemonHost.iso)])
            for inactive in [false, true] {
                #expect(try Self.medium(vm, "tools", inactive: inactive) == DaemonHost.iso)
            }
            try DaemonHost.call("domain.insert_media", vm, "tools", "other.iso")
            #expect(try Self.medium(vm, "tools", inactive: false) == other)
            try DaemonHost.call("domain.eject_media", vm, "tools")
            #expect(try Self.medium(vm, "tools", inactive: false) == nil)
            #expect(try Self.medium(vm, "tools", inactive: true) == nil)
            try DaemonHost.call("domain.destroy", vm)
            try DaemonHost.call("domain.insert_media", vm, "tools", "other.iso")
            try DaemonHost.call("domain.start", vm)
            #expect(try Self.medium(vm, "tools", inactive: false) == other)
            try DaemonHost.call("domain.detach_cdrom", vm, "tools")
            let unknown = try #require(throws: Failure.self) {
                try DaemonHost.call("domain.eject_media", vm, "tools")
            }
            #expect(unknown.hint == "it has live")
        }
    }

    @Test func `what a guest shows can be had as a picture, and nobody in it answers`() throws {
        try DaemonHost.withGuest { vm in
            let path = try #require(try DaemonHost.call("domain.screenshot", vm, "screen.png").string)
            let file = try #require(fopen(path, "r"))
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 8)
            #expect(
                fread(&bytes, 1, 8, file) == 8 && bytes == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
            #expect(try DaemonHost.call("domain.address", vm) == "10.0.2.15")
            #expect(try DaemonHost.call("domain.console", vm).string != nil)
            let failure = try #require(throws: Failure.self) {
                try DaemonHost.call("domain.exec", vm, ["true"])
            }
            #expect(failure.code == .guest)
            #expect(failure.message.contains("its agent does not answer"))
        }
    }

    @Test func `a VM that cannot start is removed again`() throws {
        let before = try DaemonHost.hypervisor.domains().count
        let failure = try #require(throws: Failure.self) {
            try DaemonHost.withGuest {
                // More than QEMU's processor can address.
                $0["memory"] = "60TiB"
                $0["disks"] = [["id": "data", "size": "1GiB"]]
            } _: { _ in
            }
        }
        #expect(failure.hint?.contains("was removed again") == true)
        #expect(try DaemonHost.hypervisor.domains().count == before)
    }
}
