import ArgumentParser
import Basics
import Primitives
import Provisioning

struct Stubs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the library's definition file for editors (LuaLS).", shouldDisplay: false)

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: nil, script: nil)
        let folder = try Installation.library()
        // All but what this command itself has written.
        let sources = try ["runtime", "limiq"].flatMap { part in
            try filesBelow("\(folder)/\(part)").filter { $0.hasSuffix(".lua") && !$0.contains("/") && $0 != "library.lua" }
                .map { "\(folder)/\(part)/\($0)" }
        }
        let text = try libraryReference(
            try session.definitions(PlainDisplay()),
            sources: sources.map {
                String(decoding: try fileBytes($0, atMost: ReadLimit.document), as: UTF8.self)
            })
        StandardOutput.write(text.utf8)
    }
}
