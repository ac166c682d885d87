import Basics
import Provisioning
import Steps

/// The picture a terminal shows of a run: a line for each machine that matters most, a line for the rest, a summary.
///
/// It is made in two steps, so that the record is held for the first only, and so that consoles are read only for the
/// rows that are shown: which rows, then their text.
struct Frame: Sendable, Equatable {
    struct Row: Sendable, Equatable {
        var name: String
        var step: String
        var elapsed: Duration
        var tone: Tone?
        /// The note that matters more than its console.
        var note: String?
        /// The line the guest said last, where it is known already.
        var line: String?
        /// Whether its console is worth a look.
        var hasConsole = false
    }

    private(set) var rows: [Row] = []
    /// The line for the rest: `… and 280 more: 210 waiting, 70 starting`.
    private(set) var fold: String?
    /// The summaries, where there is more than one machine: the longest form that fits is shown.
    private(set) var summaries: [String] = []

    /// - Parameters:
    ///   - now: since the run began.
    ///   - height: the lines of the terminal. One stays free, for the cursor.
    init(_ record: RunRecord, at now: Duration, height: Int) {
        let sorted = Sorted(record, at: now)
        guard sorted.shown > 0, height > 1 else { return }
        var room = height - 1
        if sorted.machines > 1 {
            summaries = sorted.summaries(at: now)
            room -= 1
        }
        let all = sorted.failed + sorted.slow + sorted.working + sorted.waiting
        if all.count <= room {
            rows = all.map { sorted.row($0, at: now) }
            return
        }
        room -= 1
        guard room >= 0 else { return }
        // Those that failed must not hide those that still run.
        let failed = min(sorted.failed.count, max(1, room / 4))
        var chosen = Array(sorted.failed.prefix(failed))
        chosen += sorted.slow + sorted.working + sorted.waiting
        chosen += sorted.failed.dropFirst(failed)
        rows = chosen.prefix(room).map { sorted.row($0, at: now) }
        fold = Self.fold(chosen.dropFirst(room), sorted.slowness)
    }

    private static func fold(
        _ hidden: some Collection<Track>, _ slowness: [Subject: Slowness]
    ) -> String {
        var counts: [String: Int] = [:]
        for track in hidden {
            let word = word(for: track)
            counts[slowness[track.subject] == nil ? word : "slow \(word)", default: 0] += 1
        }
        let parts = counts.sorted { left, right in
            (left.key == "waiting" ? 0 : 1, -left.value, left.key)
                < (right.key == "waiting" ? 0 : 1, -right.value, right.key)
        }
        return "… and \(hidden.count) more: " + parts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    private static func word(for track: Track) -> String {
        switch track.state {
        case .waiting: return "waiting"
        case .failed: return "failed"
        case .working, .done, .cancelled: break
        }
        guard let step = track.steps.last?.step else { return "working" }
        return step.kind?.activity ?? step.word
    }
}

/// The machines, images and hosts that a frame may show, those that matter most first. Each keeps its place as long as
/// it does not begin to matter more: those of a group stand in the order in which they came to their work, and then of
/// their names.
private struct Sorted {
    /// The number of those that are not done yet, or failed.
    var shown: Int { failed.count + slow.count + working.count + waiting.count }
    private(set) var machines = 0
    /// The tracks that failed, the latest first.
    private(set) var failed: [Track] = []
    private(set) var slow: [Track] = []
    private(set) var working: [Track] = []
    private(set) var waiting: [Track] = []
    let slowness: [Subject: Slowness]
    private let usual: UsualTimes
    private var done = 0
    private var cancelled = 0

    init(_ record: RunRecord, at now: Duration) {
        slowness = record.slow(at: now)
        usual = record.usual
        for track in record.tracks {
            let isMachine = track.subject.kind == .vm
            if isMachine { machines += 1 }
            switch track.state {
            case .waiting: waiting.append(track)
            case .working:
                if slowness[track.subject] != nil { slow.append(track) } else { working.append(track) }
            case .failed: failed.append(track)
            case .done: if isMachine { done += 1 }
            case .cancelled: if isMachine { cancelled += 1 }
            }
        }
        Self.sort(&failed) { .zero - ($0.problem?.at ?? .zero) }
        Self.sort(&slow) { $0.busySince ?? .zero }
        Self.sort(&working) { $0.busySince ?? .zero }
    }

