import Basics
import Glibc

/// The few file operations the hypervisor's side needs.
enum HostFile {
    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            var count = 0
            let part = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, filled in
                count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                filled = max(0, count)
            }
            if count == 0 { return bytes }
            if count < 0, errno != EINTR { throw failure("cannot read", path) }
            bytes += part
        }
    }

    /// By a temporary name beside it and a rename.
    static func write(_ text: String, to path: String) throws(Failure) {
        let temporary = "\(path).\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot write", temporary) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR {
                let failure = failure("cannot write", temporary)
                close(descriptor)
                unlink(temporary)
                throw failure
            }
            rest = rest.dropFirst(max(0, count))
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw failure("cannot write", path) }
    }

    /// With the folders above it.
    static func makeFolder(_ path: String) throws(Failure) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o755) != 0, errno != EEXIST { throw failure("cannot make the folder", made) }
        }
    }

    private static func failure(_ what: String, _ path: String) -> Failure {
        Failure(.io, "\(what) \(path)", resource: path, cause: String(cString: strerror(errno)))
    }
}
