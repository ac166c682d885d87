import Basics
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Provisioning
import Support
import Testing

@Suite(
    .serialized,
    .enabled(if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
struct `Volumes on another machine that somebody else uses too, by ssh` {
    private static func spec() -> VMSpec {
        var spec = VMSpec(name: "web")
        spec.memoryMiB = 64
        var disk = DiskSpec(id: "data")
        disk.sizeGiB = 1
        spec.disks = [disk]
        spec.cloudInit = CloudInitSpec(userData: "#cloud-config\n")
        return spec
    }

    @Test func `a clone's record, an undefined domain and an undefined pool cost no volume`() async throws {
        try await RemoteHost.with(1) { hosts in
            let host = hosts[0]
            try await ScratchFolder.with { folder in
                func virsh(_ words: String...) async throws -> String {
                    let result = try await command("virsh", ["-q", "-c", host.uri] + words)
                    try #require(result.status == 0, "virsh \(words): \(result.errors)")
                    return result.output
                }
                func expectRefused(_ code: Failure.Code, _ body: () throws -> Void) throws {
                    let failure = try #require(throws: Failure.self) { try body() }
                    #expect(failure.code == code, "\(failure)")
                }
                let state = StateFolder(root: folder)
                let hypervisor = LibvirtHypervisor(uri: host.uri)
                let web = Machine("web", on: hypervisor, state: state)
                _ = try web.up(Self.spec(), `VMs on another machine, by ssh`.running)
                try hypervisor.destroy("web")
                let volumes = host.volumes
                #expect(volumes == ["web.console.log", "web.data.qcow2", "web.seed.iso"])

                // A clone with the record, on the same volumes.
                var xml = try await virsh("dumpxml", "--inactive", "web")
                let uuid = try #require(try hypervisor.domain("web")?.uuid)
                xml = xml.replacing("<name>web</name>", with: "<name>twin</name>")
                    .replacing("<uuid>\(uuid)</uuid>", with: "")
                try writeBytes(Array(xml.utf8), to: folder + "/twin.xml")
                _ = try await virsh("define", folder + "/twin.xml")
                try expectRefused(.notOurs) {
                    _ = try Machine("twin", on: hypervisor, state: state).remove()
                }
                try expectRefused(.inUse) { _ = try web.remove() }
                #expect(host.volumes == volumes)
                try hypervisor.undefine("twin")

                // Undefined by hand, the volumes kept.
                try hypervisor.undefine("web")
                #expect(try Leftovers(state: state, on: hypervisor).survey().left.isEmpty)
                #expect(try web.plan(Self.spec(), `VMs on another machine, by ssh`.running).action == .adopt)
                _ = try web.up(Self.spec(), `VMs on another machine, by ssh`.running)
                #expect(try hypervisor.domain("web")?.uuid == uuid)
                #expect(host.volumes == volumes)
                try hypervisor.destroy("web")

                // The pool undefined.
                let pool = try await virsh("pool-dumpxml", "limiq")
                _ = try await virsh("pool-destroy", "limiq")
                _ = try await virsh("pool-undefine", "limiq")
                try expectRefused(.poolGone) { _ = try web.remove() }
                #expect(try hypervisor.domain("web") != nil)
                #expect(host.volumes == volumes)
                try writeBytes(Array(pool.utf8), to: folder + "/pool.xml")
                _ = try await virsh("pool-define", folder + "/pool.xml")
                #expect(try web.remove())
                #expect(host.volumes == [])
                #expect(try hypervisor.domains().isEmpty)
                #expect(folderNames(state.machines) == [])
            }
        }
    }
}
