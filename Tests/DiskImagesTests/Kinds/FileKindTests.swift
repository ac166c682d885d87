import Basics
import Foundation
import Support
import Testing

@testable import DiskImages

@Suite struct `The kind of a file` {
    private static func kind(_ scratch: DisksScratch, _ name: String) throws -> FileKind {
        try FileKind(of: ReadableFile(scratch.path(name)))
    }

    private static func refusal(
        _ scratch: DisksScratch, _ name: String, isSaidRaw: Bool = false, isBlankTaken: Bool = false
    ) -> String? {
        do throws(Failure) {
            try FileKind.requireDisk(
                ReadableFile(scratch.path(name)), isSaidRaw: isSaidRaw, isBlankTaken: isBlankTaken)
            return nil
        } catch { return error.message.replacingOccurrences(of: scratch.root + "/", with: "") }
    }

    @Test(arguments: [
        ("mke2fs -q -t ext4 disk 8M", "ext"), ("mke2fs -q -t ext2 -b 1024 disk 1M", "ext"),
        ("truncate -s 320M disk && mkfs.xfs -q disk", "xfs"),
        ("truncate -s 128M disk && mkfs.btrfs -q disk", "btrfs"),
        ("truncate -s 1M disk && mkfs.vfat disk", "a boot sector"),
        ("truncate -s 64M disk && mkfs.vfat -F 32 disk", "a boot sector"),
        ("mkdir tree && mksquashfs tree disk -quiet", "squashfs"),
        ("truncate -s 1M disk && mkswap -q disk", "swap space"),
        ("truncate -s 4M disk && echo 2048,,L | sfdisk -q disk", "an MBR"),
        ("truncate -s 4M disk && echo 'label: gpt' | sfdisk -q disk", "a GPT"),
        ("truncate -s 4M disk && printf 'label: gpt\\n2048,,L\\n' | sfdisk -q disk", "a GPT"),
        ("truncate -s 4M disk && echo 'label: sun' | sfdisk -q disk", "a Sun disk label"),
    ])
    func `is a disk where blkid finds something on it`(_ given: (command: String, content: String))
        async throws
    {
        try await DisksScratch.with { scratch in
            try scratch.run("sh", "-c", "PATH=$PATH:/sbin:/usr/sbin; exec >/dev/null 2>&1; \(given.command)")
            #expect(try Self.kind(scratch, "disk") == .disk(given.content))
            #expect(Self.refusal(scratch, "disk") == nil)
            let found = try scratch.run("/sbin/blkid", "-p", "disk")
            #expect(found.contains("TYPE="), "\(found)")
        }
    }

