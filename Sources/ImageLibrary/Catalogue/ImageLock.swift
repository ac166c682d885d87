import Basics
import HostFiles
import YAML

/// The images that the scripts of a folder were tried with: `limiq.lock` beside them, a map from names to digests and
/// addresses.
public struct ImageLock: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        /// The image of the catalogue, where the name is an alias of it.
        public var image: String?
        /// The address it was offered at; `nil` for an image that is of no publisher.
        public var url: String?
        public var checksum: ImageChecksum
    }

    public static let fileName = "limiq.lock"

    /// The path of the file.
    public let path: String
    /// The entries by the names that scripts use.
    public var entries: [String: Entry] = [:]

    /// Reads the lock of a folder, which may not be there yet.
    ///
    /// - Throws: `Failure` with code `bad_yaml` or `bad_field`, its message with the file, the line and the column; `io`.
    public init(in folder: String) throws(Failure) {
        path = folder == "/" ? "/\(Self.fileName)" : "\(folder)/\(Self.fileName)"
        guard fileExists(path) else { return }
        let text = String(decoding: try fileBytes(path, atMost: 4 << 20), as: UTF8.self)
        entries = try LockReader(file: path).entries(text)
    }

    /// Whether there is such a file, with an image in it.
    public var isEmpty: Bool { entries.isEmpty }

    /// - Throws: `Failure` with code `io`.
    public func write() throws(Failure) { try writeBytes(Array(text.utf8), to: path, mode: 0o644) }

    var text: String {
        var map = Map()
        for (name, entry) in entries.sorted(by: { comesBefore($0.key, $1.key) }) {
            var fields = Map()
            if let image = entry.image { fields.append("image", .string(image)) }
            if let url = entry.url { fields.append("url", .string(url)) }
            fields.append("digest", .string(entry.checksum.text))
            map.append(name, .map(fields))
        }
        return """
            # The images that the scripts beside this file were tried with. `limiq image lock SCRIPT` writes it anew,
            # `limiq run --locked SCRIPT` takes no other.

            """ + YAML.write(.map(map))
    }
}

/// Reads a lock.
private struct LockReader {
    let file: String

    private static let fields = ["image", "url", "digest"]

    func entries(_ text: String) throws(Failure) -> [String: ImageLock.Entry] {
        let stream: YAMLText
        do { stream = try YAML.nodes(text) } catch { throw error.failure(in: file) }
        if let twice = stream.duplicateKeys.first { throw twice.failure(in: file) }
        guard let root = stream.root else { return [:] }
        guard stream.second == nil, case .map(let named) = root.content else {
            throw fault(root.mark, "a lock is one map from names to images")
        }
        var entries: [String: ImageLock.Entry] = [:]
        for each in named { entries[each.key] = try entry(each) }
        return entries
    }

    private func entry(_ entry: YAMLNode.Entry) throws(Failure) -> ImageLock.Entry {
        guard isImageName(entry.key) else {
            throw fault(entry.mark, "\"\(entry.key)\" cannot be an image's name")
        }
        guard case .map(let fields) = entry.node.content else {
            throw fault(entry.node.mark, "image \(entry.key) is not a map of fields")
        }
        for field in fields {
            guard Self.fields.contains(field.key) else {
                throw fault(
                    field.mark, "image \(entry.key): \(field.key) is not one of its fields",
                    nearestName(to: field.key, in: Self.fields).map { "did you mean \($0)?" }
                        ?? "they are \(Self.fields.joined(separator: ", "))")
            }
            guard field.node.text?.isEmpty == false else {
                throw fault(field.node.mark, "image \(entry.key): \(field.key) is no text")
            }
        }
        guard let digest = entry.node.entry("digest")?.node,
            let sum = try? ImageChecksum(parsing: digest.text ?? "")
        else {
            throw fault(
                entry.node.entry("digest")?.node.mark ?? entry.mark,
                "image \(entry.key): digest is no SHA-256 or SHA-512 such as sha256:0a1b…")
        }
        let image = entry.node.entry("image")?.node
        guard image.map({ isImageName($0.text ?? "") }) ?? true else {
            throw fault(image?.mark ?? entry.mark, "image \(entry.key): image cannot be an image's name")
        }
        let url = entry.node.entry("url")?.node
        guard url.map({ isAddress($0.text ?? "") }) ?? true else {
            throw fault(url?.mark ?? entry.mark, "image \(entry.key): url is no address")
        }
        return ImageLock.Entry(image: image?.text, url: url?.text, checksum: sum)
    }

    private func fault(_ mark: YAMLMark, _ message: String, _ hint: String? = nil) -> Failure {
        Failure(.badField, "\(file):\(mark.line):\(mark.column): \(message)", hint: hint, resource: file)
    }
}
