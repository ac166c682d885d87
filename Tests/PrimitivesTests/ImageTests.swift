import Basics
import Foundation
import HostFiles
import ImageLibrary
import MachineSpec
import Support
import Testing

@testable import Primitives

@Suite struct `limiq.image` {
    @Test func `adds, lists, finds and removes images, by paths relative to the script`() async throws {
        try await ScriptFolder.with { folder in
            let images = folder.primitives(imageDefinitions)
            let disk = folder.primitives(diskDefinitions)
            _ = try disk("disk.create", ["path": "base.qcow2", "size": "1GiB"])
            let library = folder.path("state/cloud-images")
            #expect(
                try images("image.add", ["name": "own", "path": "base.qcow2"])
                    == .string(library + "/own.qcow2"))
            #expect(try images("image.resolve", "own") == .string(library + "/own.qcow2"))
            #expect(try images("image.resolve", "./base.qcow2") == .string(folder.path("./base.qcow2")))
            let listed = try #require(try images("image.list").list)
            #expect(
                listed.first { $0["name"] == "own" } == [
                    "name": "own", "catalogued": false, "path": .string(library + "/own.qcow2"),
                    "format": "qcow2", "size": .int(1 << 30),
                ])
            #expect(listed.first { $0["name"] == "debian-12" } == ["name": "debian-12", "catalogued": true])
            // Again it is there already.
            #expect(
                try images("image.add", ["name": "own", "path": "base.qcow2"])
                    == .string(library + "/own.qcow2"))
            let exported = try images("image.export", "own", "own.raw")
            #expect(exported == .string(folder.path("own.raw")))
            #expect(try disk("disk.info", "own.raw")["virtual_size"] == .int(1 << 30))
            #expect(try images("image.remove", "own") == .null)
            let gone = #expect(throws: Failure.self) { try images("image.resolve", "own") }
            #expect(gone?.code == .notFound)
        }
    }

    @Test func `says what is wrong with an argument`() async throws {
        try await ScriptFolder.with { folder in
            let images = folder.primitives(imageDefinitions)
            for (arguments, message) in [
                (["name": "own"], "limiq.image.add takes either path or url"),
                (
                    ["name": "own", "path": "a", "url": "https://b"],
                    "limiq.image.add takes either path or url"
                ),
                (
                    ["name": "own", "path": "a", "checksum": "sha256:12"],
                    "checksum is no SHA-256 or SHA-512 in hexadecimal digits"
                ),
                (["name": "../own", "path": "a"], "\"../own\" cannot be an image's name"),
                (["name": "own", "url": "ftp"], "url is \"ftp\", not an address"),
                (["name": "own", "sum": "1"], "sum is not a field of limiq.image.add"),
            ] as [(Value, String)] {
                let failure = #expect(throws: Failure.self) { try images("image.add", arguments) }
                #expect(failure?.code == .badField)
                #expect(failure?.message == message)
            }
            let empty = #expect(throws: Failure.self) { try images("image.resolve", "") }
            #expect(empty?.code == .badField)
        }
    }

    @Test func `finds ISO images by name and by a path relative to the script`() async throws {
        try await ScriptFolder.with { folder in
            let images = folder.primitives(imageDefinitions)
            let missing = #expect(throws: Failure.self) { try images("image.iso", "virtio-win") }
            #expect(missing?.code == .notFound)
            #expect(
                missing?.message == "there is no ISO image virtio-win in \(folder.path("state/isos"))")
            #expect(
                missing?.hint?.contains(
                    " https://fedorapeople.org/groups/virt/virtio-win/direct-downloads/stable-virtio/virtio-win.iso "
                ) == true)
            try FileManager.default.createDirectory(
                atPath: folder.path("state/isos"), withIntermediateDirectories: true)
            _ = try folder.primitives(isoDefinitions)(
                "iso.create", ["path": "state/isos/virtio-win.iso", "files": ["a": "b"]])
            let path = folder.path("state/isos/virtio-win.iso")
            #expect(try images("image.iso", "virtio-win") == .string(path))
            #expect(try images("image.iso", "state/isos/virtio-win.iso") == .string(path))
        }
    }

    @Test func `describes an image by name, alias and file, and a disk by the image it stands on`()
        async throws
    {
        try await ScriptFolder.with { folder in
            let images = folder.primitives(imageDefinitions)
            let disk = folder.primitives(diskDefinitions)
            let library = folder.path("state/cloud-images")
            _ = try disk("disk.create", ["path": "base.qcow2", "size": "1GiB"])
            _ = try images("image.add", ["name": "rocky-9", "path": "base.qcow2"])
            _ = try images("image.add", ["name": "fedora-44@0123456789ab", "path": "base.qcow2"])
            _ = try disk(
                "disk.overlay", ["path": "disk.qcow2", "backing_file": .string(library + "/rocky-9.qcow2")])
            func name(_ image: Value) throws -> Value? { try images("image.describe", image)["name"] }
            #expect(try name("rockylinux-9") == "rocky-9")
            #expect(try name(.string(library + "/rocky-9.qcow2")) == "rocky-9")
            #expect(try name("./disk.qcow2") == "rocky-9")
            #expect(try name(.string(library + "/fedora-44@0123456789ab.qcow2")) == "fedora-44", "a lock's")
            #expect(try images("image.describe", "./base.qcow2") == .null, "it only has the name's bytes")
            #expect(try images("image.describe", "own") == .null)
            let rocky = try images("image.describe", "rocky-9")
            #expect(
                rocky["family"] == "rhel" && rocky["user"] == "rocky" && rocky["end_of_life"] == "2032-05-31")
        }
    }

    @Test func `the user of an image is who ssh logs in as, where the seed makes nobody`() throws {
        try withScratchState { state throws in
            let environment = Environment(
                state: state,
                images: ImageLibrary(state: state, builders: "/nowhere", catalogue: shippedCatalogue),
                scriptFolder: state.root
            ) { _ throws(Failure) in FakeHypervisor() }
            var spec = VMSpec(name: "web")
            #expect(try environment.machine(spec, on: nil).imageUser == nil)
            var data = DiskSpec(id: "data")
            data.backingFile = state.cloudImages + "/debian-12.qcow2"
            var boot = DiskSpec(id: "boot")
            boot.backingFile = state.cloudImages + "/fedora-coreos-stable.qcow2"
            boot.bootable = true
            spec.disks = [data]
            #expect(try environment.machine(spec, on: nil).imageUser == "debian")
            spec.disks = [data, boot]
            #expect(try environment.machine(spec, on: nil).imageUser == "core")
        }
    }
}
