import ArgumentParser
import Basics
import LuaRuntime

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a script without running it: its syntax and its globals.")

    @Argument(help: ArgumentHelp("The scripts.", valueName: "script"))
    var scripts: [String]

    func run() throws {
        var failed = false
        for script in scripts {
            for complaint in LuaRuntime.check(file: script) {
                failed = true
                writeAll(Array("\(complaint)\n".utf8), to: 2)
            }
        }
        if failed { throw ExitCode(1) }
    }
}
