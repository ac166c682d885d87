import Basics
import Foundation
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
}