    @Test func `is a disk with sectors of 4096 bytes too`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.write("disk", Data(count: 1 << 20))
            // UEFI specification, 5.3.2 and 5.3.3: the header is in sector 1, one partition from sector 6 to 250.
            try scratch.patch("disk", at: 4096, Array("EFI PART".utf8))
            try scratch.patch("disk", at: 4096 + 72, [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 128, 0, 0, 0])
            try scratch.patch("disk", at: 8192, [1])
            try scratch.patch("disk", at: 8192 + 32, [6, 0, 0, 0, 0, 0, 0, 0, 250])
            #expect(try Self.kind(scratch, "disk") == .disk("a GPT"))
            #expect(Self.refusal(scratch, "disk") == nil)
            try scratch.run("truncate", "-s", "1000K", "disk")
            #expect(Self.refusal(scratch, "disk")?.hasPrefix("disk is cut short") == true)
        }
    }

    @Test func `is an image's by its header`() async throws {
        try await DisksScratch.with { scratch in
            for format in ["qcow2", "vmdk", "vdi", "vhdx", "vpc"] {
                try scratch.run("qemu-img", "create", "-q", "-f", format, "disk", "8M")
                #expect(try Self.kind(scratch, "disk") == .image(format), "\(format)")
                #expect(Self.refusal(scratch, "disk") == nil, "\(format)")
                try scratch.run("rm", "disk")
            }
            // A fixed VHD begins as the disk itself does.
            try scratch.run("qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=fixed", "disk", "8M")
            #expect(try Self.kind(scratch, "disk") == .image("vpc"))
        }
    }

    @Test(arguments: ["xz", "gzip", "zstd", "bzip2"])
    func `is compressed by its magic, whatever its name`(_ program: String) async throws {
        try await DisksScratch.with { scratch in
            try scratch.write("plain", Data("anything".utf8))
            try scratch.run("sh", "-c", "\(program) -c plain > disk.qcow2")
            #expect(try Self.kind(scratch, "disk.qcow2") == .packed(#require(Packing(rawValue: program))))
            #expect(Self.refusal(scratch, "disk.qcow2") == "disk.qcow2 is compressed")
        }
    }

    @Test(arguments: [
        ("genisoimage -quiet -o disk tree", "disk is an ISO image, no disk's"),
        ("genisoimage -quiet -udf -o disk tree", "disk is an ISO image, no disk's"),
        // For CD-ROM and stick: with a partition table.
        (
            "xorrisofs -quiet -isohybrid-mbr /dev/zero -o disk tree 2>/dev/null || genisoimage -quiet -o disk tree; printf '\\125\\252' | dd of=disk bs=1 seek=510 conv=notrunc",
            "disk is an ISO image, no disk's"
        ),
        ("truncate -s 2M disk; mkudffs disk", "disk is an ISO image, no disk's"),
        ("tar -cf disk tree", "disk is a tar archive, not an image"),
        ("zip -q - tree/file > disk", "disk is a zip archive, not an image"),
        ("7z a -bd disk.7z tree && mv disk.7z disk", "disk is a 7z archive, not an image"),
        ("ar qc disk tree/file", "disk is an ar archive, not an image"),
        ("cp /bin/true disk", "disk is a program, not an image"),
        (": > disk", "disk is empty"),
        ("echo '<!DOCTYPE html><html>' > disk", "disk is a web page, not an image"),
        (
            "printf '\\n<?xml version=\"1.0\"?>\\n<!-- a\\nb --> <HTML lang=\"en\">' > disk",
            "disk is a web page, not an image"
        ),
        ("printf '\\357\\273\\277<html>' > disk", "disk is a web page, not an image"),
        ("echo '404 Not Found' > disk", "disk is a text, not an image"),
        (
            "printf '{\"error\":\"not found\"}' > disk",
            "disk is a text, not an image"
        ),
        (
            "echo '<Error><Code>AccessDenied</Code></Error>' > disk",
            "disk is a text, not an image"
        ),
        ("echo hello | iconv -t UTF-16 > disk", "disk is a text, not an image"),
        (
            "echo 'accès refusé' | iconv -t latin1 > disk",
            "disk is a text, not an image"
        ),
        (
            "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:4d7a\\nsize 12345\\n' > disk",
            "disk is a git-LFS pointer, not the image itself"
        ),
        ("echo /annex/objects/SHA256E-s1--2.img > disk", "disk is a git-annex pointer, not the image itself"),
        (
            "head -c 100000 /dev/zero | tr '\\0' '\\377' > disk",
            "disk is no image: neither a partition table nor a filesystem is on it"
        ),
        (
            "truncate -s 1M disk",
            "disk is no image: it begins with zeros, as a file does that was never filled"
        ),
    ])
    func `is said where it is no disk's`(_ given: (command: String, message: String)) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("sh", "-c", "mkdir tree; echo text > tree/file")
            try scratch.run(
                "bash", "-c", "PATH=$PATH:/sbin:/usr/sbin; ( \(given.command) ) 2>/dev/null || test -e disk")
            #expect(Self.refusal(scratch, "disk") == given.message)
        }
    }

    @Test func `is raw where that is said: by who gives it, or by the name of what shows nothing else`()
        async throws
    {
        try await DisksScratch.with { scratch in
            try scratch.run(
                "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' '\\377' > data; cp data data.raw")
            try scratch.run("truncate", "-s", "1M", "blank")
            try scratch.run("cp", "blank", "blank.raw")
            #expect(Self.refusal(scratch, "data") != nil)
            #expect(Self.refusal(scratch, "data", isSaidRaw: true) == nil)
            #expect(Self.refusal(scratch, "data.raw") == nil)
            #expect(Self.refusal(scratch, "data", isBlankTaken: true) != nil)
            #expect(Self.refusal(scratch, "blank") != nil)
            #expect(Self.refusal(scratch, "blank.raw") == nil)
            #expect(Self.refusal(scratch, "blank", isBlankTaken: true) == nil)
            // What can be told is not what its name says.
            try scratch.write("page.raw", Data("<html>".utf8))
            #expect(Self.refusal(scratch, "page.raw") == "page.raw is a web page, not an image")
            try scratch.write("empty.raw", Data())
            #expect(Self.refusal(scratch, "empty.raw", isSaidRaw: true) == "empty.raw is empty")
        }
    }

    @Test(arguments: [
        "truncate -s 8M disk && echo 2048,,L | sfdisk -q disk",
        "truncate -s 8M disk && printf 'label: gpt\\n2048,4M,L\\n,,L\\n' | sfdisk -q disk",
        "mke2fs -q -t ext4 disk 8M", "truncate -s 320M disk && mkfs.xfs -q disk",
    ])
    func `is told where a raw disk ends before what is on it`(_ command: String) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("sh", "-c", "PATH=$PATH:/sbin:/usr/sbin; \(command)")
            #expect(Self.refusal(scratch, "disk") == nil)
            try scratch.run("truncate", "-s", "5M", "disk")
            #expect(
                Self.refusal(scratch, "disk")
                    == "disk is cut short: it ends after 5 MiB, before what it refers to")
            #expect(Self.refusal(scratch, "disk", isSaidRaw: true) == nil)
        }
    }

    @Test func `is held against a CD-ROM drive`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("sh", "-c", "mkdir tree; head -c 400000 /dev/urandom > tree/file")
            try scratch.run("genisoimage", "-quiet", "-R", "-o", "cd.iso", "tree")
            try ISOImage.write(to: scratch.path("own.iso"), label: "OWN", files: [ISOFile("a", "b")])
            try scratch.run("qemu-img", "create", "-q", "-f", "qcow2", "disk.iso", "8M")
            try scratch.run("truncate", "-s", "1M", "zero.iso")
            try scratch.run(
                "sh", "-c",
                "gzip -c cd.iso > gz.iso; head -c 250000 cd.iso > cut.iso; head -c 33000 cd.iso > stub.iso")
            try scratch.write("html.iso", Data("<html>".utf8))
            func refusal(_ name: String) -> String? {
                do throws(Failure) {
                    try FileKind.requireMedium(scratch.path(name))
                    return nil
                } catch { return error.message.replacingOccurrences(of: scratch.root + "/", with: "") }
            }
            #expect(refusal("cd.iso") == nil)
            #expect(refusal("own.iso") == nil)
            #expect(refusal("disk.iso") == "disk.iso is an image of a disk (qcow2), no ISO image")
            #expect(refusal("zero.iso") == "zero.iso is no ISO image")
            #expect(refusal("gz.iso") == "gz.iso is compressed")
            #expect(refusal("cut.iso")?.hasPrefix("cut.iso is cut short") == true)
            #expect(refusal("stub.iso")?.hasPrefix("stub.iso is cut short") == true)
            #expect(refusal("html.iso") == "html.iso is a web page, not an image")
        }
    }
}

