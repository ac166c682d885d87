import Basics
import Provisioning

/// A domain as a script holds it: a name, and the host's URI where it is not the run's own.
struct DomainHandle: Sendable, Equatable {
    var name = ""
    var uri: String?

    func machine(_ environment: Environment) throws(Failure) -> Machine {
        Machine(name, on: try environment.hypervisor(uri), state: environment.state)
    }
}

extension Codec where Swift == DomainHandle {
    /// A handle (a table with `name` and `uri`, whatever else it holds) or a bare name.
    static let domain = Codec("limiq.Domain|string") { value, path throws(Failure) in
        switch value {
        case .string(let name): return DomainHandle(name: name)
        case .map(let map):
            guard let name = map["name"]?.string else { throw wrongType("\(path).name", expected: "a string", got: map["name"] ?? .null) }
            return DomainHandle(name: name, uri: map["uri"]?.string)
        default: throw wrongType(path, expected: "a domain or its name", got: value)
        }
    } encode: { ["name": .string($0.name)] }
}
