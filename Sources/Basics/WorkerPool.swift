import Glibc
import Synchronization

/// The threads for work that blocks: libvirt calls, files, programs. They become more when all are busy, and never
/// fewer.
///
/// Each job is of a lane, a host for one, and a lane has a limit of its own: a host that hangs holds up its own work only.
///
/// It is not Dispatch and not the cooperative pool: both are as wide as the machine and would starve.
public final class WorkerPool: Sendable {
    private struct Lane {
        var running = 0
        var waiting = Queue<Job>()
    }

    private struct State {
        var idle = 0
        /// The lanes with work.
        var lanes: [String: Lane] = [:]
    }

    /// A piece of work, on the clock of whoever asked for it.
    private struct Job: Sendable {
        var clock = LeapingClock.current
        var body: @Sendable () -> Void

        func run() { LeapingClock.attach(clock, body) }
    }

    private let state = Mutex(State())
    private let jobs = Mailbox<(lane: String, job: Job)>()
    private let limit: Int

    /// - Parameter limit: the most jobs of one lane at once, a thread each; work beyond it waits its turn.
    public init(limit: Int) { self.limit = limit }

    /// Runs `body` on a thread of the pool.
    public func run(lane: String = "", _ body: @escaping @Sendable () -> Void) {
        let job = Job(body: body)
        let (isNext, grows) = state.withLock { state in
            guard state.lanes[lane, default: Lane()].running < limit else {
                state.lanes[lane]?.waiting.append(job)
                return (false, false)
            }
            state.lanes[lane, default: Lane()].running += 1
            guard state.idle > 0 else { return (true, true) }
            state.idle -= 1
            return (true, false)
        }
        if isNext {
            job.clock?.enter()
            jobs.put((lane, job))
        }
        if grows { LeapingClock.holding { startThread { self.work() } } }
    }

    private func work() {
        while true {
            var (lane, job) = jobs.next()
            while true {
                job.run()
                let next = next(of: lane)
                // Before the one that is done leaves, or there might be nobody at work in between.
                next?.clock?.enter()
                job.clock?.leave()
                guard let next else { break }
                job = next
            }
        }
    }

    /// - Returns: `nil` where the lane has no more: the thread is idle then.
    private func next(of lane: String) -> Job? {
        state.withLock { state in
            if let job = state.lanes[lane]?.waiting.popFirst() { return job }
            let running = (state.lanes[lane]?.running ?? 1) - 1
            if running > 0 { state.lanes[lane]?.running = running } else { state.lanes[lane] = nil }
            state.idle += 1
            return nil
        }
    }
}

/// Starts a detached thread, which follows the clock of this one. Signals are left to the thread that waits for them: all are blocked here.
public func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Documents are taken apart by recursion, 200 levels of it at most. Of a stack only what is used takes memory.
    pthread_attr_setstacksize(&attributes, 4 << 20)
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let clock = LeapingClock.current
    clock?.enter()
    let box = Unmanaged.passRetained(
        Box {
            LeapingClock.attach(clock, body)
            clock?.leave()
        })
    let status = pthread_create(
        &thread, &attributes,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    pthread_attr_destroy(&attributes)
    precondition(status == 0, "the system refuses a thread: \(String(cString: strerror(status)))")
}
