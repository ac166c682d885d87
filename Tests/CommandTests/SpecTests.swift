import Foundation
import Support
import Testing

@Suite struct `limiq test` {
    @Test func `runs the specs below a folder in order, but none that is hidden`() async throws {
        try await ScratchFolder.with { folder in
            for name in ["b", "a/inner", ".hidden", ".git/inside", "a/.cache/deep"] {
                let file = URL(fileURLWithPath: "\(folder)/\(name)_spec.lua")
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                let spec = """
                    local spec = require "limiq.spec"
                    spec.it("is called \(name)", function() error "runs" end)
                    """
                try Data(spec.utf8).write(to: file)
            }
            try Data("error 'no spec'".utf8).write(to: URL(fileURLWithPath: folder + "/other.lua"))
            let result = try await command(
                "\(repository)/.build/debug/limiq", ["test", folder], environment: ["LIMIQ_HOME": folder])
            #expect(result.status == 1)
            #expect(
                result.lines.filter { $0.hasPrefix(folder) }.map { $0.split(separator: ":")[1] } == [
                    " is called a/inner", " is called b",
                ], "\(result.output)\(result.errors)")
            #expect(result.lines.last == "0 passed, 2 failed")
        }
    }
}
