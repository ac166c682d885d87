import Basics
import FoundationEssentials
import Glibc
import HostFiles
import MachineSpec
import Support
import Synchronization
import Testing
import XML

@testable import Hypervisors
@testable import Provisioning

/// A guest whose agent answers some commands as a table says, and the others as it should.
private struct HostileGuest {
    static let honest: [String: String] = [
        "guest-ping": #"{"return":{}}"#,
        "guest-exec": #"{"return":{"pid":4242}}"#,
        "guest-exec-status": #"{"return":{"exited":true,"exitcode":0}}"#,
        "guest-file-open": #"{"return":1000}"#,
        "guest-file-read": #"{"return":{"count":4,"buf-b64":"ZmFrZQ==","eof":true}}"#,
        "guest-file-close": #"{"return":{}}"#,
    ]

    /// Runs `body` with a running guest.
    ///
    /// - Parameter replies: by command. A test that asks more than 10,000 times fails: no end is in sight.
    static func with(
        _ replies: [String: String], _ body: (Machine) throws -> Void
    ) throws {
        let asked = Mutex(0)
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.agent = { text in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            #expect(count < 10_000)
            guard let command = try? JSONDecoder().decode(Command.self, from: Data(text.utf8)).execute else {
                return nil
            }
            if let reply = replies[command] { return reply }
            if command == "guest-file-write" { return honestWrite(text) }
            return honest[command]
        }
        try withScratchState { state throws in
            let host = FakeHypervisor(behaviour)
            _ = try host.define("<domain><name>hostile</name></domain>")
            try host.start("hostile")
            try body(Machine("hostile", on: host, state: state))
        }
    }

    private struct Command: Decodable { var execute: String }

    private static func honestWrite(_ text: String) -> String {
        struct Write: Decodable {
            struct Arguments: Decodable {
                var buffer: Data
                enum CodingKeys: String, CodingKey { case buffer = "buf-b64" }
            }
            var arguments: Arguments
        }
        let count = (try? JSONDecoder().decode(Write.self, from: Data(text.utf8)))?.arguments.buffer.count
        return #"{"return":{"count":\#(count ?? 0),"eof":false}}"#
    }
}

@Suite struct `An agent that lies` {
    /// Numbers in every place where an answer has one.
    static let numbers = [
        "9223372036854775807", "-9223372036854775808", "1000000000000000000000000000000", "1.5", "-1",
        "1e400",
        "1e30", "null", "true", #""7""#, "[]", "{}",
    ]

