import Basics
import Provisioning
import Synchronization

/// The choices of a run that every `up` of its script follows, and the machines that the script has asked for.
public final class RunChoices: Sendable {
    /// Whether what a failed `up` made stays for a look, by `--keep`.
    public let keepsFailed: Bool
    /// Whether every `up` may start guests anew, by `--restart`.
    public let restarts: Bool
    /// Whether every `up` may make machines anew, by `--replace`.
    public let replaces: Bool
    /// Whether the machines that the run makes go at its end, by `--rm`.
    public let throwsAway: Bool
    /// The names, or patterns of names, of the only machines to bring up, by `--only`; none for all.
    public let only: [String]

    private struct Asked {
        var places: [ScriptMachines.Place] = []
        var known: Set<ScriptMachines.Place> = []
    }

    private let state = Mutex(Asked())

    public init(
        keepsFailed: Bool = false, restarts: Bool = false, replaces: Bool = false, throwsAway: Bool = false,
        only: [String] = []
    ) {
        self.keepsFailed = keepsFailed
        self.restarts = restarts
        self.replaces = replaces
        self.throwsAway = throwsAway
        self.only = only
    }

    /// The machines that the script has asked for, in the order it did, whether they were brought up or not.
    public var asked: [ScriptMachines.Place] { state.withLock(\.places) }

    /// Notes that the script asks for a machine.
    ///
    /// - Returns: whether it is one to bring up.
    func ask(_ machine: Machine) -> Bool {
        let place = ScriptMachines.Place(name: machine.name, uri: machine.hypervisor.uri)
        state.withLock { if $0.known.insert(place).inserted { $0.places.append(place) } }
        return only.isEmpty || only.contains { MachineSelector.matches(machine.name, $0) }
    }

    /// - Throws: `Failure` with code `not_found` for a name of `--only` by which the script has asked for nothing.
    public func requireAsked() throws(Failure) {
        let names = asked.map(\.name)
        for word in only where !names.contains(where: { MachineSelector.matches($0, word) }) {
            throw Failure(
                .notFound, "--only \(word): the script brings up no such machine",
                hint: nearestName(to: word, in: names).map { "did you mean \($0)?" }
                    ?? (names.isEmpty
                        ? "it brings up none" : "it brings up \(names.prefix(10).joined(separator: ", "))"))
        }
    }
}
