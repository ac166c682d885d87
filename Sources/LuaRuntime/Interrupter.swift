import Basics
import CLuaRuntime

/// Stops a running script, from any thread.
///
/// `@unchecked Sendable`: the memory behind `control` lives as long as this object, and of it other threads touch only what
/// `limiq_interrupt` guards with a mutex.
public final class Interrupter: @unchecked Sendable {
    let control: UnsafeMutablePointer<limiq_control>
    let mailbox = Mailbox<Scheduler.Message>()

    init(memoryLimit: Int) throws(Failure) {
        guard let control = limiq_control_create(memoryLimit) else {
            throw Failure(.memory, "no memory for a Lua state")
        }
        self.control = control
    }

    deinit { limiq_control_free(control) }

    /// The first call ends every task for good: `interrupted` is raised where it waits or computes, and again at each later
    /// request but those of its clean-up, which runs and may wait. After the second nothing is waited for. Without a running
    /// script it is the next one that is interrupted.
    public func interrupt() {
        limiq_interrupt(control)
        mailbox.put(.interrupted)
    }
}
