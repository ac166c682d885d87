import ArgumentParser
import Basics
import Glibc
import LuaRuntime
import Synchronization

struct REPL: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repl",
        abstract: "Try Lua line by line; limiq and recipes are there.",
        discussion:
            "What a line assigns to a global the next one finds. Ctrl-C ends what a line does, Ctrl-D all of it."
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
        try Signals.forward { count in
            if lines.withLock(\.isRunning) {
                interrupter.interrupt()
                if count == 2 {
                    LastResort.watch(interrupter) { StandardError.complain("limiq: \($0)") }
                }
                return
            }
            writeAll("\n".utf8, to: STDERR_FILENO)
            _exit(130)
        }
        let editor = LineEditor()
        repeat {
            let text = lines.withLock(\.text)
            let line = editor.read(prompt: text.isEmpty ? "> " : ">> ")
            if line == nil, text.isEmpty { return }
            Signals.startOver()
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
