import Basics
import Foundation
import Glibc
import HostFiles
import ImageLibrary
import Steps
import Support
import Testing

@Suite struct `Downloading an image` {
    private static let path = "/latest/disk.qcow2"

    @Test(arguments: [
        ("sha256sum other.qcow2 disk.qcow2", ImageDigest.sha256),
        ("sha256sum --binary disk.qcow2", .sha256),
        ("sha256sum ./disk.qcow2", .sha256), ("sha256sum --tag other.qcow2 disk.qcow2", .sha256),
        ("sha512sum disk.qcow2 other.qcow2", .sha512), ("sha512sum --binary disk.qcow2", .sha512),
        ("sha512sum --tag disk.qcow2", .sha512),
        // Both in one list, as some have it, and a signature around.
        (
            "(echo '-----BEGIN PGP SIGNED MESSAGE-----'; sha512sum --tag disk.qcow2; sha256sum disk.qcow2; tail -n 1 /dev/null)",
            .sha256
        ),
    ])
    func `checks it by every form of list a publisher may have, before it has its name`(
        _ list: String, _ digest: ImageDigest
    ) async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.write("publisher/files/latest/other.qcow2", Data("other".utf8))
            try fixture.publishChecksums(list)
            let target = fixture.path("debian-12.qcow2")
            fixture.steps.watch { step in
                // The last step tells that it is there.
                let isLast = if case .finished = step.event { true } else { false }
                #expect((access(target, F_OK) == 0) == isLast, "at \(step.event)")
            }
            #expect(try fixture.resolve(in: fixture.library(digest)) == target)
            #expect(try fixture.bytes("debian-12.qcow2") == fixture.image)
            let attributes = try FileManager.default.attributesOfItem(atPath: target)
            #expect(attributes[.posixPermissions] as? Int == 0o644)
            #expect(fixture.names == ["debian-12.qcow2"])
            let lines = fixture.steps.lines
            #expect(lines.first == "download asking for its checksum")
            #expect(lines.contains { $0.hasPrefix("download 2 of 4 MiB (5") }, "\(lines)")
            #expect(lines.contains("download 4 of 4 MiB (100 %)"), "\(lines)")
            #expect(lines.suffix(2) == ["verify", "image"])

