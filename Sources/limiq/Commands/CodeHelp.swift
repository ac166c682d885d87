import Basics

/// The help of `limiq help CODE`: what an error's code means. `limiq help errors` shows all of them.
enum CodeHelp {
    /// The words that there is this help for.
    static var words: [String] { Failure.Code.allCases.map(\.rawValue) + ["errors"] }

    /// - Returns: `false` where the word is no code.
    static func shows(_ word: String) -> Bool {
        if word == "errors" {
            StandardOutput.write(Failure.Code.page.utf8)
            return true
        }
        guard let code = Failure.Code(rawValue: word) else { return false }
        StandardOutput.print("\(code.rawValue): \(code.sentence)")
        return true
    }
}
