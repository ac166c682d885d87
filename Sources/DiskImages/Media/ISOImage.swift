import Basics
import Glibc
import HostFiles

/// The maker of ISO 9660 images with Rock Ridge names for Unix and Joliet names for Windows, in memory.
///
/// The same files make the same bytes, in whatever order they are given: every date is 1 January 1980.
public enum ISOImage {
    /// The bytes of an image.
    ///
    /// - Parameters:
    ///   - label: 1 to 16 printable ASCII characters. By it a guest knows the volume.
    ///   - folders: those that hold no file; the others come with their files.
    /// - Throws: `Failure` with code `bad_field` for a name, a size or a label an image cannot have.
    public static func bytes(label: String, files: [ISOFile], folders: [String] = []) throws(Failure)
        -> [UInt8]
    {
        let layout = try layout(label, files, folders)
        var image = layout.head()
        image.reserveCapacity(layout.sectors * ISORecords.sector)
        for node in layout.filesInOrder {
            image += [UInt8](repeating: 0, count: layout.offset(node) - image.count)
            image += layout.contents(node)
        }
        image += [UInt8](repeating: 0, count: layout.sectors * ISORecords.sector - image.count)
        return image
    }

    /// Writes an image: whole, by a temporary name and rename. An ISO image that has the name is replaced (a guest that
    /// has it open keeps the old one); any other file is not.
    ///
    /// - Parameter user: the account QEMU runs under, where that is another than the caller's; without it the file has
    ///   mode 0600, as a seed may hold secrets.
    /// - Throws: `Failure` with code `bad_field`, `file_exists`, `not_found` (the folder) or `io`.
    public static func write(
        to path: String, label: String, files: [ISOFile], folders: [String] = [], user: EmulatorUser? = nil
    ) throws(Failure) {
        let layout = try layout(label, files, folders)
        try requireReplaceable(path)
        try AtomicFile.write(
            path, existing: .replace, user: user.map { FileUser($0, .read) }
        ) { (descriptor, _) throws(Failure) in
            try AtomicFile.write(layout.head(), to: descriptor, at: 0, path)
            for node in layout.filesInOrder {
                try AtomicFile.write(layout.contents(node), to: descriptor, at: layout.offset(node), path)
            }
            // What lies between and behind the files reads as zeros.
            guard ftruncate(descriptor, off_t(layout.sectors * ISORecords.sector)) == 0 else {
                throw Failure.system(errno, "cannot write \(path)", resource: path)
            }
        }
    }

    private static func layout(
        _ label: String, _ files: [ISOFile], _ folders: [String]
    ) throws(Failure) -> ISOLayout {
        let label = try checked(label)
        return try ISOLayout(label: label, tree: ISOTree(files: files, folders: folders))
    }

    /// Checks that a label fits into both trees alike: where they differ, Linux believes Joliet's.
    private static func checked(_ label: String) throws(Failure) -> String {
        guard (1...16).contains(label.utf8.count), label.utf8.allSatisfy({ (0x20...0x7E).contains($0) }),
            label.utf8.first != 0x20, label.utf8.last != 0x20
        else {
            throw Failure(
                .badField, "label \"\(label)\" is not 1 to 16 printable ASCII characters",
                hint: "Joliet, which Windows and Linux's blkid read, has no room for more")
        }
        return label
    }

    private static func requireReplaceable(_ path: String) throws(Failure) {
        guard fileExists(path) else { return }
        let file: ReadableFile
        do { file = try ReadableFile(path) } catch {
            if error.code == .notFound { return }
            throw error
        }
        // A descriptor's mark is at the beginning of sector 16.
        guard try file.read(at: 16 * 2048 + 1, count: 5).elementsEqual("CD001".utf8) else {
            throw Failure(
                .fileExists, "\(path) exists and is no ISO image",
                hint: "remove it first, or choose another path",
                resource: path)
        }
    }
}

extension ISOImage {
    /// Whether what is there is an image, and not shorter than it says itself (ECMA-119, section 8.4.8).
    package static func isWhole(_ path: String) -> Bool {
        guard let file = try? ReadableFile(path),
            let descriptor = try? file.read(at: 16 * 2048, count: 2048), descriptor.count == 2048,
            descriptor[1...5].elementsEqual("CD001".utf8)
        else { return false }
        return file.length >= UInt64(descriptor.little32(80)) * 2048
    }
}