    @Test(arguments: numbers + ["0"])
    func `has no process of such a number`(number: String) throws {
        try HostileGuest.with(["guest-exec": #"{"return":{"pid":\#(number)}}"#]) { machine throws in
            try refuses("guest-exec") { _ = try machine.exec(["true"]) }
        }
    }

    @Test(arguments: numbers.filter { $0 != "null" && $0 != "-1" }, ["exitcode", "signal"])
    func `has no program that ends so`(number: String, field: String) throws {
        let reply = #"{"return":{"exited":true,"\#(field)":\#(number)}}"#
        try HostileGuest.with(["guest-exec-status": reply]) { machine throws in
            try refuses("guest-exec-status") { _ = try machine.exec(["true"], check: false) }
        }
    }

    @Test(arguments: [
        #"{"exited":true}"#, #"{"exited":"yes","exitcode":0}"#, "{}", "[1,2]", "7", "null",
        #"{"exited":true,"exitcode":0,"out-data":"!!!!"}"#,
        #"{"exited":true,"exitcode":0,"err-data":"QUJD="}"#,
        #"{"exited":true,"exitcode":0,"out-data":7}"#,
    ])
    func `says of a program what cannot be read`(status: String) throws {
        try HostileGuest.with(["guest-exec-status": #"{"return":\#(status)}"#]) { machine throws in
            try refuses("guest-exec-status") { _ = try machine.exec(["true"], check: false) }
        }
    }

    @Test(arguments: [
        ("9", "signal", 137), ("-1073741819", "signal", -1_073_741_819), ("3", "exitcode", 3),
        ("3221225477", "exitcode", 3_221_225_477), ("-1", "exitcode", -1),
    ])
    func `and one that does not is believed`(number: String, field: String, code: Int) throws {
        let reply = #"{"return":{"exited":true,"\#(field)":\#(number)}}"#
        try HostileGuest.with(["guest-exec-status": reply]) { machine throws in
            #expect(try machine.exec(["true"], check: false).code == code)
        }
    }

    @Test(arguments: [
        "", "[", #"{"return": {"pid": 12, "#, "\u{0}\u{1}\u{1B}[2J garbage", #"{"return": }"#, "{}",
        String(repeating: "[", count: 100_000), #"{"return":{"pid":12}} trailing"#,
    ])
    func `answers with what is no answer`(reply: String) throws {
        try HostileGuest.with(["guest-exec": reply]) { machine throws in
            try refuses("guest-exec") { _ = try machine.exec(["true"]) }
        }
    }

    @Test func `has no program that never ends`() throws {
        try HostileGuest.with(["guest-exec-status": #"{"return":{"exited":false}}"#]) { machine throws in
            let failure = try #require(throws: Failure.self) {
                _ = try machine.exec(["true"], timeout: .milliseconds(300))
            }
            #expect(failure.code == .timeout && failure.message.contains("hostile"))
        }
    }

    @Test(arguments: numbers)
    func `opens no file by such a number`(number: String) throws {
        // Any number of 64 bits that is not below zero is a handle.
        if number == "9223372036854775807" { return }
        try HostileGuest.with(["guest-file-open": #"{"return":\#(number)}"#]) { machine throws in
            try refuses("guest-file-open") { _ = try machine.readFile("/etc/hostname") }
        }
    }

    @Test(arguments: [
        // More than was asked for, less than none, other than what came.
        #"{"count":9223372036854775807,"buf-b64":"ZmFrZQ==","eof":true}"#,
        #"{"count":-4,"buf-b64":"ZmFrZQ==","eof":true}"#, #"{"count":3,"buf-b64":"ZmFrZQ==","eof":true}"#,
        #"{"count":0,"buf-b64":"ZmFrZQ==","eof":true}"#,
        // Neither bytes nor an end.
        #"{"count":0,"buf-b64":"","eof":false}"#,
        #"{"count":4,"buf-b64":"!!!!","eof":true}"#, #"{"count":4,"buf-b64":"ZmFrZQ","eof":true}"#,
        #"{"count":4,"buf-b64":"ZmFrZQ==","eof":"no"}"#, #"{"count":4,"buf-b64":7,"eof":true}"#, "{}",
    ])
    func `reads a file as no file can be read`(piece: String) throws {
        try HostileGuest.with(["guest-file-read": #"{"return":\#(piece)}"#]) { machine throws in
            try refuses("guest-file-read") { _ = try machine.readFile("/etc/hostname") }
        }
    }

    @Test func `has no file without an end`() throws {
        let full = Data(repeating: 0x5A, count: 256 << 10).base64EncodedString()
        let piece = #"{"return":{"count":262144,"buf-b64":"\#(full)","eof":false}}"#
        try HostileGuest.with(["guest-file-read": piece]) { machine throws in
            let agent = GuestAgent(hypervisor: machine.hypervisor, name: machine.name)
            let failure = try #require(throws: Failure.self) {
                _ = try agent.read("/dev/zero", limit: 1 << 20)
            }
            #expect(failure.code == .guest && failure.message.contains("/dev/zero in hostile is larger"))
        }
    }

    @Test(arguments: numbers + ["0", "49153"])
    func `has not written so much of a file`(number: String) throws {
        let reply = #"{"return":{"count":\#(number),"eof":false}}"#
        try HostileGuest.with(["guest-file-write": reply]) { machine throws in
            try refuses("guest-file-write") {
                try machine.writeFile("/tmp/file", [UInt8](repeating: 7, count: 100_000), mode: nil)
            }
        }
    }

    @Test func `and writes a file that an honest one takes`() throws {
        try HostileGuest.with([:]) { machine throws in
            try machine.writeFile("/tmp/file", [UInt8](repeating: 7, count: 100_000), mode: nil)
            #expect(try machine.readFile("/tmp/file") == Array("fake".utf8))
        }
    }

    @Test(arguments: [
        "internal error: unable to execute QEMU agent command 'guest-file-open': ",
        "internal error: cannot parse json ",
    ])
    func `has words of its own on one line only, and not without end`(libvirt: String) throws {
        let words = "\u{1B}[2J\r\nlimiq: all is well" + String(repeating: "x", count: 5000)
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.agentFails = {
            Failure(.libvirt, "cannot ask the guest agent of hostile", cause: libvirt + words)
        }
        let agent = GuestAgent(hypervisor: FakeHypervisor(behaviour), name: "hostile")
        let failure = try #require(throws: Failure.self) { _ = try agent.read("/etc/hostname") }
        #expect(failure.message.contains("hostile"))
        #expect(!failure.description.contains("\nlimiq: all is well"))
        #expect(failure.description.count < 1500)
    }

    /// The error names the guest and the command.
    private func refuses(_ command: String, _ body: () throws -> Void) throws {
        let failure = try #require(throws: Failure.self) { try body() }
        #expect(failure.code == .guest, "\(failure)")
        #expect(
            failure.message.contains("the agent of hostile answers \(command) with"), "\(failure)")
    }
}

@Suite struct `Whatever a guest says` {
    /// Pieces of what guests say, and what they should not.
    private static let pieces: [[UInt8]] =
        [
            "\u{1B}", "[", "]", "\u{7}", "\r", "\n", "\t", "31m", "Cloud-init v. 22.4.2 running 'init'", "'",
            "Cloud-init v. 22.4.2 finished at ", "Cloud-init v. ", " running '", "cc_x.py[WARNING]: ",
            "Running module x failed", "Failed to run module ",
            "[FAILED] Failed to start cloud-final.service",
            "Kernel panic - not syncing: ", "reboot: Restarting system", "] Linux version ", "12%", "é", "日",
            "\u{9B}", "\u{202E}", "{\"return\":", "{", "}", "\"pid\":", "9223372036854775808", "-", "1e999",
            "\"exited\":true", ",", "\"exitcode\":", "null", "\"buf-b64\":\"", "====", "\\ud800",
        ].map { Array($0.utf8) } + [[0x00], [0xFF], [0xC3], [0xF0, 0x9F], [0x80]]

    @Test func `is read to its end`() {
        var random = SeededGenerator(state: 11)
        var console = CloudInitConsole()
        var progress = GuestProgress(patience: .seconds(10))
        var text = ConsoleText()
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &random)
            let bytes = (0..<count).flatMap { _ in Self.pieces.randomElement(using: &random) ?? [] }
            let lines = text.take(bytes) + ConsoleText.lines(bytes)
            for line in lines { console.take(line) }
            progress.lines(lines)
            _ = PortForwards.parse(String(decoding: bytes, as: UTF8.self))
            let call = AgentCall(guest: "web", command: "guest-exec")
            let reply: Result<[String: Int64], Failure> = Result { () throws(Failure) in
                try call.decode(String(decoding: bytes, as: UTF8.self))
            }
            if case .failure(let failure) = reply { #expect(failure.message.contains("web")) }
            _ = try? CloudInitOutcome(resultJSON: bytes)
        }
        #expect(console.errors.count <= 100)
    }
}

@Suite struct `The addresses a guest gives as its own` {
    @Test(arguments: [
        ("\u{1B}]0;TITLE\u{7}'$(id)", false), ("10.0.2.15\n", false), ("300.1.1.1", false), ("", false),
        ("10.0.2.15 ", false), ("fe80::1%eth0", false), ("10.0.2.15", true), ("2001:db8::7", true),
        ("1.2.3.4/24", false),
    ])
    func `are addresses`(text: String, isOne: Bool) throws {
        #expect((IPAddress(text) != nil) == isOne)
        try withScratchState { state throws in
            var behaviour = FakeHypervisor.Behaviour()
            let addresses = [
                InterfaceAddresses(interface: "\u{1B}[2Jeth0", macAddress: nil, addresses: [text])
            ]
            behaviour.addresses = { _ in addresses }
            let host = FakeHypervisor(behaviour)
            _ = try host.define("<domain><name>hostile</name></domain>")
            try host.start("hostile")
            #expect(try Machine("hostile", on: host, state: state).addresses() == (isOne ? [text] : []))
        }
    }
}

@Suite struct `Numbers from outside` {
    @Test(arguments: ["1", "9223372036854775807", "-9223372036854775808", "65537", "none"])
    func `in a domain's description are no reason to end`(number: String) throws {
        let xml = """
            <domain><memory>\(number)</memory><currentMemory unit='MiB'>\(number)</currentMemory>
            <vcpu current='\(number)'>1</vcpu>
            <cpu><topology sockets='\(number)' threads='\(number)' cores='\(number)'/></cpu>
            <vcpus><vcpu enabled='yes' hotpluggable='yes'/></vcpus></domain>
            """
        let facts = DomainFacts(try XMLReader.parse(xml))
        let situation = ChangeRules.Situation(
            current: VMSpec(name: "a"), wanted: VMSpec(name: "a"), live: VMSpec(name: "a"), liveFacts: facts,
            wantedFacts: facts, diskSizes: [:])
        _ = ChangeRules.cost(FieldPath("cpu_cores"), situation)
    }

