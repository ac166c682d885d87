import Basics
import Steps

/// An event of a run.
enum RunEvent: Sendable, Equatable {
    /// A script asked for work on a machine. Where many wait their turn, its first step may come much later.
    case workBegan(Work)
    case workEnded(Work, took: Duration, ok: Bool)
    /// The work, or a call that is one step, has news.
    ///
    /// - Parameter usual: how long what begins usually takes, where that is known.
    case progress(Progress, usual: Duration? = nil)
    /// A machine has been in a step for clearly longer than is to be expected.
    case slow(Subject, Slowness)
    case failed(Work, Failure)
}
