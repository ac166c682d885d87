import Basics
import DiskImages
import Foundation
import HostFiles
import Support
import Testing

@testable import ImageLibrary

@Suite struct `Images that go, and that are written out` {
    @Test func `prune takes those on which nothing stands and that limiq has put there`() async throws {
        try await ImageFixture.with { fixture in
            let url = fixture.publisher.url + "/latest/disk.qcow2"
            _ = try fixture.resolve()
            try fixture.add("free", url)
            try fixture.add("used", url)
            try fixture.put("mine.qcow2", fixture.image)
            try FileManager.default.createDirectory(
                atPath: fixture.state.machine("web"), withIntermediateDirectories: true)
            try Overlay.create(
                fixture.state.machine("web") + "/boot.qcow2", base: fixture.path("used.qcow2"))
            let relation = try StandsOn(state: fixture.state, on: nil)
            let found = try fixture.library().prunable(unless: relation)
            #expect(found.map(\.name) == ["debian-12", "free", "mine", "used"])
            #expect(found.filter { $0.kept == nil }.map(\.name) == ["debian-12", "free"])
            #expect(found.first { $0.name == "mine" }?.kept?.hasPrefix("limiq has not put it there") == true)
            #expect(found.first { $0.name == "used" }?.kept?.contains("vm web stands on") == true)
            #expect(found.allSatisfy { $0.size > 4 << 20 })
            for image in found where image.kept == nil {
                try fixture.library().remove(image.name, unless: relation)
            }
            #expect(fixture.names == ["mine.qcow2", "used.qcow2"])
            // Under the name of one that can be had, and looked at once by a run.
            try fixture.put("debian-12.qcow2", fixture.image)
            _ = try fixture.resolve()
            _ = try fixture.library().digest(of: fixture.path("debian-12.qcow2"), Cancellation())
            let own = try fixture.library().prunable(unless: relation).first { $0.name == "debian-12" }
            #expect(
                own?.kept?.hasPrefix("limiq has not put it there") == true, "a person's own: \(own as Any)")
        }
    }

    @Test func `prune takes baked images and warm machines with their memory, but no copy of a disk`()
        async throws
    {
        try await ImageFixture.with { fixture in
            let disk = fixture.publisher.files + "/latest/disk.qcow2"
            let library = fixture.library()
            func bake(_ name: String, _ key: Character) throws -> BakedImage {
                let bake = BakedImage(
                    name: name, key: String(repeating: key, count: 64), from: "debian-12", base: "",
                    script: nil)
                _ = try library.keep(bake, from: disk, compressed: false, Cancellation())
                return bake
            }
            let free = try bake("web", "1")
            let used = try bake("web", "2")
            let warm = try bake("warm", "3")
            _ = try library.keep(
                BakedImage(copy: "copy", of: "db", script: nil), from: disk, compressed: false, Cancellation()
            )
            let memory = ImageLibrary.warmFolder(ofFile: warm.image + ".qcow2", in: fixture.state)
            try FileManager.default.createDirectory(atPath: memory, withIntermediateDirectories: true)
            try Data(count: 3 << 20).write(to: URL(fileURLWithPath: memory + "/memory"))
            try FileManager.default.createDirectory(
                atPath: fixture.state.machine("web-1"), withIntermediateDirectories: true)
            try Overlay.create(
                fixture.state.machine("web-1") + "/boot.qcow2",
                base: fixture.path(used.image + ".qcow2"))

            let relation = try StandsOn(state: fixture.state, on: nil)
            let found = try library.prunable(unless: relation)
            #expect(found.map(\.name) == ["copy", warm.image, free.image, used.image])
            #expect(
                found[0].kept
                    == "it is a copy of the disk of vm db; limiq image rm copy removes it")
            #expect(found[1].kept == nil && found[2].kept == nil)
            #expect(found[1].size >= found[2].size + 3 << 20, "with its memory")
            #expect(found[3].kept?.contains("vm web-1 stands on") == true)
            for image in found where image.kept == nil { try library.remove(image.name, unless: relation) }
            #expect(try library.list().filter { $0.path != nil }.map(\.name) == ["copy", used.image])
            #expect(!fileExists(memory))
            #expect(ImageLibrary.notesWithoutImage(in: fixture.state).isEmpty)
        }
    }

    @Test(arguments: ["disk.qcow2", "disk.raw", "disk.img", "disk.VMDK"])
    func `export writes an image and all it stands on into one file`(_ name: String) async throws {
        try await ImageFixture.with { fixture in
            let scratch = fixture.scratch
            try scratch.run("cp", "publisher/files/latest/disk.qcow2", "base.qcow2")
            try Overlay.create(
                scratch.path("top.qcow2"), base: scratch.path("base.qcow2"), size: ByteSize(mib: 16))
            try scratch.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 12M 1M", "top.qcow2")
            try scratch.run("mkdir", "a:b,c")
            let target = scratch.path("a:b,c/\(name)")
            let format = try ExportFormat(ofFile: target)
            try Disk.export(scratch.path("top.qcow2"), to: target, format, cancellation: Cancellation())
            let info = try scratch.run("qemu-img", "info", "-f", format.rawValue, target)
            #expect(!info.contains("backing file"))
            try scratch.run(
                "qemu-img", "compare", "-q", "-F", format.rawValue, scratch.path("top.qcow2"), target)
            #expect(try scratch.run("ls", "-A", "a:b,c") == name + "\n", "one file")
            let again = #expect(throws: Failure.self) {
                try Disk.export(scratch.path("top.qcow2"), to: target, format, cancellation: Cancellation())
            }
            #expect(again?.code == .fileExists)
        }
    }

    @Test func `export says which endings it knows`() {
        let failure = #expect(throws: Failure.self) { try ExportFormat(ofFile: "/tmp/disk.ova") }
        #expect(failure?.code == .badField)
        #expect(failure?.hint == "take .qcow2, .raw or .vmdk")
    }
}
