import Basics
import Glibc
import HostFiles
import ImageLibrary
import MachineSpec
import Support
import Testing
import XML

@testable import DiskImages
@testable import Provisioning

@Suite struct `An image below a machine's disk` {
    /// A VM that is off, whose disk is an overlay on an image of its own.
    private struct Setting {
        let host = FakeHypervisor()
        let state: StateFolder
        let machine: Machine
        let spec: VMSpec
        let base: String
        var overlay: String { state.machine("web") + "/boot.qcow2" }

        /// - Parameter isOfLibrary: the image was taken into the library.
        init(_ state: StateFolder, isOfLibrary: Bool = false) throws {
            self.state = state
            let image = state.root + "/image.qcow2"
            try Setting.write(image, 1)
            if isOfLibrary {
                let library = ImageLibrary(state: state, builders: state.root, catalogue: CatalogueFiles([]))
                _ = try library.add(ImageAddition(name: "own", source: .file(image)), Cancellation())
                base = state.cloudImages + "/own.qcow2"
            } else {
                base = image
            }
            machine = Machine("web", on: host, state: state)
            spec = `A machine whose disk others stand on`.Family.spec("web", base: base)
            _ = try machine.up(spec, `A machine whose disk others stand on`.Family.off)
        }

        /// A qcow2 image of one megabyte of this byte.
        static func write(_ path: String, _ byte: Int, size: String = "1G") throws {
            unlink(path)
            try #require(try run("qemu-img", "create", "-q", "-f", "qcow2", path, size).status == 0)
            try #require(try run("qemu-io", "-f", "qcow2", "-c", "write -P \(byte) 0 1M", path).status == 0)
        }

        func options(_ change: (inout UpOptions) -> Void) -> UpOptions {
            var options = UpOptions()
            change(&options)
            return options
        }

