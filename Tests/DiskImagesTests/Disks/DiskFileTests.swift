import Basics
import Foundation
import GuestConfig
import HostFiles
import MachineSpec
import Support
import Testing

@testable import DiskImages

@Suite struct `Disks as files` {
    @Test(arguments: [(DiskFormat.qcow2, "qcow2", "1G"), (.raw, "raw", "1G"), (.qcow2, "qcow2", "3T")])
    func `are made blank as qemu-img makes them`(_ format: DiskFormat, _ name: String, _ size: String)
        async throws
    {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", name, "theirs", size)
            try Disk.create(
                scratch.path("ours"), size: ByteSize(gib: size == "3T" ? 3072 : 1), format: format)
            try scratch.run("cmp", "ours", "theirs")
            let failure = #expect(throws: Failure.self) {
                try Disk.create(scratch.path("ours"), size: ByteSize(mib: 1))
            }
            #expect(failure?.code == .diskExists)
            #expect(try DiskImage.inspect(scratch.path("ours")).map(\.format) == [name])
        }
    }

    @Test func `can have no size of 0 nor one beyond all bounds`() async throws {
        try await DisksScratch.with { scratch in
            for (size, format) in [(0, DiskFormat.qcow2), (0, .raw), (UInt64.max, .raw), (1 << 62, .qcow2)] {
                let failure = #expect(throws: Failure.self) {
                    try Disk.create(scratch.path("x"), size: ByteSize(bytes: size), format: format)
                }
                #expect(failure?.code == .badField)
            }
            #expect(scratch.names.isEmpty)
        }
    }

    @Test(arguments: [DiskFormat.qcow2, .raw])
    func `grow and do not shrink`(_ format: DiskFormat) async throws {
        try await DisksScratch.with { scratch in
            let path = scratch.path("d")
            try Disk.create(path, size: ByteSize(mib: 64), format: format)
            try Disk.resize(path, to: ByteSize(mib: 100))
            #expect(try DiskImage.inspect(path)[0].virtualSize == 100 << 20)
            try Disk.resize(path, to: ByteSize(mib: 100))
            let failure = #expect(throws: Failure.self) { try Disk.resize(path, to: ByteSize(mib: 64)) }
            #expect(failure?.message == "size is 64 MiB, smaller than \(path) is now (100 MiB)")
            #expect(failure?.hint?.contains("100MiB or more") == true)
            #expect(try DiskImage.inspect(path)[0].virtualSize == 100 << 20)
        }
    }

    @Test(arguments: [true, false])
    func `are not resized or removed while somebody has them open`(_ readOnly: Bool) async throws {
        try await DisksScratch.with { scratch in
            let path = scratch.path("d.qcow2")
            try Disk.create(path, size: ByteSize(mib: 64))
            let user = try OpenDisk(path, format: "qcow2", readOnly: readOnly)
            let failures = [
                #expect(throws: Failure.self) { try Disk.resize(path, to: ByteSize(mib: 100)) },
                #expect(throws: Failure.self) { try Disk.remove(path) },
            ]
            user.close()
            #expect(failures.map { $0?.code } == [.inUse, .inUse])
            try Disk.remove(path)
            #expect(scratch.names.isEmpty)
        }
    }

    @Test func `are removed and resized, and other files are not`() async throws {
        try await DisksScratch.with { scratch in
            try Disk.create(scratch.path("blank"), size: ByteSize(mib: 1), format: .raw)
            try Disk.remove(scratch.path("blank"))
            try scratch.write("letter.txt", Data("dear".utf8))
            try scratch.write("sector", Data(repeating: 65, count: 512))
            for name in ["letter.txt", "sector"] {
                for touch in [{ try Disk.remove($0) }, { try Disk.resize($0, to: ByteSize(mib: 2)) }]
                    as [(String) throws -> Void]
                {
                    let failure = #expect(throws: Failure.self) { try touch(scratch.path(name)) }
                    #expect(failure?.message == "\(scratch.path(name)) is no disk image")
                }
            }
            #expect(scratch.names == ["letter.txt", "sector"])
            let failure = #expect(throws: Failure.self) { try Disk.remove(scratch.path("absent")) }
            #expect(failure?.code == .notFound)
        }
    }

    @Test(arguments: ["vmdk", "vdi", "vhdx", "vpc", "qed", "qcow"])
    func `of other formats are recognised as QEMU recognises them`(_ format: String) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", format, "d", "64M")
            let image = try DiskImage.inspect(scratch.path("d"))[0]
            #expect(image.format == format)
            #expect(image.virtualSize >= 64 << 20)
        }
    }

    @Test func `the version of qemu-img tells what it knows`() {
        #expect(QemuImg.knowsExtendedL2(version: "qemu-img version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"))
        #expect(QemuImg.knowsExtendedL2(version: "qemu-img version 10.0.2"))
        #expect(QemuImg.knowsExtendedL2(version: "qemu-img version 5.2.0"))
        #expect(!QemuImg.knowsExtendedL2(version: "qemu-img version 5.1.0"))
        #expect(!QemuImg.knowsExtendedL2(version: "what?"))
    }
}

