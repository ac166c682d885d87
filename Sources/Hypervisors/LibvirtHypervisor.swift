import Basics
import Libvirt
import Steps
import Synchronization

/// A host behind libvirt. Nothing is opened before the first call.
public final class LibvirtHypervisor: Hypervisor, StepTeller {
    /// The URI as it was asked for.
    public let uri: String
    let location: HypervisorURI
    /// The daemons to be started where they do not run; `nil` for every other hypervisor.
    let daemons: PrivateDaemons?
    let pool: ConnectionPool
    private let progress: @Sendable (Progress) -> Void
    let events = EventHub()
    private let description = Mutex<HostDescription?>(nil)
    /// The shapes of the domains that libvirt has checked.
    let checkedShapes = Mutex<Set<String>>([])
    /// The lock that is held while libvirt checks a description.
    let checking = Mutex(())
    let index = DomainIndex()
    /// The lock that is held while limiq's own storage pool is being made.
    let making = Mutex(())

    /// - Parameters:
    ///   - uri: <https://libvirt.org/uri.html>; `HypervisorChoice` finds the default one.
    ///   - daemons: those of the state folder; they count where the URI is theirs.
    ///   - patience: how long it may take to be reached; a session's first open starts its daemon, which probes QEMU.
    ///   - progress: told of what the host has to do before it can be worked on.
    public init(
        uri: String, daemons: PrivateDaemons? = nil, patience: Duration = .seconds(60),
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) {
        let location = HypervisorURI(uri)
        self.uri = uri
        self.location = location
        let daemons = daemons?.uri == uri ? daemons : nil
        self.daemons = daemons
        self.progress = progress
        pool = ConnectionPool(limits: location.isInProcess ? .inProcess : .daemon) {
            () throws(LibvirtError) in
            func open() throws(LibvirtError) -> Connection {
                if location.isInProcess { return try Connection(uri: uri) }
                let connection = try Connection.open(uri: uri, within: patience)
                // ssh and TCP do not notice a peer that lost its power, and no socket one that hangs.
                connection.keepAlive(interval: 5, count: 5)
                return connection
            }
            // To find that daemons of our own are to be started first is no try that fails.
            if let daemons, !DaemonSocket.answers(daemons.socket) { return try open() }
            let (step, start) = (Step(.connect), ContinuousClock.now)
            func end(ok: Bool) { progress(Progress(.host(uri), .ended(step, .now - start, ok: ok))) }
            progress(Progress(.host(uri), .begins(step, detail: nil)))
            do throws(LibvirtError) {
                let connection = try open()
                end(ok: true)
                return connection
            } catch {
                end(ok: false)
                throw error
            }
        }
    }

    package func tell(_ event: Progress.Event) { progress(Progress(.host(uri), event)) }

    /// Whether libvirt would run its driver in this process, which is then the one that holds its guests.
    public static func isEmbedded(_ uri: String) -> Bool { HypervisorURI(uri).path == "/embed" }

    public func host() throws(Failure) -> HostDescription {
        // Held while it is asked: those who want it at the same time wait for the one answer.
        try description.withLock { known throws(Failure) in
            if let known { return known }
            let found = try telling(.probe, nil, describeHost)
            known = found
            return found
        }
    }

    /// Runs `body` on a connection of the pool.
    ///
    /// - Parameters:
    ///   - doing: what failed, when it fails: `cannot list the domains`.
    ///   - reads: nothing changes by it, so that it may be repeated.
    func call<Result>(
        _ doing: @autoclosure () -> String, on name: String? = nil, reads: Bool = false,
        _ body: (Connection) throws(LibvirtError) -> Result
    ) throws(Failure) -> Result {
        do throws(LibvirtError) {
            return try pool.withConnection(repeatable: reads, body)
        } catch {
            // Not begun where there was nobody to ask.
            guard daemons != nil, error.isOfOpening else {
                throw LibvirtFailure.make(doing(), error, domain: name)
            }
        }
        try telling(.daemons) { () throws(Failure) in try daemons?.start() }
        do throws(LibvirtError) { return try pool.withConnection(repeatable: reads, body) } catch {
            throw LibvirtFailure.make(doing(), error, domain: name)
        }
    }

    /// Runs `body` with the domain of this name.
    ///
    /// - Parameter verb: completes "cannot … NAME".
    /// - Throws: `Failure` with code `not_found` where there is no such domain.
    func withDomain<Result>(
        _ verb: String, _ name: String, reads: Bool = false,
        _ body: (borrowing Domain) throws(LibvirtError) -> Result
    ) throws(Failure) -> Result {
        // Also where it fails: it may have been done.
        defer { if !reads { index.forget(name) } }
        return try call("cannot \(verb) \(name)", on: name, reads: reads) { connection throws(LibvirtError) in
            try connection.withDomain(name, body)
        }
    }
}

extension DomainState {
    init(_ state: Domain.State) {
        self =
            switch state {
            case .none: .noState
            case .running: .running
            case .blocked: .blocked
            case .paused: .paused
            case .shuttingDown: .shuttingDown
            case .shutOff: .shutOff
            case .crashed: .crashed
            case .suspended: .suspended
            }
    }
}
