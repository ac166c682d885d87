import Basics
import Glibc
import Synchronization

/// What has changed in a folder.
package struct FolderChanges: Equatable {
    /// Whether nobody can tell what it is.
    package var isEverything = false
    /// The entries that have changed, or are gone.
    package var paths: Set<TreePath> = []
    /// The folders that are new with all that is in them, or are gone.
    package var folders: Set<TreePath> = []

    package static let everything = FolderChanges(isEverything: true)

    package init(isEverything: Bool = false) { self.isEverything = isEverything }

    package var isEmpty: Bool { !isEverything && paths.isEmpty && folders.isEmpty }
}

/// A watch over a folder and all folders in it, told by inotify(7). It is asked by one thread at a time.
package final class FolderWatch {
    private static let events =
        IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
        | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
    /// The quiet after which a burst of changes is over, and the longest it is waited for.
    private static let (quiet, longest) = (Duration.milliseconds(100), Duration.seconds(1))

    private let root: String
    private let patterns: NamePatterns
    private var watcher: Int32 = -1
    private var folders: [Int32: TreePath] = [:]
    private var isRootGone = false

    /// - Parameter patterns: what in it is of no interest.
    /// - Throws: `Failure` with code `not_found` without the folder, `host_not_able` where this machine watches no more.
    package init(_ root: String, without patterns: NamePatterns) throws(Failure) {
        self.root = root
        self.patterns = patterns
        do throws(Failure) { try begin() } catch {
            end()
            throw error
        }
        guard !isRootGone else { throw Failure.system(ENOENT, "cannot watch \(root)", resource: root) }
    }

    deinit { end() }

    private func end() {
        if watcher >= 0 { close(watcher) }
        watcher = -1
        folders = [:]
    }

    private func begin() throws(Failure) {
        end()
        isRootGone = false
        watcher = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard watcher >= 0 else {
            throw Failure(
                .hostNotAble, "cannot watch \(root): this machine gives no more watchers",
                hint: "sudo sysctl fs.inotify.max_user_instances=1024", resource: root)
        }
        try add([])
        isRootGone = folders.isEmpty
    }

    /// Watches a folder and those in it, each before it is looked into: what comes into one later is told.
    private func add(_ path: TreePath) throws(Failure) {
        var open = [path]
        while let path = open.popLast() {
            // The folder itself may be a link, those in it are not followed.
            let mask = Self.events | (path.isEmpty ? 0 : IN_DONT_FOLLOW)
            let number = inotify_add_watch(
                watcher, FolderTree.place(path, in: root), UInt32(bitPattern: mask))
            guard number >= 0 else {
                if errno == ENOSPC { throw tooMany() }
                // Gone meanwhile, or no folder any more; what may not be read is told by whoever reads it.
                continue
            }
            folders[number] = path
            for name in try FolderTree.names(in: root, of: path) ?? [] {
                let inner = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
                var status = stat()
                guard lstat(FolderTree.place(inner, in: root), &status) == 0,
                    status.st_mode & S_IFMT == S_IFDIR, !patterns.match(inner, isFolder: true)
                else { continue }
                open.append(inner)
            }
        }
    }

    private func tooMany() -> Failure {
        let limit = readWhole("/proc/sys/fs/inotify/max_user_watches").map { " (\($0.trimmed()))" } ?? ""
        return Failure(
            .hostNotAble, "cannot watch \(root): it has more folders than this machine watches\(limit)",
            hint: "sudo sysctl fs.inotify.max_user_watches=524288, or leave folders out: exclude",
            resource: root)
    }

    /// Waits for changes, and for the end of a burst of them. A folder that is gone is waited for.
    ///
    /// - Throws: `Failure` with code `cancelled`, and as `init`.
    package func next(_ cancellation: Cancellation) throws(Failure) -> FolderChanges {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure.system(errno, "cannot make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let stop = ends[0]
        // A handler that is under way as all ends must not write into what has the number next.
        let stopWriter = Mutex(ends[1])
        defer {
            stopWriter.withLock {
                close($0)
                $0 = -1
            }
            close(stop)
        }
        let tellStop: @Sendable () -> Void = {
            stopWriter.withLock { if $0 >= 0 { _ = write($0, "x", 1) } }
        }
        return try cancellation.withHandler(tellStop) {
            Result { () throws(Failure) in
                var changes = FolderChanges()
                var deadline: ContinuousClock.Instant?
                while true {
                    try cancellation.check()
                    if isRootGone {
                        guard cancellation.pause(.milliseconds(250)) else { continue }
                        try begin()
                        if !isRootGone { return .everything }
                        continue
                    }
                    let isOver = deadline.map { $0 < .now } ?? false
                    guard !isOver, wait(stop, deadline == nil ? -1 : Self.quiet.inMilliseconds) else {
                        if !changes.isEmpty { return changes }
                        deadline = nil
                        continue
                    }
                    if deadline == nil { deadline = .now + Self.longest }
                    try take(into: &changes)
                }
            }
        }.get()
    }

    /// - Returns: whether there is something to read.
    private func wait(_ stop: Int32, _ milliseconds: Int32) -> Bool {
        // A clock that leaps goes on while others wait.
        if LeapingClock.current != nil {
            if hasEvents(stop, 0) { return true }
            LeapingClock.pause(milliseconds < 0 ? .seconds(1) : .milliseconds(milliseconds))
            return hasEvents(stop, 0)
        }
        return hasEvents(stop, milliseconds)
    }

    private func hasEvents(_ stop: Int32, _ milliseconds: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: watcher, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
        ]
        return poll(&descriptors, 2, milliseconds) > 0
    }

    private func take(into changes: inout FolderChanges) throws(Failure) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(watcher, &buffer, buffer.count)
            guard count > 0 else { return }
            var events = buffer[..<count]
            while events.count >= 16 {
                let (event, length) = events.withUnsafeBytes { bytes in
                    (
                        (
                            number: bytes.loadUnaligned(as: Int32.self),
                            mask: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
                        ), Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
                    )
                }
                let name = events.dropFirst(16).prefix(length).prefix { $0 != 0 }
                events = events.dropFirst(16 + length)
                try take(event.number, event.mask, Array(name), into: &changes)
            }
        }
    }

    private func take(
        _ number: Int32, _ mask: UInt32, _ name: TreePath, into changes: inout FolderChanges
    ) throws(Failure) {
        func has(_ bits: Int32...) -> Bool { bits.contains { mask & UInt32(bitPattern: $0) != 0 } }
        if has(IN_Q_OVERFLOW) {
            // Folders may have come of which nobody was told.
            try begin()
            changes.isEverything = true
            return
        }
        guard let folder = folders[number] else { return }
        if has(IN_IGNORED) { folders[number] = nil }
        guard !name.isEmpty else {
            if folder.isEmpty, has(IN_DELETE_SELF, IN_MOVE_SELF, IN_IGNORED, IN_UNMOUNT) { isRootGone = true }
            return
        }
        let path = folder.isEmpty ? name : folder + [UInt8(ascii: "/")] + name
        let isFolder = has(IN_ISDIR)
        guard !patterns.match(path, isFolder: isFolder) else { return }
        if isFolder, has(IN_MOVED_FROM) { forget(path) }
        if isFolder, has(IN_CREATE, IN_MOVED_TO) { try add(path) }
        if isFolder, !has(IN_ATTRIB) { changes.folders.insert(path) } else { changes.paths.insert(path) }
    }

    /// Ends the watch over a folder that has gone elsewhere, and over those in it.
    private func forget(_ path: TreePath) {
        let inside = path + [UInt8(ascii: "/")]
        for (number, folder) in folders where folder == path || folder.starts(with: inside) {
            inotify_rm_watch(watcher, number)
            folders[number] = nil
        }
    }
}

extension Duration {
    fileprivate var inMilliseconds: Int32 {
        Int32(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
