import Basics
import Foundation
import Glibc
import HostFiles
import Support
import Testing

@testable import Provisioning

/// The guest's folder is one of this host, listed by this host's programs, which are those of a guest.
@Suite struct `What makes a guest's folder the same` {
    private struct Folders {
        let here: String
        let there: String

        func plan(delete: Bool = false, exclude: [String] = []) throws -> SyncPlan {
            var tree = FolderTree(here, without: try NamePatterns(exclude))
            try tree.readAll()
            return try SyncPlan(tree, try listed(), deletes: delete)
        }

        func listed() throws -> GuestTree {
            let words = GuestTree.listing(there)
            let listing = try run(words[0], Array(words.dropFirst()))
            return try #require(GuestTree(Array(listing.output.utf8)))
        }

        func write(_ path: String, _ text: String = "1") throws {
            try makeFolders((path as NSString).deletingLastPathComponent)
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }
    }

    private func with(_ body: (Folders) throws -> Void) throws {
        let scratch = try ScratchFolder(prefix: "sync")
        defer { scratch.remove() }
        let folders = Folders(here: scratch.path + "/here", there: scratch.path + "/there")
        for name in ["a", "sub/b", "sub/deep/two words", "é\n./x", "-rf"] {
            try folders.write("\(folders.here)/\(name)")
        }
        symlink("nowhere", folders.here + "/link")
        symlink(".", folders.here + "/sub/loop")
        try body(folders)
    }

    private func texts(_ paths: [TreePath]) -> [String] { paths.map { String(decoding: $0, as: UTF8.self) } }

