import Basics
import DiskImages
import Foundation
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing
import XML

@testable import Provisioning

@Suite struct `The parts that a record and a journal name` {
    private static let parts: [Part] =
        ["boot-disk.qcow2", "raw.raw", "cdrom-a.iso", "seed.iso", "ignition.json"].map {
            .file("/vms/web/" + $0)
        }
        + ["data.qcow2", "cdrom-b.iso", "seed.iso", "console.log"].map {
            .volume(HostVolume(pool: "limiq", name: "web." + $0))
        }

    @Test func `are of the kind that the names of their files say`() {
        #expect(
            Self.parts.map(\.kind) == [
                .disk("boot-disk"), .disk("raw"), .cdrom("a"), .seed, .ignition, .disk("data"), .cdrom("b"),
                .seed,
                .console,
            ])
        var disk = DiskSpec(id: "cdrom-a")
        for format in [DiskFormat.raw, .qcow2] {
            disk.format = format
            let name = Part.Kind.disk("cdrom-a").fileName(disk)
            #expect(Part.file("/vms/web/" + name).kind == .disk("cdrom-a"))
        }
    }

    /// The lists of parts in a document as limiq wrote it up to version 2 of its records.
    private static func asBefore(_ json: String) throws -> String {
        var document = try #require(
            try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        func lists(_ key: String, _ files: String, _ volumes: String) {
            guard let parts = document.removeValue(forKey: key) as? [Any] else { return }
            document[files] = parts.filter { $0 is String }
            document[volumes] = parts.filter { !($0 is String) }
        }
        lists("making", "making", "makingVolumes")
        lists("parts", document["spec"] == nil ? "files" : "made", "volumes")
        if document["spec"] != nil { document["version"] = 2 }
        if let record = document["record"] {
            let text = String(
                decoding: try JSONSerialization.data(withJSONObject: record), as: UTF8.self)
            document["record"] = try JSONSerialization.jsonObject(with: Data(asBefore(text).utf8))
        }
        return String(decoding: try JSONSerialization.data(withJSONObject: document), as: UTF8.self)
    }

    @Test func `are read as they were written, also by the limiq before`() throws {
        let record = MachineRecord(
            spec: VMSpec(name: "web"), uuid: "u", owner: "me", acceleration: .emulation, parts: Self.parts,
            folder: "/vms/web")
        var journal = MachineJournal(machine: "web", uri: "qemu:///system", parts: Self.parts, record: record)
        journal.making = [Self.parts[3], Self.parts[7]]
        let json = String(decoding: try JSONEncoder().encode(journal), as: UTF8.self)
        #expect(try JSONDecoder().decode(MachineJournal.self, from: Data(json.utf8)) == journal)

        let before = try Self.asBefore(json)
        #expect(!before.contains("parts") && before.contains("makingVolumes"))
        let read = try JSONDecoder().decode(MachineJournal.self, from: Data(before.utf8))
        #expect(read == journal)
    }

    @Test(arguments: ["3", "null", #"{"pool": "a"}"#, #"["/a"]"#])
    func `are not read where they are neither a path nor a volume`(part: String) {
        let json = #"{"machine": "web", "uri": "u", "parts": [\#(part)]}"#
        #expect(throws: DecodingError.self) {
            _ = try JSONDecoder().decode(MachineJournal.self, from: Data(json.utf8))
        }
    }

    @Test(arguments: ["fake:///default", "fake+ssh://node2/system"])
    func `by the limiq before are those of a machine that goes on, is changed and removed`(uri: String) throws
    {
        try withScratchState { state throws in
            var setting = try `A VM on another machine, its volumes in memory`.Setting(state, uri: uri)
            let isHere = setting.machine.isLocal
            if isHere { setting.spec.disks[1].poolID = nil }
            _ = try setting.up()
            let made = setting.host.storage.made

            let record = try #require(try setting.machine.record())
            let old = try Self.asBefore(try record.json())
            try setting.host.setMetadata("web", XMLElement("machine", text: old).xml)
            #expect(try setting.host.metadata("web")?.contains("volumes") == true)
            let journal = setting.machine.folder + "/made.json"
            try writeBytes(
                Array(try Self.asBefore(try #require(readWhole(journal))).utf8), to: journal)
            #expect(try setting.machine.record()?.parts == record.parts)
            #expect(
                MachineJournal.read(in: setting.machine.folder).map { Set($0.parts) } == Set(record.parts))

            #expect(try !setting.up().changed)
            #expect(try setting.machine.spec() == setting.spec)
            setting.spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\nhostname: other\n"))
            #expect(try setting.up { $0.restart = true }.changed)
            #expect(try setting.machine.record()?.parts == record.parts)
            #expect(try setting.host.metadata("web")?.contains("volumes") == false)
            #expect(setting.host.storage.made == made + (isHere ? [] : ["web.seed.iso"]))

            // Undefined, it is taken up again by its journal.
            try setting.host.destroy("web")
            try setting.host.undefine("web")
            #expect(try setting.machine.plan(setting.spec).action == .adopt)
            #expect(try setting.up().changed)
            #expect(try setting.machine.remove())
            #expect(folderNames(state.machines) == [])
            #expect(setting.host.storage.names.filter { $0.hasPrefix("web.") } == [])
        }
    }

    /// What a run that was killed has written, up to version 2 of the records: the image of a CD-ROM drive was on its way in
    /// a file.
    @Test func `by the limiq before are cleared away with what it had begun`() throws {
        try withScratchState { state throws in
            var setting = try `A VM on another machine, its volumes in memory`.Setting(state)
            _ = try setting.up()
            let (folder, storage) = (setting.machine.folder, setting.host.storage)
            let half = HostVolume(pool: "limiq", name: "web.cdrom-a.iso")
            _ = try setting.host.createVolume(
                VolumeXML(name: half.name, format: .raw, capacity: 1), in: half.pool)
            append("half", to: folder + "/cdrom-a.iso")
            var journal = try #require(MachineJournal.read(in: folder))
            journal.parts += [.volume(half), .file(folder + "/cdrom-a.iso")]
            journal.making = [.volume(half)]
            let json = String(decoding: try JSONEncoder().encode(journal), as: UTF8.self)
            try writeBytes(Array(try Self.asBefore(json).utf8), to: folder + "/made.json")
            setting.spec.memoryMiB = 512
            #expect(try setting.up().changed)
            #expect(!storage.names.contains(half.name))
            #expect(!fileExists(folder + "/cdrom-a.iso"))
            #expect(try setting.machine.remove())
            #expect(folderNames(state.machines) == [])
        }
    }

    @Test func `of the limiq to come are left alone`() throws {
        try withScratchState { state throws in
            let setting = try `A VM on another machine, its volumes in memory`.Setting(state)
            _ = try setting.up()
            var record = try #require(try setting.machine.record())
            record.version += 1
            try setting.host.setMetadata("web", try record.element())
            let failure = try #require(throws: Failure.self) { _ = try setting.machine.remove() }
            #expect(failure.code == .notOurs && failure.message.contains("newer limiq"))
        }
    }
}
