import ArgumentParser
import Basics
import Hypervisors
import Provisioning

struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove machines with all that was made for them, and nothing else.")

    @Argument(help: ArgumentHelp("The machines.", valueName: "vm"), completion: CompletionKind.machine)
    var names: [String]

    @OptionGroup var host: HostOptions

    func run() throws {
        let session = try Session(connect: host.connect)
        let cancellation = Cancellation()
        try Signals.forward { _ in cancellation.cancel() }
        let hypervisor = try session.hosts.hypervisor(nil)
        var missing: [String] = []
        var failures: [Failure] = []
        var names = Set(names)
        while !names.isEmpty {
            var kept: [String: Failure] = [:]
            remove(names, on: hypervisor, session, cancellation) { name, outcome in
                switch outcome {
                case .success(true): StandardError.tell("removed \(name)")
                case .success(false): missing.append(name)
                case .failure(let failure) where failure.code == .inUse: kept[name] = failure
                case .failure(let failure): failures.append(failure)
                }
            }
            // A machine stays while another stands on its disk, and may go after that one.
            guard kept.count < names.count else {
                failures += kept.sorted { $0.key < $1.key }.map(\.value)
                break
            }
            names = Set(kept.keys)
        }
        if !missing.isEmpty {
            missing.sort()
            failures.append(
                Failure(
                    .notFound, "there is no VM \(missing.joined(separator: ", "))",
                    hint: "limiq list shows those that are there", resource: missing[0]))
        }
        // An interruption is said once.
        if let cancelled = failures.first(where: { $0.code == .cancelled }) { throw cancelled }
        for failure in failures.dropLast() { StandardError.complain("\(failure)") }
        if let last = failures.last { throw last }
    }

    private func remove(
        _ names: Set<String>, on hypervisor: any Hypervisor, _ session: Session,
        _ cancellation: Cancellation, tell: (String, Result<Bool, Failure>) -> Void
    ) {
        // A guest takes its time to end, and one that hangs keeps none of the others.
        let pool = WorkerPool(limit: 16)
        let outcomes = Mailbox<(name: String, outcome: Result<Bool, Failure>)>()
        for name in names.sorted() {
            let machine = Machine(name, on: hypervisor, state: session.state)
            pool.run {
                outcomes.put(
                    (
                        name,
                        Result { () throws(Failure) in
                            try cancellation.check()
                            return try machine.remove(cancellation: cancellation) { left in
                                StandardError.tell("left alone: \(left)")
                            }
                        }
                    ))
            }
        }
        for _ in names {
            let (name, outcome) = outcomes.next()
            tell(name, outcome)
        }
    }
}
