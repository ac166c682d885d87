import Basics

/// One thing that happened in a run.
enum RunEvent: Sendable, Equatable {
    /// A script asked for work on a machine. Where many wait their turn, its first step may come much later.
    case workBegan(Work)
    case workEnded(Work, took: Duration, ok: Bool)
    case stepBegan(Subject, step: String, detail: String?)
    case stepEnded(Subject, step: String, took: Duration, ok: Bool)
    /// How far the step is: `34% of 410 MiB`.
    case detail(Subject, step: String, text: String)
    /// A line of the guest's serial console.
    case console(Subject, text: String)
    case warning(Subject, text: String)
    case failed(Work, Failure)
}
