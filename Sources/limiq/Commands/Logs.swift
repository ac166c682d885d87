import ArgumentParser
import Basics
import Provisioning

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what a machine's guest has said on its console since it started, as plain text.")

    @Argument(help: ArgumentHelp("The machine.", valueName: "vm"), completion: CompletionKind.machine)
    var name: String

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: host.connect)
        let machine = Machine(name, on: try session.hosts.hypervisor(nil), state: session.state)
        try machine.requireDomain()
        for line in try machine.consoleLines() { StandardOutput.print(TerminalText.visible(line)) }
    }
}
