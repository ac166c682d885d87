import Basics
import Provisioning
import Records

/// The primitives that reach into the guest, and those for what it shows.
func domainGuestDefinitions(_ environment: Environment) -> [Definition] {
    [
        readFile(environment), writeFile(environment), address(environment),
        console(environment), screenshot(environment), sendKeys(environment),
    ] + domainExecDefinitions(environment) + domainCopyDefinitions(environment)
        + domainSyncDefinitions(environment)
}

private struct FileOptions: Sendable {
    var mode: String?
    var user: String?
}

private struct ReadArguments: DomainArguments {
    var domain = DomainReference()
    var path = ""
    var options: FileOptions?
}

private func readFile(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.ReadFileOptions", "How the file is read.", make: FileOptions.init,
        fields: [Field("user", \.user, .string, "By ssh as this user; by the agent where left out.")])
    return .domain(
        "domain.read_file", .reads(.machine) { try $1.ask($0.domain) }, environment, ReadArguments.self,
        fields: [
            Field("path", \.path, .path, required: true, "The guest's file."),
            Field("options", \.options, .record(options), "How it is read."),
        ],
        returns: "string", doc: "The bytes of a file of the guest.",
        example: """
            local limiq = require "limiq"
            print(limiq.domain.get("web-01"):read_file("/etc/hostname"))
            """
    ) { machine, arguments, request in
        Codec<[UInt8]>.bytes.encode(
            try machine.readFile(
                arguments.path, user: arguments.options?.user, cancellation: request.cancellation))
    }
}

private struct WriteArguments: DomainArguments {
    var domain = DomainReference()
    var path = ""
    var bytes: [UInt8] = []
    var options: FileOptions?
}

private func writeFile(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.WriteFileOptions", "How the file is written.", make: FileOptions.init,
        fields: [
            Field(
                "mode", \.mode, .mode,
                "Its permissions in octal digits, `\"0600\"`. Left out, a new file gets 0644, and one that is there keeps its own."
            ),
            Field("user", \.user, .string, "By ssh as this user; by the agent where left out."),
        ])
    return .domain(
        "domain.write_file", .changes(.machine) { try $1.change($0.domain, "gets a file", $0.path) },
        environment, WriteArguments.self,
        fields: [
            Field("path", \.path, .path, required: true, "The guest's file."),
            Field("bytes", \.bytes, .bytes, required: true, "What it is to hold."),
            Field("options", \.options, .record(options), "How it is written."),
        ],
        doc: "Writes a file of the guest, in the place of one that is there.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):write_file("/etc/motd", "hello\\n", { mode = "0644" })
            """
    ) { machine, arguments, request in
        try machine.writeFile(
            arguments.path, arguments.bytes, mode: arguments.options?.mode, user: arguments.options?.user,
            cancellation: request.cancellation)
        return .null
    }
}

/// The choice of a guest's addresses.
struct AddressOptions: Sendable {
    var all = false

    static let record = Record(
        "limiq.AddressOptions", "Which addresses.", make: AddressOptions.init,
        fields: [Field("all", \.all, .bool, "A list of all, IPv4 first.")])

    static func answer(_ addresses: [String], _ options: AddressOptions?) -> Value {
        if options?.all ?? false { return .list(addresses.map(Value.string)) }
        return addresses.first.map(Value.string) ?? .null
    }

    /// The answer of a plan, which may not know it yet.
    static func answer(_ found: Value, _ options: AddressOptions?) -> Value {
        options?.all ?? false && found.list == nil ? .list([found]) : found
    }
}

private struct AddressArguments: DomainArguments {
    var domain = DomainReference()
    var options: AddressOptions?
}

private func address(_ environment: Environment) -> Definition {
    .domain(
        "domain.address",
        .reads(.machine) { arguments, call in
            AddressOptions.answer(try call.ask(arguments.domain), arguments.options)
        }, environment, AddressArguments.self,
        fields: [Field("options", \.options, .record(AddressOptions.record), "Which addresses.")],
        returns: "string|string[]",
        doc: """
            The guest's own address: from the network's leases, its agent or the host's ARP table. On user networking it \
            is known inside the guest only, and ports are reached by their forwards.
            """,
        example: """
            local limiq = require "limiq"
            print(limiq.domain.get("web-01"):address())
            """
    ) { machine, arguments, _ in
        AddressOptions.answer(try machine.requireAddresses(), arguments.options)
    }
}

private struct ConsoleOptions: Sendable {
    var tail = 50
}

private struct ConsoleArguments: DomainArguments {
    var domain = DomainReference()
    var options: ConsoleOptions?
}

private func console(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.ConsoleOptions", "How much.", make: ConsoleOptions.init,
        fields: [Field("tail", \.tail, .int(1...100_000), "The last lines; 50 where left out.")])
    return .domain(
        "domain.console", .reads(.machine) { try $1.ask($0.domain) }, environment, ConsoleArguments.self,
        fields: [Field("options", \.options, .record(options), "How much.")], returns: "string",
        doc: "The last lines of the guest's serial console since its start, as plain text.",
        example: """
            local limiq = require "limiq"
            print(limiq.domain.get("web-01"):console { tail = 10 })
            """
    ) { machine, arguments, _ in
        _ = try machine.info(withGuest: false)
        let lines = machine.consoleTail(lines: arguments.options?.tail ?? ConsoleOptions().tail)
        return .string(lines.joined(separator: "\n"))
    }
}

private struct ScreenshotArguments: DomainArguments {
    var domain = DomainReference()
    var path = ""
}

private func screenshot(_ environment: Environment) -> Definition {
    .domain(
        "domain.screenshot",
        .changes(.machine) { arguments, call in
            _ = try call.domain(arguments.domain)
            return try call.make(arguments.path, "file", replaces: true)
        }, environment, ScreenshotArguments.self,
        fields: [Field("path", \.path, .path, required: true, "The PNG to write.")], returns: "string",
        doc: "Writes what the guest's screen shows as a PNG and returns its path.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):screenshot("web-01.png")
            """
        ,
        check: { .string(try $1.environment.writing($0.path)) }
    ) { machine, arguments, _ in
        let path = try environment.writing(arguments.path)
        try machine.screenshot(to: path)
        return .string(path)
    }
}
