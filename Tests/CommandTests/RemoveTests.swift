import Support
import Testing

@Suite struct `limiq rm` {
    @Test func `removes what it can, and names each that it cannot`() async throws {
        try await LimiqCommand.with { limiq in
            #expect(try await limiq.run("run", "many.lua", "--set", "count=2").status == 0)
            // The test driver's own domain is nobody's.
            let result = try await limiq.run("rm", "nobody", "vm-001", "test", "vm-002", "vm-001")
            #expect(result.status == 1)
            let lines = result.errors.split(separator: "\n").map(String.init)
            #expect(
                lines.filter { $0.hasPrefix("removed ") }.sorted() == ["removed vm-001", "removed vm-002"])
            #expect(
                lines.contains { $0.contains("the domain test on test:///default was not made by limiq") })
            #expect(lines.contains { $0.contains("there is no VM nobody") })
            #expect(limiq.machines == [])
        }
    }

    @Test(arguments: ["../disk", "a/b", "..", ""])
    func `says of a path that no VM has that name`(name: String) async throws {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run("rm", name)
            #expect(result.status == 1)
            #expect(result.errors.hasPrefix("limiq: there is no VM \(name)\n"), "\(result.errors)")
        }
    }
}
