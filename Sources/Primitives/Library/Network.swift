import Basics
import Hypervisors
import MachineSpec
import Provisioning
import Records

/// The primitives of `limiq.network`: what the network handle's methods call.
func networkDefinitions(_ environment: Environment) -> [Definition] {
    [
        check(environment), up(environment), remove(environment), address(environment), get(environment),
        list(environment),
    ]
}

private struct CheckArguments: Sendable {
    var spec = NetworkSpec(name: "", cidr: "")
    var uri: String?
}

private func check(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.NetworkCheck", "A network to look at.", make: CheckArguments.init,
        fields: [
            Field("spec", \.spec, .record(networkSpecRecord), required: true, "What the network is to be."),
            Field("uri", \.uri, .string, "Its host."),
        ])
    return Definition(
        "network.check", .pure, in: .call("network"), .positional, record, returns: "limiq.Network",
        doc: """
            A network of machines. Nothing is made before the first `up` of a machine on it, or its own. Each machine on it has \
            one address for life, given or chosen, and a name in its DNS.
            """,
        example: """
            local limiq = require "limiq"
            local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24", domain = "lab.internal" }
            local db = limiq.vm { name = "db", nics = { { network = lab, address = "10.77.0.10" } } }
            print(db:address())
            """
    ) { arguments, _ in
        try arguments.spec.check()
        try environment.addressBook.note(arguments.spec, on: arguments.uri)
        return networkSpecRecord.encode(arguments.spec)
    }
}

private struct NetworkArguments: Sendable {
    var network = NetworkReference()
}

private func networkRecord(_ name: String, _ doc: String) -> Record<NetworkArguments> {
    Record(
        name, doc, make: NetworkArguments.init,
        fields: [Field("network", \.network, .network, required: true, "The network.")])
}

private func up(_ environment: Environment) -> Definition {
    Definition(
        "network.up",
        .changes(.host) { arguments, call in
            let network = try arguments.network.network(call.environment)
            return .bool(try call.bringUp(network, try arguments.network.requireSpec()))
        }, .positional, networkRecord("limiq.NetworkUp", "A network to make."), returns: "boolean",
        doc: """
            Brings the network to what its spec says: makes and starts what is missing, changes what differs. Returns whether \
            something was done. One that guests run on is not changed.
            """,
        example: """
            local limiq = require "limiq"
            limiq.network({ name = "lab", cidr = "10.77.0.0/24" }):up()
            """
    ) { arguments, _ in
        let network = try arguments.network.network(environment)
        try environment.gate.changeNetworks(network.name)
        return .bool(try network.up(try arguments.network.requireSpec()))
    }
}

private func remove(_ environment: Environment) -> Definition {
    Definition(
        "network.remove",
        .changes(.host) { arguments, call in
            .bool(try call.remove(try arguments.network.network(call.environment)))
        }, .positional, networkRecord("limiq.NetworkRemove", "A network to remove."), returns: "boolean",
        doc: """
            Removes the network. Returns whether there was one. While a machine is on it, and where limiq did not make it, it \
            is an error.
            """,
        example: """
            local limiq = require "limiq"
            limiq.network.get("lab"):remove()
            """
    ) { arguments, _ in
        let network = try arguments.network.network(environment)
        try environment.gate.changeNetworks(network.name)
        let isRemoved = try network.remove()
        environment.addressBook.forget(network: network.name)
        return .bool(isRemoved)
    }
}

private struct AddressArguments: Sendable {
    var network = NetworkReference()
    var machine = ""
}

