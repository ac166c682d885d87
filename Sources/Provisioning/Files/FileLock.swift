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

    /// Runs `body` where nobody holds the lock.
    ///
    /// - Returns: `nil` where somebody does.
    static func holdIfFree<Result>(
        _ path: String, for name: String, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let descriptor = try tryOnce(path, name) else { return nil }
        defer {
            unlink(path)
            close(descriptor)
        }
        return try body()
    }

    /// Whether somebody works under this lock. A lock file nobody holds is what a killed process has left.
    static func isHeld(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_EX | LOCK_NB) != 0
    }

    /// The process that holds the lock, or did, as its file tells.
    static func holder(_ path: String) -> String? {
        readWhole(path).map { $0.filter(\.isNumber) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// There is no event for a lock that becomes free and can be cancelled as well: it looks every 50 ms.
    private static func acquire(
        _ path: String, _ name: String, _ cancellation: Cancellation, _ onWait: (String?) -> Void
    ) throws(Failure) -> Int32 {
        var told = false
        while true {
            try cancellation.check()
            if let descriptor = try tryOnce(path, name) { return descriptor }
            if !told {
                told = true
                onWait(holder(path))
            }
            usleep(50_000)
        }
    }

    /// - Returns: the locked file, `nil` where somebody else has it.
    private static func tryOnce(_ path: String, _ name: String) throws(Failure) -> Int32? {
        while true {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard file >= 0 else { throw Failure.system(errno, "cannot lock \(name)", resource: path) }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                close(file)
                return nil
            }
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
        }
    }
}
