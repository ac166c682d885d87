import ArgumentParser
import Basics

struct Clone: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make another machine of a machine's disks and spec; prints its name.",
        discussion:
            "Addresses, ports of the host, hostname, machine-id and ssh host keys are its own, and what cloud-init "
            + "has done is not done again. A guest that runs stands still while its disks are copied.")

    @Argument(help: ArgumentHelp("The machine.", valueName: "vm"), completion: CompletionKind.machine)
    var source: String

    @Argument(help: "The clone's name.")
    var name: String

    @Flag(help: "One JSON object a line on standard output instead of text.")
    var json = false

    @OptionGroup var host: HostOptions

    /// The script that does what a script of the user's would do.
    private static let script = """
        local limiq = require "limiq"
        local source, name = table.unpack(limiq.args)
        print(limiq.domain.get(source):clone { name = name }.name)
        """

    func run() throws {
        var session = try Session(connect: host.connect)
        session.json = json
        session.words = [source, name]
        try session.run(source: Self.script, name: "=limiq clone", on: "limiq clone")
    }
}
