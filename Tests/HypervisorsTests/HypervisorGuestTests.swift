import Basics
import Glibc
import HostFiles
import Hypervisors
import Support
import Testing
import XML

@Suite(.enabled(if: geteuid() == 0, "daemons of its own are root's to start"))
struct `A real guest through daemons private to a state folder` {
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `the host says what it is`() async throws {
        try await ScratchHost.withHost { scratch in
            let host = try scratch.hypervisor.host()
            #expect(host.emulator == "/usr/bin/qemu-system-x86_64")
            #expect(host.architecture == "x86_64")
            #expect(host.emulatorVersion >= 7_000_000)
            #expect(host.emulatorUser.name == "libvirt-qemu" && host.emulatorUser.uid != 0)
            #expect(host.isLocal)
        }
    }

    @Test func `the host says how much memory it has, and what running guests may take of it`() async throws {
        try await ScratchHost.withHost { scratch in
            let name = scratch.name("load")
            _ = try scratch.hypervisor.define(TestGuest.domain(name))
            let off = HostLoad.Domain(name: name, memoryMiB: 64, isActive: false)
            #expect(try scratch.hypervisor.load().domains.contains(off))
            try scratch.hypervisor.start(name)
            let load = try scratch.hypervisor.load()
            #expect(load.domains.contains(HostLoad.Domain(name: name, memoryMiB: 64, isActive: true)))
            let total = fileText("/proc/meminfo").split(separator: "\n").first?.filter(\.isNumber)
            #expect(load.memoryMiB == total.flatMap { UInt64($0) }.map { $0 / 1024 })
            #expect(load.cpus >= 1)
        }
    }

    @Test func `a guest goes through its life, and each step is an event`() async throws {
        try await ScratchHost.withHost { scratch in
            let hypervisor = scratch.hypervisor
            let name = scratch.name("life")
            let seen = Mailbox<DomainEvent>()
            let subscription = try hypervisor.onEvent(of: name) { seen.put($0) }
            defer { subscription.cancel() }
            #expect(try hypervisor.domain(name) == nil)

            let defined = try hypervisor.define(TestGuest.domain(name))
            #expect(defined.name == name)
            #expect(defined.state == .shutOff)
            try hypervisor.start(name)
            #expect(try hypervisor.domain(name)?.state == .running)
            try hypervisor.suspend(name)
            #expect(try hypervisor.domain(name)?.state == .paused)
            try hypervisor.resume(name)
            try hypervisor.reset(name)
            #expect(try hypervisor.domains().first { $0.name == name }?.state == .running)
            try hypervisor.destroy(name)
            // Off already: nothing to do.
            try hypervisor.destroy(name)
            #expect(try hypervisor.domain(name)?.state == .shutOff)
            try hypervisor.undefine(name)
            #expect(try hypervisor.domain(name) == nil)

            let expected: [DomainEvent] = [
                .defined, .resumed, .started, .suspended, .resumed, .rebooted, .stopped(.destroyed),
                .undefined,
            ]
            var events: [DomainEvent] = []
            while events.last != .undefined, let event = seen.next(before: .now + .seconds(20)) {
                events.append(event)
            }
            // Firmware that is reset early resets the machine once more by itself.
            #expect(events.filter { $0 != .rebooted } == expected.filter { $0 != .rebooted })
            #expect(events.contains(.rebooted))
        }
    }

    @Test func `a guest's console is logged to its file, read and written`() async throws {
        try await ScratchHost.withHost { scratch in
            let hypervisor = scratch.hypervisor
            let name = scratch.name("console")
            let (disk, log) = (scratch.path("disk.img"), scratch.path("serial.log"))
            try TestGuest.writeDisk(disk)
            _ = try hypervisor.define(TestGuest.domain(name, disk: disk, log: log))
            let stopped = Mailbox<DomainEvent>()
            let subscription = try hypervisor.onEvent(of: name) { event in
                if case .stopped = event { stopped.put(event) }
            }
            defer { subscription.cancel() }
            try hypervisor.start(name)
            let console = try hypervisor.openConsole(name)
            defer { console.close() }
            var heard = ""
            while !heard.contains(".") { heard += Self.text(try console.read()) }
            try console.write(Array("echo".utf8))
            // A dot may fall between the letters.
            while !heard.filter({ $0 != "." }).contains("echo") { heard += Self.text(try console.read()) }
            #expect(fileText(log).contains(TestGuest.greeting))

            // The guest powers itself off: the stream ends and the event says why.
            try console.write(Array("q".utf8))
            while try !console.read().isEmpty {}
            #expect(stopped.next(before: .now + .seconds(30)) == .stopped(.shutdown))
        }
    }

    @Test func `closing a console ends a read that waits`() async throws {
        try await ScratchHost.withHost { scratch in
            let name = scratch.name("closed")
            _ = try scratch.hypervisor.define(TestGuest.domain(name))
            try scratch.hypervisor.start(name)
            let console = try scratch.hypervisor.openConsole(name)
            let ended = Mailbox<Bool>()
            startThread {
                var bytes: [UInt8]? = []
                repeat { bytes = try? console.read() } while bytes?.isEmpty == false
                ended.put(bytes != nil)
            }
            #expect(ended.next(before: .now + .milliseconds(300)) == nil)
            console.close()
            #expect(ended.next(before: .now + .seconds(20)) == true)
        }
    }

