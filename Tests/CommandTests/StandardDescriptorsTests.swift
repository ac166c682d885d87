import Foundation
import Support
import Testing

@Suite struct `Standard descriptors that are closed at the start` {
    /// Every choice of 0, 1 and 2.
    private static let choices = (0..<8).map { bits in (0..<3).filter { bits & 1 << $0 != 0 } }

    @Test(arguments: choices)
    func `do not disturb a run`(_ closed: [Int]) async throws {
        try await LimiqCommand.with { limiq in
            let script = """
                local limiq = require "limiq"
                print "one"
                io.stderr:write "told\\n"
                limiq.vm { name = "fd", memory = "64MiB" }:up { wait = "running" }
                limiq.host.run { "sh", "-c", "cat; echo of a program; echo its error >&2" }
                print "two"
                limiq.file.write("state", limiq.domain.get("fd"):state())
                """
            try script.write(toFile: limiq.folder + "/fd.lua", atomically: false, encoding: .utf8)
            let closing = closed.map { "\($0)>&-" }.joined(separator: " ")
            let result = try await command(
                "sh", ["-c", "\"$0\" run fd.lua \(closing)", program], environment: limiq.environment,
                folder: limiq.folder)
            #expect(result.status == 0, "\(result.errors)")
            #expect(fileText(limiq.folder + "/state") == "running")
            if !closed.contains(1) { #expect(result.output.hasPrefix("one\ntwo\n"), "\(result.output)") }
            if !closed.contains(2) {
                #expect(result.errors.contains("told\n"))
                #expect(!result.errors.contains("interrupted"))
            }
        }
    }

    @Test(arguments: choices)
    func `are there in every command, as files that hold nothing`(_ closed: [Int]) async throws {
        let closing = closed.map { "\($0)>&-" }.joined(separator: " ")
        let result = try await command(
            "sh", ["-c", "\"$0\" --version \(closing)", program], environment: ["LIMIQ_HOME": "/nowhere"])
        #expect(result.status == 0)
        #expect(result.output.isEmpty == closed.contains(1))
        #expect(result.errors.isEmpty)
    }
}
