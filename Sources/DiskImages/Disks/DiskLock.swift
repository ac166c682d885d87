import Basics
import Glibc

/// The locks QEMU's processes hold on an image they have open.
///
/// Source: QEMU's `block/file-posix.c`: for each permission a process has it locks byte 100 + bit, for each it denies
/// others byte 200 + bit, with open file description locks for reading. Writing is bit 1.
package enum DiskLock {
    /// Whether somebody has the file open for writing.
    static func hasWriter(_ file: borrowing ReadableFile) -> Bool { isLocked(file.descriptor, 101, 1) }

    /// Whether somebody has the file open, if only as a base.
    package static func isUsed(_ file: borrowing ReadableFile) -> Bool { isLocked(file.descriptor, 100, 200) }

    private static func isLocked(_ descriptor: Int32, _ start: Int, _ count: Int) -> Bool {
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(start)
        lock.l_len = off_t(count)
        // F_OFD_GETLK, which Glibc's module leaves out. A filesystem without locks has nobody to tell us of.
        guard fcntl(descriptor, 36, &lock) == 0 else { return false }
        return lock.l_type != Int16(F_UNLCK)
    }
}
