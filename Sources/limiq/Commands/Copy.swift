import ArgumentParser
import Basics
import Glibc
import Provisioning

struct Copy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy files into a machine's guest, or out of it.",
        discussion: """
            limiq cp -r site web-01:/srv/www · limiq cp web-01:/var/log/syslog .

            The rules are cp(1)'s: into a folder that is there, under the source's name, else to that name itself; folder/. is \
            what is in the folder. Modes and times are kept, links stay links. By ssh; where no ssh server is reached, by the \
            guest's agent, as root. A path of this host with a colon in it begins with ./ or /.
            """)

    @Argument(
        help: ArgumentHelp("What to copy, and where to: of a guest VM:PATH.", valueName: "path"),
        completion: .file())
    var paths: [String]

    @Flag(name: .short, help: "Folders, with all that is in them.")
    var recursive = false

    @Option(help: ArgumentHelp("Names to leave out, as tar takes them.", valueName: "pattern"))
    var exclude: [String] = []

    @OptionGroup var guest: GuestOptions

    func validate() throws {
        guard paths.count > 1 else {
            throw ValidationError("where to? limiq cp FILE VM:PATH, or VM:PATH FILE")
        }
        let places = paths.map(GuestPath.init)
        guard !paths.contains("") else { throw ValidationError("a path is empty") }
        let sources = Set(places.dropLast().map(\.machine))
        let isOneWay = sources.count == 1 && sources.contains(nil) != (places.last?.machine == nil)
        guard isOneWay else {
            throw ValidationError(
                "one side is a guest's, VM:PATH, and the other this host's: limiq cp site web-01:/srv")
        }
    }

    func run() throws {
        Signals.unblock()
        let places = paths.map(GuestPath.init)
        guard let target = places.last, let name = places.compactMap(\.machine).first else { return }
        let access = try GuestAccess(name, guest, verb: "cp")
        var options = CopyOptions()
        // A user says that it is by ssh, however long a busy guest's server takes to answer again.
        options.user = try access.sshIfAny()?.user ?? guest.user
        options.isRecursive = recursive
        options.exclude = exclude
        options.showsProgress = isatty(STDERR_FILENO) == 1
        // What tar has told, over and over.
        defer { StandardError.clearLine() }
        for source in places.dropLast() {
            if target.machine != nil {
                try access.machine.copyIn(source.path, to: target.path, options)
            } else {
                try access.machine.copyOut(source.path, to: target.path, options)
            }
        }
    }
}
