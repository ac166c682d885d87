import Provisioning
import Steps

/// What is slow in a run, and what a run adds to what is usual.
extension RunRecord {
    /// The machines that have been in their step for clearly longer than the others of this run were, or where too few were,
    /// than is usual for machines like them.
    func slow(at now: Duration) -> [Subject: Slowness] {
        var running: [Step: [Duration]] = [:]
        let working = tracks.filter { $0.subject.kind == .vm && $0.state == .working }
        for track in working {
            guard let current = track.steps.last else { continue }
            running[current.step, default: []].append(now - current.began)
        }
        let medians = Dictionary(
            uniqueKeysWithValues: running.map { ($0, pace.median(of: $0, running: $1)) })
        var found: [Subject: Slowness] = [:]
        for track in working {
            guard let current = track.steps.last, current.step.kind?.isAside != true else { continue }
            let (elapsed, others) = (now - current.began, medians[current.step] ?? nil)
            guard let median = others ?? usualTime(of: current, track),
                Pace.isSlow(elapsed, median: median)
            else { continue }
            found[track.subject] = Slowness(
                step: current.step, elapsed: elapsed, median: median,
                measure: others == nil ? .usually : .others)
        }
        return found
    }

    private func usualTime(of current: Track.Current, _ track: Track) -> Duration? {
        guard current.call == nil else { return nil }
        return track.likeness.flatMap { usual.time(of: current.step, $0) }
    }

    /// The machines that have become slow, each step once.
    mutating func tellSlow(at now: Duration) -> [RunEvent] {
        guard !isOver else { return [] }
        return slow(at: now).sorted { $0.key.name < $1.key.name }.compactMap { subject, slowness in
            guard markSlow(subject) else { return nil }
            return .slow(subject, slowness)
        }
    }

    /// The times of this run's machines that came up, by what they have in common: of those that are alike the median.
    var samples: [Likeness: UsualTimes.Sample] {
        var alike: [Likeness: [Track]] = [:]
        for track in tracks where track.state == .done {
            guard let like = track.likeness, like.way != .present, track.phases.allSatisfy(\.ok) else {
                continue
            }
            alike[like, default: []].append(track)
        }
        return alike.mapValues { tracks in
            var steps: [Step: [Duration]] = [:]
            for track in tracks {
                for (step, took) in track.ownSteps { steps[step, default: []].append(took) }
            }
            return UsualTimes.Sample(
                steps: steps.mapValues { median($0) },
                total: median(tracks.map { $0.ownSteps.values.reduce(.zero, +) }))
        }
    }
}

extension Track {
    /// The times of its way up, without what has kept it from that.
    fileprivate var ownSteps: [Step: Duration] {
        var times: [Step: Duration] = [:]
        for phase in phases where !phase.isCall && phase.step.kind?.isAside == false {
            times[phase.step, default: .zero] += phase.took
        }
        return times
    }
}
