import Basics
import MachineSpec
import Provisioning
import Records

private struct AddressOptions: Sendable {
    var all = false
}

private struct AddressArguments: Sendable {
    var vm = VMReference()
    var options: AddressOptions?
}

/// A machine with or without its spec.
private struct VMReference: Sendable, Equatable {
    var domain = DomainReference()
    var spec: VMSpec?
}

private func vmReference(_ environment: Environment) -> Codec<VMReference> {
    Codec("limiq.VM") { value, path throws(Failure) in
        let domain = try Codec<DomainReference>.domain.decode(value, path)
        guard let spec = value["spec"], spec != .null else { return VMReference(domain: domain) }
        return VMReference(domain: domain, spec: try Codec<VMSpec>.vmSpec(environment).decode(spec, "spec"))
    } encode: {
        Codec<DomainReference>.domain.encode($0.domain)
    }
}

/// The primitive that says where a machine is, whether it is there or not.
func vmAddress(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.AddressOptions", "Which addresses.", make: AddressOptions.init,
        fields: [Field("all", \.all, .bool, "A list of all, IPv4 first.")])
    let record = Record(
        "limiq.VMAddress", "A VM.", make: AddressArguments.init,
        fields: [
            Field("vm", \.vm, vmReference(environment), required: true, "The VM."),
            Field("options", \.options, .record(options), "Which addresses."),
        ])
    @Sendable func answer(_ addresses: [String], _ arguments: AddressArguments) -> Value {
        if arguments.options?.all ?? false { return .list(addresses.map(Value.string)) }
        return addresses.first.map(Value.string) ?? .null
    }
    @Sendable func fixed(_ arguments: AddressArguments) throws(Failure) -> [String] {
        guard let spec = arguments.vm.spec else { return [] }
        return try arguments.vm.domain.machine(environment).fixedAddresses(of: spec)
    }
    return Definition(
        "vm.address",
        .reads(.machine) { arguments, call in
            let fixed = try fixed(arguments)
            guard fixed.isEmpty else { return answer(fixed, arguments) }
            let found = try call.ask(arguments.vm.domain)
            // Of one that is not known yet.
            return arguments.options?.all ?? false && found.list == nil ? .list([found]) : found
        }, .positional, record, returns: "string|string[]",
        doc: """
            The guest's own address. On a network of limiq's it is known before the VM exists; else it is had from the \
            network's leases, its agent or the host's ARP table. On user networking it is known inside the guest only, and \
            ports are reached by their forwards.
            """,
        example: """
            local limiq = require "limiq"
            local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24" }
            print(limiq.vm { name = "web-01", nics = { { network = lab } } }:address())
            """
        ,
        check: { arguments, call in
            call.guess()
            return arguments.options?.all ?? false ? [] : "unknown"
        }
    ) { arguments, _ in
        let fixed = try fixed(arguments)
        if !fixed.isEmpty { return answer(fixed, arguments) }
        return answer(try arguments.vm.domain.machine(environment).requireAddresses(), arguments)
    }
}
