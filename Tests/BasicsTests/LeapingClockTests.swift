import Basics
import Support
import Testing

@Suite struct `A clock that leaps` {
    private let clock = LeapingClock()

    /// Runs on a thread that follows the clock, and says how long that took by the host's.
    private func took(_ body: @escaping @Sendable () throws -> Void) async throws -> Duration {
        let clock = clock
        return try await onThread {
            let began = ContinuousClock.now
            try clock.follow(body)
            return began.duration(to: .now)
        }
    }

    @Test func `lets an hour pass at once that nobody works in`() async throws {
        let real = try await took {
            let began = ContinuousClock.Instant.present
            LeapingClock.pause(.seconds(3600))
            #expect(began.duration(to: .present) >= .seconds(3600))
            #expect(began.duration(to: .present) < .seconds(3610))
        }
        #expect(real < .seconds(10))
    }

    @Test func `wakes those that wait in the order of their times`() async throws {
        _ = try await took {
            let woken = Mailbox<Int>()
            for minutes in [30, 10, 50, 20, 40] {
                startThread {
                    LeapingClock.pause(.seconds(minutes * 60))
                    woken.put(minutes)
                }
            }
            #expect((0..<5).map { _ in woken.next() } == [10, 20, 30, 40, 50])
        }
    }

    @Test func `brings a message before a time that is over later`() async throws {
        _ = try await took {
            let mailbox = Mailbox<String>()
            startThread {
                LeapingClock.pause(.seconds(600))
                mailbox.put("after ten minutes")
            }
            let began = ContinuousClock.Instant.present
            #expect(mailbox.next(before: began + .seconds(3600)) == "after ten minutes")
            #expect(began.duration(to: .present) < .seconds(700))
            #expect(mailbox.next(before: .present + .seconds(60)) == nil)
        }
    }

    @Test func `counts the work of a pool, that which waits for its turn too`() async throws {
        _ = try await took {
            let pool = WorkerPool(limit: 2)
            let done = Mailbox<Int>()
            let began = ContinuousClock.Instant.present
            for number in 0..<6 {
                pool.run {
                    LeapingClock.pause(.seconds(60))
                    done.put(number)
                }
            }
            for _ in 0..<6 { _ = done.next() }
            // Three times two.
            let passed = began.duration(to: .present)
            #expect(passed >= .seconds(180) && passed < .seconds(185))
        }
    }

    @Test func `does not leap while something of the real world is waited for`() async throws {
        _ = try await took {
            startThread { LeapingClock.pause(.seconds(3600)) }
            let began = ContinuousClock.Instant.present
            LeapingClock.holding { _ = Mailbox<Void>().next(before: .now + .milliseconds(100)) }
            #expect(began.duration(to: .present) < .seconds(60))
        }
    }

    @Test func `lets time pass by itself once it leaps no more`() async throws {
        let clock = clock
        let real = try await took {
            clock.stopLeaping()
            let began = ContinuousClock.Instant.present
            LeapingClock.pause(.milliseconds(200))
            #expect(began.duration(to: .present) >= .milliseconds(200))
        }
        #expect(real >= .milliseconds(200))
    }

    @Test func `ends a wait when it is cancelled`() async throws {
        _ = try await took {
            let cancellation = Cancellation()
            startThread {
                LeapingClock.pause(.seconds(60))
                cancellation.cancel()
            }
            let began = ContinuousClock.Instant.present
            #expect(!cancellation.pause(.seconds(3600)))
            #expect(began.duration(to: .present) < .seconds(120))
        }
    }
}
