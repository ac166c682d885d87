import ArgumentParser
import Basics
import Provisioning

struct SSH: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log in to a machine by ssh, or run a line of its shell.",
        discussion: """
            It becomes ssh itself, with your agent and configuration. Words after -- are taken as ssh takes them: joined with \
            blanks, and read by the guest's shell. The guest's host key is verified where its cloud-config brings it.
            """)

    @Argument(help: ArgumentHelp("The machine.", valueName: "vm"), completion: CompletionKind.machine)
    var name: String

    @OptionGroup var guest: GuestOptions

    @Argument(parsing: .postTerminator, help: "A line for the guest's shell.")
    var line: [String] = []

    func run() throws {
        Signals.unblock()
        let ssh = try GuestAccess(name, guest, verb: "ssh").ssh()
        try become(try ssh.words(line), package: "openssh-client")
    }
}
