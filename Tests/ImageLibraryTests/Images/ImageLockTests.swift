import Basics
import Foundation
import HostFiles
import ImageLibrary
import Support
import Testing

@Suite struct `A lock of images` {
    /// A library whose scripts have the lock of a folder.
    private func library(_ fixture: ImageFixture, requires: Bool = false, url: String? = nil) throws
        -> ImageLibrary
    {
        var library = fixture.library(url: url)
        library.lock = try ImageLock(in: fixture.scratch.root)
        library.requiresLock = requires
        return library
    }

    /// Writes the lock anew, of one name.
    private func lock(_ fixture: ImageFixture, _ name: String = ImageFixture.name, url: String? = nil) throws
    {
        var lock = try ImageLock(in: fixture.scratch.root)
        lock.entries[name] = try library(fixture, url: url).lockEntry(name, Cancellation()) { _ in }
        try lock.write()
    }

    /// The publisher's next image, in the place of the one it has.
    private func publishAnother(_ fixture: ImageFixture) throws {
        try fixture.scratch.run(
            "mv", "publisher/files/latest/disk.qcow2", "publisher/files/latest/older.qcow2")
        try ImageFixture.makeImage(fixture.scratch, "publisher/files/latest/disk.qcow2")
        try fixture.publishChecksums("sha256sum disk.qcow2")
    }

