import Basics
import HostFiles
import ImageLibrary
import LuaRuntime
import Records

private struct NameArgument: Sendable {
    var name = ""
}

private struct AddArguments: Sendable {
    enum Source {
        case file(String)
        case address(String)
    }

    var name = ""
    var path: String?
    var url: String?
    var checksum: String?

    func source(_ environment: Environment) throws(Failure) -> Source {
        switch (path, url) {
        case (let path?, nil): return .file(try environment.reading(path))
        case (nil, let url?): return .address(url)
        default:
            throw Failure(
                .badField, "limiq.image.add takes either path or url",
                hint: "path = \"image.qcow2\" copies a file, url = \"https://…\" downloads it")
        }
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
            "Its SHA-256 or SHA-512 in hexadecimal digits. With it an interrupted download is continued."
        ),
    ])

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
                arguments.name.contains("/")
                    ? .string(try call.environment.reading(arguments.name))
                    : .string(call.image(arguments.name))
            }
        ) { arguments, request in
            let name =
                arguments.name.contains("/") ? try environment.reading(arguments.name) : arguments.name
            return .string(try images.resolve(name, request.cancellation) { environment.progress($0) })
        },
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
                Puts an image into the library, from a file or an address, and returns its path. The copy of a file that \
                not everybody may read is open to its owner and to the account QEMU runs under, and to nobody else.
                """,
            example: """
                limiq.image.add { name = "fedora", path = "downloads/Fedora-Cloud.qcow2" }
                """
            ,
            check: checkAdd
        ) { arguments, request in
            try environment.gate.changeLibrary("limiq.image.add")
            let checksum = try arguments.checksum.map { try ImageChecksum(parsing: $0) }
            switch try arguments.source(environment) {
            case .file(let path):
                try images.add(arguments.name, from: path, checksum: checksum, request.cancellation)
            case .address(let url):
                try images.add(arguments.name, url: url, checksum: checksum, request.cancellation) {
                    environment.progress($0)
                }
            }
            return .string(try images.resolve(arguments.name, request.cancellation) { _ in })
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

private func described(_ entry: ImageLibrary.Entry) -> Value {
    var map: Map = ["name": .string(entry.name), "catalogued": .bool(entry.isCatalogued)]
    map["path"] = entry.path.map(Value.string)
    map["format"] = entry.format.map(Value.string)
    map["size"] = entry.virtualSize.map { .int(Int64(clamping: $0)) }
    return .map(map)
}

// MARK: - plans

private func planResolve(_ arguments: NameArgument, _ call: PlannedCall) throws -> Value {
    let (name, images) = (arguments.name, call.environment.images)
    if name.contains("/") {
        let path = try call.environment.reading(name)
        return call.isMade(path) ? .string(path) : try call.perform()
    }
    let offered = try images.list().first { $0.name == name }
    switch call.run.expectedImage(name) {
    case .some(let image?): return .string(image.path ?? images.place(of: name))
    case .some(nil) where offered?.isCatalogued == true: break
    case .some(nil): throw missing(name)
    case nil: guard let offered, offered.path == nil else { return try call.perform() }
    }
    try call.environment.gate.fetchImage(name)
    call.add(PlanStep(action: .make, kind: "image", name: name))
    let path = images.place(of: name)
    call.run.expectImage(name, images.entry(name, at: path, like: path))
    return .string(path)
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
    _ = try arguments.checksum.map { try ImageChecksum(parsing: $0) }
    switch call.run.expectedImage(name) {
    case .some(let image?): throw images.taken(name, image.path ?? images.place(of: name))
    case .some(nil): break
    case nil: try images.requireFree(name)
    }
    let path: String
    var file = ""
    switch try arguments.source(call.environment) {
    case .file(let source) where call.isMade(source):
        // In which format is known when it is made.
        path = images.place(of: name)
        _ = call.run.guess()
    case .file(let source):
        path = try images.place(ofAdded: name, from: source)
        file = source
    case .address(let url):
        path = try images.place(ofAdded: name, url: url)
        _ = call.run.guess()
    }
    call.add(PlanStep(action: .make, kind: "image", name: name))
    call.run.expectImage(name, images.entry(name, at: path, like: file))
    return .string(path)
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
    let path: String
    switch try arguments.source(call.environment) {
    case .file(let source) where fileExists(source):
        path = try images.place(ofAdded: name, from: source)
    case .file:
        // The script may get it first.
        path = images.place(of: name)
        call.guess()
    case .address(let url):
        path = try images.place(ofAdded: name, url: url)
        call.guess()
    }
    call.run.expectImage(name, path)
    return .string(path)
}
