import Basics
import MachineSpec
import Provisioning
import Records

/// The network a primitive is about: a name, or a handle as `limiq.network` gives it.
struct NetworkReference: Sendable, Equatable {
    var network = NICNetwork.named("")
    /// The URI of the hypervisor; `nil`: the run's own.
    var uri: String?

    func network(_ environment: Environment) throws(Failure) -> VirtualNetwork {
        try environment.network(network.name, on: uri)
    }

    /// - Throws: `Failure` with code `bad_field` for one that is known by its name alone.
    func requireSpec() throws(Failure) -> NetworkSpec {
        if let spec = network.spec { return spec }
        throw Failure(
            .badField, "network \(network.name) is known by its name alone, and not what it is to be",
            hint: "describe it: limiq.network { name = \"\(network.name)\", cidr = … }")
    }
}

extension Codec where Content == NetworkReference {
    static let network = Codec("string|limiq.Network", records: { [] }) { value, path throws(Failure) in
        NetworkReference(
            network: try Codec<NICNetwork>.nicNetwork.decode(value, path), uri: value["uri"]?.string)
    } encode: {
        Codec<NICNetwork>.nicNetwork.encode($0.network)
    }
}
