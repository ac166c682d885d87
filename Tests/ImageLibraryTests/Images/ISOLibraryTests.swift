import Basics
import Foundation
import HostFiles
import Support
import Testing

@testable import ImageLibrary

@Suite struct `The library of ISO images` {
    private static func with(
        _ body: @escaping @Sendable (DisksScratch, ISOLibrary, _ folder: String) throws -> Void
    ) async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("mkdir", "-p", "state/isos", "tree")
            try scratch.write("tree/driver.inf", Data("[Version]".utf8))
            let library = ISOLibrary(
                state: StateFolder(root: scratch.path("state")),
                catalogue: [
                    CatalogueISO(name: "drivers", url: "https://example.org/stable/drivers.iso"),
                    CatalogueISO(name: "trial", url: "https://example.org/form", isPage: true),
                ])
            try body(scratch, library, scratch.path("state/isos"))
        }
    }

    @Test(arguments: [
        ["genisoimage", "-quiet", "-R"], ["genisoimage", "-quiet", "-udf"],
        ["xorrisofs", "-quiet", "-J"],
    ])
    func `a name is NAME.iso of the folder, and what has a slash a path`(_ generator: [String]) async throws {
        try await Self.with { scratch, library, folder in
            let iso = folder + "/drivers.iso"
            try scratch.run(generator[0], Array(generator.dropFirst()) + ["-o", iso, "tree"])
            #expect(try library.resolve("drivers") == iso)
            #expect(try library.resolve(iso) == iso)
            let entry = try #require(try library.list().first)
            #expect(entry.name == "drivers" && entry.path == iso)
            #expect(try scratch.run("stat", "-c", "%s", iso) == "\(entry.size ?? 0)\n")
        }
    }

    @Test func `a missing name says the folder and the way out`() async throws {
        try await Self.with { scratch, library, folder in
            try scratch.run("genisoimage", "-quiet", "-o", folder + "/windows-11.iso", "tree")
            func hint(_ name: String) -> String? {
                let failure = #expect(throws: Failure.self) { try library.resolve(name) }
                #expect(failure?.code == .notFound)
                #expect(failure?.message == "there is no ISO image \(name) in \(folder)")
                return failure?.hint
            }
            #expect(hint("driver") == "did you mean drivers?")
            #expect(hint("windows-11.iso") == "did you mean windows-11?")
            #expect(
                hint("memtest") == "put it there as memtest.iso, or take one of drivers, trial, windows-11")
            #expect(hint(".hidden") == "put it there as NAME.iso, or take one of drivers, trial, windows-11")
            #expect(
                hint("drivers")
                    == "download it with: mkdir -p \(folder) && curl --fail --location --continue-at -"
                    + " --output \(folder)/drivers.iso.part https://example.org/stable/drivers.iso"
                    + " && mv \(folder)/drivers.iso.part \(folder)/drivers.iso")
            #expect(hint("trial") == "get it from https://example.org/form and put it there as trial.iso")
            let absent = #expect(throws: Failure.self) { try library.resolve("/nowhere/x.iso") }
            #expect(absent?.code == .notFound)
            #expect(absent?.message == "cannot open /nowhere/x.iso: there is no such file")
            #expect(try library.list().map(\.name) == ["drivers", "trial", "windows-11"])
            #expect(try library.list().map { $0.path == nil } == [true, true, false])
        }
    }

    @Test func `its folder need not be there`() async throws {
        try await Self.with { scratch, library, folder in
            try scratch.run("rmdir", folder)
            #expect(try library.list() == [.init(name: "drivers"), .init(name: "trial")])
            #expect(throws: Failure.self) { try library.resolve("drivers") }
        }
    }

    @Test func `a folder with a blank or a quote in its name is quoted in the command`() async throws {
        try await DisksScratch.with { scratch in
            let state = StateFolder(root: scratch.path("it's a state"))
            try scratch.write("source.iso", Data("bytes".utf8))
            let library = ISOLibrary(
                state: state,
                catalogue: [CatalogueISO(name: "drivers", url: "file://\(scratch.path("source.iso"))")])
            let failure = #expect(throws: Failure.self) { try library.resolve("drivers") }
            let command = try #require(failure?.hint).replacing("download it with: ", with: "")
            try scratch.run("sh", "-c", command)
            #expect(try scratch.bytes("it's a state/isos/drivers.iso") == Data("bytes".utf8))
        }
    }

    @Test func `what is no ISO image is refused with its reason`() async throws {
        try await Self.with { scratch, library, folder in
            for (bytes, what) in [
                (Data(), "empty"), (Data("<!DOCTYPE html><html>".utf8), "a web page, not an image"),
                (Data([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]), "compressed"),
                (Data(count: 100_000), "no ISO image"), (Data("MZ".utf8), "a text, not an image"),
                (Data([1, 2, 3]), "no ISO image"),
            ] {
                try bytes.write(to: URL(fileURLWithPath: folder + "/drivers.iso"))
                let failure = #expect(throws: Failure.self) { try library.resolve("drivers") }
                #expect(failure?.code == .badImage)
                #expect(failure?.message == "\(folder)/drivers.iso is \(what)")
                #expect(failure?.hint != nil)
            }
            let place = #expect(throws: Failure.self) { try library.resolve(folder + "/") }
            #expect(place?.code == .badField)
        }
    }

    @Test func `virtio-win has its official address`() {
        #expect(
            isoCatalogue.first { $0.name == "virtio-win" }?.url
                == "https://fedorapeople.org/groups/virt/virtio-win/direct-downloads/stable-virtio/virtio-win.iso"
        )
    }

    @Test func `asked for as a disk's image, an ISO image is told apart from a name nobody knows`()
        async throws
    {
        try await Self.with { scratch, _, folder in
            let state = StateFolder(root: scratch.path("state"))
            let images = ImageLibrary(state: state, builders: scratch.root, catalogue: CatalogueFiles([]))
            func failure() -> Failure? {
                #expect(throws: Failure.self) { try images.resolve("virtio-win", Cancellation()) { _ in } }
            }
            #expect(failure()?.message == "there is no ISO image virtio-win in \(folder)")
            #expect(failure()?.hint?.hasPrefix("download it with: ") == true)
            try scratch.run("genisoimage", "-quiet", "-o", folder + "/virtio-win.iso", "tree")
            #expect(failure()?.message == "virtio-win is an ISO image, not a disk's")
            #expect(failure()?.hint == "limiq.image.iso \"virtio-win\" gives its path")
        }
    }
}
