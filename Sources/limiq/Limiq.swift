import ArgumentParser
import Basics
import Glibc
import LuaRuntime

/// The command and its subcommands.
struct Limiq: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limiq",
        abstract: "Lua scripts that make virtual machines.",
        discussion: "A first machine: limiq run scripts/build-web.lua",
        version: limiqVersion,
        subcommands: subcommands(for: CommandLine.arguments.dropFirst().first))

    private static let all: [(name: String, command: any ParsableCommand.Type)] = [
        ("run", Run.self), ("up", Up.self), ("plan", Plan.self), ("down", Down.self), ("check", Check.self),
        ("test", Test.self),
        ("repl", REPL.self),
        ("list", List.self), ("show", Show.self), ("console", Console.self), ("logs", Logs.self),
        ("ssh", SSH.self), ("exec", Exec.self), ("cp", Copy.self), ("sync", Sync.self),
        ("ssh-config", SSHConfig.self), ("inventory", Inventory.self),
        ("start", Start.self), ("stop", Stop.self), ("restart", Restart.self), ("suspend", Suspend.self),
        ("resume", Resume.self), ("save", Save.self), ("rm", Remove.self),
        ("snapshot", TakeSnapshot.self), ("commit", Commit.self), ("clone", Clone.self),
        ("snapshots", Snapshots.self),
        ("revert", Revert.self),
        ("gc", GC.self), ("uri", URI.self),
        ("network", Network.self), ("image", Image.self), ("report", Report.self), ("doctor", Doctor.self),
        ("stubs", Stubs.self),
    ]

    static var names: [String] { all.map(\.name) }

    /// The subcommands that the parser is told of. It looks into each by reflection, a good part of a start: it is told
    /// of the one that is called, and of all where there is help to give.
    private static func subcommands(for word: String?) -> [any ParsableCommand.Type] {
        let called = all.filter { $0.name == word }
        return (called.isEmpty ? all : called).map(\.command)
    }
}

@main
struct Program {
    static func main() {
        // Before anything is opened.
        StandardDescriptors.fill()
        // Before any thread starts, so that every thread inherits it: the two are taken by the thread that waits for them.
        Signals.block()
        let status = status(of: Array(CommandLine.arguments.dropFirst()))
        guard let loss = StandardOutput.loss else { exit(status) }
        StandardError.complain("limiq: what belongs on standard output is lost: \(loss)")
        exit(status == 0 ? 1 : status)
    }

    private static func status(of arguments: [String]) -> Int32 {
        do {
            // Before the parser has looked at any command: a build asks for it, often.
            if arguments == ["--version"] {
                StandardOutput.print(limiqVersion)
                return 0
            }
            // `limiq help SCRIPT`, `limiq help CODE` and `limiq help limiq.NAME` beside the parser's own `limiq help SUBCOMMAND`.
            if arguments.first == "help", let word = arguments.dropFirst().first, !word.hasPrefix("-"),
                !Limiq.names.contains(word)
            {
                if word.hasSuffix(".lua") {
                    try ScriptHelp.show(word)
                } else if !CodeHelp.shows(word) {
                    try LibraryHelp.show(word, besides: CodeHelp.words + Limiq.names)
                }
                return 0
            }
            if let word = arguments.first, !word.hasPrefix("-"), word != "help", !Limiq.names.contains(word) {
                StandardError.complain("limiq: \(OtherVerbs.answer(word, among: Limiq.names))")
                return 2
            }
            var command = try Limiq.parseAsRoot(arguments)
            try command.run()
            return 0
        } catch let failure as Failure {
            StandardError.complain("limiq: \(failure)")
            return exitStatus(failure)
        } catch let error as ScriptError {
            StandardError.complain("limiq: \(error)")
            return exitStatus(error.failure)
        } catch {
            let text = Limiq.fullMessage(for: error)
            let code = Limiq.exitCode(for: error)
            if code == .success {
                StandardOutput.print(text)
                return 0
            }
            if !text.isEmpty { StandardError.tell("limiq: \(text)") }
            return code == .validationFailure ? 2 : code.rawValue
        }
    }
}
