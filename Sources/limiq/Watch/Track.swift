import Basics
import LuaRuntime
import Steps

/// The history of one machine, image or host in a run. Times are since the run began.
struct Track: Sendable {
    enum State: Sendable {
        /// The work was asked for, and nothing is done yet.
        case waiting
        case working, done, failed, cancelled
    }

    /// A step that has begun.
    struct Current: Sendable, Equatable {
        var step: Step
        var began: Duration
        var detail: String?
        /// The call the step stands for; `nil` where the work itself told of it.
        var call: UInt64?
        /// Whether it has been told that it is slow.
        var isToldSlow = false
    }

    /// A step that is over.
    struct Phase: Sendable, Equatable {
        var step: Step
        var began: Duration
        var took: Duration
        var ok = true
        /// Whether it is a call that the script makes by itself.
        var isCall = false
    }

    struct Problem: Sendable, Equatable {
        var work: Work
        var failure: Failure
        var at: Duration
    }

    let subject: Subject
    /// The words that lead a person into the machine's guest; `nil` where nothing was changed, or none are known.
    var wayIn: String?
    /// The calls that are not answered yet.
    var open: [UInt64: Work] = [:]
    /// What it has in common with others; `nil` as long as that is not known.
    var likeness: Likeness?
    /// Whether an image or a host is worked on, which it is from its first step to its last.
    var isActive = false
    /// The steps the machine is in, one unless the script works on it in several tasks.
    var steps: [Current] = []
    /// The time at which what it is doing now came to its first step.
    var busySince: Duration?
    /// The time since which it is in no step although work on it was asked for.
    var idleSince: Duration?
    var phases: [Phase] = []
    /// The last line of the guest's console, where somebody reads it anyway.
    var line: String?
    /// The problems by action; one that works at a later try is forgotten.
    var problems: [String: Problem] = [:]

    init(_ subject: Subject) { self.subject = subject }

    var state: State {
        if isBusy { return subject.kind == .vm && busySince == nil ? .waiting : .working }
        if problems.isEmpty { return .done }
        return problems.values.allSatisfy(\.isStop) ? .cancelled : .failed
    }

    var isBusy: Bool { isActive || !open.isEmpty }

    /// The phases without the wait for its turn.
    var begunPhases: [Phase] { phases.filter { $0.step.kind != .queue } }

    /// The problem that ended it: the first that is no mere end of the run.
    var problem: Problem? {
        problems.values.min { ($0.isStop ? 1 : 0, $0.at) < ($1.isStop ? 1 : 0, $1.at) }
    }
}

extension Track.Problem {
    /// Whether somebody wanted it to end.
    var isStop: Bool { failure.code == .cancelled || failure.code == .interrupted }
}
