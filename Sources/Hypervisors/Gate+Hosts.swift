import Basics
import HostFiles

extension Gate {
    /// Lets a script name a volume of a storage pool, or a file of another host.
    public func volume(_ field: String, isOfPool: Bool) throws(Failure) {
        guard let bounds, isOfPool || !HypervisorURI(bounds.host).isLocal else { return }
        throw forbidden(
            "\(field) is a disk of the host's own, which --sandbox keeps closed",
            hint: "have the disk made: give its size, or a backing_file", about: nil)
    }

    /// - Parameter uri: `nil` for the run's own.
    public func host(_ uri: String?) throws(Failure) {
        guard let uri else { return }
        if let bounds {
            guard uri != bounds.host else { return }
            throw forbidden(
                "\(uri) is not the run's own host, and --sandbox lets the script reach no other",
                hint: "--connect names the host", about: nil)
        }
        guard let programsFlag, let reason = HypervisorURI(uri).programItRuns else { return }
        throw forbidden(
            "\(uri) \(reason), which \(programsFlag) forbids",
            hint: "run it without \(programsFlag)", about: nil)
    }
}
