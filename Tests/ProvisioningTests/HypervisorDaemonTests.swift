import Basics
import Foundation
import Glibc
import Subprocess
import Support
import Testing

@testable import Provisioning

@Suite(
    "Daemons and other processes (serial: the sockets of a daemon are the machine's)", .serialized,
    .enabled(if: geteuid() == 0, "a system daemon and an ordinary user are root's to make"))
struct HypervisorDaemonTests {
    @Test(
        "root with libvirtd gets the system daemon, and a connection that breaks is replaced",
        arguments: [false, true])
    func system(besideAnEmbeddedDriver: Bool) async throws {
        if besideAnEmbeddedDriver {
            try await ScratchHost.withHost { _ = try $0.hypervisor.domains() }
        }
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

    @Test("an embed root that another process holds is refused with that process's name")
    func held() async throws {
        let folder = "/tmp/limiq-held-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? removeFolder(folder) }
        let uri = HypervisorURI.embed(root: folder)
        // `virsh` holds the root while it waits for its input.
        _ = try await run(
            .name("virsh"), arguments: ["-c", uri], input: .inputWriter, output: .discarded, error: .discarded
        ) { execution in
            let pidFile = "\(folder)/run/qemu/driver.pid"
            let deadline = ContinuousClock.now + .seconds(60)
            while fileText(pidFile).isEmpty, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect {
                try EmbeddedDriver.refuseWhereHeld(folder)
            } throws: { error in
                let failure = error as? Failure
                let holder = "process \(execution.processIdentifier.value) (/usr/bin/virsh -c \(uri))"
                return failure?.code == .hostNotAble && failure?.message == "\(folder) is in use by \(holder)"
            }
            try await execution.standardInputWriter.finish()
        }
        // Its lock went with it.
        try EmbeddedDriver.refuseWhereHeld(folder)
    }

    @Test("a process has one embed root, and says so")
    func oneRoot() async throws {
        try await ScratchHost.withHost { scratch in
            _ = try scratch.hypervisor.domains()
            let other = LibvirtHypervisor(uri: HypervisorURI.embed(root: "/tmp/limiq-another-root"))
            #expect { try other.domains() } throws: { ($0 as? Failure)?.code == .hostNotAble }
            #expect(access("/tmp/limiq-another-root", F_OK) != 0)
        }
    }

    @Test("a qemu.conf of the user's own is kept, one of limiq's is brought up to date")
    func configuration() throws {
        let root = "/tmp/limiq-conf-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? removeFolder(root) }
        let path = root + "/etc/qemu.conf"
        try EmbeddedDriver.prepare(root)
        let written = fileText(path)
        #expect(written.contains("\nuser = \"root\"\n"))
        let signature = written.split(separator: "\n")[0]
        try writeBytes("\(signature)\nold = 1\n".utf8, to: path)
        try EmbeddedDriver.prepare(root)
        #expect(fileText(path) == written)
        try writeBytes("user = \"me\"\n".utf8, to: path)
        try EmbeddedDriver.prepare(root)
        #expect(fileText(path) == "user = \"me\"\n")
    }

    @Test("a domain that a killed process was just starting is off, and starts; one that runs is left alone")
    func halfStarts() throws {
        let root = "/tmp/limiq-half-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? removeFolder(root) }
        func status(_ name: String, pid: Int) throws -> (file: String, folder: String) {
            let (file, folder) = ("\(root)/run/qemu/\(name).xml", "\(root)/lib/qemu/domain-1-\(name)")
            for path in ["\(root)/run/qemu", folder] { try makeFolders(path) }
            try writeBytes("key".utf8, to: folder + "/master-key.aes")
            try writeBytes(
                """
                <domstatus state='paused' reason='starting up' pid='\(pid)'>
                  <job type='none' async='start' phase='none' flags='0x0'/>
                  <libDir path='\(folder)'/>
                  <channelTargetDir path='/tmp'/>
                  <domain type='qemu'><name>\(name)</name></domain>
                </domstatus>
                """.utf8, to: file)
            return (file, folder)
        }
        let (half, running) = (try status("half", pid: 0), try status("running", pid: 1234))
        try EmbeddedDriver.forgetHalfStarts(in: root)
        for path in [half.file, half.folder] { #expect(!fileExists(path), "\(path)") }
        for path in [running.file, running.folder + "/master-key.aes"] {
            #expect(fileExists(path), "\(path)")
        }
    }

    @Test(
        "a control group that a killed start left is removed; one with a process in it, or of another root, is not"
    )
    func emptyGroups() async throws {
        let isUnified = fileExists("/sys/fs/cgroup/cgroup.controllers")
        let machines = isUnified ? "/sys/fs/cgroup/machine" : "/sys/fs/cgroup/freezer/machine"
        let root = "/tmp/limiq-groups-\(UInt32.random(in: 0...UInt32.max))"
        let digest = try await run(
            .name("sha256sum"), input: .string(root), output: .string(limit: 1000)
        ).standardOutput
        let (own, other) = ("qemu-embed-\(digest.prefix(8))", "qemu-embed-00000000")
        let left = "\(machines)/\(own)-1-left.libvirt-qemu"
        let kept = ["\(machines)/\(own)-2-runs.libvirt-qemu", "\(machines)/\(other)-1-left.libvirt-qemu"]
        defer { for folder in kept { rmdir(folder) } }
        for folder in kept + ["\(left)/emulator"] { try makeFolders(folder) }
        _ = try await run(.name("cat"), input: .inputWriter, output: .discarded, error: .discarded) {
            execution in
            let process = "\(execution.processIdentifier.value)"
            try process.write(toFile: kept[0] + "/cgroup.procs", atomically: false, encoding: .utf8)
            EmbeddedDriver.removeEmptyGroups(of: root)
            #expect(!fileExists(left))
            for folder in kept { #expect(fileExists(folder), "\(folder)") }
            try await execution.standardInputWriter.finish()
        }
        EmbeddedDriver.removeEmptyGroups(of: root)
        #expect(!fileExists(kept[0]), "its process has ended")
    }

    @Test("an ordinary user's session starts its daemon by itself")
    func session() async throws {
        try await TestUser.with { user in
            #expect(try await user.run("id", ["-un"]).output == user.name + "\n")
            let answer = try await user.run("virsh", ["-q", "-c", "qemu:///session", "list", "--all"])
            #expect(answer.status == 0, "\(answer.errors)")
        }
    }
}
