import Foundation
import Support
import Testing

@Suite struct `Documents for those who carry on` {
    /// The names in backticks that begin with a folder of the checkout.
    @Test(arguments: [
        "docs/architecture.md", "docs/facts.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
    ])
    func `name files that are there`(document: String) throws {
        let text = try String(contentsOfFile: "\(repository)/\(document)", encoding: .utf8)
        let paths = text.matches(of: /`((?:Sources|Tests|stdlib|scripts|docs|Benchmarks)\/[^` ]*)/).map {
            String($0.1)
        }
        for path in Set(paths) where !path.contains("NAME") {
            #expect(FileManager.default.fileExists(atPath: "\(repository)/\(path)"), "\(document): \(path)")
        }
    }

    @Test func `name every target in the picture of them`() throws {
        let package = try String(contentsOfFile: "\(repository)/Package.swift", encoding: .utf8)
        let picture = try String(contentsOfFile: "\(repository)/docs/architecture.md", encoding: .utf8)
        let targets = package.matches(of: /\.(?:target|executableTarget|systemLibrary)\(\s*name: "(\w+)"/).map
        { $0.1 }
        #expect(targets.count > 10)
        for target in targets where target != "Support" { #expect(picture.contains(target), "\(target)") }
    }
}
