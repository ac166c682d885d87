import ArgumentParser
import Basics
import LuaRuntime

struct REPL: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repl",
        abstract: "Try Lua line by line; limiq and recipes are there.",
        discussion:
            "What a line assigns to a global the next one finds. Ctrl-C ends what a line does, Ctrl-D all of it."
    )

    @OptionGroup var host: HostOptions

    func run() throws {
        let session = try Session(connect: host.connect)
        let editor = LineEditor()
        let line = RunningLine()
        let primitives =
            try session.definitions(PlainDisplay()).map(\.primitive) + [
                Primitive("runtime.read_line") { request in
                    Signals.startOver()
                    guard let text = try editor.read(prompt: request.arguments.first?.string ?? "") else {
                        return [.null]
                    }
                    return [.string(text)]
                },
                Primitive("runtime.interrupted") { request in
                    line.awaitInterruption(request.cancellation)
                    return []
                },
            ]
        let runtime = try LuaRuntime(options: session.options(), primitives: primitives)
        let interrupter = runtime.interrupter
        try Signals.forward { count in
            if count > 1 || !line.interrupt() { interrupter.interrupt() }
        }
        _ = try runtime.run(source: "require(\"limiq.repl\").run()", name: "=limiq repl")
    }
}
