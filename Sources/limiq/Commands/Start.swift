import ArgumentParser
import Basics
import Provisioning

struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start machines that are off; those that are saved or suspended go on.")

    @OptionGroup var machines: SelectorOptions

    @Flag(help: "All machines with autostart = true; limiq's unit of systemd does so.")
    var autostart = false

    @OptionGroup var host: HostOptions

    func validate() throws {
        if autostart, !machines.isEmpty { throw ValidationError("--autostart names the machines itself") }
    }

    func run() throws {
        var selector = try machines.selector(orAll: autostart)
        selector.autostart = autostart
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