    @Test func `has the digest and the address of a name, as a person reads them`() async throws {
        try await ImageFixture.with { fixture in
            try lock(fixture)
            let sum = try fixture.scratch.run("sha256sum", "publisher/files/latest/disk.qcow2").prefix(64)
            let text = try String(contentsOfFile: fixture.scratch.path("limiq.lock"), encoding: .utf8)
            #expect(
                text.hasSuffix(
                    """
                    debian-12:
                      url: \(fixture.publisher.url)/latest/disk.qcow2
                      digest: sha256:\(sum)

                    """), "\(text)")
            #expect(text.hasPrefix("# "))
            #expect(try ImageLock(in: fixture.scratch.root).entries.keys.sorted() == ["debian-12"])
            #expect(fixture.names.isEmpty, "nothing was downloaded")
        }
    }

    @Test func `a run takes what it says, once`() async throws {
        try await ImageFixture.with { fixture in
            try lock(fixture)
            let path = try fixture.resolve(in: library(fixture))
            #expect(path == fixture.path("debian-12.qcow2"))
            #expect(try fixture.resolve(in: library(fixture)) == path)
            #expect(try fixture.publisher.downloads("/latest/disk.qcow2").count == 1)
            // Also where nobody wrote down where it came from.
            for folder in [".digests", ".origins"] {
                try FileManager.default.removeItem(atPath: fixture.path(folder))
            }
            try fixture.publisher.set(["/latest/SUMS": .init(status: 500)])
            #expect(try fixture.resolve(in: library(fixture)) == path)
        }
    }

    @Test func `another image of the name stays, and the locked one gets a name beside it`() async throws {
        try await ImageFixture.with { fixture in
            try ImageFixture.makeImage(fixture.scratch, "own.qcow2")
            let own = try fixture.scratch.bytes("own.qcow2")
            try fixture.put("debian-12.qcow2", own)
            try lock(fixture)
            let entry = try #require(try ImageLock(in: fixture.scratch.root).entries["debian-12"])
            let path = try fixture.resolve(in: library(fixture))
            #expect(path == fixture.path("debian-12@\(entry.checksum.value.prefix(12)).qcow2"))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == fixture.image)
            #expect(try fixture.bytes("debian-12.qcow2") == own)
            #expect(try fixture.resolve(in: library(fixture)) == path)
            #expect(try fixture.publisher.downloads("/latest/disk.qcow2").count == 1)
            #expect(try library(fixture).describe(path)?.name == "debian-12")
            #expect(
                try fixture.resolve(in: fixture.library()) == fixture.path("debian-12.qcow2"),
                "without a lock")
        }
    }

    @Test func `says that the publisher has another image by now, without a download of it`() async throws {
        try await ImageFixture.with { fixture in
            try lock(fixture)
            try publishAnother(fixture)
            let failure = try #require(throws: Failure.self) { try fixture.resolve(in: library(fixture)) }
            #expect(failure.code == .imageChanged)
            #expect(
                failure.message.hasPrefix(
                    "debian-12: its publisher has another image by now than limiq.lock says, sha256:"),
                "\(failure)")
            #expect(
                failure.hint?.hasPrefix(
                    "limiq image lock SCRIPT takes the new one, or put the locked one into") == true)
            #expect(try fixture.publisher.downloads("/latest/disk.qcow2").isEmpty)

            // Its list may be behind.
            try fixture.publisher.set(["/latest/SUMS": .init(status: 404)])
            let later = try #require(throws: Failure.self) { try fixture.resolve(in: library(fixture)) }
            #expect(later.code == .imageChanged, "\(later)")
            #expect(fixture.names.isEmpty)

            try fixture.publisher.set([:])
            try lock(fixture)
            #expect(try fixture.resolve(in: library(fixture)) == fixture.path("debian-12.qcow2"))
        }
    }

    @Test func `takes an address that stays, where the publisher has one of the same bytes`() async throws {
        try await ImageFixture.with { fixture in
            let folder = fixture.publisher.url + "/latest"
            try fixture.scratch.run(
                "sh", "-c",
                "cd publisher/files/latest && cp disk.qcow2 disk-latest.qcow2 && cp disk.qcow2 disk-1.qcow2")
            try fixture.publishChecksums("sha256sum disk-latest.qcow2 disk-1.qcow2")
            var images = ImageLibrary(
                state: fixture.state, builders: fixture.scratch.path("builders"),
                catalogue: CatalogueFiles([
                    CatalogueImage(
                        name: "disk", url: folder + "/disk-latest.qcow2", checksums: folder + "/SUMS")
                ]))
            var lock = try ImageLock(in: fixture.scratch.root)
            let entry = try images.lockEntry("disk", Cancellation()) { _ in }
            #expect(entry.url == folder + "/disk-1.qcow2")
            lock.entries["disk"] = entry
            images.lock = lock
            // The latest is another now, and the older one is there still.
            try ImageFixture.makeImage(fixture.scratch, "publisher/files/latest/disk-latest.qcow2")
            try fixture.publishChecksums("sha256sum disk-latest.qcow2 disk-1.qcow2")
            let path = try fixture.resolve("disk", in: images)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == fixture.image)
        }
    }

    @Test func `an alias is locked to the image it stands for`() async throws {
        try await ImageFixture.with { fixture in
            let base = fixture.publisher.url + "/latest"
            var image = CatalogueImage(name: "new", url: base + "/disk.qcow2", checksums: base + "/SUMS")
            image.aliases = ["best"]
            var images = ImageLibrary(
                state: fixture.state, builders: fixture.scratch.path("builders"),
                catalogue: CatalogueFiles([image]))
            let entry = try images.lockEntry("best", Cancellation()) { _ in }
            #expect(entry.image == "new")
            images.lock = try ImageLock(in: fixture.scratch.root)
            images.lock?.entries["best"] = entry
            #expect(try fixture.resolve("best", in: images) == fixture.path("new.qcow2"))
        }
    }

    @Test
    func `an image of no publisher, and one whose publisher cannot be reached, are locked as they are here`()
        async throws
    {
        try await ImageFixture.with { fixture in
            try fixture.put("own.qcow2", fixture.image)
            try lock(fixture, "own")
            let entry = try #require(try ImageLock(in: fixture.scratch.root).entries["own"])
            #expect(entry.url == nil && entry.checksum.digest == .sha256)
            #expect(
                try fixture.resolve("own", in: library(fixture, requires: true)) == fixture.path("own.qcow2"))
            try ImageFixture.makeImage(fixture.scratch, "other.qcow2")
            try fixture.put("own.qcow2", fixture.scratch.bytes("other.qcow2"))
            let failure = try #require(throws: Failure.self) {
                try fixture.resolve("own", in: library(fixture))
            }
            #expect(failure.code == .notFound)
            #expect(
                failure.message == "the image own that limiq.lock says is not here, and has no address",
                "\(failure)")

            _ = try fixture.resolve()
            try lock(fixture, url: ImageFixture.nobody)
            let here = try #require(try ImageLock(in: fixture.scratch.root).entries["debian-12"])
            #expect(here.url == fixture.publisher.url + "/latest/disk.qcow2", "as it was fetched")
            let unknown = try #require(throws: Failure.self) { try lock(fixture, "debain-12") }
            #expect(unknown.hint == "did you mean debian-12?")
        }
    }

    @Test func `an image that a file was unpacked to is locked as it is here`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run("xz", "-k", "publisher/files/latest/disk.qcow2")
            try fixture.add("own", fixture.publisher.files + "/latest/disk.qcow2.xz")
            try lock(fixture, "own")
            let entry = try #require(try ImageLock(in: fixture.scratch.root).entries["own"])
            let sum = try fixture.scratch.run("sha256sum", fixture.path("own.qcow2")).prefix(64)
            #expect(entry.url == nil && entry.checksum.value == sum)
            let own = fixture.path("own.qcow2")
            #expect(try fixture.resolve("own", in: library(fixture, requires: true)) == own)
            // Where its digest was forgotten.
            try FileManager.default.removeItem(atPath: fixture.path(".digests"))
            #expect(try fixture.resolve("own", in: library(fixture, requires: true)) == own)
            // The same file again is there already.
            let again = try fixture.add("own", fixture.publisher.files + "/latest/disk.qcow2.xz")
            #expect(again == own)
        }
    }

    @Test func `an image that was added from an address is locked to what came from there`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run("xz", "-k", "publisher/files/latest/disk.qcow2")
            let url = fixture.publisher.url + "/latest/disk.qcow2.xz"
            let sum = try fixture.scratch.run("sha256sum", "publisher/files/latest/disk.qcow2.xz").prefix(64)
            try fixture.add("own", url, checksum: try ImageChecksum(parsing: String(sum)))
            try lock(fixture, "own")
            let entry = try #require(try ImageLock(in: fixture.scratch.root).entries["own"])
            #expect(entry.url == url && entry.checksum.value == sum)
            // On another host it is fetched, and unpacked.
            try FileManager.default.removeItem(atPath: fixture.state.cloudImages)
            let path = try fixture.resolve("own", in: library(fixture, requires: true))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == fixture.image)
        }
    }

    @Test func `a name without an entry is refused where one is required, and nothing else`() async throws {
        try await ImageFixture.with { fixture in
            let failure = try #require(throws: Failure.self) {
                try fixture.resolve(in: library(fixture, requires: true))
            }
            #expect(failure.code == .notLocked)
            #expect(failure.message == "limiq.lock has no entry for the image debian-12")
            #expect(failure.hint == "limiq image lock SCRIPT writes one")
            #expect(fixture.names.isEmpty)
            try lock(fixture)
            _ = try fixture.resolve(in: library(fixture, requires: true))
            let path = fixture.path("debian-12.qcow2")
            #expect(
                try fixture.resolve(path, in: library(fixture, requires: true)) == path, "a path is no name")
        }
    }

    @Test(
        arguments: [
            (
                "disk:\n  ulr: https://a.example\n", ":2:3: image disk: ulr is not one of its fields",
                "did you mean url?"
            ),
            ("disk:\n  digest: sha256:12\n", ":2:11: image disk: digest is no SHA-256 or SHA-512", nil),
            ("disk:\n  url: https://a.example\n", ":1:1: image disk: digest is no SHA-256 or SHA-512", nil),
            ("disk: sha256:12\n", ":1:7: image disk is not a map of fields", nil),
            ("- disk\n", ":1:1: a lock is one map", nil),
            ("../disk: {}\n", ":1:1: \"../disk\" cannot be", nil),
            (
                "disk:\n  image: a/b\n  digest: SUM\n", ":2:10: image disk: image cannot be an image's name",
                nil
            ),
            ("disk:\n  url: file:///etc/passwd\n  digest: SUM\n", ":2:8: image disk: url is no address", nil),
            ("disk:\n  url: []\n", ":2:8: image disk: url is no text", nil),
        ] as [(String, String, String?)])
    func `a fault in the file is told with its line and column`(
        _ text: String, _ message: String, _ hint: String?
    ) throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let sum = "sha256:" + String(repeating: "0a", count: 32)
        try Data(text.replacing("SUM", with: sum).utf8)
            .write(to: URL(fileURLWithPath: scratch.path + "/limiq.lock"))
        let failure = try #require(throws: Failure.self) { try ImageLock(in: scratch.path) }
        #expect(failure.code == .badField && failure.message.contains("limiq.lock" + message), "\(failure)")
        if let hint { #expect(failure.hint == hint) }
    }
}
