import ArgumentParser
import Basics
import Provisioning

struct Sync: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a folder of a machine's guest the same as one of this host.",
        discussion: """
            limiq sync --watch --delete --exclude node_modules site web-01:/srv/www

            What is the same already is not sent again, links stay links, and a file is replaced when it has arrived whole. By \
            ssh, with rsync where both ends have it; where no ssh server is reached, by the guest's agent, as root. With --watch \
            it goes on after each change here, until Ctrl-C; a guest that restarts is waited for.

            A pattern is a name at any depth (*.log), the end of a path (a/b), or a path from the top (/build). A slash at its \
            end says that only a folder is meant, ** is any path.
            """)

    @Flag(help: "Go on after each change, until Ctrl-C.")
    var watch = false

    @Flag(help: "Remove from the guest's folder what is not in the one here.")
    var delete = false

    @Option(help: ArgumentHelp("What to leave out, and alone in the guest.", valueName: "pattern"))
    var exclude: [String] = []

    @Argument(help: ArgumentHelp("The folder here.", valueName: "from"), completion: .directory)
    var source: String

    @Argument(help: ArgumentHelp("The guest's: VM:PATH, from / on.", valueName: "vm:to"))
    var target: String

    @OptionGroup var guest: GuestOptions

    func validate() throws {
        guard GuestPath(target).machine != nil else {
            throw ValidationError(
                "where to? limiq sync FOLDER VM:PATH, such as limiq sync site web-01:/srv/www")
        }
    }

    func run() throws {
        let cancellation = Cancellation()
        try Signals.forward { _ in cancellation.cancel() }
        let place = GuestPath(target)
        guard let name = place.machine else { return }
        let access = try GuestAccess(name, guest, verb: "sync")
        var options = SyncOptions()
        // A user says that it is by ssh, however long a busy guest's server takes to answer again.
        options.user = try access.sshIfAny()?.user ?? guest.user
        (options.deletes, options.exclude) = (delete, exclude)
        guard watch else {
            return tell(
                name,
                .inStep(
                    try access.machine.sync(source, to: place.path, options, cancellation: cancellation)))
        }
        try access.machine.keepInStep(source, to: place.path, options, cancellation: cancellation) {
            tell(name, $0)
        }
    }

    private func tell(_ name: String, _ news: SyncNews) {
        switch news {
        case .inStep(let report):
            StandardError.tell("\(name): \(report.sent) sent, \(report.removed) removed")
        case .guestIsAway: StandardError.tell("\(name): does not answer, and is waited for")
        }
    }
}
