import Basics
import Foundation
import Glibc
import HostFiles
import Support
import Testing

@Suite struct `A folder that is watched` {
    /// Watches a new folder, and gives what changes are told of one after the other.
    private func with(
        _ exclude: [String] = [], _ body: (_ folder: String, _ watch: FolderWatch) throws -> Void
    ) throws {
        let scratch = try ScratchFolder(prefix: "watch")
        defer { scratch.remove() }
        try makeFolders(scratch.path + "/in/sub/deep")
        try makeFolders(scratch.path + "/in/node_modules/m")
        try body(
            scratch.path + "/in", try FolderWatch(scratch.path + "/in", without: try NamePatterns(exclude)))
    }

    private func texts(_ paths: Set<TreePath>) -> [String] {
        paths.map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    /// What has changed, within a time that no machine takes.
    private func next(_ watch: FolderWatch, within time: Duration = .seconds(20)) throws -> FolderChanges? {
        let cancellation = Cancellation()
        startThread {
            if cancellation.pause(time) { cancellation.cancel() }
        }
        defer { cancellation.cancel() }
        do throws(Failure) { return try watch.next(cancellation) } catch {
            guard error.code == .cancelled else { throw error }
            return nil
        }
    }

    /// What has changed, where something must have.
    private func told(_ watch: FolderWatch) throws -> FolderChanges { try #require(try next(watch)) }

    private func write(_ path: String) throws { try Data("1".utf8).write(to: URL(fileURLWithPath: path)) }

    @Test func `tells what is written, renamed, removed and given other rights, a burst at once`() throws {
        try with { folder, watch in
            try write(folder + "/a")
            try write(folder + "/sub/deep/b")
            rename(folder + "/a", folder + "/c")
            #expect(try texts(told(watch).paths) == ["a", "c", "sub/deep/b"])
            unlink(folder + "/c")
            chmod(folder + "/sub/deep/b", 0o600)
            chmod(folder + "/sub", 0o700)
            let changes = try told(watch)
            #expect(texts(changes.paths) == ["c", "sub", "sub/deep/b"])
            #expect(changes.folders.isEmpty && !changes.isEverything)
            #expect(try next(watch, within: .milliseconds(300)) == nil, "nothing changes")
        }
    }

    @Test func `is watched in folders that come, with what was in them before, and not where they have gone`()
        throws
    {
        try with { folder, watch in
            try makeFolders(folder + "/new/x/y")
            try write(folder + "/new/x/y/early")
            let came = try told(watch)
            #expect(texts(came.folders).contains("new"))
            try write(folder + "/new/x/y/late")
            #expect(try texts(told(watch).paths) == ["new/x/y/late"])

            let elsewhere = (folder as NSString).deletingLastPathComponent + "/elsewhere"
            rename(folder + "/new", elsewhere)
            #expect(try texts(told(watch).folders) == ["new"])
            try write(elsewhere + "/x/y/unseen")
            #expect(try next(watch, within: .milliseconds(300)) == nil)
            rename(elsewhere, folder + "/back")
            #expect(try texts(told(watch).folders) == ["back"])
            try write(folder + "/back/x/z")
            #expect(try texts(told(watch).paths) == ["back/x/z"])
            try removeWhole(folder + "/back")
            #expect(try texts(told(watch).folders).contains("back"))
        }
    }

    @Test func `is not told of what is left out`() throws {
        try with(["node_modules", "*.log", "/sub/deep/"]) { folder, watch in
            try write(folder + "/x.log")
            try write(folder + "/node_modules/m/a")
            try write(folder + "/sub/deep/a")
            try makeFolders(folder + "/sub/node_modules/n")
            #expect(try next(watch, within: .milliseconds(400)) == nil)
            try write(folder + "/sub/node_modules/n/a")
            try write(folder + "/sub/x")
            #expect(try texts(told(watch).paths) == ["sub/x"])
        }
    }

    @Test func `is waited for where it goes, and looked at as a whole when it is back`() throws {
        try with { folder, watch in
            try removeWhole(folder)
            #expect(try next(watch, within: .milliseconds(600)) == nil)
            try makeFolders(folder + "/sub")
            #expect(try next(watch) == .everything)
            try write(folder + "/sub/a")
            #expect(try texts(told(watch).paths) == ["sub/a"])
            // Another in its place, as tools that build do it.
            try makeFolders(folder + ".new")
            rename(folder, folder + ".old")
            rename(folder + ".new", folder)
            #expect(try next(watch) == .everything)
        }
    }

    @Test func `is looked at as a whole where more has changed than the kernel keeps`() throws {
        try with { folder, watch in
            let most = try #require(
                readWhole("/proc/sys/fs/inotify/max_queued_events").flatMap { Int($0.trimmed()) })
            // No two alike, or the kernel makes one of them.
            for index in 0...most / 3 {
                let path = "\(folder)/sub/\(index)"
                close(open(path, O_CREAT | O_WRONLY, 0o600))
                unlink(path)
            }
            #expect(try told(watch).isEverything)
            try makeFolders(folder + "/later")
            #expect(try texts(told(watch).folders) == ["later"])
        }
    }

    @Test func `ends at once when nobody waits any more`() throws {
        try with { _, watch in
            let began = ContinuousClock.now
            let changes = try next(watch, within: .milliseconds(100))
            #expect(changes == nil)
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test func `must be one`() throws {
        for path in ["/nowhere/at/all", "/etc/hostname"] {
            let failure = try #require(throws: Failure.self) {
                try FolderWatch(path, without: try NamePatterns([]))
            }
            #expect(failure.code == .notFound, "\(failure)")
        }
    }
}
