import Basics
import Glibc
import Synchronization

/// Ctrl-C, SIGTERM, and SIGHUP: the terminal has gone. The first asks the run to clean up and end, the second ends it
/// without, the third ends the process.
enum Signals {
    private static let resumeHandler = Mutex<(@Sendable () -> Void)?>(nil)

    private static func stopSignals() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        // Under nohup it is ignored, and stays so: one that is blocked would come through.
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        if unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1 { sigaddset(&set, SIGHUP) }
        return set
    }

    private static func allSignals() -> sigset_t {
        var set = stopSignals()
        sigaddset(&set, SIGCONT)
        return set
    }

    /// Blocks the signals in this thread and those it starts. A pipe whose reader has gone is an error of the write.
    static func block() {
        var set = allSignals()
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Calls `handler` with 1, 2, 3 for the first three signals, on a thread of its own. After the third the process ends.
    static func forward(to handler: @escaping @Sendable (Int) -> Void) {
        startThread {
            var set = allSignals()
            var count = 0
            while true {
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { continue }
                if number == SIGCONT {
                    resumeHandler.withLock(\.self)?()
                    continue
                }
                // It comes twice, from the kernel and from the shell, and is no person's second wish.
                if number == SIGHUP, count > 0 { continue }
                count += 1
                handler(count)
                if count > 2 { _exit(130) }
            }
        }
    }

    /// Calls `handler`, on the thread of `forward`, each time the process goes on after it was stopped.
    static func onResume(_ handler: @escaping @Sendable () -> Void) {
        resumeHandler.withLock { $0 = handler }
    }

    /// Lets the signals end the process at once, for commands that have nothing to clean up.
    static func unblock() {
        var set = allSignals()
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
