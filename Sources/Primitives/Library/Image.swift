import Basics
import DiskImages
import HostFiles
import ImageLibrary
import LuaRuntime
import Records

private struct NameArgument: Sendable {
    var name = ""
}

private struct AddArguments: Sendable {
    var name = ""
    var path: String?
    var url: String?
    var checksum: String?
    var checksums: String?
    var format: DiskFormat?

    func addition(_ environment: Environment) throws(Failure) -> ImageAddition {
        let source: ImageAddition.Source
        switch (path, url) {
        case (let path?, nil): source = .file(try environment.reading(path))
        case (nil, let url?): source = .address(url)
        default:
            throw Failure(
                .badField, "limiq.image.add takes either path or url",
                hint: "path = \"image.qcow2\" copies a file, url = \"https://…\" downloads it")
        }
        if checksum != nil, checksums != nil {
            throw Failure(
                .badField, "limiq.image.add takes either checksum or checksums",
                hint: "checksum is the image's own, checksums a list in which it stands")
        }
        let list = try checksums.map { list throws(Failure) in
            list.contains("://") ? list : try environment.reading(list)
        }
        return ImageAddition(
            name: name, source: source,
            checksum: try checksum.map { text throws(Failure) in try ImageChecksum(parsing: text) },
            checksums: list, format: format)
    }
}

private let addRecord = Record(
    "limiq.image.add", "Arguments of `limiq.image.add`.", make: { AddArguments() },
    fields: [
        Field("name", \.name, .string, required: true, "Its name in the library."),
        Field("path", \.path, .path, "The file to copy. Either this or `url`."),
        Field("url", \.url, .string, "The address to download it from."),
        Field(
            "checksum", \.checksum, .string,
            "The SHA-256 or SHA-512, in hexadecimal digits, of the file as it is or of what it unpacks to. With it an interrupted download is continued."
        ),
        Field(
            "checksums", \.checksums, .path,
            "The address or the path of a list in which its checksum stands, as sha256sum(1) writes it."),
        Field(
            "format", \.format, .choice(),
            "What it is; told by the file where left out. A raw disk on which nothing shows that it is one is taken only where `raw` is said, here or by a name that ends in `.raw`."
        ),
    ])

private struct ExportArguments: Sendable {
    var name = ""
    var file = ""
}

private struct NoArguments: Sendable {}

