import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import ImageLibrary
import LuaRuntime
import MachineSpec
import Provisioning
import Records

/// The primitives that `limiq.image.bake` is made of. What is done in the guest is the script's own Lua, between them.
func bakeDefinitions(_ environment: Environment) -> [Definition] {
    [host(environment), begin(environment), keep(environment), end(environment)]
}

private struct HostArguments: Sendable {
    var uri: String?
}

/// The library's images are files of this host, and so is the disk that becomes one.
private func host(_ environment: Environment) -> Definition {
    Definition(
        "image.bake_host", .reads(.host), in: .inner, .positional,
        Record(
            "limiq.BakeHost", "", make: HostArguments.init,
            fields: [Field("uri", \.uri, .string, "The host that the script asks for.")]),
        returns: "string", doc: "The host of this machine on which images are baked.", example: "",
        check: { _, _ in .null }
    ) { arguments, _ in
        let asked = arguments.uri ?? environment.connect
        let uri = try asked ?? environment.hypervisor(nil).uri
        if HypervisorURI(uri).isLocal { return asked.map(Value.string) ?? .null }
        let local = HypervisorChoice(explicit: nil, state: environment.state) { name in
            getenv(name).map { String(cString: $0) }.flatMap { HypervisorURI($0).isLocal ? $0 : nil }
        }
        return .string(local.uri)
    }
}

private struct BeginArguments: Sendable {
    var vm = SpecReference()
    var from = ""
    var run: [UInt8] = []
    var inputs = Value.null
    var compress = false
    var warm = false

    /// The image that this would be.
    func image(_ environment: Environment, base: String) throws(Failure) -> BakedImage {
        var key = BakeKey()
        key.add("base", base)
        key.add("spec", try json(of: recipe))
        key.add("run", run)
        key.add("compress", "\(compress)")
        if warm { try addMemory(&key, environment) }
        try key.add(inputs, "inputs", environment)
        return BakedImage(
            name: vm.spec.name, key: key.value(), from: environment.images.name(of: from) ?? from, base: base,
            script: environment.script)
    }

    /// What is in the memory, and not in the disk: the machine, and the processor and QEMU below it.
    private func addMemory(_ key: inout BakeKey, _ environment: Environment) throws(Failure) {
        let spec = vm.spec
        key.add(
            "machine",
            "\(spec.cpuCores) \(spec.cpuSockets) \(spec.cpuThreadsPerCore) \(spec.memoryMiB) \(spec.nics.map(\.isUser))"
        )
        key.add("host", try vm.machine(environment).memoryHost())
    }

    /// What of the machine is in its disk.
    private var recipe: VMSpec {
        var recipe = VMSpec(name: vm.spec.name)
        recipe.disks = vm.spec.disks.map { disk in
            var disk = disk
            disk.backingFile = nil
            return disk
        }
        recipe.cloudInit = vm.spec.cloudInit
        recipe.cloudInit?.check = nil
        recipe.ignition = vm.spec.ignition
        recipe.firmware = vm.spec.firmware
        recipe.guestOS = vm.spec.guestOS
        recipe.cdroms = vm.spec.cdroms
        return recipe
    }

    private func json(of spec: VMSpec) throws(Failure) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do { return Array(try encoder.encode(spec)) } catch {
            throw Failure(.internal, "a recipe cannot be written down", cause: "\(error)")
        }
    }
}

extension BakeKey {
    /// Takes in what a script gives. A text that names a file or a folder by a path counts by what is in there.
    fileprivate mutating func add(_ value: Value, _ name: String, _ environment: Environment) throws(Failure)
    {
        switch value {
        case .null: add(name, "null")
        case .bool(let flag): add(name, "boolean \(flag)")
        case .int(let number): add(name, "number \(number)")
        case .double(let number): add(name, "number \(number)")
        case .bytes(let bytes): add(name, bytes)
        case .secret(let text): add(name, "text \(text)")
        case .string(let text):
            let path = text.contains("/") ? environment.absolute(text) : ""
            guard !path.isEmpty, fileExists(path) else { return add(name, "text \(text)") }
            try add(filesAt: try environment.reading(path), name)
        case .list(let members):
            add(name, "list \(members.count)")
            for (index, member) in members.enumerated() { try add(member, "\(index + 1)", environment) }
        case .map(let map):
            add(name, "table \(map.count)")
            for entry in map.entries { try add(entry.value, entry.key, environment) }
        }
    }

