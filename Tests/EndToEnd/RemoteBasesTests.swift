import Basics
import Foundation
import HostFiles
import Hypervisors
import MachineSpec
import Provisioning
import Support
import Testing

extension EndToEnd {
    /// The host is an ordinary user of this machine with an ssh server and a libvirt session of their own.
    @Suite(
        .enabled(
            if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
    struct `Bases and saved memory on another machine` {
        private static func failure(_ body: () throws -> Void) throws -> Failure {
            try #require(throws: Failure.self) { try body() }
        }

        @Test func `are compared, asked for and gone on from there`() async throws {
            try await RemoteHost.with(1) { hosts in
                try await ScratchFolder.with { folder in
                    let remote = hosts[0]
                    let host = LibvirtHypervisor(uri: remote.uri)
                    let machine = Machine("web", on: host, state: StateFolder(root: folder))
                    try TestGuest.writeDisk(folder + "/base.raw")
                    var disk = DiskSpec(id: "boot")
                    disk.backingFile = folder + "/base.raw"
                    var nic = NICSpec(id: "nic1")
                    nic.forward = [PortForward(host: freePort(), guest: 80)]
                    var spec = VMSpec(name: "web")
                    (spec.memoryMiB, spec.disks, spec.nics) = (64, [disk], [nic])
                    let first = spec
                    spec.cpuCores = 2
                    let wanted = spec
                    var restart = UpOptions()
                    restart.restart = true
                    let anew = restart

                    try await onThread {
                        _ = try machine.up(first)
                        // What was sent there is what it was, however often it is started.
                        for _ in 0..<2 {
                            try host.destroy("web")
                            _ = try machine.up(first)
                        }
                        _ = try machine.up(wanted, anew)
                    }
                    let saved = try await command("virsh", ["-c", remote.uri, "managedsave", "web"])
                    try #require(saved.status == 0, "\(saved.errors)")
                    try await onThread {
                        #expect(try host.domain("web")?.state == .saved)
                        #expect(try machine.up(first).pending.map(\.path) == ["cpu_cores"])
                        #expect(try machine.info().forwards == first.nics[0].forward)
                        try host.destroy("web")
                    }
                    // Somebody's own domain there, with a disk on the machine's.
                    let volume = try #require(remote.volumes.first { $0.hasPrefix("web.boot") })
                    let own = """
                        <domain type='qemu'><name>own</name><memory>65536</memory><os><type>hvm</type></os><devices>
                        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/tmp/own.qcow2'/>
                        <backingStore type='file'><format type='qcow2'/><source file='\(remote.pool)/\(volume)'/>
                        </backingStore><target dev='vda'/></disk></devices></domain>
                        """
                    try own.write(toFile: folder + "/own.xml", atomically: false, encoding: .utf8)
                    let defined = try await command(
                        "virsh", ["-c", remote.uri, "define", folder + "/own.xml"])
                    try #require(defined.status == 0, "\(defined.errors)")
                    // Known at the latest when what was known is old.
                    try await Task.sleep(for: .seconds(3))
                    try await onThread {
                        for attempt in [{ _ = try machine.remove() }, { try machine.start() }] {
                            let refused = try Self.failure(attempt)
                            #expect(refused.message.contains("vm own stands on"), "\(refused)")
                        }
                        try host.undefine("own")
                    }
                    let image = try #require(remote.volumes.first { $0.hasPrefix("base-") })
                    #expect(try await command("touch", ["\(remote.pool)/\(image)"]).status == 0)
                    try await onThread {
                        let refused = try Self.failure { try machine.start() }
                        #expect(refused.message.contains(image) && refused.message.contains("vm web"))
                        var accept = UpOptions()
                        accept.acceptBase = true
                        _ = try machine.up(first, accept)
                        #expect(try machine.remove())
                    }
                }
            }
        }
    }
}
