import Basics
import Glibc
import Synchronization

/// The signals that end a run: Ctrl-C, SIGTERM, and SIGHUP, when the terminal has gone. The first asks the run to clean
/// up and end, the second ends it without, the third ends the process.
enum Signals {
    private static func stopSignals() -> [Int32] {
        // Under nohup it is ignored, and stays so.
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
        return isIgnored ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
    }

    private static func mask(_ how: Int32) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in stopSignals() { sigaddset(&set, number) }
        pthread_sigmask(how, &set, nil)
    }

    /// Blocks the signals in this thread and those it starts. A pipe whose reader has gone is an error of the write.
    static func block() {
        mask(SIG_BLOCK)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Calls `handler` with 1, 2, 3 for the first three signals, on a thread of its own. After the third the process ends.
    ///
    /// It does so by a signal handler and a pipe, not by `sigwait`: the thread in which Subprocess waits for its
    /// programs takes every signal, whatever mask it was started with, and the default action would end the run without
    /// its clean-up.
    ///
    /// - Throws: `Failure` with code `io` where this process may open no more files.
    static func forward(to handler: @escaping @Sendable (Int) -> Void) throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure.system(errno, "cannot make a pipe for signals") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading = ends[0]
        pipeEnd.store(ends[1], ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            let saved = errno
            var mark = UInt8(truncatingIfNeeded: number)
            _ = write(Signals.pipeEnd.load(ordering: .relaxed), &mark, 1)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        for number in stopSignals() + [SIGCONT] { sigaction(number, &action, nil) }
        startThread {
            unblock()
            while true {
                var mark: UInt8 = 0
                guard read(reading, &mark, 1) == 1 else { continue }
                let number = Int32(mark)
                if number == SIGCONT {
                    resumeHandler.withLock(\.self)?()
                    continue
                }
                // It comes twice, from the kernel and from the shell, and is no person's second wish.
                if number == SIGHUP, taken.load(ordering: .relaxed) > 0 { continue }
                let count = taken.add(1, ordering: .relaxed).newValue
                handler(count)
                if count > 2 { _exit(130) }
            }
        }
    }

    /// Counts from the beginning: the next signal is the first again.
    static func startOver() { taken.store(0, ordering: .relaxed) }

    private static let taken = Atomic<Int>(0)
    /// The end of the pipe that the signal handler writes to.
    private static let pipeEnd = Atomic<Int32>(-1)
    private static let resumeHandler = Mutex<(@Sendable () -> Void)?>(nil)

    /// Calls `handler`, on the thread of `forward`, each time the process goes on after it was stopped.
    static func onResume(_ handler: @escaping @Sendable () -> Void) {
        resumeHandler.withLock { $0 = handler }
    }

    /// Lets the signals end the process at once, for commands that have nothing to clean up.
    static func unblock() { mask(SIG_UNBLOCK) }
}
