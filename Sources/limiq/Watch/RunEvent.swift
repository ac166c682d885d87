import Basics
import Steps

/// An event of a run.
enum RunEvent: Sendable, Equatable {
    /// A script asked for work on a machine. Where many wait their turn, its first step may come much later.
    case workBegan(Work)
    case workEnded(Work, took: Duration, ok: Bool)
    /// The work, or a call that is one step, has news.
    case progress(Progress)
    case failed(Work, Failure)
}
