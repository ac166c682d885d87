import Basics
import Provisioning
import Steps

@testable import limiq

/// A run as a test tells it, second by second.
struct Story {
    var record: RunRecord
    private(set) var events: [RunEvent] = []
    private var calls: [String: UInt64] = [:]
    private var last: UInt64 = 0

    init(usual: UsualTimes = UsualTimes()) { record = RunRecord(usual: usual) }

    /// The script asks for work on a machine.
    mutating func ask(_ name: String, _ action: String = "up", step: Step? = nil, at seconds: Double) {
        last += 1
        calls["\(action) \(name)"] = last
        let work = Work(.vm(name), action, step: step, location: "s.lua:1")
        events += record.begin(work, call: last, at: .seconds(seconds))
    }

    mutating func tell(_ subject: Subject, _ event: Progress.Event, at seconds: Double) {
        events += record.take(Progress(subject, event), at: .seconds(seconds))
    }

    /// The beginning of a machine's step, or its end where it `took` some seconds.
    mutating func step(
        _ name: String, _ kind: Step.Kind, took: Double? = nil, ok: Bool = true, at seconds: Double
    ) {
        let step = Step(kind)
        tell(
            .vm(name), took.map { .ended(step, .seconds($0), ok: ok) } ?? .begins(step, detail: nil),
            at: seconds)
    }

    mutating func answer(
        _ name: String, _ action: String = "up", failure: Failure? = nil, at seconds: Double
    ) {
        let work = Work(.vm(name), action, location: "s.lua:1")
        events += record.end(
            work, call: calls["\(action) \(name)"] ?? 0, took: .seconds(1), failure: failure,
            at: .seconds(seconds))
    }

    /// A machine that is brought up: one step that lasts, then the answer.
    mutating func bring(_ name: String, _ kind: Step.Kind = .cloudInit, from: Double, to: Double) {
        ask(name, at: from)
        step(name, kind, at: from)
        step(name, kind, took: to - from, at: to)
        answer(name, at: to)
    }

    /// The phases of a machine, without what was none of its work.
    func phases(_ name: String) -> [Track.Phase] {
        (record.track(.vm(name))?.phases ?? []).filter { $0.step.kind != .queue && $0.step.kind != .look }
    }

    func state(_ name: String) -> Track.State? { record.track(.vm(name))?.state }

    func lines(
        at seconds: Double, width: Int = 80, height: Int = 24, colours: Colours = .none,
        console: (String) -> String? = { _ in nil }
    ) -> [String] {
        Frame(record, at: .seconds(seconds), height: height)
            .lines(width: width, colours: colours, console: console)
    }
}
