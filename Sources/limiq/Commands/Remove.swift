import ArgumentParser
import Basics
import Hypervisors
import Provisioning

struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove machines with all that was made for them, and nothing else.")

    @OptionGroup var machines: SelectorOptions

    @OptionGroup var host: HostOptions

    func run() throws {
        let selector = try machines.selector()
        let work = try MachineWork(on: host)
        let selection = try selector.select(
            on: work.hypervisor, state: work.session.state, keepsGone: true)
        for failure in selection.failures { work.tell(failure) }
        if selection.machines.isEmpty, selection.failures.isEmpty {
            StandardError.tell("there are no machines")
        }
        try MachineWork.end(selection.failures + work.remove(selection.machines))
    }
}

extension MachineWork {
    /// Removes machines, and tells of each.
    ///
    /// - Returns: the failures, which were told of.
    func remove(_ machines: [Machine]) -> [Failure] {
        var machines = machines
        var failures: [Failure] = []
        func add(_ failure: Failure) {
            failures.append(failure)
            tell(failure)
        }
        while !machines.isEmpty {
            var kept: [(machine: Machine, failure: Failure)] = []
            Self.each(machines, cancellation) { [cancellation] machine throws(Failure) in
                try machine.remove(cancellation: cancellation) { left in
                    StandardError.tell("left alone: \(left)")
                }
            } tell: { machine, outcome in
                switch outcome {
                case .success(true): StandardError.tell("removed \(machine.name)")
                case .success(false):
                    add(
                        Failure(
                            .notFound, "there is no VM \(machine.name)",
                            hint: "limiq list shows those that are there", resource: machine.name))
                case .failure(let failure) where failure.code == .inUse: kept.append((machine, failure))
                case .failure(let failure): add(failure)
                }
            }
            // A machine stays while another stands on its disk, and may go after that one.
            guard kept.count < machines.count else {
                for (_, failure) in kept.sorted(by: { comesBefore($0.machine.name, $1.machine.name) }) {
                    add(failure)
                }
                break
            }
            machines = kept.map(\.machine)
        }
        return failures
    }
}