        /// Nothing starts, and the error names both and the ways out.
        func expectRefused(_ words: String, at location: SourceLocation = #_sourceLocation) throws {
            let calls = host.calls
            // A spec that names what is gone is refused as such.
            let attempts = [
                { _ = try machine.plan(spec) }, { try machine.start() }, { _ = try machine.up(spec) },
            ]
            for attempt in attempts.prefix(fileExists(base) ? 3 : 2) {
                let failure = try #require(throws: Failure.self, sourceLocation: location) { try attempt() }
                #expect(failure.message.contains(base), "\(failure)", sourceLocation: location)
                #expect(failure.message.contains("vm web"), "\(failure)", sourceLocation: location)
                #expect(
                    words.isEmpty || failure.message.contains(words), "\(failure)", sourceLocation: location)
                #expect(failure.hint?.contains("replace = true") == true, sourceLocation: location)
            }
            #expect(host.calls == calls, sourceLocation: location)
            #expect(try machine.record()?.spec.disks[0].backingFile == base, sourceLocation: location)
        }
    }

    private static func copy(_ path: String) throws {
        try #require(try run("cp", path, path + ".copy").status == 0)
        try #require(try run("mv", path + ".copy", path).status == 0)
    }

    @Test func `that stays what it was changes nothing`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            let before = try setting.machine.record()
            #expect(before?.bases?["boot"]?.map(\.path) == [setting.base])
            _ = try setting.machine.up(setting.spec)
            #expect(try setting.machine.record() == before)
            // Its owner and mode are no part of it.
            chmod(setting.base, 0o444)
            var options = UpOptions()
            (options.restart, options.start) = (true, true)
            var other = setting.spec
            other.cpuCores = 2
            #expect(try setting.machine.up(other, options).changed)
            #expect(try setting.machine.record()?.bases == before?.bases)
        }
    }

    @Test
    func `that is another, was written to, cut, copied, touched or removed keeps the guest from starting`()
        throws
    {
        let changes: [(String, (String) throws -> Void)] = [
            (
                "bytes and had",
                {
                    try Setting.write($0, 2, size: "8G"); truncate($0, 1 << 24)
                }
            ),
            ("", { try Setting.write($0, 2) }),
            (
                "it was written to, or replaced, since",
                { path in
                    try #require(try run("qemu-io", "-f", "qcow2", "-c", "write -P 3 0 1M", path).status == 0)
                }
            ),
            ("bytes and had", { truncate($0, 300_000) }),
            ("another file is in its place", { try Self.copy($0) }),
            ("it was written to, or replaced, since", { _ = try run("touch", $0) }),
            ("is gone", { unlink($0) }),
        ]
        for (words, change) in changes {
            try withScratchState { state throws in
                let setting = try Setting(state)
                usleep(10_000)
                try change(setting.base)
                try setting.expectRefused(words)
            }
        }
    }

    @Test func `that is another does not disturb a guest that runs, until it is to start anew`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            _ = try setting.machine.up(setting.spec)
            try Setting.write(setting.base, 2, size: "2G")
            #expect(try !setting.machine.up(setting.spec).changed)
            var other = setting.spec
            other.cpuCores = 2
            let calls = setting.host.calls
            #expect(throws: Failure.self) {
                try setting.machine.up(other, setting.options { $0.restart = true })
            }
            #expect(setting.host.calls == calls)
        }
    }

    @Test func `that is another is taken where the disk may be thrown away, or on somebody's word`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            try Self.copy(setting.base)
            let kept = try #require(readBytes(setting.overlay))
            let accept = setting.options { $0.acceptBase = true }
            #expect(try setting.machine.plan(setting.spec, accept).starts)
            _ = try setting.machine.up(setting.spec, accept)
            #expect(readBytes(setting.overlay) == kept)
            try setting.host.destroy("web")
            // For good.
            _ = try setting.machine.up(setting.spec)
            try setting.host.destroy("web")
            try Setting.write(setting.base, 2, size: "2G")
            try setting.expectRefused("")
            let replace = setting.options { $0.replace = true }
            let plan = try setting.machine.plan(setting.spec, replace)
            #expect(plan.action == .replace && plan.changes.map(\.path) == ["disks[1].backing_file"])
            #expect(try setting.machine.up(setting.spec, replace).changes == plan.changes)
            #expect(try DiskImage.inspect(setting.overlay)[0].virtualSize == 2 << 30)
            // What is gone is nobody's to accept.
            try setting.host.destroy("web")
            unlink(setting.base)
            #expect(throws: Failure.self) { try setting.machine.up(setting.spec, accept) }
        }
    }

    @Test func `of the library is known by its digest, wherever it was copied from`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state, isOfLibrary: true)
            let digest = try #require(try setting.machine.record()?.bases?["boot"]?.first?.digest)
            #expect(try run("sha256sum", setting.base).output.hasPrefix(digest))
            try Self.copy(setting.base)
            try setting.machine.start()
            #expect(
                try setting.machine.record()?.bases?["boot"]?.first
                    == ImageStamp(file: setting.base, digest: digest))
            try setting.host.destroy("web")
            _ = try run("touch", setting.base)
            _ = try setting.machine.up(setting.spec)
            try setting.host.destroy("web")
            // The next release under its name, of the same length.
            try #require(try run("qemu-io", "-f", "qcow2", "-c", "write -P 3 0 1M", setting.base).status == 0)
            try setting.expectRefused("it was written to, or replaced, since")
            // An image that is written to has no digest any more.
            #expect(ImageDigests(state: state).digest(of: setting.base) == nil)
        }
    }

    @Test func `of the library is known by its digest in a state folder that is reached by a link`() throws {
        try withScratchState { state throws in
            let link = state.root + "-link"
            symlink(state.root, link)
            defer { unlink(link) }
            let setting = try Setting(StateFolder(root: link), isOfLibrary: true)
            #expect(try setting.machine.record()?.bases?["boot"]?.first?.digest != nil)
            var spec = VMSpec(name: "thief")
            spec.disks = [DiskSpec(id: "stolen")]
            spec.disks[0].path = setting.overlay
            let thief = Machine("thief", on: setting.host, state: setting.state)
            #expect(throws: Failure.self) { try thief.up(spec) }
        }
    }

    @Test func `counts however far below it is, and not where the disk was put on another`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            let (middle, other) = (state.root + "/middle.qcow2", state.root + "/other.qcow2")
            try Overlay.create(middle, base: setting.base)
            let machine = Machine("deep", on: setting.host, state: state)
            let spec = `A machine whose disk others stand on`.Family.spec("deep", base: middle)
            _ = try machine.up(spec, `A machine whose disk others stand on`.Family.off)
            #expect(try machine.record()?.bases?["boot"]?.map(\.path) == [middle, setting.base])
            try Self.copy(setting.base)
            let failure = try #require(throws: Failure.self) { try machine.up(spec) }
            #expect(failure.message.contains(setting.base) && failure.message.contains("vm deep"))
            try Setting.write(other, 1)
            let overlay = state.machine("deep") + "/boot.qcow2"
            #expect(
                try run("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", other, "-F", "qcow2", overlay).status
                    == 0)
            _ = try machine.up(spec)
            #expect(try machine.record()?.bases?["boot"]?.map(\.path) == [other])
        }
    }

    @Test func `of a machine that an older limiq made is noted when it starts`() throws {
        try withScratchState { state throws in
            let setting = try Setting(state)
            var record = try #require(try setting.machine.record())
            record.bases = nil
            try setting.host.setMetadata("web", try record.element())
            try setting.machine.start()
            #expect(try setting.machine.record()?.bases?["boot"]?.first?.path == setting.base)
        }
    }

    @Test func `on another machine is compared with what its libvirt says`() throws {
        try withScratchState { state throws in
            let setting = try `A VM on another machine, its volumes in memory`.Setting(state)
            _ = try setting.up()
            let bases = try #require(try setting.machine.record()?.bases)
            #expect(bases.keys.sorted() == ["boot-disk"])
            try setting.host.destroy("web")
            try setting.machine.start()
            try setting.host.destroy("web")
            let image = try #require(setting.host.storage.names.first { $0.hasPrefix("base-") })
            setting.host.storage.touch(image)
            let failure = try #require(throws: Failure.self) { _ = try setting.up() }
            #expect(failure.message.contains(image) && failure.message.contains("vm web"), "\(failure)")
            #expect(throws: Failure.self) { try setting.machine.start() }
            _ = try setting.up { $0.acceptBase = true }
        }
    }
}
