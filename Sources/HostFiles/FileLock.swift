import Basics
import Glibc

/// The lock by which one process at a time works: a file that is there while somebody works, and removed after. The
/// system lets go of it when its holder dies. It holds the number of its process and nothing else: anything that is
/// called so and is no such file is somebody else's, and stays as it is.
package enum FileLock {
    /// A function that waits: it calls `wait`, which gives the lock's descriptor.
    ///
    /// - Parameter holder: its process number, where that is known.
    package typealias Waiting = (
        _ holder: String?, _ wait: () throws(Failure) -> Int32
    ) throws(Failure) -> Int32

    /// Waits until nobody else holds the lock, then runs `body`.
    ///
    /// - Parameters:
    ///   - name: what is locked, for messages.
    ///   - waiting: called where it has to wait, to do so.
    package static func hold<Result>(
        _ path: String, for name: String, _ cancellation: Cancellation,
        waiting: Waiting = { _, wait throws(Failure) in try wait() }, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let descriptor = try wait(path, for: name, cancellation, waiting: waiting)
        defer {
            unlink(path)
            close(descriptor)
        }
        return try body()
    }

    /// Runs `body` where nobody holds the lock.
    ///
    /// - Returns: `nil` where somebody does.
    package static func holdIfFree<Result>(
        _ path: String, for name: String, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let descriptor = try tryOnce(path, name) else { return nil }
        defer {
            unlink(path)
            close(descriptor)
        }
        return try body()
    }

    /// Takes the lock for as long as its descriptor is open. Its file is the caller's to remove.
    ///
    /// - Throws: `Failure` with code `in_use` where somebody else has it.
    package static func take(_ path: String, for name: String) throws(Failure) -> Int32 {
        if let descriptor = try tryOnce(path, name) { return descriptor }
        throw Failure(.inUse, "somebody else holds the lock of \(name)", resource: path)
    }

    /// Whether somebody works under this lock. A lock file nobody holds is what a killed process has left.
    package static func isHeld(_ path: String) -> Bool {
        guard let file = open(path, O_RDONLY) else { return false }
        defer { close(file) }
        return flock(file, LOCK_EX | LOCK_NB) != 0
    }

    /// Whether what has this name is a lock of limiq's, held or not.
    package static func isLock(_ path: String) -> Bool {
        guard let file = open(path, O_RDONLY) else { return false }
        close(file)
        return true
    }

    /// The process that holds the lock, or did, as its file tells.
    package static func holder(_ path: String) -> String? {
        guard let file = open(path, O_RDONLY) else { return nil }
        defer { close(file) }
        return content(of: file).map(String.init)
    }

    /// - Returns: `nil` for what is not there or is no lock; `errno` is 0 for the latter.
    private static func open(_ path: String, _ flags: Int32) -> Int32? {
        // A FIFO would keep its reader for ever, and what a link leads to would be written over.
        let file = Glibc.open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            if errno == ELOOP || errno == EISDIR || errno == ENXIO { errno = 0 }
            return nil
        }
        var status = stat()
        // Nor is another name of somebody's file a lock.
        if fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink <= 1,
            status.st_size == 0 || content(of: file) != nil
        {
            return file
        }
        close(file)
        errno = 0
        return nil
    }

    /// The process number in a lock file; `nil` where it has none, or other text.
    private static func content(of file: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 1, count < bytes.count, bytes[count - 1] == UInt8(ascii: "\n") else { return nil }
        return Int32(String(decoding: bytes[..<(count - 1)], as: UTF8.self))
    }

    /// Takes the lock for as long as its descriptor is open, where needed by looking every 50 ms: there is no event for a
    /// lock that becomes free and can be cancelled as well. Its file is the caller's to remove.
    package static func wait(
        _ path: String, for name: String, _ cancellation: Cancellation, waiting: Waiting
    ) throws(Failure) -> Int32 {
        try cancellation.check()
        if let descriptor = try tryOnce(path, name) { return descriptor }
        return try waiting(holder(path)) { () throws(Failure) in
            while true {
                LeapingClock.pause(.microseconds(50_000))
                try cancellation.check()
                if let descriptor = try tryOnce(path, name) { return descriptor }
            }
        }
    }

    /// - Returns: the locked file, `nil` where somebody else has it.
    private static func tryOnce(_ path: String, _ name: String) throws(Failure) -> Int32? {
        while true {
            guard let file = open(path, O_RDWR | O_CREAT) else {
                guard errno == 0 else {
                    throw Failure.system(errno, "cannot lock \(name)", resource: path)
                }
                throw Failure(
                    .io, "cannot lock \(name): \(path) is no lock of limiq's",
                    hint: "look what it is, and move it away", resource: path)
            }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                close(file)
                return nil
            }
            // The holder before us may have removed the file between our open and our lock.
            var ours = stat()
            var there = stat()
            if fstat(file, &ours) == 0, lstat(path, &there) == 0, ours.st_ino == there.st_ino {
                let number = Array("\(getpid())\n".utf8)
                _ = ftruncate(file, 0)
                _ = write(file, number, number.count)
                return file
            }
            close(file)
        }
    }
}
