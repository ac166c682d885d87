import Basics
import DiskImages
import HostFiles
import ImageLibrary
import LuaRuntime
import MachineSpec
import Records
import Testing

@testable import Primitives

@Suite struct `The schema of a VM` {
    static let environment = Environment(
        state: StateFolder(root: "/nowhere"),
        images: ImageLibrary(
            state: StateFolder(root: "/nowhere"), builders: "/nowhere", catalogue: shippedCatalogue),
        scriptFolder: "/scripts"
    ) {
        _ throws(Failure) in throw Failure(.hostNotAble, "no hypervisor in this test")
    }

    static func decode(_ value: Value) throws(Failure) -> VMSpec {
        try Codec<VMSpec>.vmSpec(environment).decode(value, "spec")
    }

    static func complaint(_ value: Value) throws -> Failure {
        try #require(throws: Failure.self) { _ = try decode(value) }
    }

    @Test func `reads names with and without their units and prefixes`() throws {
        let short = try Self.decode([
            "name": "web", "memory": "4GiB", "firmware": "uefi", "boot_order": ["cdrom", "disk"],
            "disks": [["id": "a", "size": "1TiB", "bus": "scsi", "format": "raw"]],
            "nics": [["id": "n", "model": "e1000"]],
        ])
        let long = try Self.decode([
            "name": "web", "memory_mib": 4096, "firmware": "FIRMWARE_UEFI",
            "boot_order": ["BOOT_DEVICE_CDROM", "BOOT_DEVICE_DISK"],
            "disks": [["id": "a", "size_gib": 1024, "bus": "DISK_BUS_SCSI", "format": "DISK_FORMAT_RAW"]],
            "nics": [["id": "n", "model": "NIC_MODEL_E1000"]],
        ])
        #expect(short == long)
        #expect(short.memoryMiB == 4096)
    }

