import Basics
import FoundationEssentials
import Glibc
import HostFiles

/// The note of what a baked image was made of. It lies beside the images, in a folder of its own.
public struct BakedImage: Sendable, Equatable, Codable {
    /// The name the script gave it.
    public var name: String
    /// The digest of all that went into it: 64 hexadecimal digits; empty for a copy of a machine's disk.
    public var key: String
    /// The image it was made from, as the script names it.
    public var from: String
    /// The SHA-256 of that image, in hexadecimal digits.
    public var base: String
    /// The time it was made, in seconds since 1970.
    public var made: Int
    /// The script that made it; `nil` for none.
    public var script: String?

    public init(name: String, key: String, from: String, base: String, script: String?) {
        self.name = name
        self.key = key
        self.from = from
        self.base = base
        self.script = script
        made = time(nil)
    }

    /// The note of a copy of a machine's disk.
    public init(copy name: String, of machine: String, script: String?) {
        self.init(name: name, key: "", from: "vm \(machine)", base: "", script: script)
    }

    /// The name of its file in the library, which, for what a recipe makes, holds a part of the key: one name may have images of several recipes.
    public var image: String { key.isEmpty ? name : "\(name)@\(key.prefix(12))" }
}

/// The notes of a library's baked images.
struct BakedImages {
    let state: StateFolder

    private var folder: String { state.cloudImages + "/.bakes" }
    private func file(_ image: String) -> String { "\(folder)/\(image).json" }

    /// The folder of the memory that belongs to an image, a warm machine's disk.
    func warmFolder(of image: String) -> String { "\(state.cloudImages)/.warm/\(image)" }

    /// What is kept beside the images, by the image it is for: notes, and folders of memory.
    func kept() -> [(image: String, path: String)] {
        let notes = ((try? namesInFolder(folder)) ?? []).filter { $0.hasSuffix(".json") }
            .map { (image: String($0.dropLast(".json".count)), path: "\(folder)/\($0)") }
        let memories = ((try? namesInFolder("\(state.cloudImages)/.warm")) ?? [])
            .map { (image: $0, path: warmFolder(of: $0)) }
        return notes + memories
    }

    /// The note of an image of the library; `nil` for one that was not baked.
    func note(of image: String) -> BakedImage? {
        readBytes(file(image)).flatMap { try? JSONDecoder().decode(BakedImage.self, from: Data($0)) }
            .flatMap { $0.image == image ? $0 : nil }
    }

    /// All notes, the newest first.
    func all() -> [BakedImage] {
        ((try? namesInFolder(folder)) ?? []).filter { $0.hasSuffix(".json") }
            .compactMap { note(of: String($0.dropLast(".json".count))) }
            .sorted { ($0.made, $0.key) > ($1.made, $1.key) }
    }

    func keep(_ image: BakedImage) throws(Failure) {
        try makeFolders(folder)
        try writeJSON(image, to: file(image.image))
    }

    func forget(_ image: String) {
        unlink(file(image))
        let warm = warmFolder(of: image)
        if fileExists(warm) { try? removeWhole(warm) }
    }
}
