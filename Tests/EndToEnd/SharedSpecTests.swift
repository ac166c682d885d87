import Foundation
import Support
import Testing

extension EndToEnd {
    /// What a simulated host says of machines and fleets is what libvirt and QEMU do: the same specs pass on both.
    @Suite struct `Specs on a simulated and on a real host` {
        private static let specs = ["simulation", "fleet"].map { "\(repository)/stdlib/spec/\($0)_spec.lua" }

        @Test func `pass on both`() async throws {
            try await Home.with { home in
                for words in [[], ["--connect", home.daemons.uri]] {
                    let result = try await home.start(["test"] + words + Self.specs).result()
                    #expect(result.status == 0, "\(words): \(result.output)\(result.errors)")
                    #expect(result.lines.last?.contains(" 0 failed") == true)
                }
                // Nothing of the cases is left.
                #expect(home.machines == [])
                #expect(
                    try await command("virsh", ["-c", home.daemons.uri, "list", "--all", "--name"]).lines
                        == [])
            }
        }
    }
}
