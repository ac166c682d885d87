import Basics
import JSONSchema

/// The way by ssh into a machine's guest, for those who run OpenSSH's programs themselves.
extension Machine {
    /// The way into the guest; into one that is off, as it will be.
    ///
    /// - Parameter user: as whom; `nil`: the user the machine's cloud-config made, else the one of ssh's configuration.
    /// - Throws: `Failure` with code `not_found` where there is no machine, or no way is known; `host_not_able` where its port is
    ///   not reached from here.
    public func requireSSH(user: String? = nil) throws(Failure) -> GuestSSH {
        let domain = try requireDomain()
        let record = try record()
        if let ssh = ssh(record, user: user, isActive: domain.state.isActive) { return ssh }
        let nics = record?.spec.nics ?? []
        let forwards = nics.flatMap(\.forward)
        let forward = forwards.first { $0.guest == 22 && $0.proto == .tcp }
        if forward != nil, !isLocal { throw onlyThere(forwards, 22, .tcp) }
        let isOnNetwork = nics.contains { !$0.isUser }
        let hint: String
        if !domain.state.isActive, isOnNetwork {
            hint = "it is \(domain.state.rawValue): start it first"
        } else if isOnNetwork {
            hint = "its address is not known yet: wait for \"address\" first"
        } else if forward != nil {
            hint = "the forward waits for its next start, or up sets it"
        } else {
            hint = "nics = { { forward = { { guest = 22 } } } } makes one; limiq exec asks its agent"
        }
        throw Failure(.notFound, "no way to port 22 of \(name) is known", hint: hint, resource: name)
    }

    /// Whether the guest's agent answers now.
    public func answersByAgent() -> Bool { GuestAgent(hypervisor: hypervisor, name: name).answers() }

    /// Whether the guest's ssh server answers now.
    public func answersBySSH() -> Bool {
        guard let record = try? record(), let endpoint = sshEndpoint(record.spec.nics) else { return false }
        return endpoint.hasBanner()
    }
}

/// What surrounds a program of a guest, whichever way it is run.
public struct GuestSurroundings: Sendable, Equatable {
    public var environment: [(name: String, value: String)] = []
    /// The folder it runs in; `nil` for the one it is given.
    public var folder: String?

    public init(environment: [(name: String, value: String)] = [], folder: String? = nil) {
        self.environment = environment
        self.folder = folder
    }

    public static func == (one: Self, other: Self) -> Bool {
        one.folder == other.folder
            && one.environment.elementsEqual(other.environment) { $0.name == $1.name && $0.value == $1.value }
    }

    /// - Throws: `Failure` with code `bad_field` for what no shell takes as a variable's name, or its value.
    public func check() throws(Failure) {
        for (name, value) in environment {
            let isName =
                name.utf8.first.map { !(48...57).contains($0) } == true
                && name.utf8.allSatisfy {
                    $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                }
            guard isName else {
                throw Failure(
                    .badField, "\(quoted(name)) is no name of a variable",
                    hint: "letters, digits and underscores, such as \"LANG\"")
            }
            guard !value.utf8.contains(0) else {
                throw Failure(.badField, "the variable \(name) cannot hold a NUL byte")
            }
        }
        guard folder?.utf8.contains(0) != true else {
            throw Failure(.badField, "the folder to run in cannot hold a NUL byte")
        }
    }

    /// The command that gives a program these surroundings, and becomes it.
    public func around(_ command: [String]) -> [String] {
        guard !environment.isEmpty || folder != nil else { return command }
        var steps = environment.map { "export \($0.name)=\(GuestSSH.quoted($0.value))" }
        if let folder { steps.append("cd -- \(GuestSSH.quoted(folder))") }
        steps.append("exec \"$@\"")
        return ["sh", "-c", steps.joined(separator: " && "), "sh"] + command
    }
}
