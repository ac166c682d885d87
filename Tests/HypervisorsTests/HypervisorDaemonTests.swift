import Basics
import Foundation
import Glibc
import HostFiles
import Hypervisors
import Support
import Testing

@Suite(
    .serialized,
    .enabled(if: geteuid() == 0, "a system daemon and an ordinary user are root's to make"))
struct `Daemons and other processes (serial: the sockets of a daemon are the machine's)` {
    @Test func `root with libvirtd gets the system daemon, and a connection that breaks is replaced`()
        async throws
    {
        let events = Mailbox<DomainEvent>()
        let hypervisor = LibvirtHypervisor(uri: TestDaemon.uri)
        let name = "limiq-nobody-\(UInt32.random(in: 0...UInt32.max))"
        try await TestDaemon.withSystemDaemon {
            let choice = HypervisorChoice(
                explicit: nil, state: StateFolder(root: "/nowhere"), environment: { _ in nil }, uid: 0)
            #expect(choice.uri == "qemu:///system")
            try await onThread {
                #expect(try hypervisor.domain(name) == nil)
                _ = try hypervisor.onEvent(of: name) { events.put($0) }
            }
        }
        try await onThread {
            #expect(events.next(before: .now + .seconds(20)) == .connectionLost)
            #expect {
                try hypervisor.domains()
            } throws: { error in
                let failure = error as? Failure
                return failure?.code == .hostNotAble && failure?.hint?.contains("libvirtd") == true
            }
        }
        try await TestDaemon.withSystemDaemon {
            let found = try await onThread { try hypervisor.domain(name) }
            #expect(found == nil)
        }
    }

    @Test func `an ordinary user's session starts its daemon by itself`() async throws {
        try await TestUser.with { user in
            #expect(try await user.run("id", ["-un"]).output == user.name + "\n")
            let answer = try await user.run("virsh", ["-q", "-c", "qemu:///session", "list", "--all"])
            #expect(answer.status == 0, "\(answer.errors)")
        }
    }
}
