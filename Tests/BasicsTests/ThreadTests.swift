import Basics
import Glibc
import Synchronization
import Testing

@Suite struct `Messages between threads` {
    @Test func `arrive in order, however many are waiting`() {
        let box = Mailbox<Int>()
        for round in 0..<3 {
            for number in 0..<5000 { box.put(round * 5000 + number) }
            for number in 0..<4000 { #expect(box.next() == round * 4000 + number) }
        }
    }

    @Test func `reach a thread that waits, each exactly one`() {
        let box = Mailbox<Int>()
        let answers = Mailbox<Int>()
        for _ in 0..<4 { startThread { for _ in 0..<250 { answers.put(box.next()) } } }
        for number in 0..<1000 { box.put(number) }
        #expect((0..<1000).map { _ in answers.next() }.sorted() == Array(0..<1000))
    }

    @Test func `are not waited for beyond a deadline`() {
        let box = Mailbox<Int>()
        let deadline = ContinuousClock.now + .milliseconds(20)
        #expect(box.next(before: deadline) == nil)
        #expect(ContinuousClock.now >= deadline)
        box.put(1)
        // What is there is given, even when it is late.
        #expect(box.next(before: deadline) == 1)
    }
}

@Suite struct `The worker pool` {
    @Test func `runs all jobs, no more at once than its limit`() {
        let pool = WorkerPool(limit: 3)
        let running = Mutex((now: 0, most: 0))
        let done = Mailbox<Void>()
        for _ in 0..<50 {
            pool.run {
                running.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                usleep(500)
                running.withLock { $0.now -= 1 }
                done.put(())
            }
        }
        for _ in 0..<50 { done.next() }
        #expect(running.withLock { $0.most } <= 3)
    }

    @Test func `lets no lane hold up another, and keeps the order of each`() {
        let pool = WorkerPool(limit: 2)
        let (gate, done) = (Mailbox<Void>(), Mailbox<Int>())
        for _ in 0..<10 { pool.run(lane: "hung") { gate.next() } }
        for number in 0..<10 { pool.run(lane: "one after the other \(number % 2)") { done.put(number) } }
        let numbers = (0..<10).compactMap { _ in done.next(before: .now + .seconds(60)) }
        #expect(numbers.count == 10)
        for _ in 0..<10 { gate.put(()) }
        let single = WorkerPool(limit: 1)
        for number in 0..<100 { single.run { done.put(number) } }
        #expect((0..<100).map { _ in done.next() } == Array(0..<100))
    }

    @Test func `runs jobs that wait for each other side by side`() {
        let pool = WorkerPool(limit: 2)
        let there = Mailbox<Int>()
        let back = Mailbox<Int>()
        let done = Mailbox<Int>()
        pool.run {
            there.put(1)
            done.put(back.next())
        }
        pool.run { back.put(there.next() + 1) }
        #expect(done.next() == 2)
    }

    @Test func `leaves signals to the thread that waits for them`() {
        let answer = Mailbox<Bool>()
        startThread {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            answer.put(sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1)
        }
        #expect(answer.next())
    }
}

@Suite struct `The cancellation of work` {
    @Test func `is seen by who asks`() throws {
        let cancellation = Cancellation()
        try cancellation.check()
        cancellation.cancel()
        let failure = #expect(throws: Failure.self) { try cancellation.check() }
        #expect(failure?.code == .cancelled)
        #expect(cancellation.isCancelled)
    }

    @Test func `calls a handler while its body runs, once, and not afterwards`() {
        let cancellation = Cancellation()
        let calls = Mutex(0)
        cancellation.withHandler {
            calls.withLock { $0 += 10 }
        } _: {
        }
        cancellation.withHandler {
            calls.withLock { $0 += 1 }
        } _: {
            cancellation.cancel()
            cancellation.cancel()
        }
        #expect(calls.withLock { $0 } == 1)
    }

    @Test func `calls a handler at once where it has happened already, and still runs the body`() {
        let cancellation = Cancellation()
        cancellation.cancel()
        let calls = Mutex(0)
        let answer = cancellation.withHandler {
            calls.withLock { $0 += 1 }
        } _: {
            "ran"
        }
        #expect(calls.withLock { $0 } == 1)
        #expect(answer == "ran")
    }

    @Test func `takes a handler away when its body throws`() {
        let cancellation = Cancellation()
        let calls = Mutex(0)
        #expect(throws: Failure.self) {
            try cancellation.withHandler {
                calls.withLock { $0 += 1 }
            } _: {
                throw Failure(.io, "x")
            }
        }
        cancellation.cancel()
        #expect(calls.withLock { $0 } == 0)
    }
}