    @Test func `takes no nics for one with a way in, and an empty list for none`() throws {
        #expect(try Self.decode(["name": "web"]).nics == [.standard])
        for none in [Value.list([]), .map([:])] {
            let spec = try Self.decode(["name": "web", "nics": none])
            #expect(spec.nics == [])
            #expect(try Self.decode(vmDocument(of: spec)).nics == [], "and so it is read back")
        }
        var settled = try Self.decode(["name": "web"])
        settled.nics[0].forward[0].host = 23_456
        #expect(vmDocument(of: settled)["spec"]?["nics"] == nil, "its port is this machine's")
        settled.nics[0].forward[0].guest = 80
        #expect(vmDocument(of: settled)["spec"]?["nics"] != nil)
        // As a handle's spec goes down again.
        let checked = Codec<VMSpec>.vmSpec(Self.environment).encode(try Self.decode(["name": "web"]))
        #expect(try Self.decode(checked).nics == [.standard])
        #expect(
            checked["nics"] == [
                [
                    "id": "default", "model": "NIC_MODEL_VIRTIO", "bandwidth_mbps": 0,
                    "forward": [["guest": 22, "proto": "tcp"]],
                ]
            ])
    }

    @Test func `leaves a host port to limiq, and has one value for the loopback address`() throws {
        let spec = try Self.decode([
            "name": "web",
            "nics": [
                ["forward": [["guest": 80], ["host": 53, "guest": 53, "proto": "udp", "bind": "127.0.0.1"]]]
            ],
        ])
        #expect(spec.nics[0].forward[0].host == PortForward.chosen)
        #expect(spec.nics[0].forward[1] == PortForward(host: 53, guest: 53, proto: .udp))
        let zero: Value = ["name": "w", "nics": [["forward": [["host": 0, "guest": 80]]]]]
        #expect(try Self.complaint(zero).message == "nics[1].forward[1].host must be from 1 to 65535, not 0")
    }

    @Test func `takes a range of ports for a forward of each`() throws {
        func forwards(_ list: Value) throws -> [PortForward] {
            try Self.decode(["name": "web", "nics": [["forward": list]]]).nics[0].forward
        }
        #expect(
            try forwards([["host": "8000-8002", "guest": "80-82", "proto": "udp"], ["guest": 22]])
                == (0...2).map { PortForward(host: 8000 + $0, guest: 80 + $0, proto: .udp) }
                + [PortForward(host: PortForward.chosen, guest: 22)])
        #expect(try forwards([["guest": "80-81"]]).map(\.host) == [PortForward.chosen, PortForward.chosen])
        for (wrong, words) in [
            (["host": "8000-8001", "guest": 80], "not of one length"),
            (["guest": "81-80"], "a range of ports"),
            (["guest": "0-3"], "a range of ports"), (["guest": "http"], "a range of ports"),
            (["guest": "1-60000"], "more than 256"), (["host": "80-81"], "not of one length"),
            (["host": true, "guest": "80-81"], "nics[1].forward[1].host"),
        ] as [(Value, String)] {
            let failure = try Self.complaint(["name": "w", "nics": [["forward": [wrong]]]])
            #expect(failure.code == .badField && failure.message.contains(words), "\(failure)")
        }
    }

    @Test func `takes the API's document as it is`() throws {
        let document: Value = ["name": "web", "spec": ["cpu_cores": 4, "memory_mib": 2048]]
        let spec = try Self.decode(document)
        #expect(spec.name == "web" && spec.cpuCores == 4)
        #expect(try Self.complaint(["name": "web", "spec": ["cpu_core": 4]]).message.hasPrefix("cpu_core "))
    }

    @Test func `gives the path of an unknown field and the nearest name`() throws {
        let failure = try Self.complaint(["name": "web", "disks": [["size_gb": 5]]])
        #expect(failure.code == .badField)
        #expect(failure.message.hasPrefix("disks[1].size_gb is not a field"))
        #expect(failure.hint == "did you mean size_gib?")
    }

    @Test func `names GiB where GB is written`() throws {
        let failure = try Self.complaint(["name": "web", "disks": [["size": "50GB"]]])
        #expect(failure.message.hasPrefix("disks[1].size"))
        #expect(failure.hint?.contains("50GiB") == true)
    }

    @Test func `refuses a size it cannot keep, or that is given twice`() throws {
        #expect(
            try Self.complaint(["name": "w", "disks": [["size": "512MiB"]]]).message.contains(
                "whole number of GiB"))
        #expect(
            try Self.complaint(["name": "w", "memory": "1GiB", "memory_mib": 1024]).message.contains("both"))
        #expect(try Self.complaint(["name": "w", "memory": 1024]).hint == "a number goes into memory_mib")
    }

    @Test func `makes relative paths begin at the script and names what has no id`() throws {
        let spec = try Self.decode([
            "name": "web", "disks": [["backing_file": "images/a.qcow2"], ["path": "b.raw"]], "nics": [[:]],
            "cdroms": [["iso_path": "../c.iso"]],
        ])
        #expect(spec.disks.map(\.id) == ["disk1", "disk2"])
        #expect(spec.disks[0].backingFile == "/scripts/images/a.qcow2")
        #expect(spec.disks[1].path == "/scripts/b.raw")
        #expect(spec.cdroms[0].isoPath == "/scripts/../c.iso")
        #expect(spec.nics[0].id == "nic1")
    }

    @Test func `gives back complete what it takes again unchanged`() throws {
        let check = try #require(vmDefinitions(Self.environment).first { $0.primitive.name == "vm.check" })
        let spec: Value = ["name": "web", "memory": "2GiB", "disks": [["backing_file": "a.qcow2"]]]
        let complete = try #require(
            try check.primitive.perform(Request(name: "vm.check", arguments: [spec])).first)
        #expect(complete["memory_mib"] == 2048)
        #expect(try Self.decode(complete) == Self.decode(spec))
    }

    @Test func `takes Ignition's configuration as a text or a table, and shows it to nobody`() throws {
        let text = #"{"ignition":{"version":"3.4.0"}}"#
        for given: Value in [.string(text), .secret(text), ["ignition": ["version": "3.4.0"]]] {
            let spec = try Self.decode(["name": "core", "ignition": given])
            #expect(spec.ignition == text)
            #expect(Codec<VMSpec>.vmSpec(Self.environment).encode(spec)["ignition"] == .secret(text))
        }
        #expect(try Self.complaint(["name": "core", "ignition": 3]).message.hasPrefix("ignition must be"))
    }

    @Test func `takes the files of a CD-ROM with their folders, and shows none`() throws {
        let files: Value = ["answer": .secret("hunter2"), "docs": ["a": "b", "empty": [:]]]
        let spec = try Self.decode(["name": "win", "cdroms": [["label": "ANSWERS", "files": files]]])
        let contents = try #require(spec.cdroms[0].files)
        #expect(contents.files.map(\.path).sorted() == ["answer", "docs/a"])
        #expect(contents.emptyFolders == ["docs/empty"])
        #expect(spec.cdroms[0].id == "cdrom1" && spec.cdroms[0].isoPath == nil)
        let shown = Codec<VMSpec>.vmSpec(Self.environment).encode(spec)["cdroms"]?.list?.first?["files"]
        #expect(shown?["answer"] == .secret("hunter2"))
        let again = try Self.decode(["name": "win", "cdroms": [["files": shown ?? .null]]])
        #expect(again.cdroms[0].files?.files.map(\.path).sorted() == ["answer", "docs/a"])
        #expect(again.cdroms[0].files?.emptyFolders == ["docs/empty"])
    }

    @Test func `keeps a secret out of nothing but messages`() throws {
        let spec = try Self.decode([
            "name": "web", "console": ["vnc_enabled": true, "vnc_password": .secret("s3cret")],
        ])
        #expect(spec.console?.vncPassword == "s3cret")
        #expect(
            try Self.complaint(["name": "w", "cpu_cores": .secret("s3cret")]).message.contains("s3cret")
                == false)
    }

    @Test(arguments: [Value.string("s3cret"), .secret("s3cret")])
    func `shows no script the password of a screen`(password: Value) throws {
        let spec = try Self.decode([
            "name": "web", "console": ["vnc_enabled": true, "vnc_password": password],
        ])
        #expect(
            Codec<VMSpec>.vmSpec(Self.environment).encode(spec)["console"]?["vnc_password"]
                == .secret("s3cret"))
    }

    static let misfits: [(Value, String, String?)] = [
        (
            ["name": "w", "disks": ["id": "a", "size": "1GiB"]],
            "disks must be a list, not a table with names (id, size)", "a list of one is disks = { { … } }"
        ),
        (
            ["name": "w", "nics": [["forward": ["host": 8080, "guest": 80]]]],
            "nics[1].forward must be a list, not a table with names (host, guest)",
            "a list of one is forward = { { … } }"
        ),
        (
            ["name": "w", "boot_order": "disk"], "boot_order must be a list, not \"disk\"",
            "boot_order = { \"disk\" }"
        ),
        (["name": "w", "boot_order": "dsk"], "boot_order must be a list, not \"dsk\"", nil),
        (
            ["name": "w", "cloud_init": [["user_data": "a"], ["user_data": "b"]]],
            "cloud_init must be a table of fields, not a list",
            "parts of recipes are joined: cloud_init = recipes.compose { …, … }"
        ),
        (
            ["name": "w", "cloud_init": ["user_data": ["a", "b"]]],
            "cloud_init.user_data must be a text or a table with names, not a list", nil
        ),
        (
            ["name": "w", "console": [["vnc_enabled": true]]],
            "console must be a table of fields, not a list",
            "leave out the inner braces: console = { vnc_enabled = … }"
        ),
        (
            ["name": "w", "labels": ["web"]], "labels must be a table of names and values, not a list",
            "labels = { name = value }"
        ),
        (
            [["name": "w"]], "the argument must be a table of fields, not a list",
            "leave out the inner braces: { name = … }"
        ),
        (
            "web", "the argument must be a table of fields, not \"web\"", "limiq.vm { name = \"web\", … }"
        ),
        (
            ["name": "w", "uri": .null, "domain": ["name": "w"], "spec": ["name": "w"]],
            "the spec is a vm already, not a table of fields",
            "call its methods; its fields are those of its spec"
        ),
        (
            ["name": ["name": "w", "domain": ["name": "w"]]],
            "name must be a string, not a table with names (name, domain)", nil
        ),
        (
            ["name": "w", "disks": [["bus": "DISK_BUS_VIRTOI"]]],
            "disks[1].bus: \"DISK_BUS_VIRTOI\" is not one of virtio, scsi, sata, ide",
            "did you mean \"DISK_BUS_VIRTIO\"?"
        ),
    ]

    @Test(arguments: misfits)
    func `says of a value of the wrong kind what it is, and what to write`(
        value: Value, message: String, hint: String?
    ) throws {
        let complaint = try Self.complaint(value)
        #expect(complaint == Failure(.badField, message, hint: hint))
    }

    static let handles: [(Value, String, String?)] = [
        (
            ["name": "web", "domain": ["name": "web"]],
            "vm web is known by its name alone, and not what it is to be",
            "describe it: limiq.vm { name = \"web\", … }"
        ),
        (
            ["name": "web", "memory": "1GiB"],
            "vm must be what limiq.vm gives, not a table with names (name, memory)",
            "limiq.vm { name = \"web\", … }"
        ),
        (
            ["name": "web", "uri": "qemu:///system"],
            "vm must be what limiq.vm gives, not a table with names (name, uri)",
            "limiq.vm { name = \"web\", … }"
        ),
        (
            ["wait": "running"], "vm must be what limiq.vm gives, not a table with names (wait)",
            "call its methods with a colon, as in vm:up { … }"
        ),
        ("web", "vm must be what limiq.vm gives, not \"web\"", "limiq.vm { name = \"web\", … }"),
        (["web"], "vm must be what limiq.vm gives, not a list", nil),
        (3, "vm must be what limiq.vm gives, not 3", nil),
    ]

    @Test(arguments: handles)
    func `says what to write where another handle or a plain table was given for a VM`(
        value: Value, message: String, hint: String?
    ) throws {
        let complaint = try #require(throws: Failure.self) {
            _ = try specReference(Self.environment).decode(value, "vm")
        }
        #expect(complaint == Failure(.badField, message, hint: hint))
    }

    @Test func `says of what is no domain what it is`() throws {
        let complaint = try #require(throws: Failure.self) {
            _ = try Codec<DomainReference>.domain.decode(["uname", "-r"], "domain")
        }
        #expect(
            complaint
                == Failure(
                    .badField, "domain must be a domain or its name, not a list",
                    hint: "call its methods with a colon, as in domain:exec { … }"))
    }

    @Test func `takes no secret as a label, which everybody can read`() throws {
        let complaint = try Self.complaint(["name": "web", "labels": ["token": .secret("s3cret")]])
        #expect(complaint.message == "labels.token is read by whoever looks, and cannot be a secret")
    }
}