@Suite struct `An image that keeps its data elsewhere` {
    private static func refusal(_ scratch: DisksScratch, _ name: String) -> String? {
        do throws(Failure) {
            try FileKind.requireDisk(ReadableFile(scratch.path(name)))
            return nil
        } catch { return error.message.replacingOccurrences(of: scratch.root + "/", with: "") }
    }

    @Test(arguments: ["monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"])
    func `is refused as a VMDK of several files`(_ subformat: String) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run(
                "qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=\(subformat)", "disk.vmdk", "8M")
            #expect(Self.refusal(scratch, "disk.vmdk") == "disk.vmdk is a VMDK whose data are in other files")
        }
    }

    @Test(arguments: ["monolithicSparse", "streamOptimized"])
    func `is none as a VMDK of one`(_ subformat: String) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run(
                "qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=\(subformat)", "disk.vmdk", "8M")
            #expect(Self.refusal(scratch, "disk.vmdk") == nil)
            // One that QEMU takes for a descriptor: without a capacity, and with another file inside.
            try scratch.patch("disk.vmdk", at: 12, [UInt8](repeating: 0, count: 8))
            #expect(Self.refusal(scratch, "disk.vmdk") == "disk.vmdk is a VMDK whose data are in other files")
        }
    }

    @Test func `is refused as a VMDK that names another file within`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", "vmdk", "disk.vmdk", "8M")
            let text = try scratch.bytes("disk.vmdk")
            let line = try #require(text.firstRange(of: Data("RW 16384 SPARSE \"disk.vmdk\"".utf8)))
            try scratch.patch("disk.vmdk", at: line.lowerBound, Array("RW 16384 FLAT \"/etc/sha\" 0".utf8))
            #expect(Self.refusal(scratch, "disk.vmdk") == "disk.vmdk is a VMDK whose data are in other files")
        }
    }

    @Test func `is refused with a parent, in each format`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("qemu-img", "create", "-q", "-f", "vmdk", "base", "8M")
            try scratch.run(
                "qemu-img", "create", "-q", "-f", "vmdk", "-b", scratch.path("base"), "-F", "vmdk",
                "disk.vmdk")
            #expect(Self.refusal(scratch, "disk.vmdk") == "disk.vmdk is a VMDK that stands on another image")

            try scratch.run("qemu-img", "create", "-q", "-f", "vdi", "disk.vdi", "8M")
            try scratch.patch("disk.vdi", at: 0x4C, [4])
            #expect(Self.refusal(scratch, "disk.vdi") == "disk.vdi is a VDI that stands on another image")

            try scratch.run("qemu-img", "create", "-q", "-f", "vpc", "disk.vhd", "8M")
            let footer = try scratch.bytes("disk.vhd").count - 512
            try scratch.patch("disk.vhd", at: footer + 60, [0, 0, 0, 4])
            #expect(Self.refusal(scratch, "disk.vhd") == "disk.vhd is a VHD that stands on another image")

            // [MS-VHDX] 2.6.2.1: HasParent is bit 1 of the file parameters' second number.
            try scratch.run("qemu-img", "create", "-q", "-f", "vhdx", "disk.vhdx", "8M")
            let guid: [UInt8] = [
                0x37, 0x67, 0xA1, 0xCA, 0x36, 0xFA, 0x43, 0x4D, 0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7,
                0x6B,
            ]
            let bytes = try scratch.bytes("disk.vhdx")
            let entry = try #require(bytes.firstRange(of: Data(guid))).lowerBound
            let table = try #require(bytes.firstRange(of: Data("metadata".utf8))).lowerBound
            let flags =
                table + Int(bytes[entry + 16]) + Int(bytes[entry + 17]) << 8 + Int(bytes[entry + 18]) << 16
                + 4
            #expect(Self.refusal(scratch, "disk.vhdx") == nil)
            try scratch.patch("disk.vhdx", at: flags, [bytes[flags] | 2])
            #expect(Self.refusal(scratch, "disk.vhdx") == "disk.vhdx is a VHDX that stands on another image")
        }
    }

    @Test func `is refused where it is cut before it says so`() async throws {
        try await DisksScratch.with { scratch in
            for format in ["vhdx", "vpc", "vdi"] {
                try scratch.run("qemu-img", "create", "-q", "-f", format, "disk", "8M")
                try scratch.run("truncate", "-s", "70", "disk")
                #expect(Self.refusal(scratch, "disk") != nil, "\(format)")
                try scratch.run("rm", "disk")
            }
        }
    }
}