            #expect(try fixture.resolve(in: fixture.library(digest)) == target)
            #expect(try fixture.publisher.downloads(Self.path).count == 1, "the second time it is here")
        }
    }

    @Test func `shows how far it is of the file's size, not of a redirect's`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run("cp", "-r", "publisher/files/latest", "publisher/files/mirror")
            try fixture.publisher.set([Self.path: .init(location: "/mirror/disk.qcow2")])
            _ = try fixture.resolve()
            let lines = fixture.steps.lines
            #expect(lines.contains { $0.hasPrefix("download 2 of 4 MiB (5") }, "\(lines)")
        }
    }

    @Test func `goes on where a connection broke, in the same run and in the next`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([Self.path: .init(breakAfter: 600_000)])
            let failure = #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(failure?.code == .program)
            #expect(failure?.message == "debian-12 cannot be downloaded")
            #expect(failure?.cause?.contains("transfer closed") == true)
            #expect(failure?.hint?.contains("what came is kept") == true)
            let part = try fixture.part()
            #expect(part.bytes == fixture.image.prefix(4 * 600_000), "four connections brought their share")
            #expect(fixture.names == [part.name], "no lock and nothing under the name")

            try fixture.publisher.set([:])
            _ = try fixture.resolve()
            let downloads = try fixture.publisher.downloads(Self.path)
            #expect(
                downloads.map(\.range) == [
                    nil, "bytes=600000-", "bytes=1200000-", "bytes=1800000-", "bytes=2400000-",
                ])
            #expect(downloads.last?.status == 206)
            #expect(downloads.map(\.sent).reduce(0, +) == fixture.image.count, "no byte came twice")
            #expect(try fixture.bytes("debian-12.qcow2") == fixture.image)
        }
    }

    @Test func `tries again when the server is not able for a moment`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([Self.path: .init(status: 503)])
            let publisher = fixture.publisher
            fixture.steps.watch { step in
                if case .detail(_, let text) = step.event, text.contains("broke") { try? publisher.set([:]) }
            }
            _ = try fixture.resolve()
            #expect(try fixture.publisher.downloads(Self.path).map(\.status) == [503, 200])
        }
    }

    @Test func `begins anew where the server cannot continue`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([Self.path: .init(breakAfter: 1_000_000, noRange: true)])
            #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(try fixture.part().bytes == fixture.image.prefix(1_000_000))
            try fixture.publisher.set([Self.path: .init(noRange: true)])
            _ = try fixture.resolve()
            #expect(try fixture.bytes("debian-12.qcow2") == fixture.image)
        }
    }

    @Test(arguments: [true, false])
    func `takes what a killed run had downloaded whole, and not what has its length only`(_ isRight: Bool)
        async throws
    {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([Self.path: .init(breakAfter: 1000)])
            #expect(throws: Failure.self) { try fixture.resolve() }
            let before = try fixture.publisher.downloads(Self.path).count
            let part = try fixture.part().name
            try fixture.put(part, isRight ? fixture.image : Data(count: fixture.image.count))
            try fixture.publisher.set([:])
            _ = try fixture.resolve()
            #expect(try fixture.publisher.downloads(Self.path).count - before == (isRight ? 0 : 1))
            #expect(try fixture.bytes("debian-12.qcow2") == fixture.image)
        }
    }

    @Test(arguments: [false, true])
    func `begins anew where more is here than there is`(_ hidesLength: Bool) async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([Self.path: .init(breakAfter: 1000)])
            #expect(throws: Failure.self) { try fixture.resolve() }
            try fixture.put(try fixture.part().name, fixture.image + Data(count: 1000))
            try fixture.publisher.set([Self.path: .init(noHead: hidesLength)])
            _ = try fixture.resolve()
            #expect(try fixture.bytes("debian-12.qcow2") == fixture.image)
        }
    }

    @Test func `throws away what has the wrong checksum`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([Self.path: .init(wrong: true)])
            let failure = #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(failure?.code == .badChecksum)
            #expect(
                failure?.message
                    == "the download of debian-12 is not what its publisher's checksum says, and was thrown away"
            )
            #expect(fixture.names.isEmpty)
            try fixture.publisher.set([:])
            #expect(try fixture.resolve() == fixture.path("debian-12.qcow2"))
        }
    }

    @Test func `removes the half of a version that is gone, and no other image's`() async throws {
        try await ImageFixture.with { fixture in
            let mine = ".debian-12.0123456789abcdef.part"
            let others = [".debian-12.5.0123456789abcdef.part", ".debian-1.0123456789abcdef.part"]
            for name in [mine] + others { try fixture.put(name, Data("x".utf8)) }
            _ = try fixture.resolve()
            #expect(fixture.names == (others + ["debian-12.qcow2"]).sorted())
        }
    }

    @Test func `can be cancelled at any time; what came stays`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([Self.path: .init(rate: 2_000_000)])
            let cancellation = Cancellation()
            fixture.steps.watch { step in
                if case .detail(_, let text) = step.event, text.contains("(2") { cancellation.cancel() }
            }
            let failure = #expect(throws: Failure.self) {
                try fixture.resolve(ImageFixture.name, in: nil, cancellation)
            }
            #expect(failure?.code == .cancelled)
            #expect(failure?.message == "debian-12: the download was cancelled")
            let part = try fixture.part()
            #expect(part.bytes.count > 0 && part.bytes == fixture.image.prefix(part.bytes.count))
            #expect(fixture.names == [part.name])

            try fixture.publisher.set([:])
            _ = try fixture.resolve()
            #expect(
                try fixture.publisher.downloads(Self.path).contains {
                    $0.range == "bytes=\(part.bytes.count)-"
                }
            )
        }
    }

    @Test(
        .enabled(if: geteuid() == 0, "mounts a tmpfs"),
        arguments: [false, true])
    func `a full disk is one clear line, and nothing is lost`(_ hidesLength: Bool) async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run("mkdir", "state")
            try fixture.scratch.run("mount", "-t", "tmpfs", "-o", "size=2m", "none", fixture.state.root)
            defer { _ = try? fixture.scratch.run("umount", "--lazy", fixture.state.root) }
            try fixture.publisher.set([Self.path: .init(noHead: hidesLength)])
            let failure = try #require(#expect(throws: Failure.self) { try fixture.resolve() })
            #expect(failure.code == .io)
            #expect(failure.hint?.hasPrefix("free some space") == true)
            let message =
                hidesLength
                ? "the download of debian-12 cannot be written: no space left on device"
                : "there is no room for debian-12 in \(fixture.state.cloudImages): 4 MiB to come, 1 MiB free"
            #expect("\(failure)".split(separator: "\n").first ?? "" == message)
            if hidesLength {
                let part = try fixture.part().bytes
                #expect(part.count > 1 << 20 && part == fixture.image.prefix(part.count))
                #expect(failure.hint?.contains("what came is kept") == true)
            } else {
                #expect(try fixture.publisher.downloads(Self.path).isEmpty, "it does not begin")
            }

            try fixture.scratch.run("mount", "-o", "remount,size=8m", fixture.state.root)
            _ = try fixture.resolve()
            #expect(try fixture.bytes("debian-12.qcow2") == fixture.image)
        }
    }

    @Test(arguments: ["/latest/SUMS", path])
    func `an image or checksum the publisher has no more is said so`(_ missing: String) async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set([missing: .init(status: 404)])
            let failure = #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(failure?.code == .notFound)
            #expect(failure?.message == "\(fixture.publisher.url)\(missing) is not there any more")
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `a list without the file is said so`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.publishChecksums("sha256sum disk.qcow2 | sed s/disk/diskette/")
            let failure = #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(failure?.code == .notFound)
            #expect(failure?.message == "\(fixture.publisher.url)/latest/SUMS has no checksum of disk.qcow2")
        }
    }
}
