import Foundation
import Support
import Testing

@Suite struct `What limiq run lets every up do` {
    /// A machine that is asked for twice, and then as another.
    private func run(_ field: String, _ flags: String...) async throws -> CommandResult {
        try await LimiqCommand.with { limiq in
            let script = """
                local limiq = require "limiq"
                limiq.vm { name = "a", memory = "64MiB" }:up()
                local report = limiq.vm { name = "a", memory = "64MiB", \(field) }:up()
                print(#report.pending, #report.changes)
                """
            try script.write(toFile: limiq.folder + "/twice.lua", atomically: false, encoding: .utf8)
            return try await limiq.run(with: ["run", "twice.lua"] + flags)
        }
    }

    @Test func `start a guest anew, with --restart`() async throws {
        #expect(try await run("cpu_sockets = 2").lines == ["1\t0"])
        #expect(try await run("cpu_sockets = 2", "--restart").lines == ["0\t1"])
    }

    @Test func `make a machine anew, with --replace`() async throws {
        let refused = try await run(#"firmware = "uefi""#)
        #expect(refused.status == 1 && refused.errors.contains("firmware"))
        let replaced = try await run(#"firmware = "uefi""#, "--replace")
        #expect(replaced.lines == ["0\t1"], "\(replaced.errors)")
    }
}
