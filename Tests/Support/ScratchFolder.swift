import Foundation

/// A new folder under `/tmp`; its path is short because libvirt's sockets may lie in it and a socket's path has
/// room for 107 bytes.
public struct ScratchFolder: Sendable {
    public let path: String

    public init(prefix: String = "t") throws {
        path = "/tmp/limiq-\(prefix)-" + String(UInt32.random(in: .min ... .max), radix: 36)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    public func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// Runs `body` with a scratch folder that is gone afterwards, also where it throws.
    public static func with<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        return try await body(folder.path)
    }
}