/// The primitives of `limiq.image` and `limiq.image.*`: the image library.
func imageDefinitions(_ environment: Environment) -> [Definition] {
    let images = environment.images
    return [
        Definition(
            "image.resolve", .changes(.image, plan: planResolve), in: .call("image"), .positional,
            Record(
                "limiq.image.resolve", "", make: { NameArgument() },
                fields: [
                    Field(
                        "name", \.name, .path, required: true,
                        "A name of the library, or a path with a slash.")
                ]),
            grace: .seconds(40), returns: "string",
            doc: """
                The absolute path of a local image: of a file in `cloud-images/`, else what its publisher offers, \
                downloaded and checked, else, where the publisher cannot be reached, built here. Scripts write \
                `limiq.image "debian-12"`.
                """,
            example: "local base = limiq.image \"debian-12\"",
            check: { arguments, call in
                try ImageLibrary.requireNoAddress(arguments.name)
                if arguments.name.contains("/") {
                    return .string(try call.environment.reading(arguments.name))
                }
                try call.lookAt(image: arguments.name)
                return .string(call.image(arguments.name))
            }
        ) { arguments, request in
            try ImageLibrary.requireNoAddress(arguments.name)
            let name =
                arguments.name.contains("/") ? try environment.reading(arguments.name) : arguments.name
            return .string(try images.resolve(name, request.cancellation) { environment.progress($0) })
        },
        Definition(
            "image.describe", .reads(.image), .positional,
            Record(
                "limiq.image.describe", "", make: { NameArgument() },
                fields: [
                    Field(
                        "name", \.name, .path, required: true,
                        "A name of the catalogue or an alias of one, or the path of an image or of a disk on one."
                    )
                ]),
            returns: "limiq.CatalogueImage?", answers: [catalogueImageRecord],
            doc: """
                What the catalogue says of an image: by a name, or by a file that the library has, or that stands on one of \
                its images; of a baked image what it says of the one that was made from. `nil` where it knows nothing.
                """,
            example: """
                local image = limiq.image.describe "rocky-9"
                print(image.family, image.user, image.end_of_life)
                """
            ,
            check: { arguments, call in try describe(arguments.name, call.environment) }
        ) { arguments, _ in try describe(arguments.name, environment) },
        Definition(
            "image.iso", .reads(.image), .positional,
            Record(
                "limiq.image.iso", "", make: { NameArgument() },
                fields: [
                    Field(
                        "name", \.name, .path, required: true,
                        "A file `isos/NAME.iso` of the state folder, or a path with a slash.")
                ]),
            returns: "string",
            doc: """
                The absolute path of an ISO image that is here. Its publisher has no checksums to check a download by: where \
                it is not here the error says how to get it.
                """,
            example: """
                local drivers = limiq.image.iso "virtio-win"
                """
            ,
            check: { arguments, call in
                if arguments.name.contains("/") {
                    return .string(try call.environment.reading(arguments.name))
                }
                return .string("\(call.environment.state.isos)/\(arguments.name).iso")
            }
        ) { arguments, _ in
            let name =
                arguments.name.contains("/") ? try environment.reading(arguments.name) : arguments.name
            return .string(try ISOLibrary(state: environment.state).resolve(name))
        },
        Definition(
            "image.list", .reads(.image, plan: planList), .positional,
            Record("limiq.image.list", "", make: { NoArguments() }, fields: []),
            returns:
                "{ name: string, path?: string, format?: string, size?: integer, catalogued: boolean }[]",
            doc: """
                Every image that is here and every one the catalogue offers, by name. One without a `path` would be \
                fetched first; `size` is what the guest sees, in bytes.
                """,
            example: """
                for _, image in ipairs(limiq.image.list()) do
                  print(image.name, image.path or "not here yet")
                end
                """
        ) { _, _ in .list(try images.list().map(described)) },
        Definition(
            "image.add", .changes(.image, plan: planAdd), .table,
            addRecord,
            grace: .seconds(10), returns: "string",
            doc: """
                Puts an image into the library, from a file or an address, and returns its path: unpacked where it is \
                compressed (`.xz`, `.gz`, `.zst`, `.bz2`), converted where it is VMDK, VDI, VHDX or VHD. Where the library \
                has it already nothing is done. The copy of a file that not everybody may read is open to its owner and to \
                the account QEMU runs under, and to nobody else.
                """,
            example: """
                limiq.image.add { name = "fedora", path = "downloads/Fedora-Cloud.qcow2" }
                """
            ,
            check: checkAdd
        ) { arguments, request in
            try environment.gate.changeLibrary("limiq.image.add")
            return .string(
                try images.add(arguments.addition(environment), request.cancellation) {
                    environment.progress($0)
                })
        },
        Definition(
            "image.export", .changes(.image, plan: planExport), .positional,
            Record(
                "limiq.image.export", "", make: { ExportArguments() },
                fields: [
                    Field(
                        "name", \.name, .path, required: true,
                        "A name of the library, or a path with a slash."),
                    Field(
                        "file", \.file, .path, required: true,
                        "The file to write; its ending says the format: `.qcow2`, `.raw`, `.img` or `.vmdk`."),
                ]),
            grace: .seconds(10), returns: "string",
            doc: """
                Writes what an image and all below it hold into one file, and returns its path. It is for other hypervisors, or \
                another machine's library.
                """,
            example: "limiq.image.export(\"fedora\", \"fedora.vmdk\")",
            check: { arguments, call in
                _ = try ExportFormat(ofFile: arguments.file)
                return .string(try call.environment.writing(arguments.file))
            }
        ) { arguments, request in
            let format = try ExportFormat(ofFile: arguments.file)
            let target = try environment.writing(arguments.file)
            let image =
                arguments.name.contains("/")
                ? try environment.reading(arguments.name)
                : try images.resolve(arguments.name, request.cancellation) { environment.progress($0) }
            // What a script can write may name other files by the time QEMU's program reads it.
            let file = try environment.gate.disk(image, "image")
            try Disk.export(file, to: target, format, cancellation: request.cancellation)
            return .string(target)
        },
        Definition(
            "image.remove", .changes(.image, plan: planRemove), .positional,
            Record(
                "limiq.image.remove", "", make: { NameArgument() },
                fields: [Field("name", \.name, .string, required: true, "Its name in the library.")]),
            doc:
                "Removes an image from the library. One that a machine's disk stands on stays, with an error.",
            example: "limiq.image.remove \"fedora\""
        ) { arguments, _ in
            try environment.gate.changeLibrary("limiq.image.remove")
            try images.remove(arguments.name, unless: try environment.standsOn())
            return .null
        },
    ]
}

