import Basics
import LuaRuntime
import Provisioning

/// What reaches into a running guest, and its CD-ROM drives.
func domainGuestDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "domain.exec", .positional,
            Record("limiq.domain.exec", "", make: { ExecArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("command", \.command, .record(command), required: true, "The words, and how it is run."),
            ]),
            returns: "{ code: integer, stdout: string, stderr: string }",
            doc: "Runs a program in the guest, through its agent, else ssh. A code that is not 0 is an error.",
            example: "print(domain:exec { \"uname\", \"-r\" }.stdout)"
        ) { arguments, request in
            let command = arguments.command
            let result = try arguments.handle.machine(environment).exec(
                command.command, stdin: command.stdin, timeout: command.timeout, user: command.user,
                check: command.check, cancellation: request.cancellation)
            return [
                "code": .int(Int64(result.code)), "stdout": Codec.bytes.encode(result.stdout),
                "stderr": Codec.bytes.encode(result.stderr),
            ]
        },
        Definition(
            "domain.read_file", .positional,
            Record("limiq.domain.read_file", "", make: { FileArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("path", \.path, .path, required: true, "The file in the guest."),
            ]),
            returns: "string", doc: "The bytes of a file in the guest.",
            example: "print(domain:read_file \"/etc/hostname\")"
        ) { arguments, request in
            Codec.bytes.encode(
                try arguments.handle.machine(environment)
                    .readFile(arguments.path, cancellation: request.cancellation))
        },
        Definition(
            "domain.write_file", .positional,
            Record("limiq.domain.write_file", "", make: { FileArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("path", \.path, .path, required: true, "The file in the guest."),
                Field("bytes", \.bytes, .bytes, required: true, "What it holds."),
                Field("options", \.options, .record(fileOptions), "How it is written."),
            ]),
            doc: "Writes a file in the guest.", example: "domain:write_file(\"/etc/motd\", \"welcome\\n\")"
        ) { arguments, request in
            try arguments.handle.machine(environment).writeFile(
                arguments.path, arguments.bytes, mode: arguments.options.mode, cancellation: request.cancellation)
            return .null
        },
        Definition(
            "domain.console", .positional,
            Record("limiq.domain.console", "", make: { ConsoleArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("options", \.options, .record(consoleOptions), "How much."),
            ]),
            returns: "string", doc: "What the serial console showed last.", example: "print(domain:console { tail = 20 })"
        ) { arguments, _ in
            let lines = try arguments.handle.machine(environment).consoleTail(lines: arguments.options.tail)
            return .string(lines.joined(separator: "\n"))
        },
        Definition(
            "domain.screenshot", .positional,
            Record("limiq.domain.screenshot", "", make: { FileArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("path", \.path, .path, required: true, "The PNG file to make."),
            ]),
            doc: "Saves a picture of the guest's screen as PNG.", example: "domain:screenshot \"screen.png\""
        ) { arguments, _ in
            try arguments.handle.machine(environment).screenshot(to: environment.absolute(arguments.path))
            return .null
        },
    ] + mediaDefinitions(environment)
}

