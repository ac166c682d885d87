import Basics
import Provisioning
import Steps

/// The record of what has happened in a run up to now: the one picture that the terminal, the events and the report are
/// drawn from.
///
/// It takes what the scheduler tells of calls and what the work tells of its steps. Times are since the run began.
struct RunRecord: Sendable {
    /// The tracks, in the order of their first appearance.
    private(set) var tracks: [Track] = []
    private(set) var pace = Pace()
    /// The times that machines took in earlier runs.
    let usual: UsualTimes
    /// Whether the run is over: what is told now is nobody's any more.
    var isOver = false
    private var numbers: [Subject: Int] = [:]
    private var openImageCalls = 0

    init(usual: UsualTimes = UsualTimes()) { self.usual = usual }

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
            if track.open.isEmpty { track.idleSince = now }
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
            if !track.isBusy {
                events += track.closeGap(at: now)
                track.busySince = nil
            }
            if wasOpen { events.append(.workEnded(work, took: took, ok: failure == nil)) }
            track.problems[work.action] = failure.map {
                Track.Problem(work: work, failure: $0, at: now)
            }
            if let failure { events.append(.failed(work, failure)) }
            return events
        }
    }

    private mutating func closeImages(at now: Duration) {
        for number in tracks.indices
        where tracks[number].isActive && tracks[number].subject.kind == .image {
            tracks[number].isActive = false
            tracks[number].busySince = nil
            tracks[number].steps = []
        }
    }

    // MARK: steps

    mutating func take(_ progress: Progress, at now: Duration) -> [RunEvent] {
        let subject = progress.subject
        // News of work that nobody waits for any more are nobody's.
        if subject.kind == .vm, track(subject)?.open.isEmpty != false { return [] }
        let usual = usual
        return change(subject) { track, pace in
            if subject.kind == .image { track.isActive = true }
            switch progress.event {
            case .begins(let step, let detail):
                if step.kind == .start { track.line = nil }
                var events: [RunEvent] = []
                if let look = track.steps.first(where: { $0.step.kind == .look && $0.call == nil }) {
                    events += track.end(look, took: nil, ok: true, at: now, &pace)
                }
                let time = track.likeness.flatMap { usual.time(of: step, $0) }
                return events + track.begin(step, detail: detail, call: nil, usual: time, at: now)
            case .detail(let step, let text):
                guard let index = track.index(of: step) else { return [] }
                track.steps[index].detail = text
            case .ended(let step, let took, let ok):
                guard let index = track.index(of: step) else { return [] }
                return track.end(track.steps[index], took: took, ok: ok, at: now, &pace)
            case .console(let line): track.line = line
            case .finished:
                guard subject.kind == .image else { return [] }
                track.isActive = false
                track.busySince = nil
            case .isLike(let likeness):
                // A later call that finds it as it is says nothing of how it came to be so.
                if track.likeness == nil || likeness.way != .present { track.likeness = likeness }
                return [.progress(progress, usual: usual.total(likeness))]
            case .wayIn(let words): track.wayIn = words
            case .warning, .changed, .waits: break
            }
            return [.progress(progress)]
        }
    }

    /// - Returns: whether it was not marked before.
    mutating func markSlow(_ subject: Subject) -> Bool {
        guard let number = numbers[subject], let last = tracks[number].steps.indices.last,
            !tracks[number].steps[last].isToldSlow
        else { return false }
        tracks[number].steps[last].isToldSlow = true
        return true
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

extension Track {
    /// The place of a step that the work itself told of: the latest, as it may be in one of this kind several times.
    fileprivate func index(of step: Step) -> Int? {
        steps.lastIndex { $0.step == step && $0.call == nil }
    }

    fileprivate mutating func begin(
        _ step: Step, detail: String?, call: UInt64?, usual: Duration? = nil, at now: Duration
    ) -> [RunEvent] {
        let events = closeGap(at: now)
        steps.append(Current(step: step, began: now, detail: detail, call: call))
        busySince = busySince ?? now
        if subject.kind == .host { isActive = true }
        return events + [.progress(Progress(subject, .begins(step, detail: detail)), usual: usual)]
    }

    /// Accounts for the time in which it was in no step: up to its first it has waited for its turn, between two it was
    /// looked at. It shows when it is over only, so that its beginning and its end are told at once.
    fileprivate mutating func closeGap(at now: Duration) -> [RunEvent] {
        guard let since = idleSince else { return [] }
        idleSince = nil
        let took = now - since
        guard took >= .milliseconds(1) else { return [] }
        let step = Step(busySince == nil ? .queue : .look)
        phases.append(Phase(step: step, began: since, took: took))
        return [
            .progress(Progress(subject, .begins(step, detail: nil))),
            .progress(Progress(subject, .ended(step, took, ok: true))),
        ]
    }

    /// - Parameter took: what the work measured; `nil` for the time since the step began.
    fileprivate mutating func end(
        _ current: Current, took: Duration?, ok: Bool, at now: Duration, _ pace: inout Pace
    ) -> [RunEvent] {
        if let index = steps.lastIndex(of: current) { steps.remove(at: index) }
        let (step, took) = (current.step, took ?? now - current.began)
        phases.append(
            Phase(
                step: step, began: max(now - took, .zero), took: took, ok: ok,
                isCall: current.call != nil))
        if steps.isEmpty {
            switch subject.kind {
            case .vm: if !open.isEmpty { idleSince = now }
            case .host: (isActive, busySince) = (false, nil)
            case .image: break
            }
        }
        if ok, step.kind?.isAside != true { pace.add(step, took) }
        return [.progress(Progress(subject, .ended(step, took, ok: ok)))]
    }
}