    @Test func `is all of it at first, links as links, and nothing where it is the same`() throws {
        try with { folders in
            let plan = try folders.plan()
            #expect(texts(plan.folders) == ["sub", "sub/deep", "é\n."])
            #expect(
                texts(plan.files) == [
                    "-rf", "a", "link", "sub/b", "sub/deep/two words", "sub/loop", "é\n./x",
                ])
            try run("cp", "-a", folders.here + "/.", folders.there)
            #expect(try folders.plan(delete: true) == SyncPlan())
        }
    }

    @Test func `is what differs in size, time, rights or kind`() throws {
        try with { folders in
            try run("cp", "-a", folders.here + "/.", folders.there)
            try folders.write(folders.here + "/a", "22")
            // In the same second, of the same size.
            try folders.write(folders.here + "/sub/b", "2")
            chmod(folders.here + "/-rf", 0o600)
            chmod(folders.here + "/sub/deep", 0o700)
            unlink(folders.here + "/link")
            try folders.write(folders.here + "/link/inner")
            let plan = try folders.plan()
            #expect(texts(plan.folders) == ["link", "sub/deep"])
            #expect(texts(plan.files) == ["-rf", "a", "link/inner", "sub/b"])
            #expect(texts(plan.removed) == ["link"], "a link is no folder")
        }
    }

    @Test func `removes what is only there where that is wished, and leaves alone what is left out`() throws {
        try with { folders in
            for name in [
                "old/x/y", "more", "kept.log", "half/kept.log", "half/gone", "node_modules/m", "sub/gone",
                ".limiq-sync.7/x",
            ] {
                try folders.write("\(folders.there)/\(name)")
            }
            #expect(try folders.plan().removed.isEmpty)
            let plan = try folders.plan(delete: true, exclude: ["*.log", "node_modules", "/sub/deep"])
            #expect(texts(plan.removed) == ["half/gone", "more", "old", "sub/gone"])
            #expect(!texts(plan.folders).contains("sub/deep"))
        }
    }

    @Test func `takes a folder of the guest for a file only where it may be removed`() throws {
        try with { folders in
            try folders.write(folders.there + "/a/inner")
            let failure = try #require(throws: Failure.self) { try folders.plan() }
            #expect(
                failure.code == .badField && failure.message.contains("there/a is a folder"), "\(failure)")
            let plan = try folders.plan(delete: true)
            #expect(texts(plan.removed) == ["a"] && texts(plan.files).contains("a"))
        }
    }

    @Test func `is not told by a listing that is not whole`() throws {
        for text in ["", "end", "/srv\n", "/srv\n41ed 0 0 d t z .\n", "/srv\nnonsense\nend\n", "srv\nend\n"] {
            #expect(GuestTree(Array(text.utf8)) == nil, "\(text)")
        }
        let small =
            "rsync\n/srv\n41ed 40 1 9 1970-01-01 00:00:01 +0000 .\n81a4 5 1 9 1970-01-01 00:00:01 +0000 ./a b\nend\n"
        let tree = try #require(GuestTree(Array(small.utf8)))
        #expect(tree.hasRsync && tree.path == "/srv" && Array(tree.entries.keys) == [Array("a b".utf8)])
    }

    @Test func `leaves alone what is mounted in the guest's folder, which may be another's`() throws {
        try with { folders in
            let there = try #require(
                GuestTree(
                    Array(
                        """
                        /srv
                        41ed 40 1 9 1970-01-01 00:00:01 +0000 .
                        41ed 40 1 9 1970-01-01 00:00:01 +0000 ./own
                        41ed 40 1 9 1970-01-01 00:00:01 +0000 ./parent
                        41ed 40 1 7 1970-01-01 00:00:01 +0000 ./parent/uploads
                        81a4 5 1 7 1970-01-01 00:00:01 +0000 ./parent/uploads/file
                        41ed 40 1 7 1970-01-01 00:00:01 +0000 ./a
                        end

                        """.utf8)))
            var tree = FolderTree(folders.here, without: try NamePatterns([]))
            try tree.readAll()
            let failure = try #require(throws: Failure.self) { try SyncPlan(tree, there, deletes: true) }
            #expect(failure.message.contains("/srv/a is a folder"), "it is mounted: \(failure)")
            unlink(folders.here + "/a")
            tree = FolderTree(folders.here, without: try NamePatterns([]))
            try tree.readAll()
            #expect(texts(try SyncPlan(tree, there, deletes: true).removed) == ["own"])
        }
    }

    @Test(arguments: ["", "srv", "../srv", "/", "//", "/.", "/srv/../etc", "~/x"])
    func `is in a folder by its absolute path`(_ path: String) throws {
        let failure = try #require(throws: Failure.self) { try SyncTarget(path, deletes: false) }
        #expect(failure.code == .badField && failure.hint != nil, "\(failure)")
    }

    @Test func `empties no folder of the system's`() throws {
        for path in [
            "/mnt", "/var/home/core", "/var/roothome", "/usr/lib/systemd", "/lib/modules", "/sbin/x",
            "/etc", "/usr//lib/", "/home", "/home/admin", "/root", "/proc/1", "/boot/grub", "/./var/lib",
        ] {
            let failure = try #require(throws: Failure.self) { try SyncTarget(path, deletes: true) }
            #expect(failure.code == .badField && failure.message.contains("delete"), "\(failure)")
            _ = try SyncTarget(path, deletes: false)
        }
        for path in [
            "/srv", "/etc/nginx", "/home/admin/src", "/var/www", "/usr/share/nginx/html", "/srv/a b/é",
        ] {
            #expect(try SyncTarget(path + "//", deletes: true).path == path)
        }
    }
}

/// What is sent must be there while it is read.
@Suite struct `A folder that is sent` {
    private func with(_ body: (String) throws -> Void) throws {
        let scratch = try ScratchFolder(prefix: "tree")
        defer { scratch.remove() }
        try body(scratch.path)
    }

    private func tree(_ folder: String) throws -> FolderTree {
        var tree = FolderTree(folder, without: try NamePatterns([]))
        try tree.readAll()
        return tree
    }

    @Test func `has no sockets, pipes and devices, and names that are no text`() throws {
        try with { folder in
            mkfifo(folder + "/pipe", 0o600)
            close(open((folder + "/caf").utf8CString.dropLast() + [-23, 0], O_CREAT | O_WRONLY, 0o600))
            let names = Array(try tree(folder).entries.keys)
            #expect(names == [Array("caf".utf8) + [0xE9]])
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may read all"))
    func `must be one that may be read`() throws {
        try with { folder in
            close(open(folder + "/closed", O_CREAT | O_WRONLY, 0))
            let failure = try #require(throws: Failure.self) { try tree(folder) }
            #expect(failure.message.contains("closed"), "\(failure)")
        }
    }

    @Test func `must be there, and no circle of links`() throws {
        try with { folder in
            symlink("loop", folder + "/loop")
            for path in [folder + "/none", folder + "/loop"] {
                let failure = try #require(throws: Failure.self) { try tree(path) }
                #expect(failure.message.contains(path), "\(failure)")
            }
        }
    }
}
