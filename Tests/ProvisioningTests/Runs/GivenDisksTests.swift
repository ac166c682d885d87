import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `Disks that a spec names by their path` {
    private func refusal(
        of disk: String, readonly: Bool = false, _ state: StateFolder, user: EmulatorUser? = nil
    ) throws -> Failure? {
        var spec = VMSpec(name: "web")
        spec.disks = [DiskSpec(id: "given")]
        spec.disks[0].path = disk
        spec.disks[0].readonly = readonly
        var options = UpOptions()
        options.start = false
        let machine = Machine("web", on: FakeHypervisor(), state: state)
        do throws(Failure) {
            _ = try machine.up(spec, options)
            _ = try machine.preflight(spec)
            return nil
        } catch {
            return error
        }
    }

    @Test func `are taken with what lies below them, which is held to what a base is`() throws {
        try withScratchState { state throws in
            let (base, disk) = (state.root + "/base.raw", state.root + "/disk.qcow2")
            try makeFolders(state.root)
            #expect(try run("qemu-img", "create", "-f", "raw", base, "1M").status == 0)
            #expect(try run("qemu-img", "create", "-f", "qcow2", "-F", "raw", "-b", base, disk).status == 0)
            #expect(try refusal(of: disk, state) == nil)
            // QEMU and libvirt would look what it is: the header's extension with the format becomes one nobody knows.
            var bytes = try #require(readBytes(disk))
            let magic: [UInt8] = [0xE2, 0x79, 0x2A, 0xCA]
            let place = try #require(bytes.indices.first { bytes[$0...].starts(with: magic) })
            bytes.replaceSubrange(place..<place + 4, with: [0x12, 0x34, 0x56, 0x78])
            let bare = state.root + "/bare.qcow2"
            try writeBytes(bytes, to: bare)
            let failure = try #require(try refusal(of: bare, state))
            #expect(failure.code == .badImage && failure.message.contains("does not say which format"))
            unlink(base)
            #expect(try run("qemu-img", "rebase", "-u", "-F", "raw", "-b", base, disk).status == 0)
            #expect(try refusal(of: disk, state)?.code == .notFound)
        }
    }

    @Test
    func `below which lies what QEMU's account cannot read are refused, and so are those to be read only`()
        throws
    {
        guard geteuid() == 0 else { return }
        try withScratchState { state throws in
            try makeFolders(state.root, mode: 0o755)
            let (secret, disk) = (state.root + "/secret.raw", state.root + "/disk.qcow2")
            #expect(try run("qemu-img", "create", "-f", "raw", secret, "1M").status == 0)
            #expect(chmod(secret, 0o600) == 0)
            #expect(try run("qemu-img", "create", "-f", "qcow2", "-F", "raw", "-b", secret, disk).status == 0)
            let access = AccessCheck(EmulatorUser(name: "nobody", uid: 65534, gid: 65534))
            for (path, readonly) in [(disk, false), (disk, true), (secret, true)] {
                let failure = try #require(throws: Failure.self) {
                    _ = try Overlay.inspectDisk(path, readonly: readonly, access: access)
                }
                #expect(failure.code == .hostNotAble, "\(failure)")
            }
            _ = try Overlay.inspectDisk(secret, readonly: false, access: access)
        }
    }

    @Test func `are started on what lies below them then, rebased or put back flat meanwhile`() throws {
        try withScratchState { state throws in
            let (base, other, disk) = (
                state.root + "/base.raw", state.root + "/other.raw", state.root + "/disk.qcow2"
            )
            try makeFolders(state.root)
            for file in [base, other] {
                #expect(try run("qemu-img", "create", "-f", "raw", file, "1M").status == 0)
            }
            #expect(try run("qemu-img", "create", "-f", "qcow2", "-F", "raw", "-b", base, disk).status == 0)
            var spec = VMSpec(name: "web")
            spec.disks = [DiskSpec(id: "given")]
            spec.disks[0].path = disk
            var options = UpOptions()
            options.wait = .running
            let host = FakeHypervisor()
            let machine = Machine("web", on: host, state: state)
            func below() -> String? {
                host.domainNode("web")?.all("devices/disk").first?
                    .first("backingStore/source")?.attributes["file"]
            }
            _ = try machine.up(spec, options)
            #expect(below() == base)
            try host.destroy("web")
            #expect(try run("qemu-img", "rebase", "-u", "-F", "raw", "-b", other, disk).status == 0)
            _ = try machine.up(spec, options)
            #expect(below() == other)
            try host.destroy("web")
            #expect(try run("qemu-img", "create", "-f", "qcow2", disk, "1M").status == 0)
            try machine.start()
            #expect(below() == nil)
            #expect(try machine.up(spec, options).changes == [])
        }
    }

    @Test func `or media that are empty files are refused`() throws {
        try withScratchState { state throws in
            try makeFolders(state.root)
            let image = state.root + "/empty.iso"
            append("", to: image)
            var spec = VMSpec(name: "web")
            spec.cdroms = [CDROMSpec(id: "cd", isoPath: image)]
            let failure = try #require(throws: Failure.self) { try spec.check() }
            #expect(failure.message.contains("is empty"), "\(failure)")
        }
    }

    @Test func `and networks that are not there are told before anything is made or removed`() throws {
        try withScratchState { state throws in
            var spec = VMSpec(name: "web")
            spec.nics = [NICSpec(id: "lan")]
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            spec.nics[0].network = "nosuch"
            var failure = try #require(throws: Failure.self) { _ = try machine.preflight(spec) }
            #expect(failure.message.hasPrefix("nics[1].network") && failure.message.contains("nosuch"))
            spec.nics[0].network = "default"
            #expect(try machine.preflight(spec) == [])
            spec.nics[0].network = nil
            spec.nics[0].bridge = "nosuch0"
            failure = try #require(throws: Failure.self) { _ = try machine.preflight(spec) }
            #expect(failure.message.hasPrefix("nics[1].bridge") && failure.message.contains("nosuch0"))
            #expect(throws: Failure.self) { _ = try machine.up(spec) }
            #expect(!fileExists(machine.folder))
        }
    }
}

@Suite struct `A forward of a port that is root's` {
    @Test func `is refused where QEMU runs as another, before anything is made`() throws {
        var nic = NICSpec(id: "lan")
        nic.forward = [PortForward(host: 80, guest: 80)]
        var host = try FakeHypervisor().host()
        host.emulatorUser = EmulatorUser(name: "nobody", uid: 65534, gid: 65534)
        let failure = try #require(throws: Failure.self) { try HostPorts.checkFree([nic], on: host) }
        #expect(failure.code == .hostNotAble && failure.message.contains("port 80"), "\(failure)")
        #expect(failure.message.contains("nobody"))
    }
}
