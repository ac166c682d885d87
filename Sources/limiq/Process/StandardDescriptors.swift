import Glibc

/// The descriptors 0, 1 and 2, which every program takes for granted.
enum StandardDescriptors {
    /// Opens `/dev/null` in the place of each that this process was started without (`limiq run web.lua <&- >&-`, or by a
    /// supervisor that closes all).
    ///
    /// Whatever is opened next would get that number, and be taken for a standard stream: a pipe of our own, into which a
    /// script's `print` would then write.
    static func fill() {
        // In order: the lowest free number is taken, which is the one that was looked at.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // Where there is no `/dev`, something that refuses to be read from and written to.
            if open("/dev/null", O_RDWR) < 0 { _ = open("/", O_RDONLY | O_DIRECTORY) }
        }
    }
}
