import Basics
import Glibc
import LuaRuntime

/// The end of a run whose script does not give in although it was told to stop at once: nothing can interrupt one call of
/// Lua's own, such as `string.find` with a pattern that takes for ever.
enum LastResort {
    /// The time a script may take to stop: it waits for nothing any more.
    private static let patience: Duration = .seconds(3)
    /// The time the requests under way may take to undo what they began.
    private static let grace: Duration = .seconds(10)

    /// Ends the process when the run does not end by itself. Another thread looks.
    ///
    /// - Parameter tell: says why.
    static func watch(
        _ interrupter: Interrupter, status: Int32 = 130, _ tell: @escaping @Sendable (String) -> Void
    ) {
        startThread {
            if interrupter.runEnds(within: patience) { return }
            tell(
                "the script is in a function of Lua's own that does not end, such as string.find: it is ended with limiq"
            )
            interrupter.cancelRequests(waiting: grace)
            _exit(status)
        }
    }
}
