import ArgumentParser
import Basics
import Primitives
import Provisioning

struct Inventory: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the machines as an inventory of Ansible's, or as a hosts file.",
        discussion: """
            ansible -i <(limiq inventory) all -m ping

            A label is a group, label_value; a fleet is one by its own name. With --list and --host it answers as an inventory \
            program does: a file with #!/bin/sh and exec limiq inventory "$@" is one.
            """)

    @Flag(help: "Answer as an inventory program: all machines.")
    var list = false

    @Option(
        name: .customLong("host"),
        help: ArgumentHelp("Answer as an inventory program: one machine.", valueName: "vm"),
        completion: CompletionKind.machine)
    var one: String?

    @Option(
        help: ArgumentHelp(
            "The form: \(Provisioning.Inventory.Format.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "form"))
    var format: String?

    @OptionGroup var host: HostOptions

    func validate() throws {
        if [list, one != nil, format != nil].filter({ $0 }).count > 1 {
            throw ValidationError("--list, --host and --format are one of three")
        }
        _ = try form()
    }

    private func form() throws -> Provisioning.Inventory.Format {
        guard let format else { return list ? .list : .ansible }
        if let form = Provisioning.Inventory.Format(rawValue: format) { return form }
        let known = Provisioning.Inventory.Format.allCases.map(\.rawValue)
        let nearest = nearestName(to: format, in: known)
        throw ValidationError(
            "there is no form \(format): "
                + (nearest.map { "did you mean \($0)?" } ?? known.joined(separator: ", ")))
    }

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: host.connect)
        let inventory = try Provisioning.Inventory(
            on: try session.hosts.hypervisor(nil), state: session.state)
        let form = try form()
        if form == .ansible, one == nil, StandardOutput.isPipe {
            // Ansible looks at the first two bytes for a program's, and takes a buffer full of them out of the pipe for that.
            StandardOutput.print(String(repeating: "\n", count: 8192))
        }
        let document = try one.map { try inventory.host($0) } ?? inventory.document(form)
        StandardOutput.write(TerminalText.visibleLines(try document.written()).utf8)
    }
}
