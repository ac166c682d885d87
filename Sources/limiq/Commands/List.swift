import ArgumentParser
import Basics
import Glibc
import MachineSpec
import Provisioning

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the machines.")

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: host.connect)
        let machines = try Machine.list(on: try session.hosts.hypervisor(nil), state: session.state)
        for warning in EmbeddedTakeover(state: session.state).warnings() {
            StandardError.complain(warning)
        }
        guard !machines.isEmpty else {
            StandardError.tell("no machines yet; limiq run SCRIPT makes them")
            return
        }
        var rows = [["NAME", "STATE", "ADDRESS", "FORWARDS"]]
        for machine in machines {
            let info = try machine.info()
            let forwards = info.forwards.map { "\($0.host)→\($0.guest)" }.joined(separator: " ")
            rows.append([
                info.name, info.state.rawValue, info.addresses.first ?? "-",
                forwards.isEmpty ? "-" : forwards,
            ])
        }
        StandardOutput.print(table(rows))
    }
}
