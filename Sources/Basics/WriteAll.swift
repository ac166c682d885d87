import Glibc

/// Writes all bytes to a descriptor, through interruptions and full pipes.
///
/// - Returns: 0, or the error (errno(3)) for which the rest was not written.
@discardableResult
public func writeAll(_ bytes: some Sequence<UInt8>, to descriptor: Int32) -> Int32 {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR { continue }
            guard errno == EAGAIN else { return errno }
            var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&room, 1, -1)
            continue
        }
        rest = rest.dropFirst(count)
    }
    return 0
}
