import Basics
import FoundationEssentials
import Glibc
import HostFiles

extension Disk {
    /// The formats of others of which a qcow2 image is made.
    package static let convertible = [
        DiskFormatName.vmdk, DiskFormatName.vdi, DiskFormatName.vhdx, DiskFormatName.vhd,
    ]

    /// Makes a qcow2 image of one of another format. Nothing that it names is opened.
    ///
    /// - Parameters:
    ///   - format: one of `convertible`.
    ///   - target: a file that is there, with the permissions the image is to have.
    /// - Throws: `Failure` with code `bad_image`, `io` where there is no room, `program`, `host_not_able` or `cancelled`.
    package static func convert(
        _ path: String, format: String, to target: String, cancellation: Cancellation
    ) throws(Failure) {
        try OutsideData.requireNone(in: ReadableFile(path), format: format)
        let source = try alone(try resolved(path), format)
        try requireRoom(source, target, about: path)
        do throws(Failure) {
            _ = try QemuImg.run(
                ["convert", "-q", "-O", "qcow2", source, try absolute(target)], "\(path) cannot be converted",
                about: path, timeout: .seconds(24 * 3600), cancellation: cancellation)
        } catch {
            guard error.code == .program else { throw error }
            throw Failure(
                .badImage, error.message,
                hint: "fetch it again, or convert it with the program that has made it",
                resource: path, cause: error.cause)
        }
    }

    /// The name by which QEMU opens a file as this format, and no other that it names.
    private static func alone(_ path: String, _ format: String) throws(Failure) -> String {
        struct File: Encodable {
            var driver = "file"
            var filename: String
        }
        struct Node: Encodable {
            var driver: String
            var file: File
            var backing: Int?

            enum CodingKeys: String, CodingKey { case driver, file, backing }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(driver, forKey: .driver)
                try container.encode(file, forKey: .file)
                try container.encodeNil(forKey: .backing)
            }
        }
        do {
            let text = try JSONEncoder().encode(Node(driver: format, file: File(filename: path)))
            return "json:" + String(decoding: text, as: UTF8.self)
        } catch { throw Failure(.io, "cannot name \(path) to QEMU", resource: path, cause: "\(error)") }
    }

    /// - Throws: `Failure` with code `io` where the volume of the target has less room than the image takes there.
    static func requireRoom(
        _ source: String, _ target: String, sourceFormat: String? = nil, about path: String
    ) throws(Failure) {
        struct Measure: Decodable { var required: UInt64 }
        // What is written in it, in each format; the rest are holes.
        let output = try? QemuImg.run(
            ["measure", "-O", "qcow2", "--output=json"] + (sourceFormat.map { ["-f", $0] } ?? []) + [source],
            "\(path) cannot be measured", about: path)
        var volume = statvfs()
        guard let output, let needed = try? JSONDecoder().decode(Measure.self, from: Data(output)).required,
            statvfs(HostFiles.folder(of: target), &volume) == 0
        else { return }
        let free = UInt64(volume.f_bavail) * UInt64(volume.f_frsize)
        guard needed > free else { return }
        throw Failure(
            .io,
            "there is no room for what \(path) holds in \(HostFiles.folder(of: target)): \(needed >> 20) MiB, and \(free >> 20) MiB are free",
            hint: "free some space, or take another folder", resource: path)
    }

    /// QEMU takes a colon for the end of a protocol's name.
    static func absolute(_ path: String) throws(Failure) -> String {
        path.hasPrefix("/") ? path : try resolved(HostFiles.folder(of: path)) + "/" + lastComponent(path)
    }
}
