import ArgumentParser
import Basics
import Provisioning

struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove machines with all that was made for them, and nothing else.")

    @Argument(help: ArgumentHelp("The machines.", valueName: "vm"))
    var names: [String]

    @OptionGroup var host: HostOptions

    func run() throws {
        let session = try Session(connect: host.connect)
        let cancellation = Cancellation()
        try Signals.forward { _ in cancellation.cancel() }
        let hypervisor = try session.hosts.hypervisor(nil)
        var missing: [String] = []
        for name in names {
            let machine = Machine(name, on: hypervisor, state: session.state)
            if try machine.remove(cancellation: cancellation) {
                writeAll(Array("removed \(name)\n".utf8), to: 2)
            } else {
                missing.append(name)
            }
        }
        guard let first = missing.first else { return }
        throw Failure(
            .notFound, "there is no VM \(missing.joined(separator: ", "))",
            hint: "limiq list shows those that are there", resource: first)
    }
}
