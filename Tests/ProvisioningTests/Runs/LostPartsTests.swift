import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Provisioning
import Support
import Testing
import XML

@Suite struct `A part of a VM that is gone` {
    private static func spec() -> VMSpec {
        var spec = `Bringing a VM up`.spec()
        let files = ISOContents(files: [ISOFile("Autounattend.xml", "hunter2")], folders: [])
        spec.cdroms = [CDROMSpec(id: "answers", label: "ANSWERS", files: files)]
        spec.ignition = #"{ "ignition": { "version": "3.3.0" } }"#
        return spec
    }

    private static func options(start: Bool) -> UpOptions {
        var options = UpOptions()
        options.start = start
        options.wait = .running
        return options
    }

    static let damages: [String: @Sendable (String) throws -> Void] = [
        "gone": { unlink($0) },
        "empty": { append("", to: $0, truncate: true) },
        "cut short": { try #require(truncate($0, 40_000) == 0) },
        "other text": { append("not what it was", to: $0, truncate: true) },
        "a FIFO": { try #require(unlink($0) == 0 && mkfifo($0, 0o600) == 0) },
        "a link to nothing": { try #require(unlink($0) == 0 && symlink("/nothing", $0) == 0) },
    ]

    @Test(
        arguments: damages.keys.sorted(), ["seed.iso", "cdrom-answers.iso"])
    func `is made again where limiq can make it, as the plan says`(_ damage: String, _ file: String) throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            _ = try machine.up(Self.spec(), Self.options(start: false))
            let path = "\(machine.folder)/\(file)"
            let bytes = try fileBytes(path, atMost: 64 << 20)
            try #require(bytes.count > 40_000)
            for start in [false, true] {
                try Self.damages[damage]?(path)
                let plan = try machine.plan(Self.spec(), Self.options(start: start))
                #expect(plan.action == .change && plan.changes.isEmpty)
                #expect(plan.remade == [file == "seed.iso" ? .seed : .cdrom("answers")])
                #expect(try machine.up(Self.spec(), Self.options(start: start)).changed)
                // cloud-init in the guest has seen it, and does nothing anew.
                #expect(try fileBytes(path, atMost: 64 << 20) == bytes)
            }
            #expect(try !machine.up(Self.spec(), Self.options(start: true)).changed)
        }
    }

    @Test func `is made again also if it is Ignition's configuration`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            _ = try machine.up(Self.spec(), Self.options(start: false))
            let path = machine.folder + "/ignition.json"
            for damage in ["gone", "empty", "a FIFO"] {
                try Self.damages[damage]?(path)
                #expect(try machine.plan(Self.spec(), Self.options(start: false)).remade == [.ignition])
                _ = try machine.up(Self.spec(), Self.options(start: false))
                #expect(readWhole(path) == Self.spec().ignition)
            }
        }
    }

    @Test(arguments: [
        "web.seed.iso": Part.Kind.seed, "web.console.log": .console, "web.ignition.json": .ignition,
    ])
    func `is made again on another machine`(_ name: String, _ kind: Part.Kind) throws {
        try withScratchState { state throws in
            var setting = try `A VM on another machine, its volumes in memory`.Setting(state)
            setting.spec.ignition = Self.spec().ignition
            _ = try setting.up()
            let host = setting.host
            let bytes = host.storage.bytes(name)
            try host.destroy("web")
            host.storage.state.withLock { storage in
                storage.volumes = storage.volumes.filter { $0.key.name != name }
            }
            let plan = try setting.machine.plan(setting.spec, Self.options(start: true))
            #expect(plan.action == .change)
            #expect(plan.remade == [kind])
            #expect(try setting.up().changed)
            #expect(host.storage.bytes(name) == bytes)
            #expect(try host.domain("web")?.state == .running)
            #expect(try !setting.up().changed)
        }
    }
}
