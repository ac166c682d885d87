import ArgumentParser
import Basics
import Provisioning

struct Commit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy a machine's disk into the image library as it is; prints the image's path.",
        discussion:
            "A guest that runs stands still meanwhile. The copy is this machine's disk, its host keys and machine-id "
            + "included; limiq image bake with it as from makes an image that others may start from.")

    @Argument(help: ArgumentHelp("The machine.", valueName: "vm"), completion: CompletionKind.machine)
    var name: String

    @Argument(help: "The image's name in the library.")
    var image: String

    @OptionGroup var host: HostOptions

    func run() throws {
        let session = try Session(connect: host.connect)
        let machine = Machine(name, on: try session.hosts.hypervisor(nil), state: session.state)
        try showingWork { cancellation, progress in
            try machine.commit(
                as: image, into: session.images(), cancellation: cancellation, progress: progress)
        }
    }
}
