import ArgumentParser
import Basics
import LuaRuntime
import Primitives

/// The help of `limiq help limiq.disk.overlay`, `limiq help vm:up` and `limiq help recipes.docker`: what the library's
/// reference and its recipes say of themselves.
enum LibraryHelp {
    /// - Parameter others: the words that there is other help for, for a word that is none.
    /// - Throws: `ValidationError` with the nearest word for one there is no help for.
    static func show(_ word: String, besides others: [String]) throws {
        let answer = try ask("answer", [word] + others)
        if let text = answer?["text"]?.string { return StandardOutput.print(text) }
        let nearest = answer?["nearest"]?.string
        throw ValidationError(
            "there is no help for \"\(word)\""
                + (nearest.map { ": did you mean \($0)?" }
                    ?? "; limiq help limiq lists the library, and limiq help errors lists the codes of errors")
        )
    }

    /// The file of this name that is made of the recipes' definitions.
    static func text(of file: String) throws -> String { try ask("written", [file])?.string ?? "" }

    /// Calls a function of the library's `limiq.help`.
    private static func ask(_ function: String, _ words: [String]) throws -> Value? {
        Signals.unblock()
        var session = try Session(connect: nil)
        session.words = words
        let runtime = try LuaRuntime(
            options: session.options(), primitives: session.definitions(PlainDisplay()).map(\.primitive))
        let script = "return require(\"limiq.help\").\(function)(table.unpack(require(\"limiq\").args))"
        return try runtime.run(source: script, name: "=limiq help").first
    }
}
