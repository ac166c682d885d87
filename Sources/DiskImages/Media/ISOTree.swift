import Basics

/// A file of an ISO image.
public struct ISOFile: Sendable, Equatable {
    /// The path relative to the image's root, its folders divided by `/`; folders need not be given on their own.
    public var path: String
    public var contents: [UInt8]
    /// The permission bits.
    public var mode: UInt16

    public init(_ path: String, contents: [UInt8], mode: UInt16 = 0o644) {
        self.path = path
        self.contents = contents
        self.mode = mode
    }

    public init(_ path: String, _ text: String, mode: UInt16 = 0o644) {
        self.init(path, contents: Array(text.utf8), mode: mode)
    }
}

/// The contents of an image, as a tree. Names are compared byte by byte: to a Swift `String` é and e + ´ are the same,
/// to a filesystem they are two names.
struct ISOTree {
    struct Node {
        /// The name in UTF-8; empty for the root.
        let name: [UInt8]
        let parent: Int
        /// The file's number; `nil` for a folder.
        let file: Int?
        /// The children, sorted by name.
        var children: [Int] = []
        var isFolder: Bool { file == nil }
    }

    /// The nodes, the root first.
    private(set) var nodes: [Node] = [Node(name: [], parent: 0, file: nil)]
    let files: [ISOFile]

    /// The largest file, in bytes: what one extent holds, kept below what old readers take for a sign.
    static let largestFile = 2 << 30

    /// - Throws: `Failure` with code `bad_field` for names an image cannot have and for two of the same name.
    init(files: [ISOFile], folders: [String]) throws(Failure) {
        struct Place: Hashable {
            let parent: Int
            let name: [UInt8]
        }
        self.files = files
        var places: [Place: Int] = [:]

        func enter(_ names: some Sequence<[UInt8]>, of path: String) throws(Failure) -> Int {
            var folder = 0
            for name in names {
                let place = Place(parent: folder, name: name)
                if let known = places[place] {
                    guard nodes[known].isFolder else {
                        throw Self.conflict(path, "is below a file of that name")
                    }
                    folder = known
                } else {
                    places[place] = nodes.count
                    nodes[folder].children.append(nodes.count)
                    nodes.append(Node(name: name, parent: folder, file: nil))
                    folder = nodes.count - 1
                }
            }
            return folder
        }

        for path in folders { _ = try enter(Self.names(path, ofFolder: true), of: path) }
        for (index, file) in files.enumerated() {
            let names = try Self.names(file.path, ofFolder: false)
            guard file.contents.count < Self.largestFile else {
                throw Failure(
                    .badField, "the file \"\(file.path)\" is \(ByteSize(bytes: UInt64(file.contents.count)))",
                    hint: "a file of an ISO image must be smaller than 2 GiB", resource: file.path)
            }
            let folder = try enter(names.dropLast(), of: file.path)
            let place = Place(parent: folder, name: names[names.count - 1])
            if let known = places[place] {
                throw Self.conflict(file.path, nodes[known].isFolder ? "is a folder too" : "is there twice")
            }
            places[place] = nodes.count
            nodes[folder].children.append(nodes.count)
            nodes.append(Node(name: place.name, parent: folder, file: index))
        }
        // The order files were given in must not show in the bytes.
        for index in nodes.indices where nodes[index].children.count > 1 {
            nodes[index].children.sort { [nodes] in nodes[$0].name.lexicographicallyPrecedes(nodes[$1].name) }
        }
    }

    /// The most bytes of a path: what Linux has room for (`PATH_MAX`), which xorriso keeps to as well.
    private static let longestPath = 4094

    private static func names(_ path: String, ofFolder isFolder: Bool) throws(Failure) -> [[UInt8]] {
        var names: [[UInt8]] = []
        // The root is the first of the levels.
        let most = ISOReader.deepest - (isFolder ? 1 : 0)
        for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            let name = Array(part)
            let complaint: String?
            if names.count >= most {
                complaint =
                    "is below more than \(ISOReader.deepest - 1) folders, and is not found again there"
            } else if path.utf8.count > longestPath {
                complaint = "has \(path.utf8.count) bytes with its folders, and a guest reads \(longestPath)"
            } else if name.isEmpty {
                complaint = path.isEmpty ? "is empty" : "has an empty part"
            } else if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) {
                complaint = "has \"\(String(decoding: name, as: UTF8.self))\" as a part"
            } else if name.contains(0) {
                complaint = "has a NUL in it"
            } else if name.count > 253 {
                // Linux drops what Rock Ridge says beyond that (fs/isofs/rock.c).
                complaint = "has a part of \(name.count) bytes, and a guest reads 253"
            } else {
                complaint = nil
            }
            if let complaint {
                let isLong = path.utf8.count > 300
                let shown = (isLong ? "\(path.prefix(60))…" : path).replacing("\0", with: "\\0")
                throw Failure(
                    .badField, "the name \"\(shown)\" \(complaint)",
                    hint: "a file of an image is named as in \"folder/file.txt\", from the image's root",
                    resource: shown)
            }
            names.append(name)
        }
        return names
    }

    private static func conflict(_ path: String, _ what: String) -> Failure {
        Failure(
            .badField, "the name \"\(path)\" \(what)", hint: "give each file a name of its own",
            resource: path)
    }
}
