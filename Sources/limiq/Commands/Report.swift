import ArgumentParser
import Basics

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw the timings of a run, as an SVG timeline or a page of HTML on standard output.",
        discussion: """
            limiq run --timings run.json SCRIPT writes them; limiq report run.json > run.svg draws them, and limiq report \
            --html run.json > run.html makes a page of them: one file, which needs no network, to filter and sort in.
            """)

    @Argument(help: "What limiq run --timings wrote.", completion: .file())
    var file: String

    @Flag(help: "A page to look through in a browser, instead of a picture.")
    var html = false

    func run() throws {
        Signals.unblock()
        if html {
            let page = try ReportPage(try Timings.read(file), library: try Installation.library())
            return StandardOutput.write(try page.html().utf8)
        }
        StandardOutput.write(TerminalText.visibleLines(Timeline(try Timings.read(file)).svg).utf8)
    }
}
