import Glibc

/// A queue between threads: any thread puts messages in, one or more block until there is one.
///
/// `@unchecked Sendable`: `messages` is touched only with `mutex` held.
public final class Mailbox<Message: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var messages = Queue<Message>()

    public init() {
        pthread_mutex_init(mutex, nil)
        // The monotonic clock: a wait must not end early or late because somebody sets the time.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
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
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// The oldest message; blocks until there is one.
    public func next() -> Message {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let message = messages.popFirst() { return message }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// The oldest message, or `nil` where none came before the deadline.
    public func next(before deadline: ContinuousClock.Instant) -> Message? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while messages.isEmpty {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return nil }
            var until = timespec()
            clock_gettime(CLOCK_MONOTONIC, &until)
            let nanoseconds = left.components.attoseconds / 1_000_000_000 + Int64(until.tv_nsec)
            until.tv_sec += Int(min(left.components.seconds, 1_000_000_000) + nanoseconds / 1_000_000_000)
            until.tv_nsec = Int(nanoseconds % 1_000_000_000)
            pthread_cond_timedwait(condition, mutex, &until)
        }
        return messages.popFirst()
    }
}
