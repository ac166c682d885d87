import Basics
import DiskImages
import Foundation
import HostFiles
import Support
import Testing

@testable import ImageLibrary

@Suite struct `What is known of a baked image` {
    private func key(_ digit: Character) -> String { String(repeating: digit, count: 64) }

    @Test func `is what is known of the image it was made from, through several, and of a disk on it`()
        async throws
    {
        try await ImageFixture.with { fixture in
            let disk = fixture.publisher.files + "/latest/disk.qcow2"
            var rocky = CatalogueImage(name: "rocky-9", url: nil, checksums: "", user: "rocky")
            rocky.family = .rhel
            let debian = CatalogueImage(name: "debian-12", url: nil, checksums: "", user: "debian")
            let library = ImageLibrary(
                state: fixture.state, builders: "", catalogue: CatalogueFiles([rocky, debian]))
            func keep(_ bake: BakedImage) throws -> String {
                try library.keep(bake, from: disk, compressed: false, Cancellation())
            }
            let base = BakedImage(name: "base", key: key("1"), from: "rocky-9", base: "", script: nil)
            let basePath = try keep(base)
            let web = try keep(
                BakedImage(name: "web", key: key("2"), from: base.image, base: "", script: nil))
            // Named by a path, and as an image of the catalogue is.
            let named = try keep(
                BakedImage(name: "debian-12", key: key("3"), from: web, base: "", script: nil))
            let top = fixture.scratch.path("top.qcow2")
            try Overlay.create(top, base: web)
            // Somebody's own, in the library.
            try Overlay.create(fixture.path("own.qcow2"), base: web)
            for name in [
                basePath, web, named, top, "base", "web", base.image, "own", fixture.path("own.qcow2"),
            ] {
                let found = try library.describe(name)
                #expect(found?.name == "rocky-9" && found?.user == "rocky", "\(name)")
            }
        }
    }

    @Test func `is nothing where its notes lead in a circle, or to a machine`() async throws {
        try await ImageFixture.with { fixture in
            let disk = fixture.publisher.files + "/latest/disk.qcow2"
            let library = fixture.library()
            let one = BakedImage(
                name: "one", key: key("1"), from: "two@222222222222", base: "", script: nil)
            let two = BakedImage(name: "two", key: key("2"), from: one.image, base: "", script: nil)
            for bake in [one, two, BakedImage(copy: "copy", of: "db", script: nil)] {
                let path = try library.keep(bake, from: disk, compressed: false, Cancellation())
                #expect(try library.describe(path) == nil)
            }
        }
    }
}
