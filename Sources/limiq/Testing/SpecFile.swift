import Basics
import Glibc
import LuaRuntime
import Synchronization

/// One file of specs: what it is run with, and what has come of it.
final class SpecFile: Sendable {
    enum Outcome: Sendable, Equatable {
        case passed
        case failed(String)
        case skipped(String)
    }

    struct Case: Sendable {
        /// The groups' names and the case's, with ` › ` between them.
        var name: String
        var outcome: Outcome
        var took: Duration
    }

    struct Result: Sendable {
        var cases: [Case] = []
        /// What it printed, as it came.
        var output: [UInt8] = []
        /// What it logged.
        var log: [String] = []
        var took = Duration.zero

        var passed: Int { cases.count { $0.outcome == .passed } }
        var failed: Int { cases.count { if case .failed = $0.outcome { true } else { false } } }
        var skipped: Int { cases.count - passed - failed }
    }

    private struct State {
        var result = Result()
        var current: (name: String, since: ContinuousClock.Instant)?
        var interrupter: Interrupter?
        /// When its last case was told to stop.
        var stopped: ContinuousClock.Instant?
        var isOver = false
    }

    let path: String
    private let state = Mutex(State())

    init(_ path: String) { self.path = path }

    var result: Result { state.withLock(\.result) }

    /// Takes what the file's run is interrupted by; the time of what stands outside of a case begins.
    func began(_ interrupter: Interrupter) {
        state.withLock {
            $0.interrupter = interrupter
            $0.current = (Self.outside, .now)
        }
    }

    private static let outside = "(outside a case)"

    func begin(_ name: String) { state.withLock { $0.current = (name, .now) } }

    func end(_ name: String, _ outcome: Outcome) {
        state.withLock { state in
            let took = state.current.map { $0.since.duration(to: .now) } ?? .zero
            state.result.cases.append(Case(name: name, outcome: outcome, took: took))
            state.current = (Self.outside, .now)
        }
    }

    func print(_ bytes: [UInt8]) { state.withLock { $0.result.output += bytes } }

    func log(_ line: String) { state.withLock { $0.result.log.append(line) } }

    func interrupt() { state.withLock(\.interrupter)?.interrupt() }

    /// Ends the file's run where it has not ended by itself.
    ///
    /// - Parameter failure: what went wrong with all of it.
    func close(took: Duration, failure: String?) {
        state.withLock { state in
            guard !state.isOver else { return }
            state.isOver = true
            state.result.took = took
            state.interrupter = nil
            guard let failure else { return }
            let name = state.current?.name ?? Self.outside
            let took = state.current.map { $0.since.duration(to: .now) } ?? .zero
            state.result.cases.append(Case(name: name, outcome: .failed(failure), took: took))
        }
    }

    /// Stops a case that takes longer than it may.
    ///
    /// - Returns: whether the file has not ended although it was told to: nothing interrupts one call of Lua's own.
    func stop(after limit: Duration) -> Bool {
        let (interrupter, hangs) = state.withLock { state -> (Interrupter?, Bool) in
            guard !state.isOver, let current = state.current else { return (nil, false) }
            if let stopped = state.stopped { return (nil, stopped.duration(to: .now) > .seconds(3)) }
            guard current.since.duration(to: .now) > limit else { return (nil, false) }
            state.stopped = .now
            return (state.interrupter, false)
        }
        // The second cannot be caught.
        interrupter?.interrupt()
        interrupter?.interrupt()
        return hangs
    }

    /// The words for what was stopped; `nil` where nothing was.
    func lateness(_ limit: Duration) -> String? {
        state.withLock(\.stopped) == nil
            ? nil : "took longer than \(limit.formattedSeconds), and the rest of the file was not run"
    }
}

extension Duration {
    var formattedSeconds: String {
        let seconds = self / .seconds(1)
        return seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(seconds)s"
    }
}