    @Test func `monitor commands reach QEMU, and a screenshot is a PNG`() async throws {
        try await ScratchHost.withHost { scratch in
            let hypervisor = scratch.hypervisor
            let name = scratch.name("monitor")
            let video = "<video><model type='vga'/></video>"
            _ = try hypervisor.define(TestGuest.domain(name, devices: video))
            try hypervisor.start(name)
            #expect(try hypervisor.monitor(name, "info status").contains("running"))
            #expect(try hypervisor.qmp(name, #"{"execute":"query-status"}"#).contains(#""running":true"#))
            // It is QEMU that writes it.
            chmod(scratch.path(""), 0o777)
            let picture = scratch.path("screen.png")
            let reply = try hypervisor.qmp(
                name, #"{"execute":"screendump","arguments":{"filename":"\#(picture)","format":"png"}}"#)
            #expect(reply.contains("return"))
            #expect(fileText(picture).contains("PNG"))
            // QEMU's own refusal is a reply, not a failure.
            #expect(try hypervisor.qmp(name, #"{"execute":"no-such"}"#).contains("CommandNotFound"))
        }
    }

    @Test func `limiq's metadata is kept with the domain, running or not`() async throws {
        try await ScratchHost.withHost { scratch in
            let hypervisor = scratch.hypervisor
            let name = scratch.name("meta")
            _ = try hypervisor.define(TestGuest.domain(name))
            #expect(try hypervisor.metadata(name) == nil)
            try hypervisor.setMetadata(name, "<vm owner='a'/>")
            try hypervisor.start(name)
            try hypervisor.setMetadata(name, "<vm owner='b'/>")
            for inactive in [false, true] {
                let xml = try XMLReader.parse(try hypervisor.xml(name, inactive: inactive, secrets: false))
                let vm = try #require(xml.first("metadata/vm"))
                #expect(vm.namespace == LibvirtHypervisor.metadataNamespace)
                #expect(vm.attributes["owner"] == "b")
            }
            #expect(try XMLReader.parse(try hypervisor.metadata(name) ?? "").attributes["owner"] == "b")
        }
    }

    @Test func `a CD-ROM's medium is changed in the running guest and in what the next start takes`()
        async throws
    {
        try await ScratchHost.withHost { scratch in
            let hypervisor = scratch.hypervisor
            let name = scratch.name("media")
            let iso = scratch.path("disc.iso")
            try TestGuest.writeDisk(iso)
            func drive(_ source: String) -> String {
                """
                <disk type='file' device='cdrom'><driver name='qemu' type='raw'/>\(source)\
                <target dev='sdb' bus='sata'/><readonly/></disk>
                """
            }
            _ = try hypervisor.define(TestGuest.domain(name, devices: drive("")))
            try hypervisor.start(name)
            func sources() throws -> [String?] {
                try [false, true].map {
                    try XMLReader.parse(try hypervisor.xml(name, inactive: $0, secrets: false))
                        .first("devices/disk/source")?.attributes["file"]
                }
            }
            try hypervisor.updateDevice(name, drive("<source file='\(iso)'/>"), force: false)
            #expect(try sources() == [iso, iso])
            try hypervisor.updateDevice(name, drive(""), force: true)
            #expect(try sources() == [nil, nil])
        }
    }

    @Test func `calls about a domain that is not there say so`() async throws {
        try await ScratchHost.withHost { scratch in
            let name = scratch.name("nobody")
            let calls: [(String) throws -> Void] = [
                scratch.hypervisor.start, scratch.hypervisor.destroy, scratch.hypervisor.undefine,
                { _ = try scratch.hypervisor.xml($0, inactive: false, secrets: false) },
                { _ = try scratch.hypervisor.openConsole($0) },
            ]
            for call in calls {
                #expect { try call(name) } throws: { ($0 as? Failure)?.code == .notFound }
            }
            #expect(throws: Failure.self) { try scratch.hypervisor.define("<domain/>") }
        }
    }

    @Test func `what libvirt does not know is refused, however many without it were defined before`()
        async throws
    {
        try await ScratchHost.withHost { scratch in
            for number in 1...3 {
                let name = scratch.name("known\(number)")
                let defined = try scratch.hypervisor.define(TestGuest.domain(name))
                #expect(defined.name == name)
                for strange in ["<nonsense/>", "<input type='mouse' bus='usb' nonsense='1'/>"] {
                    let wrong = TestGuest.domain(scratch.name("wrong"), devices: strange)
                    #expect(throws: Failure.self) { try scratch.hypervisor.define(wrong) }
                }
            }
            let domains = try scratch.hypervisor.domains()
            #expect(domains.allSatisfy { !$0.name.contains("wrong") })
        }
    }

    @Test func `the agent of a guest without one is a failure with the way out`() async throws {
        try await ScratchHost.withHost { scratch in
            let name = scratch.name("agent")
            let channel =
                "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
            _ = try scratch.hypervisor.define(TestGuest.domain(name, devices: channel))
            try scratch.hypervisor.start(name)
            #expect {
                try scratch.hypervisor.agent(name, #"{"execute":"guest-ping"}"#, timeout: .seconds(1))
            } throws: { error in
                let failure = error as? Failure
                return failure?.code == .libvirt && failure?.hint?.contains("agent") == true
            }
        }
    }

    @Test func `many threads drive many guests at once`() async throws {
        try await ScratchHost.withHost { scratch in
            let hypervisor = scratch.hypervisor
            let results = Mailbox<Result<DomainState?, any Error>>()
            for index in 0..<8 {
                let name = scratch.name("many\(index)")
                startThread {
                    results.put(
                        Result {
                            _ = try hypervisor.define(TestGuest.domain(name))
                            try hypervisor.start(name)
                            return try hypervisor.domain(name)?.state
                        })
                }
            }
            for _ in 0..<8 {
                let state = try results.next().get()
                #expect(state == .running)
            }
        }
    }
}
