import Basics

/// The primitives by which `require` and `io.read` reach the world. They are not counted among those a script sees.
enum FilePrimitives {
    static func all(_ options: LuaRuntime.Options) -> [Primitive] {
        let (admit, input, variable) = (options.admit, options.input, options.variable)
        return [
            // (path) → bytes, or nil and what the system says.
            Primitive("runtime.read_file", .inline) { request in
                guard let path = request.arguments.first?.string, !path.utf8.contains(0) else {
                    return [.null, "the path is not text"]
                }
                do throws(Failure) {
                    return [.bytes(try fileBytes(try admit(path), atMost: ReadLimit.document))]
                } catch {
                    return [.null, .string(error.message), .string(error.code.rawValue)]
                }
            },
            // (folder) → the names in it, sorted; none where it cannot be read.
            Primitive("runtime.list_folder", .inline) { request in
                let names = request.arguments.first?.string.flatMap { try? namesInFolder(admit($0)) } ?? []
                return [.list(names.map(Value.string))]
            },
            // (name) → the variable, or nil.
            Primitive("runtime.get_variable", .inline) { request in
                [try variable(request.arguments.first?.string ?? "").map(Value.bytes) ?? .null]
            },
            // () → some bytes of the input, or nil at its end.
            Primitive("runtime.read_input", .pooled) { _ in [try input().map(Value.bytes) ?? .null] },
        ]
    }
}
