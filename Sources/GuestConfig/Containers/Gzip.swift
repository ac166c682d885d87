import CZlib

/// The unpacking of gzip (RFC 1952), as Python's `gzip.GzipFile` does it, which cloud-init uses: members that follow each
/// other are one, zeros behind the last mean nothing, and whatever else stands there spoils all.
enum Gzip {
    enum Problem: Error {
        case cutShort, corrupt, tooLarge
    }

    /// The first two bytes of a file.
    static let mark: [UInt8] = [0x1F, 0x8B]

    /// - Parameter limit: the most bytes to unpack: a few can stand for very many.
    static func unpack(_ bytes: [UInt8], atMost limit: Int) throws(Problem) -> [UInt8] {
        var result: [UInt8] = []
        var rest = bytes[...]
        repeat {
            guard rest.starts(with: mark) else { throw .corrupt }
            let used = try unpackMember(rest, into: &result, atMost: limit)
            rest = rest.dropFirst(used).drop { $0 == 0 }
        } while !rest.isEmpty
        return result
    }

    /// - Returns: how many bytes the member takes.
    private static func unpackMember(
        _ bytes: ArraySlice<UInt8>, into result: inout [UInt8], atMost limit: Int
    ) throws(Problem) -> Int {
        var stream = z_stream()
        // 16 beside the size of the window: a gzip header, whose checksum is checked.
        guard limiq_inflate_init(&stream, MAX_WBITS + 16) == Z_OK else { throw .corrupt }
        defer { inflateEnd(&stream) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        return try bytes.withUnsafeBufferPointer { input throws(Problem) in
            // zlib reads there and does not write.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(clamping: input.count)
            while true {
                let (status, made) = buffer.withUnsafeMutableBufferPointer { output in
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(output.count)
                    let status = inflate(&stream, Z_NO_FLUSH)
                    return (status, output.count - Int(stream.avail_out))
                }
                result += buffer.prefix(made)
                guard result.count <= limit else { throw .tooLarge }
                switch status {
                case Z_STREAM_END: return input.count - Int(stream.avail_in)
                // All was read, and the end was not in it.
                case Z_BUF_ERROR: throw .cutShort
                case Z_OK: if stream.avail_in == 0, made == 0 { throw .cutShort }
                default: throw .corrupt
                }
            }
        }
    }
}
