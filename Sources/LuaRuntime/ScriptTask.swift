import Basics
import CLua

/// A coroutine the scheduler resumes: the script itself, or what it spawned.
final class ScriptTask {
    /// What a suspended task waits for.
    enum Wait {
        case none
        case request(Cancellation, grace: Duration)
        /// Cancelled, with its answer still awaited for the time of grace.
        case ending(Failure)
        case park
        case sleep
    }

    let id: Int
    let thread: OpaquePointer
    /// Keeps the coroutine from the collector.
    let reference: Int32
    var wait = Wait.none
    /// Counts waits: an answer or timer that names an earlier one comes too late.
    var waitNumber = 0
    /// It was cancelled while it waited for nothing: told at its next wait.
    var cancellation: Failure?
    /// It was woken while it was not parked.
    var isWoken = false
    /// It has been told of the interrupt.
    var sawInterrupt = false

    init(id: Int, thread: OpaquePointer, reference: Int32) {
        self.id = id
        self.thread = thread
        self.reference = reference
    }
}

/// What a suspended task is resumed with.
enum Answer {
    case start
    case values([Value])
    case failure(Failure)
    /// Unwind, past every `pcall`.
    case kill
}
