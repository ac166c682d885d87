import Basics

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
                    return [.bytes(try fileBytes(path, atMost: ReadLimit.document))]
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
