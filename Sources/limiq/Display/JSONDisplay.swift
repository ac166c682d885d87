import Basics
import FoundationEssentials
import Glibc
import LuaRuntime
import Primitives
import Records
import Steps
import Synchronization

/// The display that writes one JSON object a line on standard output: the events that `docs/events.md` describes.
final class JSONDisplay: Display {
    private let recorder: RunRecorder
    private let writing = Mutex(())

    init(_ recorder: RunRecorder) { self.recorder = recorder }

    func begin(script: String) {
        emit("run_begin", ["script": .string(script), "version": .string(limiqVersion)])
    }

    func output(_ stream: OutputStream, _ bytes: [UInt8]) {
        guard stream == .standard else {
            stream.write(bytes)
            return
        }
        emit("print", ["text": .string(String(decoding: bytes, as: UTF8.self))])
    }

    /// Does nothing: the record makes events of the news.
    func progress(_ progress: Progress) {}

    func log(_ level: LogLevel, _ text: String) {
        emit("log", ["level": .string(level.rawValue), "text": .string(text)])
    }

    func happened(_ event: RunEvent) {
        switch event {
        case .workBegan(let work): emit("work_begin", work.fields)
        case .workEnded(let work, let took, let ok):
            emit("work_end", work.fields + ["seconds": took.json, "ok": .bool(ok)])
        case .progress(let progress, let usual):
            emit(progress.event, of: progress.subject.fields, usual: usual)
        case .slow(let subject, let slowness):
            emit(
                "slow",
                subject.fields + [
                    "step": .string(slowness.step.word), "seconds": slowness.elapsed.json,
                    slowness.measure == .usually ? "usual" : "others": slowness.median.json,
                ])
        case .failed(let work, let failure):
            emit("failure", work.fields + failure.fields)
        }
    }

    private func emit(_ event: Progress.Event, of subject: Map, usual: Duration?) {
        let usual: Map = ["usual": usual.map(\.json) ?? .null]
        switch event {
        case .begins(let step, let detail):
            emit("step_begin", subject + ["step": .string(step.word), "detail": .text(detail)] + usual)
        case .isLike(let likeness):
            emit(
                "machine",
                subject + [
                    "image": .text(likeness.image), "host": .string(likeness.host),
                    "acceleration": .string(likeness.acceleration), "way": .string(likeness.way.rawValue),
                    "goal": .text(likeness.goal),
                ] + usual)
        case .ended(let step, let took, let ok):
            emit("step_end", subject + ["step": .string(step.word), "seconds": took.json, "ok": .bool(ok)])
        case .detail(let step, let text):
            emit("step_detail", subject + ["step": .string(step.word), "text": .string(text)])
        case .console(let text): emit("console", subject + ["text": .string(text)])
        case .warning(let text): emit("warning", subject + ["text": .string(text)])
        // For a person.
        case .wayIn: break
        case .changed(let path): emit("changed", subject + ["path": .string(path)])
        case .waits(let path, let reason):
            emit("pending", subject + ["path": .string(path), "reason": .text(reason)])
        // The answer of the call says it, and how it has ended.
        case .finished: break
        }
    }

    func end(_ report: RunReport) {
        if let error = report.error {
            emit("failure", error.failure.fields + ["where": .text(error.location)])
        }
        emit("report", report.fields)
        emit(
            "run_end",
            [
                "ok": .bool(report.status == 0), "status": .int(Int64(report.status)),
                "seconds": report.took.json,
            ])
    }

    /// Writes an event. The time is taken where the line is written, so that it never goes back from one line to the
    /// next.
    private func emit(_ event: String, _ fields: Map) {
        writing.withLock { _ in
            let now = recorder.elapsed
            let time = recorder.date.addingTimeInterval(now / .seconds(1))
            let head: Map = [
                "event": .string(event), "time": .string(time.formatted(RunRecorder.timeFormat)),
                "elapsed": now.json,
            ]
            // Every value is one JSON has: there is no text that is not UTF-8 and no number that is not finite.
            guard let text = try? jsonText(.map(head + fields)) else { return }
            StandardOutput.print(json: text)
        }
    }
}

extension Map {
    /// The entries of both maps, without what is `null`.
    fileprivate static func + (left: Map, right: Map) -> Map {
        Map((left.entries + right.entries).filter { $0.value != .null })
    }
}

extension Value {
    fileprivate static func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }
}

extension Duration {
    /// The seconds, to the millisecond.
    fileprivate var json: Value { .double(seconds) }
}

extension Subject {
    fileprivate var fields: Map { Map([.init(key: kind.rawValue, value: .string(name))]) }
}

extension Work {
    fileprivate var fields: Map {
        subject.fields + ["action": .string(action), "where": .text(location)]
    }
}

extension Failure {
    fileprivate var fields: Map {
        [
            "code": .string(word), "message": .string(message), "hint": .text(hint),
            "resource": .text(resource), "cause": .text(cause),
        ]
    }
}

extension RunReport {
    fileprivate var fields: Map {
        [
            "vms": [
                "total": .int(Int64(machines)), "done": .int(Int64(done)), "failed": .int(Int64(failed)),
                "cancelled": .int(Int64(cancelled.count)), "unfinished": .int(Int64(unfinished.count)),
            ],
            "failures": .list(
                problems.map { .map($0.work.fields + $0.failure.fields) }),
            "phases": .list(
                phases.map { phase in
                    [
                        "phase": .string(phase.name), "count": .int(Int64(phase.times.count)),
                        "minimum": phase.minimum.json, "median": phase.median.json,
                        "maximum": phase.maximum.json, "slowest": .string(phase.slowest),
                    ]
                }),
        ]
    }
}