    private static func sort(_ tracks: inout [Track], by time: (Track) -> Duration) {
        tracks.sort { left, right in
            let times = (time(left), time(right))
            return times.0 == times.1
                ? comesBefore(left.subject.name, right.subject.name) : times.0 < times.1
        }
    }

    func summaries(at now: Duration) -> [String] {
        func isMachine(_ track: Track) -> Bool { track.subject.kind == .vm }
        let busy = (slow + working).count(where: isMachine)
        let failures = failed.count(where: isMachine)
        var parts = ["\(done) done", "\(busy) working"]
        if !waiting.isEmpty { parts.append("\(waiting.count) waiting") }
        parts.append("\(failures) failed")
        if cancelled > 0 { parts.append("\(cancelled) cancelled") }
        if !slow.isEmpty {
            let steps = Set(slowness.values.map(\.step.word))
            let place = steps.count == 1 ? " in \(steps.first ?? "")" : ""
            parts.append("\(slow.count) slow\(place)")
        }
        let elapsed = limiq.running(now)
        return [
            parts.joined(separator: ", ") + ", \(elapsed)",
            "\(done)/\(machines) done, \(failures) failed, \(elapsed)",
            "\(done)/\(machines), \(failures) failed",
        ]
    }

    func row(_ track: Track, at now: Duration) -> Frame.Row {
        let name = track.subject.name
        switch track.state {
        case .failed, .done, .cancelled:
            let problem = track.problem
            let failed = track.phases.last { !$0.ok && $0.step.kind != .undo && $0.step.kind != .look }
            let step = failed?.step.word ?? problem?.work.action ?? ""
            let end = problem?.at ?? .zero
            return Frame.Row(
                name: name, step: step, elapsed: end - (track.begunPhases.map(\.began).min() ?? end),
                tone: .bad,
                note: "failed: \(problem?.failure.message ?? "")")
        case .waiting:
            return Frame.Row(name: name, step: "waiting", elapsed: .zero)
        case .working: break
        }
        let current = track.steps.last
        var row = Frame.Row(
            name: name, step: current?.step.word ?? "", elapsed: now - (track.busySince ?? now),
            line: track.line)
        row.note = current?.detail
        row.hasConsole = track.subject.kind == .vm && current?.step.kind?.isBeforeBoot != true
        if let slowness = slowness[track.subject] {
            row.tone = .caution
            row.note = "slow: \(limiq.running(slowness.elapsed)) in it, \(slowness.words)"
        } else if row.note == nil, let total = track.likeness.flatMap(usual.total), total >= .seconds(5) {
            row.note = "usually \(readable(total))"
        }
        return row
    }
}

extension Frame {
    /// The frame as text. No line is as wide as the terminal, so that none wraps.
    ///
    /// - Parameters:
    ///   - width: the terminal's columns.
    ///   - colours: in which nothing is said that the text does not say.
    ///   - console: the last line on a machine's console; called at most once a row.
    func lines(width: Int, colours: Colours, console: (String) -> String?) -> [String] {
        let width = max(1, width - 1)
        let names = rows.map { TerminalText.visible($0.name) }
        let nameWidth = min(names.map { TerminalText.columns($0) }.max() ?? 0, max(8, width / 3))
        let stepWidth = rows.map { TerminalText.columns($0.step) }.max() ?? 0
        var lines = zip(rows, names).map { row, name in
            var text = TerminalText.pad(TerminalText.fitMiddle(name, nameWidth), nameWidth)
            text += "  " + TerminalText.pad(row.step, stepWidth)
            let elapsed = row.elapsed > .zero ? limiq.running(row.elapsed) : ""
            text += "  " + String(repeating: " ", count: max(0, 7 - elapsed.count)) + elapsed
            var notes = row.note.map { [$0] } ?? []
            // A line in so narrow a terminal would say nothing.
            if row.tone != .bad, width > TerminalText.columns(text) + 10,
                let line = row.line ?? (row.hasConsole ? console(row.name) : nil)
            {
                notes.append(line)
            }
            if !notes.isEmpty { text += "  " + TerminalText.visible(notes.joined(separator: "  │ ")) }
            while text.last == " " { text.removeLast() }
            return colours.paint(TerminalText.fit(text, width), row.tone).text
        }
        if let fold { lines.append(TerminalText.fit(fold, width)) }
        if let shortest = summaries.last {
            let summary = summaries.first { TerminalText.columns($0) <= width } ?? shortest
            lines.append(TerminalText.fit(summary, width))
        }
        return lines
    }
}
