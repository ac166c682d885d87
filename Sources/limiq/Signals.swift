import Basics
import Glibc
import Synchronization

/// Ctrl-C and SIGTERM. The first asks the run to clean up and end, the second ends it without, the third ends the
/// process.
enum Signals {
    private static func stopSignals() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        return set
    }

    /// Blocks the signals in this thread and those it starts. A pipe whose reader has gone is an error of the write.
    static func block() {
        var set = stopSignals()
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Calls `handler` with 1, 2 for the first two signals, on a thread of its own.
    ///
    /// By a signal handler and a pipe, not by `sigwait`: the thread in which Subprocess waits for its programs takes every
    /// signal, whatever mask it was started with, and the default action would end the run without its clean-up.
    ///
    /// - Throws: `Failure` with code `io` where this process may open no more files.
    static func forward(to handler: @escaping @Sendable (Int) -> Void) throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure.system(errno, "cannot make a pipe for signals") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading = ends[0]
        pipeEnd.store(ends[1], ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            let saved = errno
            var mark: UInt8 = 0
            _ = write(Signals.pipeEnd.load(ordering: .relaxed), &mark, 1)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
        startThread {
            unblock()
            var count = 0
            while true {
                var mark: UInt8 = 0
                guard read(reading, &mark, 1) == 1 else { continue }
                count += 1
                if count > 2 { _exit(130) }
                handler(count)
            }
        }
    }

    /// Where the signal handler writes.
    private static let pipeEnd = Atomic<Int32>(-1)

    /// Lets the signals end the process at once, for commands that have nothing to clean up.
    static func unblock() {
        var set = stopSignals()
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
