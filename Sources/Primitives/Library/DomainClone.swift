import Basics
import HostFiles
import LuaRuntime
import MachineSpec
import Provisioning
import Records

/// The primitives that `vm:clone` is made of: the guest of the copy is sealed by a machine of its own in between.
func domainCloneDefinitions(_ environment: Environment) -> [Definition] {
    [begin(environment), keep(environment)]
}

private struct BeginArguments: DomainArguments {
    var domain = DomainReference()
    var name = ""
}

private func begin(_ environment: Environment) -> Definition {
    /// - Returns: what says that there is such a machine already; `nil` where there is none.
    @Sendable func standing(_ arguments: BeginArguments) throws(Failure) -> Value? {
        try VMSpec(name: arguments.name).checkName()
        let clone = try environment.machine(arguments.name, on: arguments.domain.uri)
        guard try clone.hypervisor.domain(clone.name) != nil else { return nil }
        guard try clone.record() != nil else { throw clone.notOurs }
        return [:]
    }
    @Sendable func answer(_ copy: MachineCopy) -> Value {
        let codec = Codec<VMSpec>.vmSpec(environment)
        var answer: Map = ["spec": codec.encode(copy.spec), "instance": .string(copy.instance)]
        // Two machines of one name at once would be one too many.
        if let sealer = copy.sealer(named: "clone-\(copy.spec.name.prefix(40))-\(copy.instance.suffix(8))") {
            answer.append("sealer", codec.encode(sealer))
            answer.append("boot", .int(Int64((copy.boot ?? 0) + 1)))
        }
        return .map(answer)
    }
    return .domain(
        "domain.clone_begin",
        .changes(.machine) { arguments, call in
            if let standing = try standing(arguments) { return standing }
            let machine = try call.domain(arguments.domain)
            let spec = try call.run.forecast(machine)?.spec ?? machine.spec()
            var copy = try machine.plannedCopy(of: spec, forClone: arguments.name, key: "")
            for index in copy.spec.disks.indices where !copy.spec.disks[index].readonly {
                let disk = copy.spec.disks[index]
                let name = index == copy.boot ? arguments.name : "\(arguments.name)-\(disk.id)"
                copy.spec.disks[index].backingFile =
                    call.makeImage(name, part: .init(name: "copy", detail: "of \(machine.name)")).string
            }
            return ["spec": Codec<VMSpec>.vmSpec(environment).encode(copy.spec)]
        }, environment, BeginArguments.self,
        fields: [Field("name", \.name, .string, required: true, "The clone's name.")], in: .inner,
        grace: .seconds(10), returns: "table",
        doc: "Copies a machine's disks, and answers with the spec of a machine on them.", example: "",
        check: { arguments, _ in ["spec": ["name": .string(arguments.name)]] }
    ) { machine, arguments, request in
        if let standing = try standing(arguments) { return standing }
        try environment.gate.changeLibrary("clone")
        return answer(
            try machine.copyDisks(
                forClone: arguments.name, into: environment.images, cancellation: request.cancellation
            ) { environment.progress($0) })
    }
}

private struct KeepArguments: DomainArguments {
    var domain = DomainReference()
    var name = ""
    var instance = ""
    var source = ""
}

private func keep(_ environment: Environment) -> Definition {
    .domain(
        "domain.clone_keep", .changes(.machine) { _, _ in .null }, environment, KeepArguments.self,
        fields: [
            Field("name", \.name, .string, required: true, "The clone's name."),
            Field("instance", \.instance, .string, required: true, "The cloud-init instance that it is."),
            Field("source", \.source, .string, required: true, "The machine that it is a clone of."),
        ], in: .inner, grace: .seconds(10), returns: "string",
        doc: "Seals the guest of a copied disk, and keeps the disk as an image.", example: ""
    ) { machine, arguments, request in
        .string(
            try machine.sealClone(
                named: arguments.name, instance: arguments.instance, of: arguments.source,
                into: environment.images, cancellation: request.cancellation
            ) { environment.progress($0) })
    }
}