    @Test(arguments: [
        ("cpu_cores", "4611686018427387904"), ("cpu_sockets", "-9223372036854775808"),
        ("cpu_threads_per_core", "0"), ("memory_mib", "18446744073709551615"),
    ])
    func `in limiq's own record are those that a spec may have`(field: String, number: String) throws {
        let record = MachineRecord(
            spec: VMSpec(name: "web"), uuid: "", owner: "", acceleration: .emulation, folder: "/vms/web")
        let json = try record.json()
        _ = try MachineRecord(metadata: XMLElement("machine", text: json).xml)
        let forged = try json.replacing(
            Regex(#""\#(field)":\d+"#), with: #""\#(field)":\#(number)"#)
        #expect(forged != json)
        #expect(throws: Failure.self) {
            _ = try MachineRecord(metadata: XMLElement("machine", text: forged).xml)
        }
    }

    @Test(arguments: ["pc-q35-99999999999999999.1", "pc-9223372036854775807.0", "pc-7.-1"])
    func `in a machine's type are versions or nothing`(machine: String) {
        #expect(LibvirtHypervisor.emulatorVersion(ofMachine: machine) == nil)
    }
}

@Suite struct `What is in the place of a console's log` {
    @Test func `is read where it is a file, and hangs nobody where it is not`() throws {
        try withScratchState { state throws in
            let log = state.root + "/console.log"
            append("one\ntwo\n", to: log)
            #expect(consoleTail(log, lines: 1) == ["two"])
            let link = state.root + "/link"
            #expect(symlink(log, link) == 0)
            #expect(consoleTail(link, lines: 1) == [])
            let fifo = state.root + "/fifo"
            #expect(mkfifo(fifo, 0o600) == 0)
            #expect(consoleTail(fifo, lines: 1) == [])
            let follower = ConsoleFollower(fifo, onStart: {}, onLines: { _ in })
            follower?.cancel()
        }
    }
}
