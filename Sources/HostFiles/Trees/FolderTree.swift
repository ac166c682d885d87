import Basics
import Glibc

/// A path in a folder, from there on, as the bytes that it is: a name may be no text.
package typealias TreePath = [UInt8]

/// An entry of a folder, with all by which two are compared.
package struct TreeEntry: Equatable, Sendable {
    package enum Kind: Sendable {
        case folder, file, link, other
    }

    package var kind: Kind
    /// The mode's lower twelve bits.
    package var permissions: UInt32
    package var size: Int64
    package var seconds: Int64
    package var nanoseconds: Int64

    /// - Parameter mode: as stat(2) gives it.
    package init(mode: UInt32, size: Int64, seconds: Int64, nanoseconds: Int64) {
        switch mode & S_IFMT {
        case S_IFDIR: kind = .folder
        case S_IFREG: kind = .file
        case S_IFLNK: kind = .link
        default: kind = .other
        }
        permissions = mode & 0o7777
        (self.size, self.seconds, self.nanoseconds) = (size, seconds, nanoseconds)
    }
}

/// The folders, files and links below a folder of this host. Links are not followed; sockets, pipes and devices are no
/// part of it; what goes while it is read is gone.
package struct FolderTree {
    package let root: String
    package let patterns: NamePatterns
    package private(set) var entries: [TreePath: TreeEntry] = [:]

    package init(_ root: String, without patterns: NamePatterns) {
        self.root = root
        self.patterns = patterns
    }

    /// Reads the whole folder.
    ///
    /// - Throws: `Failure` with code `not_found` where it is not there, `io` where something in it may not be read.
    package mutating func readAll() throws(Failure) {
        let before = FileIdentity(of: root)
        guard let names = try Self.names(in: root, of: []) else { throw isGone }
        try read(names, in: [])
        // What went as a whole while it was read is not a folder that is empty.
        guard let before, before == FileIdentity(of: root) else { throw isGone }
    }

    private var isGone: Failure { Failure.system(ENOENT, "cannot read \(root)", resource: root) }

    /// Reads an entry, and of a folder all that is in it where that is wanted.
    ///
    /// - Returns: whether it is there.
    package mutating func read(_ path: TreePath, withContents: Bool) throws(Failure) -> Bool {
        guard let entry = try Self.entry(path, in: root) else { return false }
        entries[path] = entry
        if withContents, entry.kind == .folder, let names = try Self.names(in: root, of: path) {
            try read(names, in: path)
        }
        return true
    }

    private mutating func read(_ names: [TreePath], in folder: TreePath) throws(Failure) {
        var open = [(folder, names)]
        while let (folder, names) = open.popLast() {
            for name in names {
                let path = folder.isEmpty ? name : folder + [UInt8(ascii: "/")] + name
                guard let entry = try Self.entry(path, in: root, unless: patterns) else { continue }
                entries[path] = entry
                guard entry.kind == .folder, let inner = try Self.names(in: root, of: path) else { continue }
                open.append((path, inner))
            }
        }
    }

    /// - Returns: `nil` where it is gone, left out, or of no kind that counts.
    private static func entry(
        _ path: TreePath, in root: String, unless patterns: NamePatterns? = nil
    ) throws(Failure) -> TreeEntry? {
        var status = stat()
        let full = place(path, in: root)
        guard lstat(full, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw refused(errno, path, in: root)
        }
        let entry = TreeEntry(
            mode: status.st_mode, size: Int64(status.st_size), seconds: Int64(status.st_mtim.tv_sec),
            nanoseconds: Int64(status.st_mtim.tv_nsec))
        if entry.kind == .other || patterns?.match(path, isFolder: entry.kind == .folder) == true {
            return nil
        }
        if entry.kind == .file, access(full, R_OK) != 0, errno != ENOENT, errno != ENOTDIR {
            throw refused(errno, path, in: root)
        }
        return entry
    }

    /// - Returns: `nil` where the folder is gone, or is none any more.
    static func names(in root: String, of path: TreePath) throws(Failure) -> [TreePath]? {
        guard let folder = opendir(place(path, in: root)) else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw refused(errno, path, in: root)
        }
        defer { closedir(folder) }
        var names: [TreePath] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
        }
        return names
    }

    private static func refused(_ error: Int32, _ path: TreePath, in root: String) -> Failure {
        let whole = path.isEmpty ? root : "\(root)/\(String(decoding: path, as: UTF8.self))"
        var failure = Failure.system(error, "cannot read \(whole)", resource: whole)
        if !path.isEmpty { failure.hint = "a pattern in exclude leaves it out" }
        return failure
    }

    /// The path of an entry for system calls, with the zero at its end.
    static func place(_ path: TreePath, in root: String) -> [CChar] {
        (Array(root.utf8) + [UInt8(ascii: "/")] + path + [0]).map(CChar.init(bitPattern:))
    }
}
