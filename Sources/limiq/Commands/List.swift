import ArgumentParser
import Basics
import Glibc
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

/// Rows in columns, two spaces apart; what is in a cell is visible and stays there.
func table(_ rows: [[String]]) -> String {
    let rows = rows.map { $0.map { TerminalText.visible($0) } }
    let widths = (rows.first ?? []).indices.map { column in
        rows.map { TerminalText.columns($0[column]) }.max() ?? 0
    }
    return rows.map { row in
        var line = zip(row, widths).map { TerminalText.pad($0, $1) }.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }.joined(separator: "\n")
}
