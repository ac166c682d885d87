import ArgumentParser
import Basics

/// The help of `limiq help CODE`: what an error's code means. `limiq help errors` shows all of them.
enum CodeHelp {
    /// - Parameter commands: what else there is help for.
    /// - Throws: `ValidationError` with the nearest name for a word there is no help for.
    static func show(_ word: String, besides commands: [String]) throws {
        if word == "errors" { return StandardOutput.write(Failure.Code.page.utf8) }
        guard let code = Failure.Code(rawValue: word) else {
            let known = Failure.Code.allCases.map(\.rawValue) + commands + ["errors"]
            let nearest = nearestName(to: word, in: known)
            throw ValidationError(
                "there is no help for \"\(word)\""
                    + (nearest.map { ": did you mean \($0)?" }
                        ?? "; limiq help errors lists the codes of errors"))
        }
        StandardOutput.print("\(code.rawValue): \(code.sentence)")
    }
}
