import Basics
import Glibc

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
    static func forward(to handler: @escaping @Sendable (Int) -> Void) {
        startThread {
            var set = stopSignals()
            var count = 0
            while true {
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { continue }
                count += 1
                if count > 2 { _exit(130) }
                handler(count)
            }
        }
    }

    /// Lets the signals end the process at once, for commands that have nothing to clean up.
    static func unblock() {
        var set = stopSignals()
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
