import Glibc

/// Writes all bytes to a descriptor, through interruptions and full pipes. A reader that has gone is no error of the script.
public func writeAll(_ bytes: some Sequence<UInt8>, to descriptor: Int32) {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR { continue }
            guard errno == EAGAIN else { return }
            var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&room, 1, -1)
            continue
        }
        rest = rest.dropFirst(count)
    }
}
