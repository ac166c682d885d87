import Basics

/// One task of a script: a coroutine of the scheduler's.
final class LuaTask {
    enum Wait {
        /// The task is in the ready queue, or running.
        case none
        case request
        case timer
        case task(Int)
        case announcement(String)
    }

    /// The task's number; 1 is the script itself.
    let id: Int
    let thread: LuaThread
    /// The number of values on its stack for the next resume.
    var argumentCount: Int32
    var wait = Wait.none
    /// The number of the wait, given once and for all: an answer to an earlier one is too late.
    var ticket: UInt64 = 0
    /// The failure with which it is to end, as somebody has cancelled it: for good, whatever its handlers do.
    var stop: Failure?
    /// Whether it is its clean-up's work: an interrupt does not stop it.
    let isShielded: Bool
    /// Whether it has had the error that stops it. The next is caught by no pcall.
    var hasStopped = false
    /// The number of times it was found computing on after that.
    var patience: Int32 = 0
    /// Whether nothing in it may catch an error any more.
    var killed = false
    /// The innermost `limiq.timeout` it was started in.
    var limit: TimeLimit?
    var cancellation = Cancellation()
    /// The time the request it waits for may take to undo what it began.
    var grace = Duration.zero
    /// The error it gets when its cancelled request has ended, or its time of grace.
    var ending: Failure?
    var joiners: [LuaTask] = []
    /// The event of the request it waits for.
    var began: (event: RequestEvent, at: ContinuousClock.Instant)?

    init(id: Int, thread: LuaThread, argumentCount: Int32, isShielded: Bool, limit: TimeLimit?) {
        self.id = id
        self.thread = thread
        self.argumentCount = argumentCount
        self.isShielded = isShielded
        self.limit = limit
    }

    var isWaiting: Bool {
        if case .none = wait { false } else { true }
    }

    /// The soonest end of the times it is bound by.
    var deadline: TimeLimit? {
        sequence(first: limit) { $0?.outer }.compactMap(\.self).filter(\.isInForce)
            .min { $0.deadline < $1.deadline }
    }

    func isBound(by limit: TimeLimit) -> Bool {
        sequence(first: self.limit) { $0?.outer }.contains { $0 === limit }
    }
}

/// The time of one `limiq.timeout`, for the task of its function and for all that was started in it.
final class TimeLimit {
    /// The time that clean-up may take after the end of the limit; then it is ended whatever it does.
    static let grace = Duration.seconds(10)

    /// The number of the task of its function.
    let task: Int
    /// The end on the monotonic clock, in nanoseconds.
    let deadline: Int64
    let message: String
    let outer: TimeLimit?
    /// Whether those it binds have been cancelled.
    var isOver = false
    /// Whether the function has ended.
    var hasEnded = false

    init(task: Int, deadline: Int64, message: String, outer: TimeLimit?) {
        self.task = task
        self.deadline = deadline
        self.message = message
        self.outer = outer
    }

    /// Whether the limit is in force: what was started in a function that ended in time goes on.
    var isInForce: Bool { isOver || !hasEnded }
}
