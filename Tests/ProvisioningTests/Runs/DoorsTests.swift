import Basics
import DiskImages
import HostFiles
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `What is no image is refused` {
    /// What a file is that is no image, and what is said of it.
    private static let strangers: [(write: String, says: String)] = [
        ("printf '<!DOCTYPE html><html>'", "is a web page, not an image"),
        ("echo 404 Not Found", "is a text, not an image"),
        (
            "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:4d\\nsize 1\\n'",
            "is a git-LFS pointer"
        ),
        ("tar -c /etc/hostname", "is a tar archive"),
        ("echo packed | gzip -c", "is compressed"),
        ("genisoimage -quiet /etc/hostname", "is an ISO image, no disk's"),
        (
            "qemu-img create -q -f qcow2 x 64M; qemu-io -c 'write 0 1M' x >/dev/null; head -c 300000 x",
            "is cut short"
        ),
        (
            "printf '# Disk DescriptorFile\\nRW 2 FLAT \"/etc/passwd\" 0\\n'",
            "is a VMDK whose data are in other files"
        ),
        ("printf 'LUKS\\272\\276\\0\\1'; head -c 2000 /dev/zero", "is encrypted by LUKS"),
    ]

    @Test(arguments: strangers, ["backing_file", "path"])
    func `as a disk, before anything is made`(
        _ stranger: (write: String, says: String), _ field: String
    ) throws {
        try withScratchState { state throws in
            try makeFolders(state.root)
            let file = state.root + "/stranger.qcow2"
            let made = try run("sh", ["-c", "cd \(state.root); ( \(stranger.write) ) > \(file) 2>/dev/null"])
            #expect(made.status == 0)
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            var spec = VMSpec(name: "web")
            var disk = DiskSpec(id: "boot")
            if field == "path" { disk.path = file } else { disk.backingFile = file }
            spec.disks = [disk]
            let failure = try #require(throws: Failure.self) { _ = try machine.up(spec) }
            #expect(failure.message.contains(stranger.says), "\(failure)")
            #expect(failure.code == .badImage && !fileExists(machine.folder))
        }
    }

    @Test func `but for a disk that is said to be raw, or is blank for the guest to write to`() throws {
        try withScratchState { state throws in
            try makeFolders(state.root)
            let file = state.root + "/data.img"
            try writeBytes([UInt8](repeating: 1, count: 1 << 20), to: file)
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            var spec = VMSpec(name: "web")
            spec.disks = [DiskSpec(id: "boot")]
            spec.disks[0].path = file
            var options = UpOptions()
            options.start = false
            let failure = try #require(throws: Failure.self) { _ = try machine.up(spec, options) }
            #expect(failure.message.contains("neither a partition table nor a filesystem"))
            spec.disks[0].format = .raw
            _ = try machine.up(spec, options)
            try machine.remove()

            try writeBytes([UInt8](repeating: 0, count: 1 << 20), to: file)
            spec.disks[0].format = .qcow2
            _ = try machine.up(spec, options)
            // What its guest has made of it since is the guest's.
            try writeBytes(
                Array("a text of the guest's".utf8) + [UInt8](repeating: 10, count: 1000), to: file)
            spec.memoryMiB = 256
            _ = try machine.up(spec, options)
        }
    }

    @Test(arguments: [
        ("printf '<html>'", "is a web page, not an image"), ("head -c 1000000 /dev/zero", "is no ISO image"),
        ("genisoimage -quiet /etc/passwd | gzip -c", "is compressed"),
        ("genisoimage -quiet /bin/bash | head -c 200000", "is cut short"),
        ("qemu-img create -q -f qcow2 x 64M; cat x", "is an image of a disk (qcow2), no ISO image"),
    ])
    func `as a medium, at both of its doors`(_ stranger: (write: String, says: String)) throws {
        try withScratchState { state throws in
            try makeFolders(state.root)
            let (file, good) = (state.root + "/stranger.iso", state.root + "/good.iso")
            let made = try run("sh", ["-c", "cd \(state.root); ( \(stranger.write) ) > \(file) 2>/dev/null"])
            #expect(made.status == 0)
            try writeISO("tools", to: good)
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            var spec = VMSpec(name: "web")
            spec.cdroms = [CDROMSpec(id: "tools", isoPath: file)]
            let failure = try #require(throws: Failure.self) { _ = try machine.up(spec) }
            #expect(failure.message.hasPrefix("cdroms[1].iso_path \(file) \(stranger.says)"), "\(failure)")
            spec.cdroms[0].isoPath = good
            var options = UpOptions()
            options.start = false
            _ = try machine.up(spec, options)
            for attempt in [
                { try machine.insertMedia(id: "tools", iso: file) },
                { try machine.attachCDROM(id: "more", iso: file) },
            ] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.message.contains(stranger.says), "\(failure)")
            }
        }
    }
}
