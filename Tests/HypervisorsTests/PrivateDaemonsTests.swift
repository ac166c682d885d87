import Basics
import Foundation
import Glibc
import HostFiles
import Support
import Testing

@testable import Hypervisors

@Suite(.enabled(if: geteuid() == 0, "they are root's to start"))
struct `libvirt's daemons on demand, private to a state folder` {
    /// Runs `body` with the daemons of a new state folder, which end with all that they have started.
    private func with(
        idle: Int = 15, _ body: @escaping @Sendable (PrivateDaemons, LibvirtHypervisor) throws -> Void
    ) async throws {
        let folder = try ScratchFolder(prefix: "daemons")
        defer { folder.remove() }
        var daemons = PrivateDaemons(state: StateFolder(root: folder.path))
        daemons.idleSeconds = idle
        daemons.logSeconds = idle
        defer { try? endDaemons(daemons) }
        let (ready, hypervisor) = (daemons, LibvirtHypervisor(uri: daemons.uri, daemons: daemons))
        try await onThread { try body(ready, hypervisor) }
    }

    private func process(_ daemons: PrivateDaemons) -> pid_t? {
        pid_t(fileText(daemons.runtime + "/libvirtd.pid").filter(\.isNumber))
    }

    @Test func `any number of callers at once start one of each, which all of them use`() async throws {
        try await with { daemons, _ in
            let answers = Mailbox<Result<pid_t?, any Error>>()
            for _ in 0..<8 {
                startThread {
                    answers.put(
                        Result {
                            let hypervisor = LibvirtHypervisor(uri: daemons.uri, daemons: daemons)
                            _ = try hypervisor.domains()
                            return process(daemons)
                        })
                }
            }
            let processes = try (0..<8).map { _ in try answers.next().get() }
            #expect(Set(processes).count == 1 && processes[0] != nil)
        }
    }

    @Test func `they end by themselves where nobody needs them, and not while a guest runs; domains stay`()
        async throws
    {
        try await with(idle: 1) { daemons, hypervisor in
            _ = try hypervisor.define(TestGuest.domain("idle"))
            try hypervisor.start("idle")
            let guest = try #require(processes(ofGuestsIn: daemons.runtime + "/run").first)
            let account = try daemons.emulatorUser().uid
            #expect(owner(of: guest) == account && account != 0)
            let daemon = try #require(process(daemons))
            // Its one client goes; the guest is reason enough to stay.
            let seen = try asOther(daemons) { try $0.domain("idle")?.state }
            #expect(seen == .running)
            let log = try #require(pid_t(fileText(daemons.runtime + "/virtlogd.pid").filter(\.isNumber)))
            sleep(8)
            #expect(isRunning(daemon))
            #expect(isRunning(log), "the guest's console is logged through it")
            try asOther(daemons) { try $0.destroy("idle") }
            // This test's own connections would keep it.
            try endDaemon(daemon)
            let end = ContinuousClock.now + .seconds(30)
            while isRunning(log), ContinuousClock.now < end { usleep(100_000) }
            #expect(!isRunning(log), "nobody logs any more")
        }
    }

    @Test func `one that has ended is started by the next call, with the domains that were defined`()
        async throws
    {
        try await with(idle: 1) { daemons, _ in
            try asOther(daemons) { _ = try $0.define(TestGuest.domain("again")) }
            let first = try #require(process(daemons))
            let deadline = ContinuousClock.now + .seconds(20)
            while isRunning(first), ContinuousClock.now < deadline { usleep(50_000) }
            #expect(!isRunning(first))
            let names = try asOther(daemons) { try $0.domains().map(\.name) }
            #expect(names == ["again"])
            #expect(process(daemons) != first)
        }
    }

