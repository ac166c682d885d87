import Basics
import Glibc

/// The images below a disk as the qcow2 headers name them, the nearest first, as far as they can be read: the last one
/// may be missing, or closed to the caller. There are none for what is no overlay.
///
/// What a header says is not judged here, as `DiskImage.inspect` does: a broken overlay stands on its base too.
package func imagesBelow(_ disk: String) -> [String] {
    var found: [String] = []
    var next: String? = disk
    while let path = next, found.count <= DiskImage.maximumDepth {
        guard let file = try? ReadableFile(path), let header = try? QCOW2Header(ifIn: file),
            let name = header.backingFile
        else { break }
        next = (try? DiskImage.absolute(name, path)) ?? localFile(name)
        guard let next, !found.contains(next) else { break }
        found.append(next)
    }
    return found
}

/// The file of a base that is named as QEMU's block drivers are: `file:/images/base.raw`,
/// `json:{"driver":"raw","file":{"driver":"file","filename":"/images/base.raw"}}`.
private func localFile(_ name: String) -> String? {
    if let path = name.dropping("file:") { return path }
    guard let text = name.dropping("json:"), var options = try? JSONReader.read(text, source: "") else {
        return nil
    }
    while let file = options["file"], file.string == nil { options = file }
    return options["filename"]?.string ?? options["file.filename"]?.string
}

/// The keys an image is known by: its path, and its file where that can be seen, whatever it is called.
package func imageKeys(_ path: String) -> [String] {
    var status = stat()
    guard stat(path, &status) == 0 else { return [path] }
    return [path, "\(status.st_dev):\(status.st_ino)"]
}

extension QCOW2Header {
    /// - Returns: `nil` for a file of another format.
    init?(ifIn file: borrowing ReadableFile) throws(Failure) {
        let head = try file.read(at: 0, count: 8)
        guard DiskFormatName.detect(head) == DiskFormatName.qcow2 else { return nil }
        try self.init(file)
    }
}
