import ArgumentParser
import Basics
import LuaRuntime

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check scripts without running them: syntax and globals.")

    @Argument(help: ArgumentHelp("The scripts.", valueName: "script"))
    var scripts: [String]

    func run() throws {
        let complaints = try scripts.flatMap { try LuaRuntime.check(file: $0) }
        for complaint in complaints { writeAll(Array("\(complaint)\n".utf8), to: 2) }
        if !complaints.isEmpty { throw ExitCode(1) }
    }
}
