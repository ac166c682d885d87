import Basics
import Provisioning

/// What has happened in a run up to now: the one picture that the terminal, the events and the report are drawn from.
///
/// It takes what the scheduler tells of calls and what the work tells of its steps. Times are since the run began.
struct RunRecord: Sendable {
    /// In the order of their first appearance.
    private(set) var tracks: [Track] = []
    private(set) var pace = Pace()
    private var numbers: [Subject: Int] = [:]
    private var openImageCalls = 0

    func track(_ subject: Subject) -> Track? { numbers[subject].map { tracks[$0] } }

    // MARK: calls

    mutating func begin(_ work: Work, call: UInt64, at now: Duration) -> [RunEvent] {
        guard work.subject.kind == .vm else {
            // Most images are here already: one shows when it has a step.
            openImageCalls += 1
            return []
        }
        if work.isCheck { return [] }
        return change(work.subject) { track, _ in
            track.open[call] = work
            var events: [RunEvent] = [.workBegan(work)]
            if let step = work.step { events += track.begin(step, detail: nil, call: call, at: now) }
            return events
        }
    }

    mutating func end(
        _ work: Work, call: UInt64, took: Duration, failure: Failure?, at now: Duration
    ) -> [RunEvent] {
        if work.subject.kind == .image {
            openImageCalls -= 1
            if openImageCalls == 0 { closeImages(at: now) }
            guard failure != nil || numbers[work.subject] != nil else { return [] }
        } else if work.isCheck, failure == nil {
            if let number = numbers[work.subject] { tracks[number].problems[work.action] = nil }
            return []
        }
        return change(work.subject) { track, pace in
            var events: [RunEvent] = []
            let wasOpen = track.open.removeValue(forKey: call) != nil
            for step in track.steps where step.call == call || track.open.isEmpty {
                events += track.end(step, took: nil, ok: failure == nil, at: now, &pace)
            }
            if !track.isBusy { track.busySince = nil }
            if wasOpen { events.append(.workEnded(work, took: took, ok: failure == nil)) }
            track.problems[work.action] = failure.map {
                Track.Problem(work: work, failure: $0, at: now)
            }
            if let failure { events.append(.failed(work, failure)) }
            return events
        }
    }

    private mutating func closeImages(at now: Duration) {
        for number in tracks.indices where tracks[number].isActive {
            tracks[number].isActive = false
            tracks[number].busySince = nil
            tracks[number].steps = []
        }
    }

    // MARK: steps

    mutating func take(_ progress: Progress, at now: Duration) -> [RunEvent] {
        guard let subject = subject(of: progress) else { return [] }
        return change(subject) { track, pace in
            if subject.kind == .image { track.isActive = true }
            switch progress.phase {
            case "console":
                guard let line = progress.detail else { return [] }
                track.line = line
                return [.console(subject, text: line)]
            case "warning":
                return [.warning(subject, text: progress.detail ?? "")]
            default: break
            }
            if progress.isLast {
                var events: [RunEvent] = []
                for step in track.steps where step.call == nil {
                    events += track.end(step, took: nil, ok: subject.kind == .image, at: now, &pace)
                }
                if subject.kind == .image {
                    track.isActive = false
                    track.busySince = nil
                }
                return events
            }
            let current = track.steps.first { $0.call == nil }
            if let took = progress.took {
                guard let current, current.name == progress.phase else { return [] }
                return track.end(current, took: took, ok: true, at: now, &pace)
            }
            if let current, current.name == progress.phase {
                guard let detail = progress.detail else { return [] }
                track.setDetail(detail)
                return [.detail(subject, step: current.name, text: detail)]
            }
            var events: [RunEvent] = []
            // The work of a machine tells the end of each step that ends well.
            if let current {
                let ok = subject.kind == .image || current.isUntimed
                events += track.end(current, took: nil, ok: ok, at: now, &pace)
            }
            if progress.phase == "start" { track.line = nil }
            return events + track.begin(progress.phase, detail: progress.detail, call: nil, at: now)
        }
    }

    /// A machine where there is work on one of this name, else an image. News of work that nobody waits for any more are
    /// nobody's.
    private func subject(of progress: Progress) -> Subject? {
        if let track = track(.vm(progress.subject)) {
            if !track.open.isEmpty { return track.subject }
            return self.track(.image(progress.subject))?.subject
        }
        return .image(progress.subject)
    }

    private mutating func change(
        _ subject: Subject, _ body: (inout Track, inout Pace) -> [RunEvent]
    ) -> [RunEvent] {
        let number: Int
        if let known = numbers[subject] {
            number = known
        } else {
            number = tracks.count
            numbers[subject] = number
            tracks.append(Track(subject))
        }
        return body(&tracks[number], &pace)
    }
}

extension Track.Step {
    /// The work tells no end of it: a wait for another process, and what follows a failure.
    fileprivate var isUntimed: Bool { name == "lock" || name == "undo" }
}

extension Track {
    fileprivate mutating func begin(
        _ name: String, detail: String?, call: UInt64?, at now: Duration
    ) -> [RunEvent] {
        steps.append(Step(name: name, began: now, detail: detail, call: call))
        busySince = busySince ?? now
        return [.stepBegan(subject, step: name, detail: detail)]
    }

    /// - Parameter took: what the work measured; `nil` for the time since the step began.
    fileprivate mutating func end(
        _ step: Step, took: Duration?, ok: Bool, at now: Duration, _ pace: inout Pace
    ) -> [RunEvent] {
        steps.removeAll { $0 == step }
        let took = took ?? now - step.began
        phases.append(Phase(name: step.name, began: max(now - took, .zero), took: took, ok: ok))
        if ok { pace.add(step.name, took) }
        return [.stepEnded(subject, step: step.name, took: took, ok: ok)]
    }

    fileprivate mutating func setDetail(_ detail: String) {
        guard let index = steps.firstIndex(where: { $0.call == nil }) else { return }
        steps[index].detail = detail
    }
}
