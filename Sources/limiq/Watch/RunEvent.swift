import Basics
import Provisioning

/// One thing that happened in a run.
enum RunEvent: Sendable, Equatable {
    /// A script asked for work on a machine. Where many wait their turn, its first step may come much later.
    case workBegan(Work)
    case workEnded(Work, took: Duration, ok: Bool)
    /// News of the work, or of a call that is one step.
    case progress(Progress)
    case failed(Work, Failure)
}
