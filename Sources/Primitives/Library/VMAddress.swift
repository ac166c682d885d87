import Basics
import MachineSpec
import Provisioning
import Records

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
    let record = Record(
        "limiq.VMAddress", "A VM.", make: AddressArguments.init,
        fields: [
            Field("vm", \.vm, vmReference(environment), required: true, "The VM."),
            Field("options", \.options, .record(AddressOptions.record), "Which addresses."),
        ])
    @Sendable func fixed(_ arguments: AddressArguments) throws(Failure) -> [String] {
        guard let spec = arguments.vm.spec else { return [] }
        return try arguments.vm.domain.machine(environment).fixedAddresses(of: spec)
    }
    return Definition(
        "vm.address",
        .reads(.machine) { arguments, call in
            let fixed = try fixed(arguments)
            guard fixed.isEmpty else { return AddressOptions.answer(fixed, arguments.options) }
            return AddressOptions.answer(try call.ask(arguments.vm.domain), arguments.options)
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
        if !fixed.isEmpty { return AddressOptions.answer(fixed, arguments.options) }
        return AddressOptions.answer(
            try arguments.vm.domain.machine(environment).requireAddresses(), arguments.options)
    }
}
