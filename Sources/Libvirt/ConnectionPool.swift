import Basics
import CLibvirt
import Synchronization

/// A few connections to one hypervisor: opened when needed, another one when all are busy, a broken one replaced.
///
/// Any number of threads may call; those beyond `limits` wait their turn, oldest first.
public final class ConnectionPool: Sendable {
    public struct Limits: Sendable {
        public var connections: Int
        public var callsPerConnection: Int

        public init(connections: Int, callsPerConnection: Int) {
            self.connections = connections
            self.callsPerConnection = callsPerConnection
        }

        /// The limits for a daemon: it works on five calls of a connection at once; twenty is the size of its own pool
        /// of threads.
        public static let daemon = Limits(connections: 4, callsPerConnection: 5)
        /// The limits for a driver in this process: further connections would be the same driver.
        public static let inProcess = Limits(connections: 1, callsPerConnection: 64)
    }

    /// A place for one connection; its mutex is held while it is being opened, so that others wait for it.
    private final class Slot: Sendable {
        struct Content {
            var connection: Connection?
            /// The error of the last try to open one that failed, and when it had.
            var failure: (error: LibvirtError, at: ContinuousClock.Instant)?
        }
        let content = Mutex(Content())
    }

    private struct State {
        /// The slots, with the number of calls under way in each.
        var slots: [(slot: Slot, calls: Int)] = []
        var opened = 0
    }

    private let open: @Sendable () throws(LibvirtError) -> Connection
    private let limits: Limits
    private let turns = Mailbox<Void>()
    private let state = Mutex(State())

    public init(limits: Limits, open: @escaping @Sendable () throws(LibvirtError) -> Connection) {
        self.limits = limits
        self.open = open
        for _ in 0..<(limits.connections * limits.callsPerConnection) { turns.put(()) }
    }

    /// The number of times a connection was opened.
    public var opened: Int { state.withLock(\.opened) }

    /// Runs `body` with a connection that was alive a moment ago.
    ///
    /// - Parameter repeatable: `body` only reads: where the connection breaks under it, it runs once more on a new one.
    public func withConnection<Result>(
        repeatable: Bool, _ body: (Connection) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        turns.next()
        let slot = take()
        defer {
            giveBack(slot)
            turns.put(())
        }
        let connection = try connection(of: slot)
        do throws(LibvirtError) {
            return try body(connection)
        } catch {
            guard repeatable, !connection.isAlive else { throw error }
            return try body(try self.connection(of: slot))
        }
    }

    /// The first slot with room; the turn that the caller holds says that there is one, or room for a new one.
    private func take() -> Slot {
        state.withLock { state in
            if let index = state.slots.firstIndex(where: { $0.calls < limits.callsPerConnection }) {
                state.slots[index].calls += 1
                return state.slots[index].slot
            }
            let slot = Slot()
            state.slots.append((slot, 1))
            return slot
        }
    }

    private func giveBack(_ slot: Slot) {
        state.withLock { state in
            guard let index = state.slots.firstIndex(where: { $0.slot === slot }) else { return }
            state.slots[index].calls -= 1
        }
    }

    /// The connection of a slot, opened where it is not. Those who waited while a hypervisor let somebody else's open
    /// time out get that answer too, and do not each wait as long again.
    private func connection(of slot: Slot) throws(LibvirtError) -> Connection {
        let asked = ContinuousClock.now
        return try slot.content.withLock { content throws(LibvirtError) in
            if let connection = content.connection, connection.isAlive { return connection }
            if let failure = content.failure, failure.at > asked { throw failure.error }
            do throws(LibvirtError) {
                let fresh = try open()
                state.withLock { $0.opened += 1 }
                content = Slot.Content(connection: fresh)
                return fresh
            } catch {
                var failure = error
                failure.isOfOpening = true
                content.failure = (failure, .now)
                throw failure
            }
        }
    }
}
