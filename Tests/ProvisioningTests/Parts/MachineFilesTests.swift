import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Steps
import Support
import Testing

@testable import Provisioning

/// CD-ROM images that are made for a VM, and Ignition's configuration.
@Suite struct `Files that are made for a VM` {
    private static let ignition = #"{ "ignition": { "version": "3.3.0" },  "passwd": {"users": []} }"# + "\n"

    private static func spec(answer: String = "hunter2", ignition: String? = ignition) -> VMSpec {
        var spec = VMSpec(name: "web")
        let files = ISOContents(
            files: [ISOFile("Autounattend.xml", answer), ISOFile("$OEM$/setup.cmd", "echo hi\r\n")],
            folders: ["$OEM$", "empty"])
        spec.cdroms = [CDROMSpec(id: "answers", label: "ANSWERS", files: files)]
        spec.ignition = ignition
        return spec
    }

    @Test func `are in its folder, closed to others, and gone with it`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let machine = Machine("web", on: host, state: state)
            let report = try machine.up(Self.spec())
            #expect(report.phases.map(\.step.word) == ["media", "seed", "define", "start", "running"])
            let image = machine.folder + "/cdrom-answers.iso"
            let listing = try run("isoinfo", "-J", "-f", "-i", image)
            #expect(
                listing.output.split(separator: "\n").sorted() == [
                    "/$OEM$", "/$OEM$/setup.cmd", "/Autounattend.xml", "/empty",
                ])
            #expect(try run("isoinfo", "-d", "-i", image).output.contains("Volume id: ANSWERS"))
            #expect(readWhole(machine.folder + "/ignition.json") == Self.ignition)
            for file in [image, machine.folder + "/ignition.json"] {
                var status = stat()
                #expect(stat(file, &status) == 0)
                #expect(status.st_mode & 0o007 == 0, "\(file)")
            }
            let node = try #require(host.domainNode("web"))
            #expect(node.first("devices/disk/source")?.attributes["file"] == image)
            #expect(try machine.remove())
            #expect(!fileExists(machine.folder))
        }
    }

    @Test func `are removed again where the VM cannot be made`() throws {
        try withScratchState { state throws in
            var behaviour = FakeHypervisor.Behaviour()
            behaviour.startFails = { _ in Failure(.libvirt, "cannot start") }
            let machine = Machine("web", on: FakeHypervisor(behaviour), state: state)
            #expect(throws: Failure.self) { _ = try machine.up(Self.spec()) }
            #expect(!fileExists(machine.folder))
        }
    }

    @Test func `make a VM another when they change, and only then`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            _ = try machine.up(Self.spec())
            #expect(try machine.up(Self.spec()).changed == false)
            let failure = try #require(throws: Failure.self) {
                _ = try machine.up(Self.spec(answer: "hunter3", ignition: Self.ignition + "\n"))
            }
            #expect(failure.code == .specDiffers)
            #expect(failure.message.contains("ignition is another"), "it is read at the first boot only")

            var options = UpOptions()
            options.restart = true
            let report = try machine.up(Self.spec(answer: "hunter3"), options)
            #expect(report.changes.map(\.path) == ["cdroms[1].files"])
            let image = try ISOContents(image: MachineLayout(Self.spec(), of: machine).cdroms[0])
            #expect(image.files.contains { String(decoding: $0.contents, as: UTF8.self).contains("hunter3") })
            #expect(try machine.up(Self.spec(answer: "hunter3")).changed == false)
        }
    }

    @Test func `are the same still when something else of the VM has changed`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            var spec = Self.spec()
            _ = try machine.up(spec)
            spec.labels = ["tier": "web"]
            #expect(try machine.up(spec).changes.map(\.path) == ["labels.tier"])
            spec.cpuCores = 2
            for _ in 0..<2 { #expect(try machine.up(spec).pending.map(\.path) == ["cpu_cores"]) }
            spec.cdroms = Self.spec(answer: "hunter3").cdroms
            for _ in 0..<2 {
                #expect(try machine.up(spec).pending.map(\.path) == ["cdroms[1].files", "cpu_cores"])
            }
            for inactive in [true, false] {
                let xml = try machine.hypervisor.xml("web", inactive: inactive, secrets: false)
                #expect(!xml.contains("hunter"), "what the files hold is kept as digests only")
            }
        }
    }

    @Test func `are read back as the spec they were made from`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            _ = try machine.up(Self.spec())
            let spec = try machine.spec()
            #expect(spec.ignition == Self.ignition)
            let files = try #require(spec.cdroms[0].files?.files)
            #expect(Set(files.map(\.path)) == ["Autounattend.xml", "$OEM$/setup.cmd"])
            #expect(files.first { $0.path == "Autounattend.xml" }?.contents == Array("hunter2".utf8))
            #expect(try machine.diff(spec) == [])
        }
    }

    @Test func `are checked before anything is made`() throws {
        func complaint(_ change: (inout VMSpec) -> Void) throws -> String {
            var spec = Self.spec()
            change(&spec)
            return try #require(throws: Failure.self) { try spec.check() }.message
        }
        #expect(
            try complaint { $0.cdroms[0].files = nil } == "cdroms[1] has neither iso_path nor files")
        #expect(
            try complaint { $0.cdroms[0].isoPath = "/dev/null" } == "cdroms[1] has both iso_path and files")
        #expect(
            try complaint { $0.cdroms[0].label = "a label that is too long" }.hasPrefix("cdroms[1]: label"))
        #expect(try complaint { $0.cdroms[0].files?.files[0].path = "a//b" }.hasPrefix("cdroms[1]: "))
        #expect(
            try complaint {
                $0.cdroms[0].files = nil
                $0.cdroms[0].isoPath = "/dev/null"
            } == "cdroms[1].iso_path /dev/null is a device, not a file")
        try withScratchState { state throws in
            try makeFolders(state.root)
            let iso = state.root + "/tools.iso"
            try writeISO("tools", to: iso)
            #expect(
                try complaint {
                    $0.cdroms[0].files = nil
                    $0.cdroms[0].isoPath = iso
                } == "cdroms[1].label is for an image that is made of files")
        }
        try withScratchState { state throws in
            var spec = Self.spec()
            spec.ignition = "{}"
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            let failure = try #require(throws: Failure.self) { try machine.preflight(spec) }
            #expect(failure.message == "ignition.ignition is missing")
            let failedUp = try #require(throws: Failure.self) { try machine.up(spec) }
            #expect(failedUp.message == failure.message)
            #expect(try machine.hypervisor.domain("web") == nil)
        }
    }
}
