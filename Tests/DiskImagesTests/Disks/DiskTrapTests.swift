import Basics
import Foundation
import HostFiles
import Support
import Testing

@testable import DiskImages

@Suite struct `An overlay is refused` {
    /// Tries to make `top.qcow2`; the failure, and that nothing was left behind.
    private func refusal(
        _ scratch: DisksScratch, base: String = "base.qcow2", format: String? = nil, size: ByteSize? = nil,
        user: EmulatorUser? = nil
    ) throws -> Failure {
        let before = scratch.names
        let failure = #expect(throws: Failure.self) {
            try Overlay.create(
                scratch.path("top.qcow2"),
                base: base.hasPrefix("!") ? String(base.dropFirst()) : scratch.path(base),
                format: format, size: size, user: user)
        }
        #expect(scratch.names == before)
        return try #require(failure)
    }

    private func withBase(_ body: @escaping @Sendable (DisksScratch) throws -> Void) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", "qcow2", "base.qcow2", "2G")
            try scratch.run(
                "qemu-io", "-f", "qcow2", "-c", "write -P 1 0 1M", "-c", "write 1G 1M", "base.qcow2")
            try body(scratch)
        }
    }

    @Test func `with a size below its base's`() async throws {
        try await withBase { scratch in
            let failure = try refusal(scratch, size: ByteSize(gib: 1))
            #expect(failure.message == "size is 1 GiB, smaller than its base (2 GiB)")
            #expect(failure.hint == "leave size out to take the base's size, or ask for 2GiB or more")
            #expect(try refusal(scratch, size: ByteSize(bytes: 0)).message == "size is 0")
            #expect(
                try refusal(scratch, size: ByteSize(bytes: .max)).message.contains(
                    "more than a disk can have"))
        }
    }

    @Test func `with a format the base does not have`() async throws {
        try await withBase { scratch in
            #expect(
                try refusal(scratch, format: "raw").message
                    == "\(scratch.path("base.qcow2")) is qcow2, not raw")
            #expect(try refusal(scratch, format: "vmdk").message.contains("is qcow2, not vmdk"))
            try scratch.run("truncate", "-s", "1M", "base.raw")
            #expect(
                try refusal(scratch, base: "base.raw", format: "qcow2").message.contains("is raw, not qcow2"))
            #expect(try refusal(scratch, base: "base.raw", format: "vmdk").code == .program)
        }
    }

    @Test func `on a chain that does not say its format`() async throws {
        try await withBase { scratch in
            try Overlay.create(scratch.path("middle.qcow2"), base: scratch.path("base.qcow2"))
            // The extension's type, made one nobody knows.
            try scratch.patch("middle.qcow2", at: 112, [1, 2, 3, 4])
            let failure = try refusal(scratch, base: "middle.qcow2")
            #expect(failure.message.contains("does not say which format its base"))
        }
    }

    @Test(arguments: [100, 65_536, 70_000, 200_000, 300_000, 500_000])
    func `on a base that is cut short`(_ length: Int) async throws {
        try await withBase { scratch in
            try scratch.run("truncate", "-s", "\(length)", "base.qcow2")
            let failure = try refusal(scratch)
            #expect(failure.code == .badImage)
            #expect(failure.message.contains("is cut short"))
        }
    }

    @Test func `on an empty base, and on a header that makes no sense`() async throws {
        try await withBase { scratch in
            try scratch.write("empty.raw", Data())
            #expect(try refusal(scratch, base: "empty.raw").message.contains("is empty"))
            // The version at 4: one to come is no raw disk.
            for (offset, bytes) in [
                (4, [0, 0, 0, 9]), (20, [0, 0, 0, 60]), (40, [255, 255, 255, 255]), (100, [0, 0, 0, 1]),
            ] {
                let whole = try scratch.bytes("base.qcow2")
                try scratch.patch("base.qcow2", at: offset, bytes.map { UInt8($0) })
                #expect(try refusal(scratch).code == .badImage)
                try scratch.write("base.qcow2", whole)
            }
            // A name longer than the cluster it is in: at 8, 16 and 20.
            try scratch.patch(
                "base.qcow2", at: 8, [0, 0, 0, 0, 0, 0, 0, 112, 0, 0, 3, 255, 0, 0, 0, 9])
            #expect(try refusal(scratch).code == .badImage)
        }
    }

    @Test(arguments: [
        (offset: 79, bytes: [1 as UInt8], says: "was not closed properly"),
        (79, [2], "is marked corrupt"),
        (79, [4], "keeps its data in another file"), (74, [1], "incompatible qcow2 feature 40"),
        (35, [2], "is encrypted"),
    ])
    func `on a base with a feature a guest would stumble over`(
        _ given: (offset: Int, bytes: [UInt8], says: String)
    ) async throws {
        try await withBase { scratch in
            try scratch.patch("base.qcow2", at: given.offset, given.bytes)
            #expect(try refusal(scratch).message.contains(given.says))
        }
    }

    @Test func `on a chain that bites its tail`() async throws {
        try await withBase { scratch in
            try scratch.run(
                "qemu-img", "rebase", "-u", "-b", scratch.path("base.qcow2"), "-F", "qcow2", "base.qcow2")
            #expect(try refusal(scratch).message.contains("is its own base"))
            try Overlay.create(scratch.path("a.qcow2"), base: try plain(scratch))
            try scratch.run(
                "qemu-img", "rebase", "-u", "-b", scratch.path("a.qcow2"), "-F", "qcow2", "base.qcow2")
            try scratch.run(
                "qemu-img", "rebase", "-u", "-b", scratch.path("base.qcow2"), "-F", "qcow2", "a.qcow2")
            #expect(try refusal(scratch, base: "a.qcow2").message.contains("is its own base"))
            #expect(throws: Failure.self) { try DiskImage.inspect(scratch.path("a.qcow2")) }
        }
    }

    private func plain(_ scratch: DisksScratch) throws -> String {
        try scratch.run("truncate", "-s", "2G", "plain.raw")
        return scratch.path("plain.raw")
    }

    @Test func `on a chain with too many members`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("truncate", "-s", "1M", "0")
            for level in 1...DiskImage.maximumDepth {
                let image = QCOW2Image(
                    virtualSize: 1 << 20,
                    backing: (scratch.path("\(level - 1)"), level == 1 ? "raw" : "qcow2"),
                    extendedL2: false)
                try AtomicFile.write(scratch.path("\(level)"), existing: .replace) {
                    (descriptor, _) throws(Failure) in try image.write(to: descriptor, "\(level)")
                }
            }
            #expect(
                try refusal(scratch, base: "\(DiskImage.maximumDepth)").message.contains(
                    "more than 200 images"))
            try Overlay.create(
                scratch.path("fits.qcow2"), base: scratch.path("\(DiskImage.maximumDepth - 1)"))
        }
    }

    @Test func `on what is no regular file, without waiting for it`() async throws {
        try await withBase { scratch in
            try scratch.run("mkfifo", "fifo")
            #expect(
                try refusal(scratch, base: "fifo").message == "\(scratch.path("fifo")) is a FIFO, not a file")
            #expect(try refusal(scratch, base: "!/dev/null").message == "/dev/null is a device, not a file")
            #expect(
                try refusal(scratch, base: "!\(scratch.root)").message.hasSuffix("is a folder, not a file"))
            try scratch.run(
                "qemu-img", "rebase", "-u", "-b", scratch.path("fifo"), "-F", "qcow2", "base.qcow2")
            #expect(try refusal(scratch).message.contains("is a FIFO"))
        }
    }

    @Test func `where a member of the chain is missing, and names it`() async throws {
        try await withBase { scratch in
            #expect(try refusal(scratch, base: "absent.qcow2").code == .notFound)
            try scratch.run("qemu-img", "rebase", "-u", "-b", "gone.qcow2", "-F", "qcow2", "base.qcow2")
            let failure = try refusal(scratch)
            #expect(failure.code == .notFound)
            #expect(
                failure.message
                    == "\(scratch.path("gone.qcow2")), the base of \(scratch.path("base.qcow2")), is not there"
            )
        }
    }

    @Test func `where its name is taken, be it by a link that leads nowhere`() async throws {
        try await withBase { scratch in
            try scratch.write("top.qcow2", Data("mine".utf8))
            #expect(try refusal(scratch).code == .diskExists)
            #expect(try scratch.bytes("top.qcow2") == Data("mine".utf8))
            try scratch.run("rm", "top.qcow2")
            try scratch.run("ln", "-s", "nowhere", "top.qcow2")
            #expect(try refusal(scratch).code == .diskExists)
        }
    }

    @Test func `while its base is open for writing, and not while it is open for reading`() async throws {
        try await withBase { scratch in
            let writer = try OpenDisk(scratch.path("base.qcow2"), format: "qcow2", readOnly: false)
            let failure = try refusal(scratch)
            writer.close()
            #expect(failure.code == .inUse)
            #expect(failure.message.contains("open for writing"))
            let reader = try OpenDisk(scratch.path("base.qcow2"), format: "qcow2", readOnly: true)
            defer { reader.close() }
            try Overlay.create(scratch.path("top.qcow2"), base: scratch.path("base.qcow2"))
        }
    }

    @Test func `where QEMU's user may not search a folder on the way, and names both`() async throws {
        try await withBase { scratch in
            try scratch.run("mkdir", "-p", "open/closed/inner")
            try scratch.run("cp", "base.qcow2", "open/closed/inner/base.qcow2")
            try scratch.run("chmod", "644", "open/closed/inner/base.qcow2")
            try scratch.run("chmod", "700", "open/closed")
            let failure = try refusal(scratch, base: "open/closed/inner/base.qcow2", user: nobody)
            #expect(failure.code == .hostNotAble)
            #expect(
                failure.message
                    == "the folder \(scratch.path("open/closed")) cannot be searched by nobody, the user QEMU runs as"
            )
            // Through a link, and as a member of the chain, the same.
            try scratch.run("ln", "-s", "open/closed/inner/base.qcow2", "link.qcow2")
            #expect(try refusal(scratch, base: "link.qcow2", user: nobody).message == failure.message)
            // The overlay's own place counts too, behind a link.
            try scratch.run("ln", "-s", "open/closed/inner", "here")
            let target = #expect(throws: Failure.self) {
                try Overlay.create(
                    scratch.path("here/top.qcow2"), base: scratch.path("base.qcow2"), user: nobody)
            }
            #expect(target?.message == failure.message)
            try scratch.run("chmod", "711", "open/closed")
            try scratch.run("chmod", "600", "open/closed/inner/base.qcow2")
            let unreadable = try refusal(scratch, base: "open/closed/inner/base.qcow2", user: nobody)
            #expect(unreadable.message.contains("base.qcow2 cannot be read by nobody"))
            try scratch.run("chmod", "644", "open/closed/inner/base.qcow2")
            try Overlay.create(
                scratch.path("top.qcow2"), base: scratch.path("open/closed/inner/base.qcow2"), user: nobody)
        }
    }

    @Test(arguments: [
        "base.qcow2", "./base.qcow2", "nbd://localhost/x", "json:{\"driver\":\"null-co\"}", "a:b", "",
    ])
    func `with a name that is relative or a protocol`(_ name: String) async throws {
        try await withBase { scratch in
            let failure = try refusal(scratch, base: "!\(name)")
            #expect(failure.code == .badField)
            #expect(throws: Failure.self) { try Overlay.create(name, base: scratch.path("base.qcow2")) }
        }
    }

    @Test func `on a chain that leaves the local files`() async throws {
        try await withBase { scratch in
            for name in ["nbd://127.0.0.1:1/x", "json:{\"driver\":\"null-co\"}", "a:b"] {
                try AtomicFile.write(scratch.path("middle"), existing: .replace) {
                    (descriptor, _) throws(Failure) in
                    try QCOW2Image(virtualSize: 2 << 30, backing: (name, "raw"), extendedL2: false)
                        .write(to: descriptor, "middle")
                }
                #expect(try refusal(scratch, base: "middle").message.contains("not a local file"))
            }
        }
    }

    @Test func `with colons and braces in a path, it works, as an absolute path is no protocol`() async throws
    {
        try await withBase { scratch in
            try scratch.run("mv", "base.qcow2", "a:b {é} .qcow2")
            try Overlay.create(scratch.path("top:1.qcow2"), base: scratch.path("a:b {é} .qcow2"))
            try scratch.run("qemu-io", "-f", "qcow2", "-c", "read -P 1 0 1M", scratch.path("top:1.qcow2"))
        }
    }
}
