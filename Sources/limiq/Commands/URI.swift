import ArgumentParser
import Basics
import Hypervisors
import Provisioning

struct URI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uri",
        abstract: "Print the URI of the host that limiq works on, for virsh -c and libvirt's other clients.",
        discussion:
            "Where limiq has libvirt's daemons of its own, it starts them: virsh -c \"$(limiq uri)\" list --all"
    )

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: host.connect)
        let uri = session.hosts.choice().uri
        let daemons = PrivateDaemons.takingOver(session.state)
        if uri == daemons.uri { try daemons.start() }
        StandardOutput.print(uri)
    }
}
