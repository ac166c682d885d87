import Basics
import Glibc
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
            #expect(run("qemu-img", "create", "-f", "raw", base, "1M").code == 0)
            #expect(run("qemu-img", "create", "-f", "qcow2", "-F", "raw", "-b", base, disk).code == 0)
            #expect(try refusal(of: disk, state) == nil)
            // QEMU and libvirt would look what it is.
            #expect(run("qemu-img", "rebase", "-u", "-b", "", disk).code == 0)
            let bare = state.root + "/bare.qcow2"
            let made = run("qemu-img", "create", "-f", "qcow2", "-u", "-b", base, bare, "1M")
            if made.code == 0 {
                let failure = try #require(try refusal(of: bare, state))
                #expect(failure.code == .badImage && failure.message.contains("does not say which format"))
            }
            unlink(base)
            #expect(run("qemu-img", "rebase", "-u", "-F", "raw", "-b", base, disk).code == 0)
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
            #expect(run("qemu-img", "create", "-f", "raw", secret, "1M").code == 0)
            #expect(chmod(secret, 0o600) == 0)
            #expect(run("qemu-img", "create", "-f", "qcow2", "-F", "raw", "-b", secret, disk).code == 0)
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

    @Test func `whose serial numbers a guest could not tell apart are refused`() throws {
        var spec = VMSpec(name: "web")
        spec.disks = [DiskSpec(id: "application-data-disk-1"), DiskSpec(id: "application-data-disk-2")]
        for index in 0..<2 { spec.disks[index].sizeGiB = 1 }
        spec.disks[0].bootable = true
        let failure = try #require(throws: Failure.self) { try spec.check() }
        #expect(failure.code == .badField && failure.message.contains("disks[2].id and disks[1].id"))
        spec.disks[1].id = "data-disk-2"
        try spec.check()
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

    @Test func `and networks that are not there are told before anything is removed`() throws {
        try withScratchState { state throws in
            var spec = VMSpec(name: "web")
            spec.nics = [NICSpec(id: "lan")]
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            spec.nics[0].network = "nosuch"
            #expect(throws: Failure.self) { _ = try machine.preflight(spec) }
            spec.nics[0].network = nil
            spec.nics[0].bridge = "nosuch0"
            #expect(throws: Failure.self) { _ = try machine.preflight(spec) }
        }
    }
}
