import ArgumentParser
import Basics
import Primitives

struct Stubs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the library's definition file for editors (LuaLS).", shouldDisplay: false)

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: nil, script: nil)
        StandardOutput.write(editorStubs(try session.definitions(PlainDisplay())).utf8)
    }
}
