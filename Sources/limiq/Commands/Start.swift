import ArgumentParser
import Basics
import Provisioning

struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start machines that are off; those that are saved or suspended go on.")

    @OptionGroup var machines: SelectorOptions

    @OptionGroup var host: HostOptions

    func run() throws {
        let selector = try machines.selector()
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            switch try machine.turnOn(cancellation: cancellation) {
            case .paused: "resumed \(machine.name)"
            case .saved: "started \(machine.name): it goes on from its saved memory"
            case let state where state.isActive: "\(machine.name) runs already"
            default: "started \(machine.name)"
            }
        }
    }
}
