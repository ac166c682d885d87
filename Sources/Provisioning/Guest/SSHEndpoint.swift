import Basics
import Glibc

/// The place where a guest's ssh server is reached.
struct SSHEndpoint: Sendable, Equatable {
    /// A numeric IPv4 address.
    var host: String
    var port: UInt16
    /// The program and its arguments whose input and output lead there; empty where this host reaches it itself.
    var proxy: [String] = []

    /// Whether a server answers with its banner (RFC 4253, section 4.2). A connection alone says nothing: QEMU's user
    /// network accepts it whether or not anyone listens in the guest.
    func hasBanner() -> Bool {
        guard proxy.isEmpty else { return hasBannerByProxy() }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 3, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var address = loopback(port: port)
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return false }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: 4)
        return recv(descriptor, &bytes, 4, Int32(MSG_WAITALL)) == 4 && bytes == Array("SSH-".utf8)
    }
}
