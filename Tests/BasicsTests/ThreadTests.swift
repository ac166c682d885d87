import Basics
import Glibc
import Synchronization
import Testing

@Suite("Messages between threads")
struct MailboxTests {
    @Test("arrive in order, however many are waiting")
    func order() {
        let box = Mailbox<Int>()
        for round in 0..<3 {
            for number in 0..<5000 { box.put(round * 5000 + number) }
            for number in 0..<4000 { #expect(box.next() == round * 4000 + number) }
        }
    }

    @Test("reach a thread that waits, each exactly one")
    func waiting() {
        let box = Mailbox<Int>()
        let answers = Mailbox<Int>()
        for _ in 0..<4 { startThread { for _ in 0..<250 { answers.put(box.next()) } } }
        for number in 0..<1000 { box.put(number) }
        #expect((0..<1000).map { _ in answers.next() }.sorted() == Array(0..<1000))
    }

    @Test("are not waited for beyond a deadline")
    func deadline() {
        let box = Mailbox<Int>()
        let deadline = ContinuousClock.now + .milliseconds(20)
        #expect(box.next(before: deadline) == nil)
        #expect(ContinuousClock.now >= deadline)
        box.put(1)
        // What is there is given, even when it is late.
        #expect(box.next(before: deadline) == 1)
    }
}

@Suite("The worker pool")
struct WorkerPoolTests {
    @Test("runs all jobs, no more at once than its limit")
    func limit() {
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

    @Test("lets no lane hold up another, and keeps the order of each")
    func lanes() {
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

    @Test("runs jobs that wait for each other side by side")
    func sideBySide() {
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

    @Test("leaves signals to the thread that waits for them")
    func signals() {
        let answer = Mailbox<Bool>()
        startThread {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            answer.put(sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1)
        }
        #expect(answer.next())
    }
}

@Suite("Cancellation")
struct CancellationTests {
    @Test("is seen by who asks")
    func check() throws {
        let cancellation = Cancellation()
        try cancellation.check()
        cancellation.cancel()
        let failure = #expect(throws: Failure.self) { try cancellation.check() }
        #expect(failure?.code == .cancelled)
        #expect(cancellation.isCancelled)
    }

    @Test("calls a handler while its body runs, once, and not afterwards")
    func handler() {
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

    @Test("calls a handler at once where it has happened already, and still runs the body")
    func late() {
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

    @Test("takes a handler away when its body throws")
    func throwing() {
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