@Suite struct `Files that appear whole` {
    private struct Stop: Error {}

    @Test func `take no device's, pipe's or socket's place`() async throws {
        try await DisksScratch.with { scratch in
            let pipe = scratch.path("pipe")
            #expect(mkfifo(pipe, 0o600) == 0)
            let failure = try #require(throws: Failure.self) { try writeBytes([1], to: pipe) }
            #expect(failure.message == "cannot write \(pipe): it is a device, a pipe or a socket")
            #expect(try scratch.run("stat", "-c", "%F", pipe) == "fifo\n")
        }
    }

    @Test func `have no name before they are written, and leave nothing after an error`() async throws {
        try await DisksScratch.with { scratch in
            let failure = #expect(throws: Failure.self) {
                try AtomicFile.write(scratch.path("f"), existing: .replace) {
                    (descriptor, temporary) throws(Failure) in
                    try AtomicFile.write(Array("half".utf8), to: descriptor, "f")
                    #expect(scratch.names == [lastComponent(temporary)])
                    #expect(AtomicFile.writer(ofTemporary: lastComponent(temporary)) == getpid())
                    throw Failure(.io, "stopped")
                }
            }
            #expect(failure?.message == "stopped")
            #expect(scratch.names.isEmpty)
        }
    }

    @Test func `leave, after a kill, what can be told from others' files`() async throws {
        try await DisksScratch.with { scratch in
            let dead = try Int32(scratch.run("sh", "-c", "echo $$").dropLast()) ?? 0
            for name in [
                ".disk.qcow2.limiq-\(dead)-abc.tmp", ".a-b.limiq-\(getpid())-abc.tmp", ".limiq-x.tmp",
                "mine.tmp",
            ] {
                try scratch.write(name, Data())
            }
            #expect(AtomicFile.leftovers(in: scratch.root) == [".disk.qcow2.limiq-\(dead)-abc.tmp"])
            #expect(AtomicFile.leftovers(in: scratch.path("absent")).isEmpty)
        }
    }

    @Test func `may have a name as long as the filesystem takes`() async throws {
        try await DisksScratch.with { scratch in
            let name = String(repeating: "é", count: 127)
            try Disk.create(scratch.path(name), size: ByteSize(mib: 1))
            #expect(scratch.names == [name])
            #expect(throws: Failure.self) {
                try Disk.create(scratch.path(name + "ab"), size: ByteSize(mib: 1))
            }
        }
    }

    @Test func `say in one line that the folder is not there`() async throws {
        try await DisksScratch.with { scratch in
            let path = scratch.path("no/such/seed.iso")
            let failure = #expect(throws: Failure.self) { try Cidata.create(path, CloudInitSpec()) }
            #expect(
                failure?.message == "cannot write \(path): there is no folder \(scratch.path("no/such/"))")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "a small filesystem is mounted by root"))
    func `say in one line that the disk is full`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("mkdir", "small")
            try scratch.run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "small")
            defer { _ = try? scratch.run("umount", "small") }
            let path = scratch.path("small/big.iso")
            let failure = #expect(throws: Failure.self) {
                try ISOImage.write(
                    to: path, label: "X",
                    files: [ISOFile("big", contents: [UInt8](repeating: 1, count: 200_000))])
            }
            #expect(failure?.message == "cannot write \(path): no space left on device")
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path("small")).isEmpty)
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
    func `say in one line that the folder is not ours`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("mkdir", "-m", "555", "closed")
            let failure = #expect(throws: Failure.self) {
                try Disk.create(scratch.path("closed/d"), size: ByteSize(mib: 1))
            }
            #expect(failure?.message == "cannot write \(scratch.path("closed/d")): permission denied")
        }
    }

    @Test func `go by access control lists, too`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("mkdir", "-m", "700", "closed")
            // setfacl's own words for user:65534:--x with the mask and the owner's entries: version 2, then tag,
            // permissions and id of each, little-endian.
            func entry(_ tag: UInt8, _ permissions: UInt8, _ id: [UInt8] = [255, 255, 255, 255]) -> [UInt8] {
                [tag, 0, permissions, 0] + id
            }
            let check = AccessCheck(nobody)
            #expect(throws: Failure.self) { try check.requireSearchable(foldersOf: scratch.path("closed/x")) }
            let list: [UInt8] =
                [2, 0, 0, 0] + entry(1, 7) + entry(2, 1, [0xFE, 0xFF, 0, 0]) + entry(4, 0) + entry(16, 1)
                + entry(32, 0)
            let hex = "0x" + list.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            try scratch.run(
                "python3", "-c",
                "import os; os.setxattr('closed', 'system.posix_acl_access', bytes.fromhex('\(hex.dropFirst(2))'))"
            )
            try check.requireSearchable(foldersOf: scratch.path("closed/x"))
        }
    }
}
