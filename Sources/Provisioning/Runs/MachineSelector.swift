import Basics
import Glibc
import HostFiles
import Hypervisors

/// The machines that a person means on a command line: by their names, by patterns of names, by labels, or all.
public struct MachineSelector: Sendable {
    /// The names, and patterns of names with `*`, `?` or `[…]`, which no name of a machine has.
    public var words: [String]
    /// The labels a machine must have, of those that `words` name or of all.
    public var labels: [String: String]
    /// Whether only machines that start with their host are meant.
    public var autostart = false

    /// - Parameters:
    ///   - words: none for all machines.
    ///   - labels: none for whatever labels they have.
    public init(words: [String] = [], labels: [String: String] = [:]) {
        self.words = words
        self.labels = labels
    }

    /// The machines that were found, and what of the words names none.
    public struct Selection: Sendable {
        /// The machines, each once, in the order of their names.
        public var machines: [Machine] = []
        public var failures: [Failure] = []
    }

    /// Looks up the machines. A pattern, a label and all are for those that limiq made on this hypervisor; a name of another
    /// domain is a failure with code `not_ours`, a word that names nothing one with code `not_found`.
    ///
    /// - Parameter keepsGone: whether a machine is one whose domain is gone and for which something is kept here.
    /// - Throws: where the hypervisor does not answer.
    public func select(
        on hypervisor: any Hypervisor, state: StateFolder, keepsGone: Bool = false
    ) throws(Failure) -> Selection {
        var selection = Selection()
        var found: [String: Machine] = [:]
        var known: [Machine]?
        // A name alone needs no look at all the others.
        func own() throws(Failure) -> [Machine] {
            if let known { return known }
            let machines = try Machine.list(on: hypervisor, state: state)
            known = machines
            return machines
        }
        for word in words {
            do throws(Failure) {
                if Self.isPattern(word) {
                    for machine in try matching(word, own()) { found[machine.name] = machine }
                } else if let machine = try machine(word, hypervisor, state, keepsGone) {
                    found[word] = machine
                } else {
                    throw Failure(
                        .notFound, "there is no VM \(word)", hint: Self.hint(word, try own()), resource: word)
                }
            } catch { selection.failures.append(error) }
        }
        if words.isEmpty { for machine in try own() { found[machine.name] = machine } }
        if autostart {
            for (name, machine) in found where try machine.record()?.spec.autostart != true {
                found[name] = nil
            }
        }
        if !labels.isEmpty {
            let all = found
            found = [:]
            for (name, machine) in all where try hasLabels(machine) { found[name] = machine }
            if found.isEmpty, selection.failures.isEmpty { selection.failures.append(noLabel(among: all)) }
        }
        selection.machines = found.values.sorted { comesBefore($0.name, $1.name) }
        return selection
    }

    private func matching(_ pattern: String, _ own: [Machine]) throws(Failure) -> [Machine] {
        let matching = own.filter { Self.matches($0.name, pattern) }
        if !matching.isEmpty { return matching }
        throw Failure(
            .notFound, "no machine's name matches \(pattern)", hint: Self.hint(pattern, own),
            resource: pattern)
    }

    /// - Returns: `nil` where there is none of this name.
    /// - Throws: `Failure` with code `not_ours`, which says whose the domain is.
    private func machine(
        _ name: String, _ hypervisor: any Hypervisor, _ state: StateFolder, _ keepsGone: Bool
    ) throws(Failure) -> Machine? {
        let machine = Machine(name, on: hypervisor, state: state)
        if let domain = try hypervisor.domain(name) {
            if try machine.record(of: domain) == nil {
                _ = try machine.requireOwn(try machine.kept(), of: domain)
            }
            return machine
        }
        // A path is no name, and leads to no folder.
        return keepsGone && machine.isPossibleName && fileExists(machine.folder) ? machine : nil
    }

    private static func hint(_ word: String, _ own: [Machine]) -> String {
        nearestName(to: word, in: own.map(\.name)).map { "did you mean \($0)?" }
            ?? "limiq list shows those that are there"
    }

    private func hasLabels(_ machine: Machine) throws(Failure) -> Bool {
        guard let present = try machine.record()?.spec.labels else { return false }
        return labels.allSatisfy { present[$0.key] == $0.value }
    }

    private func noLabel(among machines: [String: Machine]) -> Failure {
        let wanted = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
            separator: " and ")
        let present = Set(
            machines.values.flatMap { machine in
                (((try? machine.record()) ?? nil)?.spec.labels ?? [:]).map { "\($0.key)=\($0.value)" }
            })
        let nearest = labels.lazy.compactMap { nearestName(to: "\($0.key)=\($0.value)", in: present) }.first
        return Failure(
            .notFound, "no machine has the label \(wanted)",
            hint: nearest.map { "did you mean \($0)?" }
                ?? "limiq list --columns name,labels shows those there are")
    }

    public static func isPattern(_ word: String) -> Bool { word.contains { "*?[".contains($0) } }

    /// Whether a name is a word, or matches it where that is a pattern, as a shell's does.
    public static func matches(_ name: String, _ word: String) -> Bool {
        isPattern(word) ? fnmatch(word, name, 0) == 0 : name == word
    }
}
