import Basics
import DiskImages
import Foundation
import HostFiles
import Support
import Testing

@Suite struct `Overlays` {
    @Test(arguments: [
        (extended: false, size: "2G"), (extended: true, size: "2G"), (extended: false, size: "10T"),
        (extended: true, size: "10T"), (extended: false, size: "1537M"), (extended: true, size: "700M"),
    ])
    func `are the bytes qemu-img writes`(_ given: (extended: Bool, size: String)) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("truncate", "-s", given.size, "base.raw")
            let options = given.extended ? "extended_l2=on,cluster_size=128k" : "cluster_size=64k"
            try scratch.run(
                "qemu-img", "create", "-q", "-f", "qcow2", "-b", scratch.path("base.raw"), "-F", "raw", "-o",
                options,
                "theirs.qcow2")
            try Overlay.create(
                scratch.path("ours.qcow2"), base: scratch.path("base.raw"),
                emulatorVersion: given.extended ? 7_002_000 : 5_001_000)
            #expect(try scratch.bytes("ours.qcow2") == scratch.bytes("theirs.qcow2"))
        }
    }

    @Test func `pass qemu-img check and show their chain`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", "qcow2", "base.qcow2", "1G")
            try Overlay.create(scratch.path("a.qcow2"), base: scratch.path("base.qcow2"))
            let chain = try Overlay.create(
                scratch.path("b.qcow2"), base: scratch.path("a.qcow2"), size: ByteSize(gib: 3))
            try scratch.run("qemu-img", "check", "-q", "b.qcow2")
            let info = try JSONDecoder().decode(
                [QemuImgInfo].self,
                from: Data(
                    scratch.run("qemu-img", "info", "--backing-chain", "--output=json", "b.qcow2").utf8))
            #expect(info.map(\.virtualSize) == [3 << 30, 1 << 30, 1 << 30])
            #expect(info.map(\.backing) == [scratch.path("a.qcow2"), scratch.path("base.qcow2"), nil])
            #expect(info.map(\.backingFormat) == ["qcow2", "qcow2", nil])
            #expect(try DiskImage.inspect(scratch.path("b.qcow2")) == chain)
            #expect(info.map(\.virtualSize) == chain.map(\.virtualSize))
            #expect(info.map(\.actualSize) == chain.map(\.allocatedSize))
        }
    }

    @Test(arguments: [5_001_000, 7_002_000])
    func `take what a guest writes and leave the base as it was`(_ version: Int) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", "qcow2", "base.qcow2", "64M")
            try scratch.run("qemu-io", "-f", "qcow2", "-c", "write -P 0xaa 0 8M", "base.qcow2")
            let before = try scratch.bytes("base.qcow2")
            try Overlay.create(
                scratch.path("top.qcow2"), base: scratch.path("base.qcow2"), size: ByteSize(mib: 128),
                emulatorVersion: version)
            try scratch.run(
                "qemu-io", "-f", "qcow2", "-c", "read -P 0xaa 0 8M", "-c", "read -P 0 8M 120M",
                "-c", "write -P 0xbb 4k 4k", "-c", "write -P 0xcc 100M 1M", "-c", "read -P 0xaa 0 4k",
                "-c", "read -P 0xbb 4k 4k", "-c", "read -P 0xaa 8k 1M", "-c", "read -P 0xcc 100M 1M",
                "top.qcow2")
            try scratch.run("qemu-img", "check", "-q", "top.qcow2")
            #expect(try scratch.bytes("base.qcow2") == before)
        }
    }

    @Test func `take a base of another format`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", "vmdk", "base.vmdk", "64M")
            let chain = try Overlay.create(scratch.path("top.qcow2"), base: scratch.path("base.vmdk"))
            #expect(chain.map(\.format) == ["qcow2", "vmdk"])
            #expect(chain[0].virtualSize == 64 << 20)
            try scratch.run("qemu-io", "-f", "qcow2", "-c", "write -P 1 0 1M", "top.qcow2")
        }
    }

    @Test func `name the file a link leads to, not the link`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("truncate", "-s", "1M", "base-1.raw")
            try scratch.run("ln", "-s", "base-1.raw", "base.raw")
            let chain = try Overlay.create(scratch.path("top.qcow2"), base: scratch.path("base.raw"))
            #expect(chain[0].backingFile == scratch.path("base-1.raw"))
        }
    }

    @Test func `are for their owner alone, and for QEMU's user where that is another`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("truncate", "-s", "1M", "base.raw")
            try Overlay.create(scratch.path("own.qcow2"), base: scratch.path("base.raw"))
            #expect(try scratch.run("stat", "-c", "%a %u", "own.qcow2") == "600 \(geteuid())\n")
            try Overlay.create(scratch.path("qemu.qcow2"), base: scratch.path("base.raw"), user: nobody)
            let owner = geteuid() == 0 ? nobody.uid : geteuid()
            #expect(try scratch.run("stat", "-c", "%a %u", "qemu.qcow2") == "600 \(owner)\n")
        }
    }

    @Test func `round an odd size up to whole sectors`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.write("base.raw", Data(count: 1000))
            #expect(
                try Overlay.create(scratch.path("a.qcow2"), base: scratch.path("base.raw"))[0].virtualSize
                    == 1024)
            let chain = try Overlay.create(
                scratch.path("b.qcow2"), base: scratch.path("base.raw"), size: ByteSize(bytes: 5001))
            #expect(chain[0].virtualSize == 5120)
        }
    }

    @Test func `one of two that are made at once under one name wins, and nothing else is left`() async throws
    {
        try await DisksScratch.with { scratch in
            try scratch.run("truncate", "-s", "1M", "base.raw")
            for round in 0..<10 {
                let path = scratch.path("top-\(round).qcow2")
                let base = scratch.path("base.raw")
                let answers = Mailbox<Failure.Code?>()
                for _ in 0..<4 {
                    startThread {
                        do throws(Failure) {
                            try Overlay.create(path, base: base)
                            answers.put(nil)
                        } catch { answers.put(error.code) }
                    }
                }
                let codes = (0..<4).map { _ in answers.next() }
                #expect(codes.count { $0 == nil } == 1)
                #expect(codes.count { $0 == .diskExists } == 3)
            }
            #expect(scratch.names.count == 11)
        }
    }
}

let nobody = EmulatorUser(name: "nobody", uid: 65534, gid: 65534)

private struct QemuImgInfo: Decodable {
    let virtualSize: UInt64
    let actualSize: UInt64
    let backing: String?
    let backingFormat: String?

    enum CodingKeys: String, CodingKey {
        case virtualSize = "virtual-size"
        case actualSize = "actual-size"
        case backing = "backing-filename"
        case backingFormat = "backing-filename-format"
    }
}
