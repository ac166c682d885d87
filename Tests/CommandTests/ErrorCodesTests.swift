import Basics
import Foundation
import Support
import Testing

@Suite struct `The codes of errors` {
    /// The texts of the files below a folder of the checkout, by their paths.
    static func texts(_ folder: String, _ suffixes: String...) throws -> [String: String] {
        let files = try #require(FileManager.default.enumerator(atPath: "\(repository)/\(folder)"))
        var texts: [String: String] = [:]
        for case let file as String in files where suffixes.contains(where: file.hasSuffix) {
            let path = "\(folder)/\(file)"
            texts[path] = try String(contentsOfFile: "\(repository)/\(path)", encoding: .utf8)
        }
        return texts
    }

    @Test func `stand in docs/errors.md, all and as they are`() throws {
        let page = try String(contentsOfFile: "\(repository)/docs/errors.md", encoding: .utf8)
        #expect(page == Failure.Code.page, "limiq help errors > docs/errors.md")
        for code in Failure.Code.allCases { #expect(page.contains("| `\(code.rawValue)` |"), "\(code)") }
    }

    @Test func `have a sentence each`() {
        let sentences = Failure.Code.allCases.map(\.sentence)
        #expect(sentences.allSatisfy { $0.hasSuffix(".") && $0.count > 15 })
        #expect(Set(sentences).count == sentences.count)
    }

    @Test func `are the only ones that the library raises, and each is raised somewhere`() throws {
        let lua = try Self.texts("stdlib/limiq", ".lua").merging(Self.texts("stdlib/runtime", ".lua")) { $1 }
            .filter { !$0.key.hasSuffix("library.lua") }
        let c = try Self.texts("Sources/CLuaRuntime", ".c")
        var raised: Set<String> = []
        for (file, text) in lua.merging(c, uniquingKeysWith: { $1 }) {
            let words =
                text.matches(of: /code ?[=~]=? ?"([a-z_]+)"/).map { String($0.1) }
                + text.matches(of: /raise_failure\(\s*L, "([a-z_]+)"/).map { String($0.1) }
            for word in words { #expect(Failure.Code(rawValue: word) != nil, "\(word) of \(file)") }
            raised.formUnion(words)
        }
        #expect(raised.count > 10)
        let swift = try Self.texts("Sources", ".swift").filter { !$0.key.hasSuffix("FailureCode.swift") }
            .values
        for code in Failure.Code.allCases where !raised.contains(code.rawValue) {
            let name = try Regex(#"\.\#(code)\b"#)
            #expect(swift.contains { $0.contains(name) }, "nobody raises \(code.rawValue)")
        }
    }

    @Test func `are told by limiq help`() async throws {
        for code in Failure.Code.allCases {
            let help = try await command(program, ["help", code.rawValue])
            #expect(help.output == "\(code.rawValue): \(code.sentence)\n" && help.status == 0, "\(help)")
        }
        #expect(try await command(program, ["help", "errors"]).output == Failure.Code.page)
    }

    @Test(arguments: [
        ("in_us", "did you mean in_use?"), ("spec_difers", "did you mean spec_differs?"),
        ("imgae", "did you mean image?"), ("nonsense-at-all", "limiq help errors lists the codes of errors"),
    ])
    func `are named where somebody asks for one that there is not`(
        word: String, way: String
    ) async throws {
        let help = try await command(program, ["help", word])
        #expect(help.status == 2 && help.output.isEmpty)
        #expect(
            help.errors.contains("there is no help for \"\(word)\"") && help.errors.contains(way), "\(help)")
    }

    @Test func `of a script stay its own, and limiq's stay limiq's`() {
        let own = Failure(word: "out_of_beer", "the fridge is empty")
        #expect(own.code == .script && own.word == "out_of_beer")
        let known = Failure(word: "timeout", "late")
        #expect(known == Failure(.timeout, "late") && known.word == "timeout")
        #expect(Failure(word: "script", "x") == Failure(.script, "x"))
    }
}
