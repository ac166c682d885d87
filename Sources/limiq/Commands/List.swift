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
            writeAll("limiq: \(warning)\n".utf8, to: STDERR_FILENO)
        }
        guard !machines.isEmpty else {
            writeAll("no machines yet; limiq run SCRIPT makes them\n".utf8, to: STDERR_FILENO)
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

/// Rows in columns, two spaces apart.
func table(_ rows: [[String]]) -> String {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
        var line = zip(row, widths).map { cell, width in
            cell + String(repeating: " ", count: width - cell.count)
        }.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }.joined(separator: "\n")
}
