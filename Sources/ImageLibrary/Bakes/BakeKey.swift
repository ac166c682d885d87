import Basics
import Digests

/// The digest of all that goes into a baked image, which names it: the same bake has the same key, and another has
/// another.
public struct BakeKey: Sendable {
    private var hash = SHA256()

    /// - Parameter version: of what a bake does with what goes into it. Another one makes other images of the same.
    public init(version: Int = 1) { add("bake", "\(version)") }

    /// Takes one thing in. Its lengths go in too: what stands in one thing never counts as another.
    public mutating func add(_ name: String, _ bytes: [UInt8]) {
        hash.update(data: Array("\(name.utf8.count) \(bytes.count) \(name)".utf8))
        hash.update(data: bytes)
    }

    public mutating func add(_ name: String, _ text: String) { add(name, Array(text.utf8)) }

    /// The 64 hexadecimal digits. Nothing is to be added after.
    public consuming func value() -> String { hexadecimal(hash.finalize()) }
}
