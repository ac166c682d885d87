import Glibc

/// A clock on which nobody waits in vain: when every thread that follows it waits, it leaps to the first time that one of
/// them waits for. Minutes of a simulated guest pass in no time, in their order.
///
/// A thread follows the clock of the thread that started it. What such a thread waits for by a `Mailbox` or by `pause`
/// passes by this clock, everything else, a program of this host for one, as ever: nothing leaps meanwhile.
///
/// `@unchecked Sendable`: everything is touched only with `mutex` held.
public final class LeapingClock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// The threads at work, and the work that waits for none but a thread.
    private var running = 0
    private var waiting: [ObjectIdentifier: Wait] = [:]
    /// The time that was leapt over.
    private var skipped = Duration.zero
    private var leaps = true

    public init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// The clock that this thread follows; `nil` for the host's own.
    public static var current: LeapingClock? {
        pthread_getspecific(key).map { Unmanaged<LeapingClock>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The time that was leapt over up to now.
    public var leapt: Duration { locked { skipped } }

    var now: ContinuousClock.Instant { locked { .now + skipped } }

    /// Ends the leaps: from now on time passes as the host's does, for one whose guests are real.
    public func stopLeaping() {
        locked {
            leaps = false
            // They look again how long that is.
            for wait in waiting.values { pthread_cond_signal(wait.condition) }
        }
    }

    /// Runs `body` on a thread that follows this clock meanwhile.
    public func follow<Result>(_ body: () throws -> Result) rethrows -> Result {
        enter()
        defer { leave() }
        return try Self.attach(self, body)
    }

    /// Runs `body`, which waits for something of the real world: the clock does not leap meanwhile.
    public static func holding<Result>(_ body: () throws -> Result) rethrows -> Result {
        try attach(nil, body)
    }

    /// Lets the present thread sleep.
    public static func pause(_ time: Duration) { _ = Mailbox<Never>().next(before: .present + time) }

    /// Counts work that will be done by a thread, which is not there yet.
    func enter() { locked { running += 1 } }

    func leave() {
        locked {
            running -= 1
            leapIfIdle()
        }
    }

    /// Runs `body` on a thread that has been counted.
    static func attach<Result>(_ clock: LeapingClock?, _ body: () throws -> Result) rethrows -> Result {
        let before = pthread_getspecific(key)
        pthread_setspecific(key, clock.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) })
        defer { pthread_setspecific(key, before) }
        return try withExtendedLifetime(clock) { try body() }
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Goes on to the first time that somebody waits for, where nobody is at work.
    private func leapIfIdle() {
        guard leaps, running == 0, let first = waiting.values.compactMap(\.deadline).min() else { return }
        let present = ContinuousClock.now + skipped
        if first > present { skipped += present.duration(to: first) }
        for wait in waiting.values where wait.deadline.map({ $0 <= first }) == true { end(wait) }
    }

    private func end(_ wait: Wait) {
        guard !wait.isOver else { return }
        wait.isOver = true
        if waiting.removeValue(forKey: ObjectIdentifier(wait)) != nil { running += 1 }
        pthread_cond_signal(wait.condition)
    }

    /// The wait of one thread; over when its time is, or when somebody ends it.
    ///
    /// `@unchecked Sendable`: `isOver` is touched only with the clock's mutex held.
    final class Wait: @unchecked Sendable {
        fileprivate let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        fileprivate let deadline: ContinuousClock.Instant?
        fileprivate var isOver = false
        private let clock: LeapingClock

        init(on clock: LeapingClock, before deadline: ContinuousClock.Instant?) {
            (self.clock, self.deadline) = (clock, deadline)
            initialize(monotonic: condition)
        }

        deinit {
            pthread_cond_destroy(condition)
            condition.deallocate()
        }

        func end() { clock.locked { clock.end(self) } }

        /// Blocks until it is over.
        func run() {
            clock.locked {
                guard !isOver else { return }
                clock.running -= 1
                clock.waiting[ObjectIdentifier(self)] = self
                clock.leapIfIdle()
                while !isOver {
                    guard let deadline else {
                        pthread_cond_wait(condition, clock.mutex)
                        continue
                    }
                    // Where nothing leaps, time passes by itself.
                    if !timedWait(condition, clock.mutex, until: deadline - clock.skipped) { clock.end(self) }
                }
            }
        }
    }
}

extension ContinuousClock.Instant {
    /// The present time, by the clock that this thread follows.
    public static var present: Self { LeapingClock.current?.now ?? .now }
}

/// Makes a condition that waits by the monotonic clock: a wait must not end early or late because somebody sets the time.
func initialize(monotonic condition: UnsafeMutablePointer<pthread_cond_t>) {
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
}

/// Waits for a condition, for a part of the time at least.
///
/// - Returns: `false` where the time is over.
func timedWait(
    _ condition: UnsafeMutablePointer<pthread_cond_t>, _ mutex: UnsafeMutablePointer<pthread_mutex_t>,
    until deadline: ContinuousClock.Instant
) -> Bool {
    let left = ContinuousClock.now.duration(to: deadline)
    guard left > .zero else { return false }
    var until = timespec()
    clock_gettime(CLOCK_MONOTONIC, &until)
    let nanoseconds = left.components.attoseconds / 1_000_000_000 + Int64(until.tv_nsec)
    until.tv_sec += Int(min(left.components.seconds, 1_000_000_000) + nanoseconds / 1_000_000_000)
    until.tv_nsec = Int(nanoseconds % 1_000_000_000)
    pthread_cond_timedwait(condition, mutex, &until)
    return true
}
