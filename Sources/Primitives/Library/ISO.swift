import Basics
import DiskImages
import GuestConfig
import Hypervisors
import Records
import Steps

/// The primitives of `limiq.iso.*`: small CD-ROM images.
func isoDefinitions(_ environment: Environment) -> [Definition] {
    [isoCreateDefinition(environment), isoListDefinition(environment), isoReadDefinition(environment)]
}

private struct ISOCreateArguments: Sendable {
    var path = ""
    var label = "CDROM"
    var contents = ISOContents()

    /// The warnings of the names that Windows shows otherwise or cannot open.
    func windowsWarnings() throws(Failure) -> [GuestFinding] {
        try contents.windowsNameWarnings().map { GuestFinding(warning: $0.message, hint: $0.hint) }
    }
}

private func isoCreateDefinition(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.ISOCreate", "An ISO image to make.", make: ISOCreateArguments.init,
        fields: [
            Field(
                "path", \.path, .path, required: true, "Where it is made; an ISO that is there is replaced."),
            Field(
                "label", \.label, .string,
                "The volume's name, 1 to 16 ASCII characters; `CDROM` where left out."),
            Field(
                "files", \.contents, .isoContents, required: true,
                "Contents by name, as in `[\"site/index.html\"]`; a table in place of contents is a folder."),
        ])
    return Definition(
        "iso.create",
        .changes(.disks) { arguments, call in
            try call.make(
                arguments.path, "iso", part: .init(name: "label", detail: arguments.label), replaces: true)
        }, .table, record, returns: "string",
        doc: """
            Makes an ISO 9660 image with Rock Ridge and Joliet names and returns its path. The same arguments make \
            the same bytes; a file that begins with `#!` is executable.
            """,
        example: """
            local limiq = require "limiq"
            limiq.iso.create {
              path = "tools.iso", label = "TOOLS",
              files = { ["README.txt"] = "hello\\n", scripts = { ["setup.sh"] = "#!/bin/sh\\necho hi\\n" } },
            }
            """
        ,
        check: { arguments, call in
            call.report(try arguments.windowsWarnings())
            return .string(try call.environment.writing(arguments.path))
        }
    ) { arguments, _ in
        let path = try environment.writing(arguments.path)
        for warning in try arguments.windowsWarnings() {
            environment.progress(Progress(.image(path), .warning(warning.line)))
        }
        try ISOImage.write(
            to: path, label: arguments.label, files: arguments.contents.files,
            folders: arguments.contents.folders, user: PrivateDaemons.reader)
        return .string(path)
    }
}

private struct ISOPathArguments: Sendable { var path = "" }

private func isoListDefinition(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.ISOList", "An ISO image to list.", make: ISOPathArguments.init,
        fields: [Field("path", \.path, .path, required: true, "The image.")])
    return Definition(
        "iso.list", .reads(.disks) { try $1.read($0.path, unknown: []) }, .positional, record,
        returns: "{ name: string, kind: \"file\"|\"folder\"|\"link\"|\"other\", size: integer }[]",
        doc: """
            Lists all of an ISO image, each folder before what it holds: by Rock Ridge names where there are some, \
            else Joliet's, else ISO 9660's own. Sizes are in bytes.
            """,
        example: """
            local limiq = require "limiq"
            limiq.iso.create { path = "tools.iso", files = { ["README.txt"] = "hello\\n" } }
            for _, entry in ipairs(limiq.iso.list "tools.iso") do print(entry.name, entry.size) end
            """
    ) { arguments, _ in
        let reader = try ISOReader(try environment.reading(arguments.path))
        return .list(
            try reader.entries().map { entry in
                [
                    "name": Codec<[UInt8]>.bytes.encode(entry.path), "kind": .string(entry.kind.rawValue),
                    "size": .int(Int64(clamping: entry.size)),
                ]
            })
    }
}

private struct ISOReadArguments: Sendable {
    var path = ""
    var name: [UInt8] = []
}

private func isoReadDefinition(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.ISORead", "A file of an ISO image to read.", make: ISOReadArguments.init,
        fields: [
            Field("path", \.path, .path, required: true, "The image."),
            Field("name", \.name, .bytes, required: true, "The file's name as `limiq.iso.list` gives it."),
        ])
    return Definition(
        "iso.read", .reads(.disks) { try $1.read($0.path, unknown: .string(PlanRun.unknown)) }, .positional,
        record, returns: "string",
        doc: "Reads a file of an ISO image.",
        example: """
            local limiq = require "limiq"
            limiq.iso.create { path = "tools.iso", files = { ["README.txt"] = "hello\\n" } }
            print(limiq.iso.read("tools.iso", "README.txt"))
            """
    ) { arguments, _ in
        let reader = try ISOReader(try environment.reading(arguments.path))
        return Codec<[UInt8]>.bytes.encode(try reader.read(arguments.name))
    }
}
