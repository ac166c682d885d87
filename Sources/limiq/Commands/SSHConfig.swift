import ArgumentParser
import Basics
import Primitives
import Provisioning

struct SSHConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh-config",
        abstract: "Print the machines as blocks of ssh's configuration.",
        discussion: """
            limiq ssh-config >~/.ssh/limiq, and a line "Include limiq" at the top of ~/.ssh/config: ssh web-01 is in then, and so \
            are rsync, editors, and whatever else asks ssh. Ports and keys stay for a machine's life; a machine that is new \
            comes in when it is printed again.
            """)

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: host.connect)
        let inventory = try Provisioning.Inventory(
            on: try session.hosts.hypervisor(nil), state: session.state)
        StandardOutput.write(TerminalText.visibleLines(try inventory.document(.ssh).written()).utf8)
    }
}
