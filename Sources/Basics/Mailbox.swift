import Glibc

/// A queue between threads: any thread puts messages in, one or more block until there is one.
///
/// `@unchecked Sendable`: `messages` and `waits` are touched only with `mutex` held.
public final class Mailbox<Message: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var messages = Queue<Message>()
    /// The waits of threads that follow a clock of their own.
    private var waits: [LeapingClock.Wait] = []

    public init() {
        pthread_mutex_init(mutex, nil)
        initialize(monotonic: condition)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    public func put(_ message: Message) {
        pthread_mutex_lock(mutex)
        messages.append(message)
        let wait = waits.isEmpty ? nil : waits.removeFirst()
        if wait == nil { pthread_cond_signal(condition) }
        pthread_mutex_unlock(mutex)
        wait?.end()
    }

    /// The oldest message; blocks until there is one.
    public func next() -> Message {
        while true {
            if let message = next(until: nil) { return message }
        }
    }

    /// The oldest message, or `nil` where none came before the deadline.
    public func next(before deadline: ContinuousClock.Instant) -> Message? { next(until: deadline) }

    private func next(until deadline: ContinuousClock.Instant?) -> Message? {
        let clock = LeapingClock.current
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while messages.isEmpty {
            if let clock {
                if let deadline, deadline <= clock.now { return nil }
                let wait = LeapingClock.Wait(on: clock, before: deadline)
                waits.append(wait)
                pthread_mutex_unlock(mutex)
                wait.run()
                pthread_mutex_lock(mutex)
                waits.removeAll { $0 === wait }
            } else if let deadline {
                guard timedWait(condition, mutex, until: deadline) else { return nil }
            } else {
                pthread_cond_wait(condition, mutex)
            }
        }
        return messages.popFirst()
    }
}
