import Basics
import Glibc
import Primitives
import Provisioning

/// One JSON object a line on standard output: `{"event":"print","text":…}`, `{"event":"progress",…}`,
/// `{"event":"log",…}`.
struct JSONDisplay: Display {
    func output(_ bytes: [UInt8]) {
        emit(["event": "print", "text": .string(String(decoding: bytes, as: UTF8.self))])
    }

    func progress(_ progress: Progress) {
        var event: Map = [
            "event": "progress", "subject": .string(progress.subject), "phase": .string(progress.phase),
        ]
        if let detail = progress.detail { event.append("detail", .string(detail)) }
        if let took = progress.took { event.append("seconds", .double(took / .seconds(1))) }
        emit(event)
    }

    func log(_ level: LogLevel, _ text: String) {
        emit(["event": "log", "level": .string(level.rawValue), "text": .string(text)])
    }

    func finish() {}

    private func emit(_ event: Map) {
        guard let line = try? jsonText(.map(event)) else { return }
        writeAll(Array("\(line)\n".utf8), to: STDOUT_FILENO)
    }
}
