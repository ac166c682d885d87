import Basics
import Glibc
import Support
import Testing

@testable import HostFiles
@testable import Provisioning

@Suite(.enabled(if: geteuid() == 0, "a filesystem of its own is root's to mount"))
struct `A full disk` {
    /// A state folder on a filesystem of its own.
    private static func withSmallDisk(_ options: String, _ body: (StateFolder) throws -> Void) throws {
        try withScratchState { state throws in
            try #require(try run("mount", "-t", "tmpfs", "-o", options, "limiq-test", state.root).status == 0)
            defer { _ = try? run("umount", state.root) }
            try body(state)
        }
    }

    /// Tries with more and more room, until there is enough.
    private static func expectAllOrNothing(_ options: (Int) -> String) throws {
        var failures = 0
        for room in 1...200 {
            var isMade = false
            try withSmallDisk(options(room)) { state throws in
                let host = FakeHypervisor()
                var up = UpOptions()
                up.start = false
                do {
                    _ = try Machine("web", on: host, state: state).up(`Bringing a VM up`.spec(), up)
                    isMade = true
                } catch let failure as Failure {
                    failures += 1
                    #expect(failure.code == .io, "\(failure)")
                    #expect(failure.message.contains("no space left"), "\(failure)")
                    #expect(failure.hint?.contains("free some space") == true, "\(failure)")
                    #expect(try host.domains().isEmpty)
                    #expect(try filesBelow(state.root) == [], "\(room)")
                    #expect(try foldersBelow(state.root).filter { $0 != "vms" } == [])
                }
                if isMade {
                    #expect(try Leftovers(state: state, on: host).survey() == Leftovers.Survey())
                    #expect(try host.domains().count == 1)
                }
            }
            if isMade { break }
            try #require(room < 200, "there is enough in the end")
        }
        #expect(failures > 3)
    }

    @Test func `at any byte leaves nothing half-made and says what to do`() throws {
        // Pages of 4 KiB.
        try Self.expectAllOrNothing { "size=\($0 * 4)k" }
    }

    @Test func `at any file leaves nothing half-made and says what to do`() throws {
        try Self.expectAllOrNothing { "nr_inodes=\($0 + 1)" }
    }
}
