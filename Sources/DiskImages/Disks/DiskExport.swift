import Basics
import Glibc
import HostFiles

/// The formats an image is written out in, each as one file.
public enum ExportFormat: String, Sendable, CaseIterable {
    case qcow2, raw, vmdk

    /// The format by the ending of a file's name.
    ///
    /// - Throws: `Failure` with code `bad_field`.
    public init(ofFile path: String) throws(Failure) {
        let name = lastComponent(path).lowercased()
        let endings: [(String, ExportFormat)] = [
            (".qcow2", .qcow2), (".raw", .raw), (".img", .raw), (".vmdk", .vmdk),
        ]
        guard let found = endings.first(where: { name.hasSuffix($0.0) }) else {
            throw Failure(
                .badField, "\(path) has no ending that says in which format it is to be",
                hint: "take .qcow2, .raw or .vmdk", resource: path)
        }
        self = found.1
    }
}

extension Disk {
    /// Writes what an image and all below it hold into one file, which appears whole or not at all.
    ///
    /// - Throws: `Failure` with code `file_exists`, `not_found`, `bad_image`, `in_use`, `io`, `program`, `host_not_able` or
    ///   `cancelled`.
    public static func export(
        _ path: String, to target: String, _ format: ExportFormat, cancellation: Cancellation
    ) throws(Failure) {
        let image = try Overlay.inspectBase(path)[0]
        let isPublic = try ReadableFile(path).isPublic
        try AtomicFile.write(target, existing: .refuse(.fileExists)) {
            (descriptor, temporary) throws(Failure) in
            try requireRoom(image.path, temporary, sourceFormat: image.format, about: path)
            // VMware's default is one file as well.
            _ = try QemuImg.run(
                [
                    "convert", "-q", "-f", image.format, "-O", format.rawValue, image.path,
                    try absolute(temporary),
                ],
                "\(path) cannot be written as \(format.rawValue)", about: path, timeout: .seconds(24 * 3600),
                cancellation: cancellation)
            if isPublic { fchmod(descriptor, 0o644) }
        }
    }
}
