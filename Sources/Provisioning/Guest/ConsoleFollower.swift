import Basics
import Glibc

/// Reads a machine's console log from its start and then whatever is added, told by inotify.
///
/// The log may not exist yet, and begins anew each time the guest starts.
final class ConsoleFollower: Sendable {
    private let path: String
    /// The writing end of a pipe; closing it stops the thread.
    private let stopWriter: Int32
    private let stopped = Mailbox<Void>()
    private let done = Mailbox<Void>()

    /// - Parameters:
    ///   - offset: in bytes; what is before it is not read. The start of a log that is shorter.
    ///   - onStart: the log began (again); what was read before belongs to an earlier start.
    ///   - onLines: whole lines: first all the log holds already, so that an earlier boot in it is not taken for the last
    ///     one; then what comes. Both are called on the follower's own thread, one after the other.
    init?(
        _ path: String, from offset: Int = 0, onStart: @escaping @Sendable () -> Void,
        onLines: @escaping @Sendable ([String]) -> Void
    ) {
        self.path = path
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        stopWriter = ends[1]
        let (stop, stopped, done) = (ends[0], stopped, done)
        startThread {
            if LeapingClock.current == nil {
                Self.follow(path, offset, stop, onStart, onLines)
            } else {
                // The kernel's news come by another clock.
                var reader = LogReader(path: path, from: offset)
                repeat {
                    reader.readOn(onStart, onLines)
                } while stopped.next(before: .present + .seconds(1)) == nil
            }
            close(stop)
            done.put(())
        }
    }

    /// Ends the thread and waits until it calls nobody any more.
    func cancel() {
        close(stopWriter)
        stopped.put(())
        done.next()
    }

    private static func follow(
        _ path: String, _ offset: Int, _ stop: Int32, _ onStart: () -> Void, _ onLines: ([String]) -> Void
    ) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let watcher = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard watcher >= 0 else { return }
        defer { close(watcher) }
        // The folder is watched: the log may be made, or made anew, while we wait.
        inotify_add_watch(
            watcher, String(path[..<slash]),
            UInt32(IN_MODIFY) | UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_CLOSE_WRITE))
        var reader = LogReader(path: path, from: offset)
        var events = [UInt8](repeating: 0, count: 4096)
        while true {
            reader.readOn(onStart, onLines)
            var descriptors = [
                pollfd(fd: watcher, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&descriptors, 2, -1) >= 0 || errno == EINTR else { return }
            if descriptors[1].revents != 0 { return }
            while read(watcher, &events, events.count) > 0 {}
        }
    }
}

/// The most that is read of a console's log, in bytes. A guest writes as much as it likes: of more than this only the
/// end is read.
let mostConsole = 16 << 20

/// Opens a log that is a regular file. What is put in the place of one may hang whoever opens it, or lead elsewhere.
private func openLog(_ path: String) -> Int32 {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    var information = stat()
    guard descriptor >= 0 else { return -1 }
    if fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG { return descriptor }
    close(descriptor)
    return -1
}

/// Reads on in a file that may be replaced or cut off.
private struct LogReader: ~Copyable {
    let path: String
    private var descriptor: Int32 = -1
    private var inode: UInt64 = 0
    private var offset = 0
    private var text = ConsoleText()

    init(path: String, from offset: Int) {
        self.path = path
        self.offset = offset
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    mutating func readOn(_ onStart: () -> Void, _ onLines: ([String]) -> Void) {
        var information = stat()
        // A regular file, or it is not the log.
        guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return }
        if descriptor < 0 || UInt64(information.st_ino) != inode || Int(information.st_size) < offset {
            let isFirst = descriptor < 0
            if !isFirst {
                close(descriptor)
                onStart()
            }
            descriptor = openLog(path)
            guard descriptor >= 0 else { return }
            inode = UInt64(information.st_ino)
            if !isFirst || Int(information.st_size) < offset { offset = 0 }
            text = ConsoleText()
        }
        let end = Int(information.st_size)
        if end - offset > mostConsole {
            offset = end - mostConsole
            text = ConsoleText()
        }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var lines: [String] = []
        // Up to what there was, however fast the guest goes on.
        while offset < end, case let count = pread(descriptor, &chunk, chunk.count, off_t(offset)), count > 0
        {
            offset += count
            lines += text.take(chunk[..<count])
        }
        if !lines.isEmpty { onLines(lines) }
    }
}

/// The last lines of a console log, at most `count`, empty lines left out.
func consoleTail(_ path: String, lines count: Int) -> [String] {
    let descriptor = openLog(path)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    let size = max(0, Int(lseek(descriptor, 0, SEEK_END)))
    let length = min(size, consoleTailBytes(lines: count))
    var bytes = [UInt8](repeating: 0, count: length)
    let got = pread(descriptor, &bytes, length, off_t(size - length))
    return got > 0 ? consoleTail(Array(bytes[..<got]), isCut: length < size, lines: count) : []
}

/// The number of bytes that are read for a log's last lines: a line of a console is rarely longer than 256 bytes.
func consoleTailBytes(lines count: Int) -> Int { max(4096, count * 256) }

/// - Parameter isCut: the first line is not whole.
func consoleTail(_ bytes: [UInt8], isCut: Bool, lines count: Int) -> [String] {
    var lines = ConsoleText.lines(bytes)
    if isCut { lines.removeFirst(min(1, lines.count)) }
    return Array(lines.filter { !$0.isEmpty }.suffix(count))
}

/// The last line a guest has written to its console, as plain text; `nil` where it has written nothing.
public func consoleLastLine(_ path: String) -> String? { consoleTail(path, lines: 1).last }
