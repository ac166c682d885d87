import Basics
import Glibc
import LuaRuntime
import Primitives
import Steps
import Synchronization

/// A display that is told of all that goes through a recorder.
struct RunWatcher: Display {
    let recorder: RunRecorder
    let display: any Display

    /// - Parameter effect: the effect of the primitive that is called.
    func request(_ event: RequestEvent, _ effect: Effect) {
        guard let work = Work(event.request, effect) else { return }
        tell { record, now in
            switch event.phase {
            case .began: record.begin(work, call: event.id, at: now)
            case .ended(let took, let failure):
                record.end(work, call: event.id, took: took, failure: failure, at: now)
            }
        }
    }

    func progress(_ progress: Progress) {
        tell { record, now in record.take(progress, at: now) }
        display.progress(progress)
    }

    /// Does work on a machine that limiq does by itself, and tells of it as of a script's.
    func telling<Result>(
        _ work: Work, call: UInt64, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = ContinuousClock.now
        func end(_ failure: Failure?) {
            tell { $0.end(work, call: call, took: .now - start, failure: failure, at: $1) }
        }
        tell { $0.begin(work, call: call, at: $1) }
        do throws(Failure) {
            let result = try body()
            end(nil)
            return result
        } catch {
            end(error)
            throw error
        }
    }

    /// Looks, once a second until the end, for machines that have become slow. Another thread does.
    func lookForSlow() {
        startThread {
            while !recorder.use({ record, _ in record.isOver }) {
                sleep(1)
                tell { $0.tellSlow(at: $1) }
            }
        }
    }

    /// Tells the record and then the display, which hears of it before anything else can happen: events are in order.
    private func tell(_ body: (inout RunRecord, Duration) -> [RunEvent]) {
        recorder.use { record, now in
            for event in body(&record, now) { display.happened(event) }
        }
    }

    func output(_ stream: OutputStream, _ bytes: [UInt8]) { display.output(stream, bytes) }
    func begin(script: String) { display.begin(script: script) }
    func log(_ level: LogLevel, _ text: String) { display.log(level, text) }
    func happened(_ event: RunEvent) { display.happened(event) }
    func finish() {
        recorder.use { record, _ in record.isOver = true }
        display.finish()
    }
    func abandon() { display.abandon() }
    func end(_ report: RunReport) { display.end(report) }
}
