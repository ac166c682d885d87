import Basics
import Glibc
import Support
import Testing
import XML

@testable import Provisioning

@Suite(
    "VMs on another machine, by ssh", .serialized,
    .enabled(if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
struct StorageRemoteTests {
    /// A VM with the small guest on an overlay, in 64 MiB.
    static func spec(_ name: String, base: String) -> VMSpec {
        var spec = VMSpec(name: name)
        spec.memoryMiB = 64
        var disk = DiskSpec(id: "boot")
        disk.backingFile = base
        spec.disks = [disk]
        spec.cloudInit = CloudInitSpec(userData: "#cloud-config\npassword: secret\n")
        return spec
    }

    static var running: UpOptions {
        var options = UpOptions()
        options.wait = .running
        options.acceleration = .emulation
        return options
    }

    @Test("five VMs at once upload their image once, run from it, and are removed without a volume left")
    func life() async throws {
        try await RemoteHost.with(1) { hosts in
            let host = hosts[0]
            try await ScratchFolder.with { folder in
                let state = StateFolder(root: folder)
                let base = folder + "/tiny.raw"
                try TestGuest.writeDisk(base)
                // What is there cannot be read from here: the guest runs from its host's copy.
                chmod(base, 0o600)
                let hypervisor = LibvirtHypervisor(uri: host.uri)
                let machines = (1...5).map { Machine("web-\($0)", on: hypervisor, state: state) }
                try await onEach(machines) { machine in
                    let report = try machine.up(Self.spec(machine.name, base: base), Self.running)
                    #expect(report.changed)
                }
                let images = host.volumes.filter { $0.hasPrefix("tiny-") }
                #expect(images.count == 1)
                #expect(host.processes(with: "guest=web-").count == 5)

                let overlay = host.pool + "/web-3.boot.qcow2"
                let info = try await runProgram("qemu-img", ["info", "-U", "--backing-chain", overlay]).output
                #expect(info.contains("backing file: \(host.pool)/\(images.first ?? "")"))
                #expect(info.contains("backing file format: raw"))
                #expect(info.contains("compat: 1.1"))
                var status = stat()
                #expect(stat(host.pool + "/web-3.seed.iso", &status) == 0)
                #expect(status.st_mode & 0o777 == 0o600)
                let seed = try await runProgram(
                    "isoinfo", ["-R", "-x", "/user-data", "-i", host.pool + "/web-3.seed.iso"])
                #expect(seed.output == "#cloud-config\npassword: secret\n")

                let before = host.volumes
                try await onEach(machines) { machine in
                    let report = try machine.up(Self.spec(machine.name, base: base), Self.running)
                    #expect(!report.changed)
                    #expect(try machine.remove())
                }
                #expect(before.count == 1 + 5 * 3)
                #expect(host.volumes == images)
                #expect(folderNames(state.machines) == [])
                let pools = try await runProgram("virsh", ["-c", host.uri, "-q", "pool-list", "--autostart"])
                #expect(pools.output.contains("limiq"))
            }
        }
    }
}

/// Runs a body for all at once, each on a thread of its own.
func onEach<Item: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for item in items { group.addTask { try await onThread { try body(item) } } }
        try await group.waitForAll()
    }
}