private let catalogueImageRecord = RecordDescription(
    name: "limiq.CatalogueImage", doc: "What the catalogue says of an image.",
    fields: [
        .init("name", "string", "Its name."), .init("aliases", "string[]", "Other names for it."),
        .init(
            "family", "string", CatalogueImage.Family.allCases.map(\.rawValue).joined(separator: ", ") + "."),
        .init("user", "string", "Who may log in where the seed makes nobody."),
        .init("architecture", "string", "The guest's, as QEMU names it."),
        .init("seed", #""cloud-init"|"ignition""#, "What configures the guest at its first start."),
        .init(
            "cloud_init", "string", "Its release of cloud-init: `22.4.2`, or `newest`.", isRequired: false),
        .init(
            "end_of_life", "string", "The last day of its publisher's updates: `2028-06-30`.",
            isRequired: false),
        .init("url", "string", "Its address; its list has it where it is left out.", isRequired: false),
        .init("checksums", "string", "The address of the publisher's list of checksums."),
    ])

private func describe(_ name: String, _ environment: Environment) throws(Failure) -> Value {
    let name = name.contains("/") ? try environment.reading(name) : name
    return try environment.images.describe(name).map(value) ?? .null
}

/// The value of an image of the catalogue, as scripts and `limiq image show --json` have it.
public func value(of image: CatalogueImage) -> Value {
    var map: Map = [
        "name": .string(image.name), "aliases": .list(image.aliases.map(Value.string)),
        "family": .string(image.family.rawValue), "user": .string(image.user),
        "architecture": .string(image.architecture), "seed": .string(image.seed.rawValue),
    ]
    if let release = image.cloudInit { map.append("cloud_init", .string(release.description)) }
    if let day = image.endOfLife { map.append("end_of_life", .string(day.description)) }
    if let url = image.url { map.append("url", .string(url)) }
    map.append("checksums", .string(image.checksums))
    return .map(map)
}

private func described(_ entry: ImageLibrary.Entry) -> Value {
    var map: Map = ["name": .string(entry.name), "catalogued": .bool(entry.isCatalogued)]
    map["path"] = entry.path.map(Value.string)
    map["format"] = entry.format.map(Value.string)
    map["size"] = entry.virtualSize.map { .int(Int64(clamping: $0)) }
    return .map(map)
}

// MARK: - plans

private func planResolve(_ arguments: NameArgument, _ call: PlannedCall) throws -> Value {
    let images = call.environment.images
    try ImageLibrary.requireNoAddress(arguments.name)
    if arguments.name.contains("/") {
        let path = try call.environment.reading(arguments.name)
        return call.isMade(path) ? .string(path) : try call.perform()
    }
    if let entry = try images.locked(arguments.name) {
        let place = try images.place(of: arguments.name, entry, call.request.cancellation)
        if !place.isHere { call.add(PlanStep(action: .make, kind: "image", name: lastComponent(place.path))) }
        return .string(place.path)
    }
    let name = images.canonical(arguments.name)
    let offered = try images.list().first { $0.name == name }
    switch call.run.expectedImage(name) {
    case .some(let image?): return .string(image.path ?? images.place(of: name))
    case .some(nil) where offered?.isCatalogued == true: break
    case .some(nil): throw missing(name)
    case nil: guard let offered, offered.path == nil else { return try call.perform() }
    }
    try call.environment.gate.fetchImage(name)
    return call.makeImage(name)
}

private func planList(_: NoArguments, _ call: PlannedCall) throws -> Value {
    let expected = call.run.expectedImages
    var entries: [ImageLibrary.Entry] = expected.values.compactMap(\.self)
    for var entry in try call.environment.images.list() {
        if let change = expected[entry.name] {
            // One that is gone is offered still where a publisher has it.
            guard change == nil, entry.isCatalogued else { continue }
            (entry.path, entry.format, entry.virtualSize) = (nil, nil, nil)
        }
        entries.append(entry)
    }
    return .list(entries.sorted { $0.name < $1.name }.map(described))
}

private func planAdd(_ arguments: AddArguments, _ call: PlannedCall) throws -> Value {
    let (name, images) = (arguments.name, call.environment.images)
    try call.environment.gate.changeLibrary("limiq.image.add")
    let addition = try arguments.addition(call.environment)
    switch call.run.expectedImage(name) {
    case .some(let image?):
        let path = image.path ?? images.place(of: name)
        guard let made = call.run.addition(name), isSame(made, addition) else {
            throw images.taken(name, path)
        }
        return .string(path)
    case .some(nil): break
    case nil:
        if let path = try images.present(addition, Cancellation()) { return .string(path) }
    }
    let path: String
    var file = ""
    switch addition.source {
    case .file(let source) where call.isMade(source):
        // In which format is known when it is made.
        path = images.place(of: name)
        _ = call.run.guess()
    case .file(let source):
        path = try images.place(ofAdded: addition)
        file = source
    case .address:
        path = try images.place(ofAdded: addition)
        _ = call.run.guess()
    }
    return call.makeImage(name, at: path, like: file, addition)
}

/// Whether a second addition under a name would find its image there.
private func isSame(_ first: ImageAddition, _ second: ImageAddition) -> Bool {
    if first == second { return true }
    guard case .file(let one) = first.source, case .file(let other) = second.source,
        second.checksum == nil || second.checksum == first.checksum
    else { return false }
    let digests = [one, other].map { try? FileDigest(of: $0, Cancellation()).value }
    return digests[0] != nil && digests[0] == digests[1]
}

private func planExport(_ arguments: ExportArguments, _ call: PlannedCall) throws -> Value {
    _ = try ExportFormat(ofFile: arguments.file)
    _ = try planResolve(NameArgument(name: arguments.name), call)
    return try call.make(arguments.file, "disk", part: .init(name: "image", detail: arguments.name))
}

private func planRemove(_ arguments: NameArgument, _ call: PlannedCall) throws -> Value {
    let (name, environment) = (arguments.name, call.environment)
    try environment.gate.changeLibrary("limiq.image.remove")
    switch call.run.expectedImage(name) {
    case .some(_?): break
    case .some(nil): throw missing(name)
    case nil: _ = try environment.images.removable(name, unless: try environment.standsOn())
    }
    call.add(PlanStep(action: .remove, kind: "image", name: name))
    call.run.expectImage(name, nil)
    return .null
}

private func missing(_ name: String) -> Failure {
    Failure(.notFound, "there is no image \(name) here", resource: name)
}

private func checkAdd(_ arguments: AddArguments, _ call: CheckedCall) throws -> Value {
    let (name, images) = (arguments.name, call.environment.images)
    let addition = try arguments.addition(call.environment)
    let path: String
    switch addition.source {
    case .file(let source) where fileExists(source):
        path = try images.place(ofAdded: addition)
    case .file:
        // The script may get it first.
        path = images.place(of: name)
        call.guess()
    case .address:
        path = try images.place(ofAdded: addition)
        call.guess()
    }
    call.run.expectImage(name, path)
    return .string(path)
}