private func mediaDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "domain.attach_cdrom", .positional,
            Record("limiq.domain.attach_cdrom", "", make: { AttachArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("options", \.options, .record(cdromOptions), required: true, "The drive."),
            ]),
            doc: "Adds a CD-ROM drive, in the running guest too.",
            example: "domain:attach_cdrom { id = \"tools\", iso_path = \"tools.iso\" }"
        ) { arguments, _ in
            try arguments.handle.machine(environment)
                .attachCDROM(id: arguments.options.id, iso: arguments.options.isoPath.map(environment.absolute))
            return .null
        },
        Definition(
            "domain.insert_media", .positional,
            Record("limiq.domain.insert_media", "", make: { MediaArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("id", \.id, .string, required: true, "The drive."),
                Field("iso_path", \.isoPath, .path, required: true, "The image."),
            ]),
            doc: "Puts another image into a drive; it is there after a restart too.",
            example: "domain:insert_media(\"tools\", \"other.iso\")"
        ) { arguments, _ in
            try arguments.handle.machine(environment)
                .insertMedia(id: arguments.id, iso: environment.absolute(arguments.isoPath))
            return .null
        },
        Definition(
            "domain.eject_media", .positional,
            Record("limiq.domain.eject_media", "", make: { MediaArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("id", \.id, .string, required: true, "The drive."),
                Field("options", \.options, .record(ejectOptions), "How."),
            ]),
            doc: "Takes the image out of a drive. A guest that has locked it is told; `force` opens it all the same.",
            example: "domain:eject_media(\"tools\", { force = true })"
        ) { arguments, _ in
            try arguments.handle.machine(environment).ejectMedia(id: arguments.id, force: arguments.options.force)
            return .null
        },
        Definition(
            "domain.detach_cdrom", .positional,
            Record("limiq.domain.detach_cdrom", "", make: { MediaArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("id", \.id, .string, required: true, "The drive."),
            ]),
            doc: "Removes a CD-ROM drive.", example: "domain:detach_cdrom \"tools\""
        ) { arguments, _ in
            try arguments.handle.machine(environment).detachCDROM(id: arguments.id)
            return .null
        },
    ]
}

private struct ExecArguments: Sendable {
    struct Command: Sendable, Equatable {
        var command: [String] = []
        var stdin: [UInt8]?
        var timeout = Duration.seconds(60)
        var user: String?
        var check = true
    }

    var handle = DomainHandle()
    var command = Command()
}

private let command = Record("limiq.ExecOptions", "A command in a guest.", make: { ExecArguments.Command() }, fields: [
    Field("command", \.command, .list(of: .string), required: true, "The words: `{ \"uname\", \"-r\" }`."),
    Field("stdin", \.stdin, .bytes, "What it reads."),
    Field("timeout", \.timeout, .duration, "When to give up; a minute unless told."),
    Field("user", \.user, .string, "Whom ssh logs in as, where there is no agent."),
    Field("check", \.check, .bool, "Raise an error for a code that is not 0; true unless told."),
])

private struct FileArguments: Sendable {
    struct Options: Sendable, Equatable {
        var mode: String?
    }

    var handle = DomainHandle()
    var path = ""
    var bytes: [UInt8] = []
    var options = Options()
}

private let fileOptions = Record("limiq.GuestFileOptions", "How a file is written.", make: { FileArguments.Options() }, fields: [
    Field("mode", \.mode, .string, "Permissions in octal digits: `\"0644\"`.")
])

private struct ConsoleArguments: Sendable {
    struct Options: Sendable, Equatable {
        var tail = 50
    }

    var handle = DomainHandle()
    var options = Options()
}

private let consoleOptions = Record("limiq.ConsoleOptions", "How much of the console.", make: { ConsoleArguments.Options() }, fields: [
    Field("tail", \.tail, .int(1...100_000), "Lines; 50 unless told.")
])

private struct AttachArguments: Sendable {
    struct Options: Sendable, Equatable {
        var id = ""
        var isoPath: String?
    }

    var handle = DomainHandle()
    var options = Options()
}

private let cdromOptions = Record("limiq.CDROMOptions", "A CD-ROM drive.", make: { AttachArguments.Options() }, fields: [
    Field("id", \.id, .string, required: true, "Unique in the machine."),
    Field("iso_path", \.isoPath, .path, "The image; without it the drive is empty."),
])

private struct MediaArguments: Sendable {
    struct Options: Sendable, Equatable {
        var force = false
    }

    var handle = DomainHandle()
    var id = ""
    var isoPath = ""
    var options = Options()
}

private let ejectOptions = Record("limiq.EjectOptions", "How a drive is opened.", make: { MediaArguments.Options() }, fields: [
    Field("force", \.force, .bool, "Also where the guest has locked it.")
])
