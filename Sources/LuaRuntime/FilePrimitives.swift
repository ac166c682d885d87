import Basics
import Glibc

/// What `require` and `io.read` need of the world. Not counted among the primitives a script sees.
enum FilePrimitives {
    static func all(input: @escaping @Sendable () throws(Failure) -> [UInt8]?) -> [Primitive] {
        [
            // (path) → bytes, or nil and what the system says.
            Primitive("runtime.read_file", .inline) { request in
                guard let path = request.arguments.first?.string else {
                    return [.null, "the path is not text"]
                }
                do throws(Failure) {
                    return [.bytes(try readFile(path))]
                } catch {
                    return [.null, .string(error.message), .string(error.code.rawValue)]
                }
            },
            // (folder) → the names in it, sorted; none where it cannot be read.
            Primitive("runtime.list_folder", .inline) { request in
                let names = request.arguments.first?.string.flatMap { try? namesInFolder($0) } ?? []
                return [.list(names.map(Value.string))]
            },
            // () → some bytes of the input, or nil at its end.
            Primitive("runtime.read_input", .pooled) { _ in [try input().map(Value.bytes) ?? .null] },
        ]
    }
}

/// A file's bytes.
///
/// - Throws: `Failure` with code `not_found` or `io`.
func readFile(_ path: String) throws(Failure) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
        let code = errno
        let reason = String(cString: strerror(code)).lowercased()
        throw Failure(code == ENOENT ? .notFound : .io, "\(path): \(reason)")
    }
    defer { Glibc.close(file) }
    var information = stat()
    var bytes = [UInt8](
        repeating: 0, count: fstat(file, &information) == 0 ? max(Int(information.st_size), 0) + 1 : 4096)
    var length = 0
    while true {
        if length == bytes.count { bytes.append(contentsOf: [UInt8](repeating: 0, count: bytes.count)) }
        let room = bytes.count - length
        let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress?.advanced(by: length), room) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
            throw Failure(.io, "\(path): \(String(cString: strerror(errno)).lowercased())")
        }
        if count == 0 { break }
        length += count
    }
    bytes.removeLast(bytes.count - length)
    return bytes
}