private func address(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.NetworkAddress", "A machine on a network.", make: AddressArguments.init,
        fields: [
            Field("network", \.network, .network, required: true, "The network."),
            Field("machine", \.machine, .publicText, required: true, "The machine's name."),
        ])
    return Definition(
        "network.address", .reads(.host), .positional, record, returns: "string",
        doc: """
            The IPv4 address that a machine has on the network, or will have: one that is not described yet is given one. It \
            stays the machine's for life.
            """,
        example: """
            local limiq = require "limiq"
            local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24" }
            print(lab:address("web-01"))
            """
        ,
        check: { _, call in
            call.guess()
            return "10.77.0.10"
        }
    ) { arguments, _ in
        var spec = VMSpec(name: arguments.machine)
        var nic = NICSpec(id: "nic1")
        nic.network = arguments.network.network
        spec.nics = [nic]
        let machine = try environment.machine(arguments.machine, on: arguments.network.uri)
        guard let address = try machine.settled(spec).nics[0].address else {
            throw Failure(
                .notFound,
                "network \(arguments.network.network.name) is not limiq's, and gives its addresses itself",
                hint: "ask the machine: vm:address()", resource: arguments.network.network.name)
        }
        return .string(address)
    }
}

private struct GetArguments: Sendable {
    var name = ""
    var uri: String?
}

private func get(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.NetworkGet", "A network by its name.", make: GetArguments.init,
        fields: [
            Field("name", \.name, .publicText, required: true, "Its name."),
            Field("uri", \.uri, .string, "Its host; the run's own where left out."),
        ])
    return Definition(
        "network.get", .reads(.host), .positional, record, returns: "limiq.Network",
        doc: "A network that is there, whoever made it. `spec` is nil for one that limiq did not make.",
        example: """
            local limiq = require "limiq"
            print(limiq.network.get("lab").spec.cidr)
            """
        ,
        check: { arguments, call in
            call.guess()
            return ["name": .string(arguments.name)]
        }
    ) { arguments, _ in
        value(of: try environment.network(arguments.name, on: arguments.uri).entry())
    }
}

private struct ListArguments: Sendable {
    var uri: String?
}

private func list(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.NetworkFilter", "Which networks.", make: ListArguments.init,
        fields: [Field("uri", \.uri, .string, "Their host; the run's own where left out.")])
    return Definition(
        "network.list", .reads(.host), .table, record, returns: "limiq.NetworkEntry[]",
        answers: [networkEntry, networkMember],
        doc: "The networks of the host, by name, those of others too.",
        example: """
            local limiq = require "limiq"
            for _, network in ipairs(limiq.network.list()) do print(network.name, network.active) end
            """
    ) { arguments, _ in
        let hypervisor = try environment.hypervisor(arguments.uri)
        return .list(try VirtualNetwork.all(on: hypervisor, state: environment.state).map { value(of: $0) })
    }
}

private let networkEntry = RecordDescription(
    name: "limiq.NetworkEntry", doc: "A network that is there.",
    fields: [
        .init("name", "string", "Its name."),
        .init("active", "boolean", "Whether it runs; a private one needs not."),
        .init("ranges", "string[]", "Its addresses: `10.77.0.0/24`."),
        .init(
            "spec", "limiq.NetworkSpec", "What limiq made it as; nil for somebody else's.", isRequired: false),
        .init("members", "limiq.NetworkMember[]", "The machines with addresses on it."),
        .init("users", "string[]", "The domains on it."),
    ])

private let networkMember = RecordDescription(
    name: "limiq.NetworkMember", doc: "A machine on a network.",
    fields: [
        .init("name", "string", "Its name in the network's DNS."),
        .init("address", "string", "Its IPv4 address."),
        .init("address6", "string", "Its IPv6 address.", isRequired: false),
        .init("mac_address", "string", "The nic that the DHCP server keeps it for.", isRequired: false),
    ])

/// The value of a network, as scripts and `limiq network list --json` have it.
public func value(of network: NetworkEntry) -> Value {
    var map: Map = [
        "name": .string(network.name), "active": .bool(network.isActive),
        "ranges": .list(network.ranges.map(Value.string)),
    ]
    if let spec = network.spec { map.append("spec", networkSpecRecord.encode(spec)) }
    map.append(
        "members",
        .list(
            network.members.map { member in
                var map: Map = ["name": .string(member.name), "address": .string("\(member.address)")]
                if let address = member.address6 { map.append("address6", .string("\(address)")) }
                if let address = member.macAddress { map.append("mac_address", .string(address)) }
                return .map(map)
            }))
    map.append("users", .list(network.users.map(Value.string)))
    return .map(map)
}
