import Basics

/// One task of a script: a coroutine of the scheduler's.
final class LuaTask {
    enum Wait {
        /// In the ready queue, or running.
        case none
        case request
        case timer
        case task(Int)
        case announcement(String)
    }

    /// 1 is the script itself.
    let id: Int
    let thread: LuaThread
    /// The values on its stack for the next resume.
    var argumentCount: Int32
    var wait = Wait.none
    /// Names the wait, once and for all: an answer to an earlier one is too late.
    var ticket: UInt64 = 0
    /// Has had the error of the first interrupt.
    var interrupted: Bool
    /// Nothing in it may catch an error any more.
    var killed = false
    /// Raised at the next wait.
    var pendingFailure: Failure?
    var cancellation = Cancellation()
    /// How long the request it waits for may take to undo what it began.
    var grace = Duration.zero
    /// The error it gets when its cancelled request has ended, or its time of grace.
    var ending: Failure?
    var joiners: [LuaTask] = []
    /// The event of the request it waits for.
    var began: (event: RequestEvent, at: ContinuousClock.Instant)?

    init(id: Int, thread: LuaThread, argumentCount: Int32, interrupted: Bool) {
        self.id = id
        self.thread = thread
        self.argumentCount = argumentCount
        self.interrupted = interrupted
    }

    var isWaiting: Bool {
        if case .none = wait { false } else { true }
    }
}
