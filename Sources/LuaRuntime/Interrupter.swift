import Basics
import CLuaRuntime
import Glibc
import Synchronization

/// Stops a running script, from any thread.
///
/// `@unchecked Sendable`: the memory behind `control` lives as long as this object, and of it other threads touch only what
/// `limiq_interrupt` guards with a mutex.
public final class Interrupter: @unchecked Sendable {
    let control: UnsafeMutablePointer<limiq_control>
    let mailbox = Mailbox<Scheduler.Message>()
    let requests = RequestsInFlight()

    init(memoryLimit: Int) throws(Failure) {
        guard let control = limiq_control_create(memoryLimit) else {
            throw Failure(.memory, "no memory for a Lua state")
        }
        self.control = control
    }

    deinit { limiq_control_free(control) }

    /// Interrupts the script. The first call ends every task for good: `interrupted` is raised where it waits or
    /// computes, and again at each later request but those of its clean-up, which runs and may wait. After the second
    /// nothing is waited for. Without a running script it is the next one that is interrupted.
    public func interrupt() {
        limiq_interrupt(control)
        mailbox.put(.interrupted)
    }

    /// Waits for the end of the run.
    ///
    /// - Returns: `false` where the script did not give in: it is in one call of Lua's own that takes for ever, such as that of
    ///   a pattern that finds nothing in all ways, and nothing can interrupt that.
    public func runEnds(within time: Duration) -> Bool {
        requests.wait(until: .now + time) { !$0.isRunning }
    }

    /// Cancels what the script asks of the world, for a run whose script does not give in, and waits until it is undone.
    public func cancelRequests(waiting time: Duration) {
        requests.cancelAll()
        _ = requests.wait(until: .now + time) { $0.cancellations.isEmpty }
    }
}

/// The requests that pooled primitives work on, for whoever ends a run from outside.
final class RequestsInFlight: Sendable {
    struct State {
        var isRunning = false
        /// The cancellations by ticket.
        var cancellations: [UInt64: Cancellation] = [:]
    }

    private let state = Mutex(State())

    func update(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func cancelAll() {
        for cancellation in state.withLock({ Array($0.cancellations.values) }) { cancellation.cancel() }
    }

    func wait(until deadline: ContinuousClock.Instant, _ isSo: (State) -> Bool) -> Bool {
        while !state.withLock({ isSo($0) }) {
            guard .now < deadline else { return false }
            usleep(20_000)
        }
        return true
    }
}
