import CLua
import Synchronization

/// Interrupts a run from another thread: the first call raises `interrupted` once in every task, at its next
/// instructions or in its wait, where `pcall` and `<close>` may clean up; the second unwinds past every `pcall`.
///
/// `@unchecked Sendable`: `control` outlives the run (the runtime never frees it before its own end), and of what it points to only
/// the atomic `pending` is touched from another thread.
public final class Interrupter: @unchecked Sendable {
    private let control: UnsafeMutablePointer<limiq_control>
    private let count = Atomic<Int>(0)
    private let wake: @Sendable () -> Void

    init(_ control: UnsafeMutablePointer<limiq_control>, wake: @escaping @Sendable () -> Void) {
        self.control = control
        self.wake = wake
    }

    /// How often it was called: 0, 1 or 2.
    var level: Int { min(count.load(ordering: .sequentiallyConsistent), 2) }

    public func interrupt() {
        count.add(1, ordering: .sequentiallyConsistent)
        limiq_set_pending(control, Int32(level))
        wake()
    }

    /// Before a task is resumed: what its next instructions are to raise.
    func arm(for task: ScriptTask) {
        control.pointee.delivered = 0
        setPending(for: task)
        // An interrupt between the reading of the level and the setting would be lost.
        if level > 0 { setPending(for: task) }
    }

    private func setPending(for task: ScriptTask) {
        switch level {
        case 0: limiq_set_pending(control, 0)
        case 1: limiq_set_pending(control, task.sawInterrupt ? 0 : 1)
        default: limiq_set_pending(control, 2)
        }
    }

    func disarm(after task: ScriptTask) {
        if control.pointee.delivered != 0 { task.sawInterrupt = true }
    }
}
