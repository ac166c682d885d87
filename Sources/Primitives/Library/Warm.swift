import Basics
import FoundationEssentials
import HostFiles
import ImageLibrary
import LuaRuntime
import MachineSpec
import Provisioning
import Records

/// The primitives that `limiq.warm` is made of, beside those of a bake.
func warmDefinitions(_ environment: Environment) -> [Definition] {
    [keep(environment), spec(environment)]
}

private struct KeepArguments: DomainArguments {
    var domain = DomainReference()
    var image = ""
    var base = ""
    var hasOwnNetwork = false
}

private func keep(_ environment: Environment) -> Definition {
    .domain(
        "image.warm_keep", .changes(.machine) { _, _ in .null }, environment, KeepArguments.self,
        fields: [
            Field("image", \.image, .string, required: true, "What `image.bake_begin` gave."),
            Field("base", \.base, .path, required: true, "The image it was made from."),
            Field("own_network", \.hasOwnNetwork, .bool, "Whether its script gave it a network-config."),
        ], in: .inner, grace: .seconds(10), returns: "string",
        doc: "Keeps a machine's memory and disk as a warm machine.", example: ""
    ) { machine, arguments, request in
        let image = try environment.bakes.begun(arguments.image)
        return .string(
            try machine.keepWarm(
                image, base: arguments.base, hasOwnNetwork: arguments.hasOwnNetwork, in: environment.images,
                cancellation: request.cancellation
            ) { environment.progress($0) })
    }
}

private struct SpecArguments: Sendable {
    var warm = ""
}

private func spec(_ environment: Environment) -> Definition {
    Definition(
        "image.warm_spec", .reads(.image), in: .inner, .positional,
        Record(
            "limiq.WarmSpec", "", make: SpecArguments.init,
            fields: [Field("warm", \.warm, .path, required: true, "What `limiq.warm` gave.")]),
        returns: "table",
        doc: "What a machine that is made of a warm one takes from it.", example: ""
    ) { arguments, _ in
        let disk = environment.absolute(arguments.warm)
        let spec: VMSpec
        // In a plan it may be one that is still to be made.
        do throws(Failure) { spec = try WarmImage(disk: disk, state: environment.state).spec } catch {
            guard error.code == .notFound, !fileExists(disk) else { throw error }
            return [:]
        }
        let whole = Codec<VMSpec>.vmSpec(environment).encode(spec)
        var taken: Map = [:]
        for field in [
            "cpu_cores", "cpu_sockets", "cpu_threads_per_core", "memory_mib", "firmware", "cloud_init",
            "guest_os",
        ] {
            if let value = whole[field] { taken.append(field, value) }
        }
        return .map(taken)
    }
}
