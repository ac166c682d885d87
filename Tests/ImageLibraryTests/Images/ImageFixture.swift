import Basics
import DiskImages
import Foundation
import HostFiles
import ImageLibrary
import Support
import Synchronization
import Testing

/// For one test: a state folder, a publisher with an image, and a library that knows the image as `debian-12`.
final class ImageFixture {
    static let name = "debian-12"

    let scratch: DisksScratch
    let publisher: LocalPublisher
    let state: StateFolder
    /// The published image: a qcow2 of a little more than 4 MiB.
    let image: Data
    /// Told of every step.
    let steps = StepLog()

    /// Runs `body` on a thread that may block. Nothing of the test is left, however it ends.
    static func with(_ body: @escaping @Sendable (ImageFixture) throws -> Void) async throws {
        try await DisksScratch.with { scratch in
            let publisher = try LocalPublisher(scratch.path("publisher"))
            defer { publisher.stop() }
            try body(ImageFixture(scratch, publisher))
        }
    }

    private init(_ scratch: DisksScratch, _ publisher: LocalPublisher) throws {
        self.scratch = scratch
        self.publisher = publisher
        state = StateFolder(root: scratch.path("state"))
        try FileManager.default.createDirectory(
            atPath: publisher.files + "/latest", withIntermediateDirectories: true)
        try ImageFixture.makeImage(scratch, "publisher/files/latest/disk.qcow2")
        image = try scratch.bytes("publisher/files/latest/disk.qcow2")
        try publishChecksums("sha256sum disk.qcow2")
    }

    /// Writes an image of random bytes that cannot be compressed away.
    static func makeImage(_ scratch: DisksScratch, _ name: String) throws {
        let raw = "random-\(UInt64.random(in: 0...UInt64.max))"
        let random = try #require(FileHandle(forReadingAtPath: "/dev/urandom")).read(upToCount: 4 << 20)
        try scratch.write(raw, try #require(random))
        try scratch.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, name)
        try scratch.run("rm", raw)
    }

    /// Writes the list of checksums with a command of coreutils, run beside the image.
    func publishChecksums(_ command: String) throws {
        try scratch.run("sh", "-c", "cd publisher/files/latest && \(command) > SUMS")
    }

    /// - Parameter url: in place of the publisher's own address.
    func library(_ digest: ImageDigest = .sha256, url: String? = nil) -> ImageLibrary {
        let base = (url ?? publisher.url) + "/latest"
        return ImageLibrary(
            state: state, builders: scratch.path("builders"),
            catalogue: CatalogueFiles([
                CatalogueImage(
                    name: Self.name, url: base + "/disk.qcow2", checksums: base + "/SUMS", digest: digest)
            ]))
    }

    func resolve(
        _ name: String = name, in library: ImageLibrary? = nil, _ cancellation: Cancellation = Cancellation()
    ) throws -> String {
        try (library ?? self.library()).resolve(name, cancellation) { [steps] in steps.add($0) }
    }

    /// - Parameter source: the path of a file, or an address.
    @discardableResult
    func add(
        _ name: String, _ source: String, checksum: ImageChecksum? = nil, checksums: String? = nil,
        format: DiskFormat? = nil, _ cancellation: Cancellation = Cancellation()
    ) throws -> String {
        let addition = ImageAddition(
            name: name, source: source.hasPrefix("/") ? .file(source) : .address(source), checksum: checksum,
            checksums: checksums, format: format)
        return try library().add(addition, cancellation) { [steps] in steps.add($0) }
    }

    /// Of a file in `cloud-images`.
    func path(_ name: String) -> String { "\(state.cloudImages)/\(name)" }

    /// What is in `cloud-images`, hidden files included.
    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: state.cloudImages)) ?? [])
            .filter { $0 != ".digests" && $0 != ".origins" }.sorted()
    }

    /// Of a file in `cloud-images`.
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }

    /// The one unfinished download.
    func part() throws -> (name: String, bytes: Data) {
        let parts = names.filter { $0.hasSuffix(".part") }
        let name = try #require(parts.first)
        #expect(parts.count == 1, "\(names)")
        return (name, try bytes(name))
    }

    func put(_ name: String, _ data: Data) throws {
        try FileManager.default.createDirectory(
            atPath: state.cloudImages, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: path(name)))
    }

    /// Puts a shell script in the builders' folder. `$1` is the file it is to write.
    func builder(_ script: String) throws {
        try FileManager.default.createDirectory(
            atPath: scratch.path("builders"), withIntermediateDirectories: true)
        try scratch.write("builders/\(Self.name)", Data("#!/bin/sh\n\(script)\n".utf8))
        chmod(scratch.path("builders/\(Self.name)"), 0o755)
    }

    /// An address where nobody listens.
    static let nobody = "http://127.0.0.1:1"
}
