import Basics
import Provisioning
import Records

/// The primitives about CD-ROM drives.
func domainMediaDefinitions(_ environment: Environment) -> [Definition] {
    [attach(environment), insert(environment), eject(environment), detach(environment)]
}

private struct NewDrive: Sendable, Equatable {
    var id = ""
    var isoPath = ""
}

private struct AttachArguments: DomainArguments {
    var domain = DomainReference()
    var cdrom = NewDrive()
}

private func attach(_ environment: Environment) -> Definition {
    let cdrom = Record(
        "limiq.NewCDROM", "A drive to add.", make: NewDrive.init,
        fields: [
            Field("id", \.id, .string, required: true, "Unique in the VM."),
            Field("iso_path", \.isoPath, .path, required: true, "The ISO image in it."),
        ])
    return .domain(
        "domain.attach_cdrom",
        .changes(.machine) { arguments, call in
            try call.change(
                arguments.domain, "gets a CD-ROM", arguments.cdrom.id,
                try call.iso(arguments.cdrom.isoPath))
        }, environment, AttachArguments.self,
        fields: [Field("cdrom", \.cdrom, .record(cdrom), required: true, "The drive.")],
        doc: "Adds a CD-ROM drive, to the running guest and to its next start.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):attach_cdrom { id = "tools", iso_path = "tools.iso" }
            """
    ) { machine, arguments, _ in
        try machine.attachCDROM(id: arguments.cdrom.id, iso: try environment.reading(arguments.cdrom.isoPath))
        return .null
    }
}

private struct TrayOptions: Sendable {
    var force = false
}

private let trayRecord = Record(
    "limiq.TrayOptions", "How hard.", make: TrayOptions.init,
    fields: [Field("force", \.force, .bool, "Even where the guest has locked the tray.")])

private struct InsertArguments: DomainArguments {
    var domain = DomainReference()
    var id = ""
    var isoPath = ""
    var options: TrayOptions?
}

private func insert(_ environment: Environment) -> Definition {
    .domain(
        "domain.insert_media",
        .changes(.machine) { try $1.change($0.domain, "gets a medium", $0.id, $1.iso($0.isoPath)) },
        environment,
        InsertArguments.self,
        fields: [
            Field("id", \.id, .string, required: true, "The drive's id, or its name such as `sda`."),
            Field("iso_path", \.isoPath, .path, required: true, "The ISO image."),
            Field("options", \.options, .record(trayRecord), "How hard."),
        ],
        doc:
            "Puts an ISO image into a drive, in the place of what is in it; it is there after a restart as well.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):insert_media("tools", "tools-2.iso")
            """
    ) { machine, arguments, _ in
        try machine.insertMedia(
            id: arguments.id, iso: try environment.reading(arguments.isoPath),
            force: arguments.options?.force ?? false)
        return .null
    }
}

private struct EjectArguments: DomainArguments {
    var domain = DomainReference()
    var id = ""
    var options: TrayOptions?
}

private func eject(_ environment: Environment) -> Definition {
    .domain(
        "domain.eject_media", .changes(.machine) { try $1.change($0.domain, "loses a medium", $0.id) },
        environment, EjectArguments.self,
        fields: [
            Field("id", \.id, .string, required: true, "The drive's id, or its name such as `sda`."),
            Field("options", \.options, .record(trayRecord), "How hard."),
        ],
        doc:
            "Takes out what is in a drive. An error where the guest has locked the tray, unless force = true.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):eject_media("tools")
            """
    ) { machine, arguments, _ in
        try machine.ejectMedia(id: arguments.id, force: arguments.options?.force ?? false)
        return .null
    }
}

private func detach(_ environment: Environment) -> Definition {
    .domain(
        "domain.detach_cdrom", .changes(.machine) { try $1.change($0.domain, "loses a CD-ROM", $0.id) },
        environment, EjectArguments.self,
        fields: [Field("id", \.id, .string, required: true, "The drive's id, or its name such as `sda`.")],
        doc: "Removes a CD-ROM drive, from the running guest and from its next start.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):detach_cdrom("tools")
            """
    ) { machine, arguments, _ in
        try machine.detachCDROM(id: arguments.id)
        return .null
    }
}
