import ArgumentParser
import Basics
import Glibc
import HostFiles
import LuaRuntime
import Synchronization

struct REPL: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repl",
        abstract: "Try Lua line by line; limiq and recipes are there.",
        discussion:
            "What a line assigns to a global the next one finds; help(limiq.vm) says what something is. Ctrl-C ends what a "
            + "line does, or clears it; Ctrl-D ends all of it. Lines are kept in the state folder, Tab completes names."
    )

    @OptionGroup var host: HostOptions

    private struct Lines {
        var text = ""
        var isLast = false
        /// Whether what the lines say is being done.
        var isRunning = false
    }

    func run() throws {
        let session = try Session(connect: host.connect)
        let lines = Mutex(Lines())
        let primitives =
            try session.definitions(PlainDisplay()).map(\.primitive) + [
                Primitive("runtime.lines", .inline) { _ in
                    lines.withLock { [.string($0.text), .bool($0.isLast)] }
                }
            ]
        let runtime = try LuaRuntime(options: session.options(), primitives: primitives)
        let interrupter = runtime.interrupter
        let editor = LineEditor(history: session.state.root + "/repl-history")
        let (clear, isTyped) = (editor.clear, isatty(STDIN_FILENO) == 1)
        try Signals.forward { count in
            if lines.withLock(\.isRunning) {
                interrupter.interrupt()
                if count == 2 {
                    LastResort.watch(interrupter) { StandardError.complain("limiq: \($0)") }
                }
                return
            }
            // What no one types cannot be given up for another line.
            guard !isTyped else { return clear() }
            _exit(130)
        }
        repeat {
            let text = lines.withLock(\.text)
            let reading = editor.read(prompt: text.isEmpty ? "> " : ">> ", words: words(runtime, session))
            Signals.startOver()
            let line: String?
            switch reading {
            case .cleared:
                lines.withLock { $0.text = "" }
                continue
            case .line(let typed): line = typed
            case .end: line = nil
            }
            if line == nil, text.isEmpty { return }
            lines.withLock { lines in
                lines.text += (text.isEmpty ? "" : "\n") + (line ?? "")
                lines.isLast = line == nil
                lines.isRunning = true
            }
            let isDone = Self.isDone(runtime)
            lines.withLock { lines in
                lines.isRunning = false
                if isDone { lines.text = "" }
            }
        } while !lines.withLock(\.isLast)
    }

    /// The words that Tab offers: names of the library and of what the lines have assigned, and of machines. Hypervisors are
    /// not asked.
    private func words(_ runtime: LuaRuntime, _ session: Session) -> [String] {
        guard isatty(STDIN_FILENO) == 1 else { return [] }
        let names = try? runtime.run(source: "return require(\"limiq.repl\").words()", name: "=limiq repl")
            .first
        let machines = (try? namesInFolder(session.state.machines)) ?? []
        return (names?.list ?? []).compactMap(\.string) + machines.filter { !$0.hasPrefix(".") }
    }

    /// Runs the lines there are, and says whether they are done. Each run of the runtime can be interrupted anew.
    ///
    /// - Returns: `false` where more of them could make a whole.
    private static func isDone(_ runtime: LuaRuntime) -> Bool {
        let script = """
            return require("limiq.repl").run(require("limiq.runtime").perform "runtime.lines")
            """
        do throws(ScriptError) {
            return try runtime.run(source: script, name: "=limiq repl").first != .bool(false)
        } catch {
            StandardError.complain("\(error)")
            return true
        }
    }
}
