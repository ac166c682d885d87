import Basics
import HostFiles

/// The lock by which one limiq at a time works on a machine: a file beside the machine's folder, held while it is
/// worked on and removed after. The system lets go of it when its process dies.
enum MachineLock {
    /// Waits until nobody else holds the lock, then runs `body`.
    ///
    /// - Parameter waiting: called where it has to wait, to do so.
    static func hold<Result>(
        _ machine: Machine, cancellation: Cancellation,
        waiting: FileLock.Waiting = { _, wait throws(Failure) in try wait() },
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try makeFolders(machine.state.machines)
        return try FileLock.hold(
            path(machine), for: machine.name, cancellation, waiting: waiting, body)
    }

    static func path(_ machine: Machine) -> String {
        "\(machine.state.machines)/.\(machine.folderName).lock"
    }
}
