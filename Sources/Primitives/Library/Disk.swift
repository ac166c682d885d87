import Basics
import DiskImages
import ImageLibrary
import Records

/// The primitives of `limiq.disk.*`: disks as files.
func diskDefinitions(_ environment: Environment) -> [Definition] {
    [
        overlayDefinition(environment), createDefinition(environment), infoDefinition(environment),
        resizeDefinition(environment), removeDefinition(environment),
    ]
}

private struct OverlayArguments: Sendable {
    var path = ""
    var backingFile = ""
    var backingFormat: String?
    var size: ByteSize?
}

private func overlayDefinition(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.DiskOverlay", "An overlay to make.", make: OverlayArguments.init,
        fields: [
            Field("path", \.path, .path, required: true, "Where the overlay is made; must be free."),
            Field(
                "backing_file", \.backingFile, .path, required: true,
                "The disk below: never changed, and not to be changed by others while the overlay lives."),
            Field(
                "backing_format", \.backingFormat, .string,
                "Its format in QEMU's words; read from the file where left out."),
            Field("size", \.size, .size, "Of the guest's disk; the base's where left out, never less."),
        ])
    return Definition(
        "disk.overlay", .changes(.disks, plan: planOverlay), .table, record, returns: "string",
        doc: """
            Makes a qcow2 overlay on a disk and returns its path. The base and all below it are looked at first: \
            what is missing, damaged, open for writing or no local file is an error.
            """,
        example: """
            local limiq = require "limiq"
            limiq.disk.create { path = "base.qcow2", size = "1GiB" }
            local disk = limiq.disk.overlay { path = "web.qcow2", backing_file = "base.qcow2", size = "20GiB" }
            """
        ,
        check: { .string(try $1.environment.writing($0.path)) }
    ) { arguments, _ in
        let path = try environment.writing(arguments.path)
        // Before: who is killed in between has named one that is not there.
        try Overlay.remember(path, in: environment.state)
        try Overlay.create(
            path, base: try environment.reading(arguments.backingFile), format: arguments.backingFormat,
            size: arguments.size, gate: environment.gate)
        return .string(path)
    }
}

private func planOverlay(_ arguments: OverlayArguments, _ call: PlannedCall) throws -> Value {
    let base = try call.environment.reading(arguments.backingFile)
    if !call.isMade(base) {
        _ = try Overlay.inspectBase(base, format: arguments.backingFormat, call.environment.gate)
    }
    return try call.make(
        arguments.path, "disk", part: .init(name: "backing_file", detail: arguments.backingFile))
}

private struct CreateArguments: Sendable {
    var path = ""
    var size = ByteSize(bytes: 0)
    var format = DiskFormat.qcow2
}

private func createDefinition(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.DiskCreate", "A blank disk to make.", make: CreateArguments.init,
        fields: [
            Field("path", \.path, .path, required: true, "Where the disk is made; must be free."),
            Field(
                "size", \.size, .size, required: true, "What the guest sees; the file begins next to empty."),
            Field("format", \.format, .choice(), "`qcow2` where left out."),
        ])
    return Definition(
        "disk.create",
        .changes(.disks) { arguments, call in
            try call.make(
                arguments.path, "disk", part: .init(name: "size", detail: "\(arguments.size)"))
        }, .table, record, returns: "string",
        doc: "Makes a blank disk and returns its path.",
        example: """
            local limiq = require "limiq"
            local disk = limiq.disk.create { path = "data.qcow2", size = "50GiB" }
            """
        ,
        check: { .string(try $1.environment.writing($0.path)) }
    ) { arguments, _ in
        let path = try environment.writing(arguments.path)
        try Disk.create(path, size: arguments.size, format: arguments.format)
        return .string(path)
    }
}

private struct PathArguments: Sendable { var path = "" }

private func diskRecord(_ name: String, _ doc: String) -> Record<PathArguments> {
    Record(
        name, doc, make: PathArguments.init,
        fields: [Field("path", \.path, .path, required: true, "The disk's file.")])
}

