import Basics
import Glibc

/// Reads a file from its beginning, its holes as holes.
package struct SparseReader: ~Copyable {
    private let file: ReadableFile
    private var offset: UInt64 = 0
    /// The values of Linux's `SEEK_DATA` and `SEEK_HOLE` (lseek(2)), which Glibc's module leaves out.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4
    /// The most bytes of a part.
    private static let most = 1 << 20

    package init(_ file: consuming ReadableFile) { self.file = file }

    package var length: UInt64 { file.length }
    /// The number of bytes that have been read.
    var position: UInt64 { offset }

    /// - Returns: `nil` at the end.
    /// - Throws: `Failure` with code `io`, also where the file has become shorter.
    package mutating func next() throws(Failure) -> UploadPart? {
        guard offset < file.length else { return nil }
        // Without holes a filesystem says that all is data; one that cannot tell fails, and is read.
        let data = lseek(file.descriptor, off_t(offset), Self.seekData)
        if data > Int(offset) || data < 0 && errno == ENXIO {
            let end = data < 0 ? file.length : min(UInt64(data), file.length)
            defer { offset = end }
            return .hole(end - offset)
        }
        let hole = lseek(file.descriptor, off_t(offset), Self.seekHole)
        let end = hole > Int(offset) ? min(UInt64(hole), file.length) : file.length
        let bytes = try file.read(at: offset, count: min(Self.most, Int(end - offset)))
        guard !bytes.isEmpty else {
            throw Failure(.io, "\(file.path) became shorter while it was read", resource: file.path)
        }
        offset += UInt64(bytes.count)
        return .bytes(bytes)
    }
}
