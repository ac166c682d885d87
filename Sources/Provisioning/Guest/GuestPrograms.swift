import Basics
import Synchronization

/// The programs in guests whose output is followed as it comes, by number.
public enum GuestPrograms {
    /// What has come of a program since it was asked last.
    public struct News: Sendable {
        public var lines: [[UInt8]] = []
        /// `nil` where it has not ended.
        public var result: ExecResult?
    }

    private enum Event: Sendable {
        case line([UInt8])
        case ended(Result<ExecResult, Failure>)
        case cancelled
    }

    private struct Program: Sendable {
        let events = Mailbox<Event>()
        let cancellation = Cancellation()
    }

    private struct State {
        var programs: [Int64: Program] = [:]
        var count: Int64 = 0
    }

    private static let state = Mutex(State())

    /// Begins a program on a thread of its own.
    ///
    /// - Parameter body: runs it to its end, and tells of each line.
    /// - Returns: its number.
    public static func begin(
        _ body:
            @escaping @Sendable (
                _ onLine: @escaping @Sendable ([UInt8]) -> Void, _ cancellation: Cancellation
            ) throws(Failure) -> ExecResult
    ) -> Int64 {
        let program = Program()
        let id = state.withLock { state in
            state.count += 1
            state.programs[state.count] = program
            return state.count
        }
        startThread {
            let events = program.events
            events.put(
                .ended(
                    Result { () throws(Failure) in
                        try body({ events.put(.line($0)) }, program.cancellation)
                    }))
        }
        return id
    }

    /// Waits for the next lines, or for the end, which is told once.
    ///
    /// - Throws: what the program failed with; `Failure` with code `cancelled`.
    public static func next(of id: Int64, _ cancellation: Cancellation) throws(Failure) -> News {
        guard let program = state.withLock({ $0.programs[id] }) else {
            throw Failure(.internal, "there is no program \(id) to follow")
        }
        var news = News()
        let events = program.events
        return try cancellation.withHandler({ events.put(.cancelled) }) {
            Result { () throws(Failure) -> News in
                var event: Event? = events.next()
                while let now = event {
                    switch now {
                    case .line(let line): news.lines.append(line)
                    case .cancelled: throw Failure(.cancelled, "cancelled")
                    case .ended(let result):
                        // What it failed with is told when its last lines have been.
                        if case .failure = result, !news.lines.isEmpty {
                            events.put(now)
                            return news
                        }
                        news.result = try result.get()
                        return news
                    }
                    event = events.next(before: .present)
                }
                return news
            }
        }.get()
    }

    /// Ends a program, where it has not ended by itself, and forgets it.
    public static func end(_ id: Int64) {
        state.withLock { $0.programs.removeValue(forKey: id) }?.cancellation.cancel()
    }
}
