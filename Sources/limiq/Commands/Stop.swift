import ArgumentParser
import Basics
import Provisioning

/// The way in which a guest is brought to an end.
struct StopOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long a guest that was asked to shut down may take.", valueName: "duration"))
    var timeout = "60s"

    @Flag(help: "End it at once, as by its plug, and ask nothing.")
    var force = false

    func wait() throws -> Duration {
        do { return try Duration(parsing: timeout) } catch { throw ValidationError("--timeout: \(error)") }
    }
}

struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask guests to shut down, and wait until they have.",
        discussion: "A guest that is still on after the timeout is told as such, and left on.")

    @OptionGroup var machines: SelectorOptions

    @OptionGroup var options: StopOptions

    @OptionGroup var host: HostOptions

    func run() throws {
        let (selector, timeout, force) = (try machines.selector(), try options.wait(), options.force)
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            let state = try machine.turnOff(timeout: timeout, force: force, cancellation: cancellation)
            return state.isActive ? "stopped \(machine.name)" : "\(machine.name) is off already"
        }
    }
}

struct Restart: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shut guests down and start them anew, with what has waited for their next start.",
        discussion: "A machine that is off is started.")

    @OptionGroup var machines: SelectorOptions

    @OptionGroup var options: StopOptions

    @OptionGroup var host: HostOptions

    func run() throws {
        let (selector, timeout, force) = (try machines.selector(), try options.wait(), options.force)
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            let state = try machine.turnOffAndOn(timeout: timeout, force: force, cancellation: cancellation)
            return state.isActive ? "restarted \(machine.name)" : "started \(machine.name): it was off"
        }
    }
}
