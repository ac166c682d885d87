import Basics
import Glibc

/// `limiq.file`: files of the machine limiq runs on.
public func fileDefinitions(_ environment: Environment) -> [Definition] {
    let pathDoc = "A relative path begins at the script's folder."
    return [
        Definition(
            "file.read", .positional, PathCall.record("limiq.FileRead", pathDoc), returns: "string",
            doc: "The bytes of a file (64 MiB at most). Raises `not_found` or `io`.",
            example: #"local page = limiq.file.read "site/index.html""#
        ) { call, _ in
            Codec.bytes.encode(try readFile(environment.absolute(call.path)))
        },
        Definition(
            "file.write", .positional, writeRecord,
            doc: "Writes a file whole or not at all: it gets its name when all of it is on disk. The folder must exist. "
                + "A file that is there keeps its mode unless `mode` is given.",
            example: #"limiq.file.write("web.yaml", limiq.yaml.encode { count = 3 }, { mode = "0600" })"#
        ) { call, _ in
            try writeFile(environment.absolute(call.path), call.bytes, mode: call.options.mode)
            return .null
        },
        Definition(
            "file.exists", .positional, PathCall.record("limiq.FileExists", pathDoc), returns: "boolean",
            doc: "Whether there is a file or folder of this name.",
            example: #"if limiq.file.exists "site" then print "found" end"#
        ) { call, _ in
            let path = environment.absolute(call.path)
            var info = stat()
            if stat(path, &info) == 0 { return .bool(true) }
            if errno == ENOENT || errno == ENOTDIR { return .bool(false) }
            throw failure("look at", path)
        },
        Definition(
            "file.list", .positional, PathCall.record("limiq.FileList", pathDoc), returns: "limiq.FileEntry[]",
            doc: "What is in a folder, sorted by name: each entry has `name`, `kind` (`file`, `folder` or `other`; links are "
                + "followed) and, of a file, `size` in bytes.",
            example: #"for _, entry in ipairs(limiq.file.list ".") do print(entry.name, entry.kind) end"#
        ) { call, _ in
            .list(try listFolder(environment.absolute(call.path)))
        },
    ]
}

private struct WriteCall: Sendable {
    struct Options: Sendable, Equatable {
        var mode: mode_t?
    }

    var path = ""
    var bytes: [UInt8] = []
    var options = Options()
}

private let writeRecord = Record<WriteCall>(
    "limiq.FileWrite", "What to write where.", make: { WriteCall() },
    fields: [
        Field("path", \.path, .path, required: true, "The file; a relative path begins at the script's folder."),
        Field("bytes", \.bytes, .bytes, required: true, "Its content; a secret is written as its text."),
        Field(
            "options", \.options,
            .record(
                Record<WriteCall.Options>(
                    "limiq.FileOptions", "How a file is written.", make: { WriteCall.Options() },
                    fields: [Field("mode", \.mode, .fileMode, "The permissions in octal: `\"0600\"`.")])),
            "How it is written."),
    ])

extension Codec where Swift == mode_t {
    /// Permissions as octal digits in a text. Not a number: `0644` is 644 in Lua.
    static let fileMode = Codec("string") { value, path throws(Failure) in
        guard case .string(let text) = value, (3...4).contains(text.utf8.count),
            text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "7") ~= $0 }), let mode = mode_t(text, radix: 8)
        else {
            throw Failure(
                .badField, "\(path) must be permissions in octal, as a string",
                hint: "write mode = \"0644\", in quotes: to Lua a bare 0644 is the number 644")
        }
        return mode
    } encode: { .string("0" + String($0, radix: 8)) }
}

// MARK: - The filesystem

private let readLimit = 64 << 20

/// The bytes of a regular file.
///
/// - Throws: `Failure` with code `not_found` or `io`, naming the file and the reason.
func readFile(_ path: String) throws(Failure) -> [UInt8] {
    // Not to wait for the other end of a FIFO.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("read", path) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw failure("read", path) }
    switch info.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw Failure(.io, "cannot read \(path): it is a folder", resource: path)
    default: throw Failure(.io, "cannot read \(path): it is not a regular file", resource: path)
    }
    var bytes: [UInt8] = []
    // Files of /proc say 0: the size is only where to begin.
    var chunk = [UInt8](repeating: 0, count: min(max(Int(info.st_size) + 1, 4096), 1 << 20))
    while true {
        let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR { continue }
            throw failure("read", path)
        }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        guard bytes.count <= readLimit else {
            throw Failure(
                .io, "cannot read \(path): it is larger than \(ByteSize(bytes: UInt64(readLimit)))", resource: path)
        }
    }
}

/// Writes a file under another name in the same folder, then renames it.
private func writeFile(_ path: String, _ bytes: [UInt8], mode: mode_t?) throws(Failure) {
    // Through a link to the file it stands for: a rename would put a file in the link's place.
    let target = resolved(path)
    let temporary = "\(target).\(String(UInt64.random(in: .min ... .max), radix: 36))"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("write", path) }
    var isOpen = true
    do throws(Failure) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("write", path)
            }
            done += count
        }
        guard fchmod(descriptor, mode ?? defaultMode(of: target)) == 0, fsync(descriptor) == 0 else {
            throw failure("write", path)
        }
        isOpen = false
        guard close(descriptor) == 0, rename(temporary, target) == 0 else { throw failure("write", path) }
    } catch {
        if isOpen { close(descriptor) }
        unlink(temporary)
        throw error
    }
}

private func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
}

/// That of the file in its place, else what the umask leaves of 0666.
private func defaultMode(of path: String) -> mode_t {
    var info = stat()
    if stat(path, &info) == 0 { return info.st_mode & 0o7777 }
    return 0o666 & ~currentUmask
}

/// Read once: to read the umask is to set it, which other threads would see.
private let currentUmask: mode_t = {
    let mask = umask(0o077)
    umask(mask)
    return mask
}()

private func listFolder(_ path: String) throws(Failure) -> [Value] {
    guard let folder = opendir(path) else { throw failure("list", path) }
    defer { closedir(folder) }
    var entries: [(name: String, value: Value)] = []
    errno = 0
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in Array(bytes.prefix { $0 != 0 }) }
        let text = String(decoding: name, as: UTF8.self)
        if text != ".", text != ".." {
            var info = stat()
            let known = stat("\(path)/\(text)", &info) == 0
            var map: Map = ["name": Codec.bytes.encode(name)]
            switch known ? info.st_mode & S_IFMT : 0 {
            case S_IFREG:
                map.append("kind", "file")
                map.append("size", .int(Int64(info.st_size)))
            case S_IFDIR: map.append("kind", "folder")
            default: map.append("kind", "other")
            }
            entries.append((text, .map(map)))
        }
        errno = 0
    }
    if errno != 0 { throw failure("list", path) }
    return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }.map(\.value)
}

/// What the system says, with the file's name. Reads `errno`: to be made at once.
private func failure(_ verb: String, _ path: String) -> Failure {
    let code = errno
    let reason = String(cString: strerror(code)).lowercased()
    return Failure(
        code == ENOENT ? .notFound : .io, "cannot \(verb) \(path): \(reason)", resource: path)
}
