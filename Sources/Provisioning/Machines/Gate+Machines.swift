import Basics
import HostFiles
import Hypervisors

extension Gate {
    /// Lets a script at a machine by its name: one that is not there, or that this script has made.
    public func machine(_ machine: Machine) throws(Failure) {
        guard let bounds else { return }
        let maker: String?
        if let domain = try machine.hypervisor.domain(machine.name) {
            maker = try machine.record(of: domain)?.script
        } else if let kept = try machine.keptJournal() {
            maker = kept.record?.script
        } else {
            return
        }
        guard maker != bounds.script else { return }
        throw forbidden(
            "vm \(machine.name) was not made by this script, and --sandbox keeps it closed",
            hint: "give the machine another name", about: machine.name)
    }
}