    @Test func `a daemon that was killed leaves its guests, and the next one has them`() async throws {
        try await with { daemons, hypervisor in
            _ = try hypervisor.define(TestGuest.domain("kept"))
            try hypervisor.start("kept")
            let guest = processes(ofGuestsIn: daemons.runtime + "/run")
            kill(try #require(process(daemons)), SIGKILL)
            let seen = try asOther(daemons) { try $0.domain("kept")?.state }
            #expect(seen == .running)
            #expect(processes(ofGuestsIn: daemons.runtime + "/run") == guest && guest.count == 1)
        }
    }

    @Test func `a log daemon that has ended is started again by the machine that needs it`() async throws {
        try await with { daemons, hypervisor in
            _ = try hypervisor.define(TestGuest.domain("logged"))
            let log = try #require(pid_t(fileText(daemons.runtime + "/virtlogd.pid").filter(\.isNumber)))
            endProcess(log)
            try hypervisor.start("logged")
            #expect(try hypervisor.domain("logged")?.state == .running)
        }
    }

    @Test func `the default network is started by the first machine on it, and ends with the last machine`()
        async throws
    {
        try await with { daemons, hypervisor in
            let nic =
                "<interface type='network'><source network='default'/><model type='virtio'/></interface>"
            _ = try hypervisor.define(TestGuest.domain("net", devices: nic))
            try hypervisor.start("net")
            let leases = daemons.runtime + "/run/network/default.pid"
            let server = try #require(pid_t(fileText(leases).filter(\.isNumber)), "its DHCP server runs")
            try hypervisor.destroy("net")
            #expect(isRunning(server))
            try hypervisor.undefine("net")
            #expect(!isRunning(server))
        }
    }

    @Test
    func
        `a file of the user's own in the place of limiq's configuration is kept, one of limiq's is brought up to date`()
        async throws
    {
        try await with { daemons, _ in
            let path = daemons.folder + "/etc/qemu.conf"
            try daemons.prepare()
            let written = fileText(path)
            #expect(written.contains("\nuser = \"libvirt-qemu\"\n"))
            let signature = written.split(separator: "\n")[0]
            try writeBytes("\(signature)\nold = 1\n".utf8, to: path)
            try daemons.prepare()
            #expect(fileText(path) == written)
            try writeBytes("user = \"me\"\n".utf8, to: path)
            try FileManager.default.removeItem(atPath: daemons.folder + "/etc/qemu/networks/default.xml")
            try daemons.prepare()
            #expect(fileText(path) == "user = \"me\"\n")
            #expect(
                !fileExists(daemons.folder + "/etc/qemu/networks/default.xml"), "a network removed stays so")
        }
    }

    @Test func `a domain that a killed daemon was just starting is off; one that runs is left alone`()
        async throws
    {
        try await with { daemons, _ in
            func status(_ name: String, pid: Int) throws -> (file: String, folder: String) {
                let file = "\(daemons.runtime)/run/qemu/\(name).xml"
                let folder = "\(daemons.folder)/lib/qemu/domain-1-\(name)"
                for path in ["\(daemons.runtime)/run/qemu", folder] { try makeFolders(path) }
                try writeBytes("key".utf8, to: folder + "/master-key.aes")
                try writeBytes(
                    """
                    <domstatus state='paused' reason='starting up' pid='\(pid)'>
                      <job type='none' async='start' phase='none' flags='0x0'/>
                      <libDir path='/var/lib/libvirt/qemu/domain-1-\(name)'/>
                      <channelTargetDir path='/tmp'/>
                      <domain type='qemu'><name>\(name)</name></domain>
                    </domstatus>
                    """.utf8, to: file)
                return (file, folder)
            }
            let (half, running) = (try status("half", pid: 0), try status("running", pid: 1234))
            try daemons.prepare()
            for path in [half.file, half.folder] { #expect(!fileExists(path), "\(path)") }
            for path in [running.file, running.folder + "/master-key.aes"] {
                #expect(fileExists(path), "\(path)")
            }
        }
    }

    @Test
    func `a probe of QEMU that a killed daemon left is ended, and a process that only has its number is not`()
        async throws
    {
        try await with { daemons, _ in
            func probe(_ name: String, _ words: [String]) throws -> RunningCommand {
                let process = try RunningCommand(
                    "/bin/sh", ["-c", "while :; do sleep 1; done", "qemu"] + words)
                let folder = "\(daemons.folder)/lib/qemu/\(name)"
                try makeFolders(folder)
                try writeBytes("\(process.processID)\n".utf8, to: folder + "/qmp.pid")
                return process
            }
            let left = try probe("qmp-AAAAAA", ["unix:/var/lib/libvirt/qemu/qmp-AAAAAA/qmp.monitor"])
            let other = try probe("qmp-BBBBBB", ["something else"])
            defer { other.signal(SIGTERM) }
            try daemons.prepare()
            for _ in 1...1000 where isRunning(left.processID) { usleep(10_000) }
            #expect(!isRunning(left.processID))
            #expect(isRunning(other.processID))
            #expect(folderNames(daemons.folder + "/lib/qemu").filter { $0.hasPrefix("qmp-") }.isEmpty)
        }
    }

    /// As another process would: by connections that end with `body`.
    private func asOther<Result>(
        _ daemons: PrivateDaemons, _ body: (LibvirtHypervisor) throws -> Result
    ) throws -> Result {
        try body(LibvirtHypervisor(uri: daemons.uri, daemons: daemons))
    }

    private func endDaemon(_ process: pid_t) throws {
        #expect(kill(process, SIGTERM) == 0)
        let end = ContinuousClock.now + .seconds(20)
        while isRunning(process), ContinuousClock.now < end { usleep(50_000) }
        #expect(!isRunning(process))
    }

    private func owner(of process: pid_t) -> uid_t? {
        var status = stat()
        return stat("/proc/\(process)", &status) == 0 ? status.st_uid : nil
    }
}
