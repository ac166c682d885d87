import ArgumentParser
import Basics

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw the timings of a run, as an SVG timeline on standard output.",
        discussion:
            "limiq run --timings run.json SCRIPT writes them; limiq report run.json > run.svg draws them.")

    @Argument(help: "What limiq run --timings wrote.", completion: .file())
    var file: String

    func run() throws {
        Signals.unblock()
        StandardOutput.write(TerminalText.visibleLines(Timeline(try Timings.read(file)).svg).utf8)
    }
}
