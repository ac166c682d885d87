import Basics
import Glibc
import HostFiles
import Synchronization

/// The life of a run, at whose end its throw-away machines go. A lock that its process holds says that it goes on: the
/// system lets go of it however the process ends, so that what a killed run could not remove is told from what is in use.
public final class RunLifetime: Sendable {
    /// The run's name, as the machines' records have it.
    public let id = String(UInt64.random(in: .min ... .max), radix: 16)
    private let state: StateFolder
    private let lock = Mutex<Int32?>(nil)

    public init(_ state: StateFolder) { self.state = state }

    /// Takes the lock, where the run does not hold it yet, before the first throw-away machine is made.
    ///
    /// - Returns: the run's name.
    public func begin() throws(Failure) -> String {
        try lock.withLock { (lock) throws(Failure) in
            if lock == nil {
                try makeFolders(state.machines)
                lock = try FileLock.take(Self.path(id, state), for: "this run")
            }
        }
        return id
    }

    /// Lets go of the lock: no machine is the run's any more.
    public func end() {
        lock.withLock { lock in
            guard let descriptor = lock else { return }
            unlink(Self.path(id, state))
            close(descriptor)
            lock = nil
        }
    }

    /// Whether a run is over, or was killed.
    static func isOver(_ id: String, _ state: StateFolder) -> Bool {
        // A record may be anybody's who can change the domain: its word is no path.
        guard UInt64(id, radix: 16) != nil else { return true }
        return !FileLock.isHeld(path(id, state))
    }

    private static func path(_ id: String, _ state: StateFolder) -> String {
        "\(state.machines)/.run-\(id).lock"
    }
}

extension MachineRecord {
    /// The reason why the machine is over: its time, or the run that was to remove it; `nil` where it is not.
    func end(in state: StateFolder) -> String? {
        let isOfHere = isMadeHere && isInside(folder, state.machines)
        if let run, isOfHere, RunLifetime.isOver(run, state) {
            return "the run that was to throw it away is gone"
        }
        guard let expires, expires <= time(nil) else { return nil }
        return "its time is over" + (spec.ttl.map { ": ttl = \"\(Duration.seconds($0).short)\"" } ?? "")
    }
}
