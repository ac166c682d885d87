import Basics
import Foundation
import Glibc
import HostFiles
import Support
import Testing

@Suite(.enabled(if: geteuid() == 0, "only root can give a folder away")) struct `A state folder` {
    private func with(_ body: (StateFolder) throws -> Void) throws {
        let folder = try ScratchFolder(prefix: "owner")
        defer { folder.remove() }
        try body(StateFolder(root: folder.path))
    }

    @Test func `that is one's own, or not there yet, is taken`() throws {
        try with { state in
            try state.requireOwn()
            chmod(state.root, 0o700)
            try state.requireOwn()
            // Where each account has a group of its own.
            chmod(state.root, 0o775)
            try state.requireOwn()
            try StateFolder(root: state.root + "/not/there").requireOwn()
        }
    }

    @Test func `below a folder that all can write to is refused, unless that is sticky`() throws {
        try with { above in
            let state = StateFolder(root: above.root + "/a/state")
            try makeFolders(state.root)
            chmod(above.root + "/a", 0o777)
            let failure = try #require(throws: Failure.self) { try state.requireOwn() }
            #expect(failure.code == .hostNotAble, "\(failure)")
            #expect(failure.message.contains(above.root + "/a,"), "\(failure)")
            chmod(above.root + "/a", 0o1777)
            try state.requireOwn()
        }
    }

    @Test(arguments: ["", "/vms", "/cloud-images"])
    func `of another account, or that others can write to, is refused with the way out`(_ part: String) throws
    {
        try with { state in
            let folder = state.root + part
            try makeFolders(folder)
            let changes: [(String) -> Void] = [
                { chmod($0, 0o777) }, { chmod($0, 0o1777) },
                { path in
                    chown(path, 0, 65534)
                    chmod(path, 0o775)
                },
                { path in
                    chmod(path, 0o755)
                    chown(path, 65534, 65534)
                },
            ]
            for change in changes {
                change(folder)
                let failure = try #require(throws: Failure.self) { try state.requireOwn() }
                #expect(failure.code == .hostNotAble && failure.message.contains(folder), "\(failure)")
                #expect(failure.hint?.isEmpty == false)
                chown(folder, 0, 0)
                chmod(folder, 0o755)
            }
            try state.requireOwn()
        }
    }
}
