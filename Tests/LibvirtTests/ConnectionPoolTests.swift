import Basics
import Glibc
import Libvirt
import Support
import Synchronization
import Testing

@Suite struct `A pool of connections` {
    /// A pool of `test:///default`, and how many calls were under way at most.
    private final class Meter: Sendable {
        private let counts = Mutex((now: 0, most: 0))
        var most: Int { counts.withLock { $0.most } }

        func enter() {
            counts.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
        }

        func leave() { counts.withLock { $0.now -= 1 } }
    }

    private func pool(_ connections: Int, _ calls: Int) -> ConnectionPool {
        ConnectionPool(limits: .init(connections: connections, callsPerConnection: calls)) {
            () throws(LibvirtError) in try Connection(uri: "test:///default")
        }
    }

    @Test func `nothing is opened before the first call, and calls in turn share one connection`() throws {
        let pool = pool(4, 5)
        #expect(pool.opened == 0)
        for _ in 0..<20 {
            try pool.withConnection(repeatable: true) { connection throws(LibvirtError) in
                try connection.ping()
            }
        }
        #expect(pool.opened == 1)
    }

    @Test func `it grows while all are busy, and never past its bounds`() async throws {
        let pool = pool(2, 3)
        let meter = Meter()
        try await onThread {
            let done = Mailbox<Bool>()
            let gate = Mailbox<Void>()
            let entered = Mailbox<Void>()
            for _ in 0..<20 {
                startThread {
                    let result: Void? = try? pool.withConnection(repeatable: false) {
                        _ throws(LibvirtError) in
                        meter.enter()
                        entered.put(())
                        gate.next()
                        meter.leave()
                    }
                    done.put(result != nil)
                }
            }
            // Six get in; the others wait for a turn.
            for _ in 0..<6 { entered.next() }
            #expect(entered.next(before: .now + .milliseconds(200)) == nil)
            for _ in 0..<20 { gate.put(()) }
            for _ in 0..<20 { #expect(done.next(before: .now + .seconds(60)) == true) }
        }
        #expect(meter.most == 6)
        #expect(pool.opened == 2)
    }

    @Test func `an open that fails is an error of that call, and the next call opens anew`() throws {
        let failures = Mutex(1)
        let pool = ConnectionPool(limits: .daemon) { () throws(LibvirtError) in
            let fail = failures.withLock { left in
                defer { left = max(0, left - 1) }
                return left > 0
            }
            if fail { throw LibvirtError(code: .internalError, message: "not today") }
            return try Connection(uri: "test:///default")
        }
        let error = #expect(throws: LibvirtError.self) {
            try pool.withConnection(repeatable: true) { connection throws(LibvirtError) in
                try connection.ping()
            }
        }
        #expect(error?.message == "not today" && error?.isOfOpening == true, "nothing was asked of anybody")
        try pool.withConnection(repeatable: true) { connection throws(LibvirtError) in try connection.ping() }
        #expect(pool.opened == 1)
    }

    @Test func `those who wait for an open that fails get its answer, and do not each try`() async throws {
        let (began, gate) = (Mailbox<Void>(), Mailbox<Void>())
        let tries = Mutex(0)
        let pool = ConnectionPool(limits: .init(connections: 1, callsPerConnection: 8)) {
            () throws(LibvirtError) in
            tries.withLock { $0 += 1 }
            began.put(())
            gate.next()
            throw LibvirtError(code: .internalError, message: "no answer")
        }
        try await onThread {
            let answers = Mailbox<String>()
            for _ in 0..<8 {
                startThread {
                    do throws(LibvirtError) {
                        try pool.withConnection(repeatable: true) { _ throws(LibvirtError) in }
                    } catch { answers.put(error.message) }
                }
            }
            began.next()
            // The others have come by then, and wait.
            usleep(200_000)
            gate.put(())
            for _ in 0..<8 { #expect(answers.next(before: .now + .seconds(60)) == "no answer") }
        }
        #expect(tries.withLock { $0 } == 1)
    }

    @Test func `a daemon that takes a connection and says nothing is given up`() async throws {
        let path = "/tmp/limiq-silent-\(UInt32.random(in: 0...UInt32.max))"
        // It listens, and never accepts. It has its name only once it listens.
        let script = """
            import os, socket, sys, time
            s = socket.socket(socket.AF_UNIX)
            s.bind(sys.argv[1] + ".new")
            s.listen()
            os.rename(sys.argv[1] + ".new", sys.argv[1])
            time.sleep(60)
            """
        let listener = try RunningCommand("python3", ["-c", script, path])
        defer {
            listener.signal(SIGKILL)
            unlink(path)
        }
        while access(path, F_OK) != 0 { try await Task.sleep(for: .milliseconds(10)) }
        try await onThread {
            let began = ContinuousClock.now
            #expect(throws: LibvirtError(code: .internalError, message: "no answer within 1 seconds")) {
                _ = try Connection.open(uri: "qemu+unix:///system?socket=\(path)", within: .seconds(1))
            }
            #expect(ContinuousClock.now - began < .seconds(10))
        }
    }
}
