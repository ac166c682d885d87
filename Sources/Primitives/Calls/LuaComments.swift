/// The comments of the library's Lua files on its classes and functions.
///
/// A class is public whose name begins with a capital, `limiq.Fleet`, with the methods that have a comment; and so is
/// what a file puts into the tables `limiq` or `library`.
struct LuaComments {
    /// The classes with their methods, as declarations.
    private(set) var classes = ""
    /// The declarations of what hangs in the library itself.
    private(set) var library = ""

    /// A comment and the line it stands before.
    private struct Declaration {
        var comment: [Substring]
        var code: Substring

        /// The code that follows a word at the line's beginning.
        func code(after word: String) -> Substring? {
            code.hasPrefix(word) ? code.dropFirst(word.count) : nil
        }

        func has(_ tag: String) -> Bool { comment.contains { $0.hasPrefix("@\(tag)") } }

        /// The comment without what is nobody else's.
        var text: String {
            comment.filter { !$0.hasPrefix("@field private ") }.map { "---\($0)\n" }.joined()
        }
    }

    init(_ sources: [String]) {
        let files = sources.map(Self.declarations)
        let inner = Self.functions(of: "core", in: files)
        for file in files {
            takeClasses(file)
            takeLibrary(file, inner)
        }
    }

    private static func declarations(_ source: String) -> [Declaration] {
        var found: [Declaration] = []
        var comment: [Substring] = []
        for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = line.drop { $0 == " " }
            if line.hasPrefix("---") {
                comment.append(line.dropFirst(3))
            } else {
                // Some files write a space behind the dashes.
                let isSpaced = comment.allSatisfy { $0.isEmpty || " @".contains($0.prefix(1)) }
                let text = isSpaced ? comment.map { $0.hasPrefix(" ") ? $0.dropFirst() : $0 } : comment
                found.append(Declaration(comment: text, code: line))
                comment = []
            }
        }
        return found
    }

    /// The functions with a comment that a file puts into a table, by name.
    private static func functions(of table: String, in files: [[Declaration]]) -> [Substring: Declaration] {
        var found: [Substring: Declaration] = [:]
        for declaration in files.joined() where !declaration.comment.isEmpty {
            guard let rest = declaration.code(after: "function \(table).") else { continue }
            found[rest.prefix { $0 != "(" }] = declaration
        }
        return found
    }

    private mutating func takeClasses(_ file: [Declaration]) {
        var names: Set<Substring> = []
        for declaration in file {
            if let line = declaration.comment.first(where: { $0.hasPrefix("@class limiq.") }) {
                guard line.dropFirst("@class limiq.".count).first?.isUppercase == true else { continue }
                classes += "\n" + declaration.text
                guard let rest = declaration.code(after: "local ") else { continue }
                let name = rest.prefix { $0 != " " }
                names.insert(name)
                classes += "local \(name) = {}\n"
            } else if let rest = declaration.code(after: "function "), let colon = rest.firstIndex(of: ":"),
                names.contains(rest[..<colon]), !declaration.comment.isEmpty, !declaration.has("private")
            {
                classes += "\n" + declaration.text + "function \(rest.prefix { $0 != ")" })) end\n"
            }
        }
    }

    /// - Parameter inner: the functions that the library passes on, as in `limiq.sleep = runtime.sleep`.
    private mutating func takeLibrary(_ file: [Declaration], _ inner: [Substring: Declaration]) {
        for declaration in file {
            if let rest = declaration.code(after: "function library."), !declaration.comment.isEmpty {
                add(declaration, "function limiq.\(rest.prefix { $0 != ")" })) end")
            } else if let rest = declaration.code(after: "library."), let end = rest.firstRange(of: " = ") {
                let (name, value) = (rest[..<end.lowerBound], rest[end.upperBound...])
                if !declaration.comment.isEmpty {
                    let parameters = declaration.comment.filter { $0.hasPrefix("@param ") }
                        .compactMap { $0.split(separator: " ").dropFirst().first }
                    let isFunction = declaration.has("param") || declaration.has("return")
                    add(
                        declaration,
                        isFunction
                            ? "function limiq.\(name)(\(parameters.joined(separator: ", "))) end"
                            : "limiq.\(name) = nil")
                } else if value.hasPrefix("runtime."), let known = inner[value.dropFirst("runtime.".count)],
                    let open = known.code.firstIndex(of: "("), let close = known.code.firstIndex(of: ")")
                {
                    add(known, "function limiq.\(name)\(known.code[open...close]) end")
                }
            }
        }
    }

    private mutating func add(_ declaration: Declaration, _ code: String) {
        library += "\n" + declaration.text + code + "\n"
    }
}