private func infoDefinition(_ environment: Environment) -> Definition {
    Definition(
        "disk.info", .reads(.disks) { try $1.read($0.path, unknown: [:]) }, .positional,
        diskRecord("limiq.DiskPath", "A disk to look at."),
        returns: """
            { path: string, format: string, virtual_size: integer, allocated_size: integer, backing_file: string?, \
            backing_format: string?, chain: table[] }
            """,
        doc: """
            Tells a disk's format, the size the guest sees and the size the file takes (both in bytes), and the \
            same of every disk below it in `chain`, the disk itself first. A missing member is an error that names it.
            """,
        example: """
            local limiq = require "limiq"
            limiq.disk.create { path = "data.qcow2", size = "50GiB" }
            local info = limiq.disk.info "data.qcow2"
            print(info.format, info.virtual_size)
            """
    ) { arguments, _ in
        let chain = try DiskImage.inspect(try environment.reading(arguments.path), environment.gate)
        let members = chain.map(described)
        var answer = members.first ?? Map()
        answer["chain"] = .list(members.map(Value.map))
        return .map(answer)
    }
}

private func described(_ image: DiskImage) -> Map {
    var map: Map = [
        "path": .string(image.path), "format": .string(image.format),
        "virtual_size": .int(Int64(clamping: image.virtualSize)),
        "allocated_size": .int(Int64(clamping: image.allocatedSize)),
    ]
    map["backing_file"] = image.backingFile.map(Value.string)
    map["backing_format"] = image.backingFormat.map(Value.string)
    return map
}

private struct ResizeArguments: Sendable {
    var path = ""
    var size = ByteSize(bytes: 0)
}

private func resizeDefinition(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.DiskResize", "A disk to make larger.", make: ResizeArguments.init,
        fields: [
            Field("path", \.path, .path, required: true, "The disk's file."),
            Field("size", \.size, .size, required: true, "The new size; never less than the present one."),
        ])
    return Definition(
        "disk.resize", .changes(.disks, plan: planResize), .positional, record,
        doc: """
            Makes a disk larger. The guest must be off; cloud-init grows the root filesystem at its next start. \
            The size it has already changes nothing. One that an overlay stands on is an error and stays as it is.
            """,
        example: """
            local limiq = require "limiq"
            limiq.disk.create { path = "data.qcow2", size = "50GiB" }
            limiq.disk.resize("data.qcow2", "80GiB")
            """
    ) { arguments, request in
        try Disk.resize(
            try environment.writing(arguments.path), to: arguments.size, unless: try environment.standsOn(),
            gate: environment.gate, cancellation: request.cancellation)
        return .null
    }
}

private func planResize(_ arguments: ResizeArguments, _ call: PlannedCall) throws -> Value {
    let path = try call.environment.writing(arguments.path)
    switch call.run.expected(path) {
    case nil:
        let image = try DiskImage.inspect(path, call.environment.gate).first
        if image?.virtualSize == arguments.size.bytes { return .null }
    case .gone: throw notThere(path)
    case .made, .holds: break
    }
    var step = PlanStep(action: .change, kind: "disk", name: path)
    step.parts = [.init(name: "size", detail: "\(arguments.size)")]
    call.add(step)
    return .null
}

private func notThere(_ path: String) -> Failure {
    Failure(.notFound, "\(path) is not there", resource: path)
}

private func removeDefinition(_ environment: Environment) -> Definition {
    Definition(
        "disk.remove",
        .changes(.disks) { arguments, call in
            let path = try call.environment.writing(arguments.path)
            guard call.isThere(path) else { throw notThere(path) }
            call.add(PlanStep(action: .remove, kind: "disk", name: path))
            call.run.expect(path, .gone)
            return .null
        }, .positional, diskRecord("limiq.DiskRemove", "A disk to remove."),
        doc: """
            Removes a disk's file. One that is in use, that an overlay stands on, or that is no disk image, is an error and stays.
            """,
        example: """
            local limiq = require "limiq"
            limiq.disk.create { path = "data.qcow2", size = "50GiB" }
            limiq.disk.remove "data.qcow2"
            """
    ) { arguments, _ in
        try Disk.remove(try environment.writing(arguments.path), unless: try environment.standsOn())
        return .null
    }
}
