import Basics
import Foundation
import Glibc
import HostFiles
import Support
import Testing

@testable import ImageLibrary

@Suite struct `An image that is compressed` {
    static let packers = [("xz", ".xz"), ("gzip", ".gz"), ("zstd", ".zst"), ("bzip2", ".bz2")]

    /// Publishes the image compressed as well, and gives its path.
    private static func pack(_ fixture: ImageFixture, _ packer: (String, String)) throws -> String {
        try fixture.scratch.run(
            "sh", "-c", "cd publisher/files/latest && \(packer.0) -c disk.qcow2 > disk.qcow2\(packer.1)")
        return "/latest/disk.qcow2\(packer.1)"
    }

    private static func sum(_ fixture: ImageFixture, _ file: String) throws -> ImageChecksum {
        try ImageChecksum(
            parsing: String(fixture.scratch.run("sha256sum", "publisher/files/latest/\(file)").prefix(64)))
    }

    @Test(arguments: packers)
    func `is unpacked, from a file and from an address`(_ packer: (String, String)) async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.pack(fixture, packer)
            let added = try fixture.add("file", fixture.publisher.files + path)
            #expect(added == fixture.path("file.qcow2"))
            try fixture.add("address", fixture.publisher.url + path)
            try fixture.add(
                "published", fixture.publisher.url + path,
                checksum: Self.sum(fixture, "disk.qcow2\(packer.1)"))
            try fixture.add(
                "unpacked", fixture.publisher.url + path, checksum: Self.sum(fixture, "disk.qcow2"))
            try fixture.add(
                "unpacked-file", fixture.publisher.files + path, checksum: Self.sum(fixture, "disk.qcow2"))
            #expect(
                fixture.names == [
                    "address.qcow2", "file.qcow2", "published.qcow2", "unpacked-file.qcow2", "unpacked.qcow2",
                ])
            for name in fixture.names { #expect(try fixture.bytes(name) == fixture.image, "\(name)") }
        }
    }

    @Test func `is checked by a list that names it, or what is in it`() async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.pack(fixture, ("xz", ".xz"))
            for (index, files) in ["disk.qcow2.xz", "disk.qcow2"].enumerated() {
                try fixture.publishChecksums("sha512sum \(files)")
                try fixture.add(
                    "by-\(index)", fixture.publisher.url + path,
                    checksums: fixture.publisher.url + "/latest/SUMS")
                #expect(try fixture.bytes("by-\(index).qcow2") == fixture.image)
            }
            try fixture.publishChecksums("sha256sum --tag disk.qcow2")
            try fixture.add(
                "by-file", fixture.publisher.files + path,
                checksums: fixture.publisher.files + "/latest/SUMS")
            try fixture.publishChecksums("sha256sum SUMS | sed 's/SUMS/disk.qcow2/'")
            for source in [fixture.publisher.files, fixture.publisher.url] {
                let failure = #expect(throws: Failure.self) {
                    try fixture.add(
                        "wrong", source + path, checksums: fixture.publisher.files + "/latest/SUMS")
                }
                #expect(failure?.code == .badChecksum)
            }
            #expect(fixture.names == ["by-0.qcow2", "by-1.qcow2", "by-file.qcow2"])
        }
    }

    @Test func `goes on where a connection broke, in the same run and in the next`() async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.pack(fixture, ("zstd", ".zst"))
            let sum = try Self.sum(fixture, "disk.qcow2.zst")
            try fixture.publisher.set([path: .init(breakAfter: 600_000)])
            #expect(throws: Failure.self) {
                try fixture.add("own", fixture.publisher.url + path, checksum: sum)
            }
            #expect(try fixture.part().bytes.count == 2_400_000)
            try fixture.publisher.set([:])
            try fixture.add("own", fixture.publisher.url + path, checksum: sum)
            let ranges = try fixture.publisher.downloads(path).map(\.range)
            #expect(ranges.contains("bytes=2400000-"))
            #expect(try fixture.bytes("own.qcow2") == fixture.image)
            #expect(fixture.names == ["own.qcow2"])
        }
    }

    @Test func `is unpacked anew where the server sends the whole again`() async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.pack(fixture, ("gzip", ".gz"))
            try fixture.publisher.set([path: .init(breakAfter: 1_000_000, noRange: true)])
            let publisher = fixture.publisher
            fixture.steps.watch { step in
                if case .detail(_, let text) = step.event, text.contains("broke") { try? publisher.set([:]) }
            }
            try fixture.add("own", fixture.publisher.url + path)
            #expect(try fixture.bytes("own.qcow2") == fixture.image)
        }
    }

    @Test(arguments: packers)
    func `is thrown away where it is cut or damaged`(_ packer: (String, String)) async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.pack(fixture, packer)
            let sum = try Self.sum(fixture, "disk.qcow2\(packer.1)")
            try fixture.scratch.run("truncate", "-s", "3000000", "publisher/files\(path)")
            for source in [fixture.publisher.files, fixture.publisher.url] {
                let failure = #expect(throws: Failure.self) { try fixture.add("own", source + path) }
                #expect(failure?.code == .badImage)
                let text = "\(failure?.message ?? "") \(failure?.cause ?? "")"
                #expect(text.contains("own cannot be unpacked"), "\(text)")
                let checked = #expect(throws: Failure.self) {
                    try fixture.add("own", source + path, checksum: sum)
                }
                #expect(
                    checked?.code == .badChecksum
                        || source == fixture.publisher.files && checked?.code == .badImage)
                #expect(fixture.names.isEmpty)
            }
        }
    }

    @Test(arguments: [
        ("printf '<html>login</html>'", "is a web page, not an image"),
        ("echo not found", "is a text, not an image"),
        ("tar -c disk.qcow2", "is a tar archive, not an image"),
        ("gzip -c disk.qcow2", "is compressed"),
        ("head -c 3000000 disk.qcow2", "is cut short"),
        ("head -c 3000000 /dev/zero", "begins with zeros"),
        ("true", "is empty"),
        ("qemu-img create -q -f qcow2 -b /etc/passwd -F raw o 1M && cat o", "is an overlay on /etc/passwd"),
        (
            "printf '# Disk DescriptorFile\\nRW 2 FLAT \"/etc/passwd\" 0\\n'",
            "is a VMDK whose data are in other files"
        ),
        ("echo x > x && genisoimage -quiet x", "is an ISO image, no disk's"),
    ])
    func `is refused where what is in it is no image`(_ given: (command: String, says: String)) async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run(
                "sh", "-c", "cd publisher/files/latest && ( \(given.command) ) | xz -c > it.xz")
            for source in [fixture.publisher.files, fixture.publisher.url] {
                let failure = #expect(throws: Failure.self) {
                    try fixture.add("own", source + "/latest/it.xz")
                }
                #expect(failure?.cause?.contains(given.says) == true, "\(String(describing: failure))")
                #expect(fixture.names.isEmpty)
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounts a tmpfs"))
    func `may unpack to as much as there is room for, and is told where it does to more`() async throws {
        try await ImageFixture.with { fixture in
            // Zeros take no room, and still are no 200 MiB of an image.
            try fixture.scratch.run(
                "sh", "-c",
                """
                cd publisher/files/latest && truncate -s 200M bomb && echo 2048,,L | /sbin/sfdisk -q bomb
                xz -c bomb > bomb.xz && gzip -c bomb > bomb.gz
                """)
            try fixture.scratch.run("mkdir", "state")
            try fixture.scratch.run("mount", "-t", "tmpfs", "-o", "size=16m", "none", fixture.state.root)
            defer { _ = try? fixture.scratch.run("umount", "--lazy", fixture.state.root) }
            for source in [fixture.publisher.files, fixture.publisher.url] {
                for file in ["/latest/bomb.xz", "/latest/bomb.gz"] {
                    let failure = #expect(throws: Failure.self) { try fixture.add("own", source + file) }
                    let text = "\(failure?.message ?? "") \(failure?.cause ?? "")"
                    #expect(text.contains("own unpacks to more than the 15 MiB that are free"), "\(text)")
                    #expect(failure?.hint?.hasPrefix("free some space") == true)
                    #expect(fixture.names.isEmpty)
                }
            }
        }
    }

    @Test func `is refused by its first bytes, and not when all of it is here`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run(
                "sh", "-c", "cd publisher/files/latest && yes 404 not found | head -c 20000000 > disk.img")
            try fixture.publisher.set(["/latest/disk.img": .init(rate: 4_000_000)])
            let failure = #expect(throws: Failure.self) {
                try fixture.add("own", fixture.publisher.url + "/latest/disk.img")
            }
            #expect(failure?.cause == "it is a text, not an image")
            #expect(try fixture.publisher.downloads("/latest/disk.img").allSatisfy { $0.sent < 20_000_000 })
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `can be cancelled, and no program stays`() async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.pack(fixture, ("xz", ".xz"))
            try fixture.publisher.set([path: .init(rate: 1_000_000)])
            let cancellation = Cancellation()
            fixture.steps.watch { step in
                if case .detail(_, let text) = step.event, text.contains("(2") { cancellation.cancel() }
            }
            let failure = #expect(throws: Failure.self) {
                try fixture.add("own", fixture.publisher.url + path, cancellation)
            }
            #expect(failure?.code == .cancelled)
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `stays a file with holes, as raw by its name or by what is said`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run(
                "sh", "-c",
                "truncate -s 8M data.raw && printf '\\1' | dd of=data.raw conv=notrunc status=none && xz -k data.raw && cp data.raw.xz data.xz"
            )
            try fixture.add("named", fixture.scratch.path("data.raw.xz"))
            let refused = #expect(throws: Failure.self) {
                try fixture.add("said", fixture.scratch.path("data.xz"))
            }
            #expect(refused?.cause?.contains("neither a partition table nor a filesystem") == true)
            try fixture.add("said", fixture.scratch.path("data.xz"), format: .raw)
            let other = #expect(throws: Failure.self) {
                try fixture.add("not", fixture.scratch.path("data.raw.xz"), format: .qcow2)
            }
            #expect(other?.cause == "it is raw, not qcow2", "\(String(describing: other))")
            for name in ["named.raw", "said.raw"] {
                try fixture.scratch.run("cmp", "data.raw", fixture.path(name))
                let blocks = try fixture.scratch.run("stat", "-c", "%b", fixture.path(name))
                #expect(try #require(Int(blocks.dropLast())) < 4096)
            }
            #expect(try fixture.resolve("said") == fixture.path("said.raw"))
        }
    }
}
