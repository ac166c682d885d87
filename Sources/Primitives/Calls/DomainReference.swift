import Basics
import Hypervisors
import LuaRuntime
import Provisioning
import Records

/// The domain a primitive is about: a name, or a handle `{ name = …, uri = … }` as `domain.get` returns it.
struct DomainReference: Sendable, Equatable {
    var name = ""
    /// The URI of the hypervisor; `nil`: the run's own.
    var uri: String?

    func machine(_ environment: Environment) throws(Failure) -> Machine {
        try environment.machine(name, on: uri)
    }

    /// The handle that a script gets for a domain.
    static func handle(_ machine: Machine) -> Value {
        ["name": .string(machine.name), "uri": .string(machine.hypervisor.uri)]
    }
}

extension Codec where Content == DomainReference {
    /// A domain by its name or handle. Handles carry methods and fields of their own: only the two that matter are
    /// read.
    static let domain = Codec("string|limiq.Domain") { value, path throws(Failure) in
        if case .string(let name) = value { return DomainReference(name: name) }
        guard let name = value["name"]?.string else {
            throw wrongType(
                path, expected: "a domain or its name", got: value,
                hint: value.list == nil && value.map == nil
                    ? nil : "call its methods with a colon, as in \(path):exec { … }")
        }
        return DomainReference(name: name, uri: value["uri"]?.string)
    } encode: { reference in
        var map = Map([.init(key: "name", value: .string(reference.name))])
        if let uri = reference.uri { map.append("uri", .string(uri)) }
        return .map(map)
    }
}

/// The arguments of a primitive that begin with a domain.
protocol DomainArguments: Sendable {
    init()
    var domain: DomainReference { get set }
}

extension Definition {
    /// A primitive about one domain: `limiq.domain.NAME(domain, …)`.
    static func domain<Arguments: DomainArguments>(
        _ name: String, _ effect: PlannedEffect<Arguments>, _ environment: Environment,
        _ arguments: Arguments.Type,
        fields: @autoclosure @escaping @Sendable () -> [Field<Arguments>] = [],
        in place: Place = .named, grace: Duration = .zero, returns: String = "", doc: String, example: String,
        check: (@Sendable (Arguments, CheckedCall) throws -> Value)? = nil,
        body: @escaping @Sendable (Machine, Arguments, Request) throws -> Value
    ) -> Definition {
        let record = Record(
            "limiq.\(recordName(name))", doc, make: { Arguments() }, fields: [.domain] + fields())
        return Definition(
            name, effect, in: place, .positional, record, grace: grace, returns: returns, doc: doc,
            example: example,
            check: check
        ) { arguments, request in
            try body(try arguments.domain.machine(environment), arguments, request)
        }
    }

    /// The name of a record: `domain.write_file` as `DomainWriteFile`.
    private static func recordName(_ name: String) -> String {
        name.split { $0 == "." || $0 == "_" }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}

extension Field where Owner: DomainArguments {
    fileprivate static var domain: Field {
        Field(
            name: "domain", luaType: Codec<DomainReference>.domain.luaType, isRequired: true,
            doc: "The domain or its name.", records: { [] }
        ) { owner, value, path throws(Failure) in
            owner.domain = try Codec<DomainReference>.domain.decode(value, path)
        } encode: {
            Codec<DomainReference>.domain.encode($0.domain)
        }
    }
}

/// The arguments that are a domain and nothing else.
struct OnlyDomain: DomainArguments {
    var domain = DomainReference()
}