    private mutating func add(filesAt path: String, _ name: String) throws(Failure) {
        guard let files = try? filesBelow(path) else {
            return add(name, "file \(try FileDigest(of: path, Cancellation()).value)")
        }
        add(name, "folder \(files.count)")
        for file in files { add(file, try FileDigest(of: "\(path)/\(file)", Cancellation()).value) }
    }
}

private func begin(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.BakeBegin", "", make: BeginArguments.init,
        fields: [
            Field("vm", \.vm, specReference(environment), required: true, "The machine that is baked."),
            Field(
                "from", \.from, .string, required: true, "The image it is made from, as the script names it."),
            Field("run", \.run, .bytes, "What the script does in the guest."),
            Field("inputs", \.inputs, .any, "What else goes into it."),
            Field("compress", \.compress, .bool, "Whether it is compressed."),
            Field("warm", \.warm, .bool, "Whether its memory is kept too."),
        ])
    /// - Returns: `nil` where the base is not here yet.
    @Sendable func image(_ arguments: BeginArguments, _ cancellation: Cancellation) throws(Failure)
        -> BakedImage?
    {
        guard let base = arguments.vm.spec.disks.first?.backingFile, fileExists(base) else { return nil }
        return try arguments.image(environment, base: try environment.images.digest(of: base, cancellation))
    }
    return Definition(
        "image.bake_begin",
        .changes(.image) { arguments, call in
            let image = try image(arguments, call.request.cancellation)
            if let path = image.flatMap(environment.images.path(of:)) { return ["path": .string(path)] }
            let name = image?.image ?? arguments.vm.spec.name
            if let expected = call.run.expectedImage(name), let path = expected?.path {
                return ["path": .string(path)]
            }
            let part = PlanStep.Part(
                name: arguments.warm ? "warm" : "baked", detail: "from \(arguments.from)")
            return ["path": call.makeImage(name, shown: arguments.vm.spec.name, part: part)]
        }, in: .inner, .table, record, grace: .seconds(5), returns: "table",
        doc: "Begins a bake, or answers with the image that it has made before.", example: "",
        check: { arguments, call in
            ["path": .string(call.image(arguments.vm.spec.name))]
        }
    ) { arguments, request in
        guard let image = try image(arguments, request.cancellation) else {
            throw Failure(.notFound, "the image \(arguments.from) is gone", resource: arguments.from)
        }
        if let path = environment.images.path(of: image) { return ["path": .string(path)] }
        try environment.gate.changeLibrary(arguments.warm ? "limiq.warm" : "limiq.image.bake")
        try environment.bakes.begin(image, request.cancellation) { environment.progress($0) }
        // Whoever had the lock may have made it.
        if let path = environment.images.path(of: image) {
            environment.bakes.end(image.image)
            return ["path": .string(path)]
        }
        return ["image": .string(image.image), "machine": .string(machineName(of: image))]
    }
}

/// The name of the machine that is baked: a DNS label, and another for each recipe.
private func machineName(of image: BakedImage) -> String {
    "bake-\(image.name.prefix(40))-\(image.key.prefix(8))"
}

private struct KeepArguments: DomainArguments {
    var domain = DomainReference()
    var image = ""
    var compress = false
}

private func keep(_ environment: Environment) -> Definition {
    .domain(
        "image.bake_keep", .changes(.machine) { _, _ in .null }, environment, KeepArguments.self,
        fields: [
            Field("image", \.image, .string, required: true, "What `image.bake_begin` gave."),
            Field("compress", \.compress, .bool, "Whether it is compressed."),
        ], in: .inner, grace: .seconds(10), returns: "string",
        doc: "Seals a machine and keeps its disk as an image.", example: ""
    ) { machine, arguments, request in
        let image = try environment.bakes.begun(arguments.image)
        return .string(
            try machine.bake(
                image, into: environment.images, compressed: arguments.compress,
                cancellation: request.cancellation
            ) { environment.progress($0) })
    }
}

private struct EndArguments: Sendable {
    var image = ""
}

private func end(_ environment: Environment) -> Definition {
    Definition(
        "image.bake_end", .reads(.image), in: .inner, .positional,
        Record(
            "limiq.BakeEnd", "", make: EndArguments.init,
            fields: [Field("image", \.image, .string, required: true, "What `image.bake_begin` gave.")]),
        doc: "Ends a bake, whatever came of it.", example: ""
    ) { arguments, _ in
        environment.bakes.end(arguments.image)
        return .null
    }
}
