import Synchronization

/// The way a long call learns that nobody waits for its answer any more.
///
/// A blocking function takes one and either asks `check()` between its steps or registers a handler
/// that unblocks it.
public final class Cancellation: Sendable {
    private struct State {
        var cancelled = false
        var nextID = 0
        var handlers: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    public var isCancelled: Bool { state.withLock(\.cancelled) }

    /// - Throws: `Failure` with code `cancelled`.
    public func check() throws(Failure) {
        if isCancelled { throw Failure(.cancelled, "cancelled") }
    }

    /// Calls every registered handler once, on the calling thread. Later calls do nothing.
    public func cancel() {
        let handlers = state.withLock { state in
            defer { state.handlers = [:] }
            if state.cancelled { return [Int: @Sendable () -> Void]() }
            state.cancelled = true
            return state.handlers
        }
        for (_, handler) in handlers.sorted(by: { $0.key < $1.key }) { handler() }
    }

    /// Sleeps, until it is cancelled at the latest.
    ///
    /// - Returns: whether the time is over and nobody has cancelled.
    public func pause(_ time: Duration) -> Bool {
        let woken = Mailbox<Void>()
        withHandler({ woken.put(()) }) { _ = woken.next(before: .present + time) }
        return !isCancelled
    }

    /// Runs `body` with `handler` registered: it is called from another thread when cancelled, or at once where
    /// that has happened already.
    public func withHandler<Result>(
        _ handler: @escaping @Sendable () -> Void, _ body: () throws -> Result
    ) rethrows -> Result {
        let id: Int? = state.withLock { state in
            if state.cancelled { return nil }
            state.nextID += 1
            state.handlers[state.nextID] = handler
            return state.nextID
        }
        guard let id else {
            handler()
            return try body()
        }
        defer { _ = state.withLock { $0.handlers.removeValue(forKey: id) } }
        return try body()
    }
}
