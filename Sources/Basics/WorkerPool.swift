import Glibc
import Synchronization

/// Threads for work that blocks: libvirt calls, files, programs. Grown when all are busy, never shrunk.
///
/// Not Dispatch and not the cooperative pool: both are as wide as the machine and would starve.
public final class WorkerPool: Sendable {
    private struct State {
        var threads = 0
        var idle = 0
    }

    private let state = Mutex(State())
    private let jobs = Mailbox<@Sendable () -> Void>()
    private let limit: Int

    /// - Parameter limit: the most threads; work beyond it waits its turn.
    public init(limit: Int) { self.limit = limit }

    /// Runs `job` on a thread of the pool.
    public func run(_ job: @escaping @Sendable () -> Void) {
        let grow = state.withLock { state in
            if state.idle > 0 {
                state.idle -= 1
                return false
            }
            guard state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        jobs.put(job)
        if grow { startThread { self.work() } }
    }

    private func work() {
        while true {
            jobs.next()()
            state.withLock { $0.idle += 1 }
        }
    }
}

/// Starts a detached thread. Signals are left to the thread that waits for them: all are blocked here.
public func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 512 << 10)
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
        &thread, &attributes,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    pthread_attr_destroy(&attributes)
    precondition(status == 0, "the system refuses a thread: \(String(cString: strerror(status)))")
}
