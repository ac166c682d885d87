import Basics
import HostFiles

/// The contents of an image: its files and folders.
public struct ISOContents: Sendable, Equatable {
    public var files: [ISOFile]
    /// The folders. Those that hold nothing must be named; the others come with what they hold.
    public var folders: [String]

    public init(files: [ISOFile] = [], folders: [String] = []) {
        self.files = files
        self.folders = folders
    }

    /// Reads what is in an image.
    ///
    /// - Throws: as `ISOReader`.
    public init(image path: String) throws(Failure) {
        self.init()
        let reader = try ISOReader(path)
        for entry in try reader.entries() {
            let name = String(decoding: entry.path, as: UTF8.self)
            switch entry.kind {
            case .folder: folders.append(name)
            case .file: files.append(ISOFile(name, contents: try reader.read(entry.path)))
            case .link, .other: continue
            }
        }
    }

    /// The folders that must be named: those that hold nothing.
    public var emptyFolders: [String] {
        let paths = files.map(\.path) + folders
        return folders.filter { folder in !paths.contains { $0.hasPrefix(folder + "/") } }
    }

    /// The same files with other contents.
    package func mapContents(_ change: ([UInt8]) -> [UInt8]) -> ISOContents {
        ISOContents(
            files: files.map { ISOFile($0.path, contents: change($0.contents), mode: $0.mode) },
            folders: folders)
    }
}

/// A map from paths to texts; the path of a folder ends in a slash.
extension ISOContents: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init()
        for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
            let text = try container.decode(String.self, forKey: key)
            if key.stringValue.hasSuffix("/") {
                folders.append(String(key.stringValue.dropLast()))
            } else {
                files.append(ISOFile(key.stringValue, text))
            }
        }
    }

    /// - Throws: `EncodingError` for a file that is no UTF-8.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for folder in emptyFolders { try container.encode("", forKey: Key(folder + "/")) }
        for file in files {
            guard let text = String(validating: file.contents, as: UTF8.self) else {
                throw EncodingError.invalidValue(
                    file.path,
                    .init(codingPath: container.codingPath, debugDescription: "\(file.path) is no text"))
            }
            try container.encode(text, forKey: Key(file.path))
        }
    }
}

extension ISOImage {
    /// The label of an image that is given none.
    static let defaultLabel = "CDROM"

    package static func bytes(_ label: String?, _ contents: ISOContents) throws(Failure) -> [UInt8] {
        try bytes(label: label ?? defaultLabel, files: contents.files, folders: contents.folders)
    }

    package static func write(
        to path: String, _ label: String?, _ contents: ISOContents, user: EmulatorUser? = nil
    ) throws(Failure) {
        try write(
            to: path, label: label ?? defaultLabel, files: contents.files, folders: contents.folders,
            user: user)
    }
}
