import Basics
import Glibc

/// One process at a time: a lock file that is there while somebody works, and removed after. The system lets go of it
/// when its holder dies.
enum FileLock {
    /// Waits until nobody else holds the lock, then runs `body`.
    ///
    /// - Parameters:
    ///   - name: what is locked, for messages.
    ///   - onWait: called once when it has to wait, with the holder's process number where it is known.
    static func hold<Result>(
        _ path: String, for name: String, _ cancellation: Cancellation,
        onWait: (_ holder: String?) -> Void = { _ in }, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let descriptor = try acquire(path, name, cancellation, onWait)
        defer {
            unlink(path)
            close(descriptor)
        }
        return try body()
    }

    /// There is no event for a lock that becomes free and can be cancelled as well: it looks every 50 ms.
    private static func acquire(
        _ path: String, _ name: String, _ cancellation: Cancellation, _ onWait: (String?) -> Void
    ) throws(Failure) -> Int32 {
        var told = false
        while true {
            try cancellation.check()
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard file >= 0 else { throw Failure.system(errno, "cannot lock \(name)", resource: path) }
            if flock(file, LOCK_EX | LOCK_NB) == 0 {
                // The holder before us may have removed the file between our open and our lock.
                var ours = stat()
                var there = stat()
                if fstat(file, &ours) == 0, stat(path, &there) == 0, ours.st_ino == there.st_ino {
                    let number = Array("\(getpid())\n".utf8)
                    _ = ftruncate(file, 0)
                    _ = write(file, number, number.count)
                    return file
                }
                close(file)
                continue
            }
            close(file)
            if !told {
                told = true
                onWait(readWhole(path).map { $0.filter(\.isNumber) }.flatMap { $0.isEmpty ? nil : $0 })
            }
            usleep(50_000)
        }
    }
}
