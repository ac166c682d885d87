import Basics

/// The layout of an image: where everything lies, and the bytes of all that comes before the files' own.
///
/// It consists of sectors of 2048 bytes: 16 empty, primary descriptor, Joliet descriptor, terminator, path tables (ISO
/// little- and big-endian, Joliet the same), ISO folders, each with its continuations, Joliet folders, then the files,
/// shared by both trees.
struct ISOLayout {
    private enum Side: Int { case plain, joliet }

    /// The place where the rest of a node's Rock Ridge fields lies, counted from the end of a folder.
    private struct Continuation {
        let folder: Int
        let sector: Int
        let offset: Int
        let bytes: [UInt8]
    }

    /// The tree of Rock Ridge and ISO 9660, or Joliet's: the same folders in another order, under other names.
    private struct Hierarchy {
        let side: Side
        /// The nodes of folders as the path table orders them: by level, parent and name.
        var folders: [Int] = []
        /// The children of each folder, by node, sorted by this side's names.
        var children: [[Int]]
        /// The first sector of each folder, by node, and its bytes.
        var extent: [Int]
        var size: [Int]
        var pathTableSize = 0
    }

    private let tree: ISOTree
    private let names: ISONames
    private let label: String
    private var plain: Hierarchy
    private var joliet: Hierarchy
    private var continuations: [Int: Continuation] = [:]
    /// The number of sectors that follow a folder of the ISO tree, by node.
    private var continuationSectors: [Int]
    /// The place of empty files: a sector of zeros before all contents.
    private var firstFileSector = 0
    /// The first sector of each file, by node.
    private var fileExtent: [Int]
    /// The files with contents, in the order they lie.
    private(set) var filesInOrder: [Int] = []
    /// The number of sectors of the whole image.
    private(set) var sectors = 0
    private var firstPathTable: [Int] = [0, 0]

    /// - Throws: `Failure` with code `bad_field` for more folders than a path table can number.
    init(label: String, tree: ISOTree) throws(Failure) {
        self.label = label
        self.tree = tree
        names = ISONames(tree)
        let zeros = [Int](repeating: 0, count: tree.nodes.count)
        fileExtent = zeros
        continuationSectors = zeros
        plain = Hierarchy(side: .plain, children: tree.nodes.map(\.children), extent: zeros, size: zeros)
        joliet = Hierarchy(side: .joliet, children: plain.children, extent: zeros, size: zeros)
        guard tree.nodes.count(where: \.isFolder) <= 65535 else {
            throw Failure(.badField, "more than 65535 folders", hint: "an ISO image can number no more")
        }
        planContinuations()
        arrange(&plain, names.plain)
        arrange(&joliet, names.joliet)
        place()
    }

    // MARK: Planning

    /// Puts the root's extension reference and every name too long for its record into sectors right behind the
    /// folder, where libarchive looks for them; no piece crosses a sector, which Linux would take for damage.
    private mutating func planContinuations() {
        for (folder, node) in tree.nodes.enumerated() where node.isFolder {
            var pieces = folder == 0 ? [(node: 0, bytes: ISORecords.extensionReference)] : []
            for child in node.children {
                let field = ISORecords.name(tree.nodes[child].name)
                let length = ISORecords.recordLength(
                    identifier: names.plain[child].count, systemUse: ISORecords.commonLength + field.count)
                if length > 254 { pieces.append((child, field)) }
            }
            var end = 0
            for piece in pieces {
                let start = Self.start(end, piece.bytes.count)
                end = start + piece.bytes.count
                continuations[piece.node] = Continuation(
                    folder: folder, sector: start / ISORecords.sector, offset: start % ISORecords.sector,
                    bytes: piece.bytes)
            }
            continuationSectors[folder] = Self.roundedUp(end) / ISORecords.sector
        }
    }

    private func arrange(_ side: inout Hierarchy, _ names: [[UInt8]]) {
        let keys = side.side == .plain ? names.map(Self.sortKey) : names
        for (index, node) in tree.nodes.enumerated() where node.isFolder {
            side.children[index].sort { keys[$0].lexicographicallyPrecedes(keys[$1]) }
        }
        side.folders = [0]
        var next = 0
        while next < side.folders.count {
            let folder = side.folders[next]
            side.folders += side.children[folder].filter { tree.nodes[$0].isFolder }
            side.pathTableSize += 8 + (names[folder].count + 1) / 2 * 2
            let isPlain = side.side == .plain
            // Itself and its parent come first.
            var size = ISORecords.recordLength(
                identifier: 1, systemUse: isPlain ? ownSystemUseLength(folder) : 0)
            size += ISORecords.recordLength(identifier: 1, systemUse: isPlain ? ISORecords.commonLength : 0)
            for child in side.children[folder] {
                let length = ISORecords.recordLength(
                    identifier: names[child].count, systemUse: isPlain ? systemUseLength(child) : 0)
                size = Self.start(size, length) + length
            }
            side.size[folder] = Self.roundedUp(size)
            next += 1
        }
    }

    /// The key by which names are sorted (ECMA-119, 9.3): names before endings, each as if filled up with spaces;
    /// nothing allowed sorts before a space.
    private static func sortKey(_ identifier: [UInt8]) -> [UInt8] {
        let parts = identifier.split(separator: UInt8(ascii: ";"))[0]
            .split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        return parts[0] + [0] + (parts.count > 1 ? parts[1] : [])
    }

    /// The place where a record goes: one that would cross a sector begins with the next.
    private static func start(_ offset: Int, _ length: Int) -> Int {
        offset % ISORecords.sector + length > ISORecords.sector ? roundedUp(offset) : offset
    }

    private static func roundedUp(_ bytes: Int) -> Int {
        (bytes + ISORecords.sector - 1) / ISORecords.sector * ISORecords.sector
    }

    private mutating func place() {
        var sector = 19
        for (index, size) in [plain.pathTableSize, joliet.pathTableSize].enumerated() {
            firstPathTable[index] = sector
            sector += Self.roundedUp(size) / ISORecords.sector * 2
        }
        for folder in plain.folders {
            plain.extent[folder] = sector
            sector += plain.size[folder] / ISORecords.sector + continuationSectors[folder]
        }
        for folder in joliet.folders {
            joliet.extent[folder] = sector
            sector += joliet.size[folder] / ISORecords.sector
        }
        firstFileSector = sector
        let files = plain.folders.flatMap { folder in
            tree.nodes[folder].children.filter { !tree.nodes[$0].isFolder }
        }
        // Empty files share one sector, so that their place is inside the image.
        if files.contains(where: { contents($0).isEmpty }) { sector += 1 }
        for node in files {
            let size = contents(node).count
            fileExtent[node] = size == 0 ? firstFileSector : sector
            guard size > 0 else { continue }
            filesInOrder.append(node)
            sector += Self.roundedUp(size) / ISORecords.sector
        }
        sectors = sector
    }

    func contents(_ node: Int) -> [UInt8] { tree.nodes[node].file.map { tree.files[$0].contents } ?? [] }

    /// The offset of a file, in bytes.
    func offset(_ node: Int) -> Int { fileExtent[node] * ISORecords.sector }

    // MARK: Rock Ridge

    private func systemUseLength(_ node: Int) -> Int {
        let name =
            continuations[node] == nil
            ? ISORecords.name(tree.nodes[node].name).count : ISORecords.continuationLength
        return ISORecords.commonLength + name
    }

    private func ownSystemUseLength(_ folder: Int) -> Int {
        folder == 0
            ? ISORecords.sharing.count + ISORecords.commonLength + ISORecords.continuationLength
            : ISORecords.commonLength
    }

    private func systemUse(_ node: Int) -> [UInt8] {
        let field = continuations[node].map(pointer) ?? ISORecords.name(tree.nodes[node].name)
        return attributes(node) + field
    }

    private func ownSystemUse(_ folder: Int) -> [UInt8] {
        guard folder == 0 else { return attributes(folder) }
        return ISORecords.sharing + attributes(0) + (continuations[0].map(pointer) ?? [])
    }

    private func pointer(_ continuation: Continuation) -> [UInt8] {
        ISORecords.continuation(
            block: sector(continuation), offset: continuation.offset, length: continuation.bytes.count)
    }

    private func sector(_ continuation: Continuation) -> Int {
        let folder = continuation.folder
        return plain.extent[folder] + plain.size[folder] / ISORecords.sector + continuation.sector
    }

    private func attributes(_ node: Int) -> [UInt8] {
        if let file = tree.nodes[node].file {
            return ISORecords.posix(mode: 0o100000 | tree.files[file].mode & 0o7777, links: 1)
                + ISORecords.times
        }
        let folders = tree.nodes[node].children.count { tree.nodes[$0].isFolder }
        return ISORecords.posix(mode: 0o040755, links: 2 + folders) + ISORecords.times
    }

    // MARK: Bytes

    /// The bytes of all before the files' contents.
    func head() -> [UInt8] {
        var image = [UInt8](repeating: 0, count: firstFileSector * ISORecords.sector)
        put(descriptor(plain), 16, &image)
        put(descriptor(joliet), 17, &image)
        put([255] + Array("CD001".utf8) + [1], 18, &image)
        for side in [plain, joliet] {
            let first = firstPathTable[side.side.rawValue]
            put(pathTable(side, bigEndian: false), first, &image)
            put(
                pathTable(side, bigEndian: true),
                first + Self.roundedUp(side.pathTableSize) / ISORecords.sector, &image)
            for folder in side.folders { writeFolder(folder, side, &image) }
        }
        for continuation in continuations.values {
            let at = sector(continuation) * ISORecords.sector + continuation.offset
            image.replaceSubrange(at..<at + continuation.bytes.count, with: continuation.bytes)
        }
        return image
    }

    private func put(_ bytes: [UInt8], _ sector: Int, _ image: inout [UInt8]) {
        let at = sector * ISORecords.sector
        image.replaceSubrange(at..<at + bytes.count, with: bytes)
    }

    private func writeFolder(_ folder: Int, _ side: Hierarchy, _ image: inout [UInt8]) {
        let isPlain = side.side == .plain
        let identifiers = isPlain ? names.plain : names.joliet
        var offset = 0
        func append(_ record: [UInt8]) {
            offset = Self.start(offset, record.count)
            let at = side.extent[folder] * ISORecords.sector + offset
            image.replaceSubrange(at..<at + record.count, with: record)
            offset += record.count
        }
        let parent = tree.nodes[folder].parent
        append(
            ISORecords.record(
                identifier: [0], extent: side.extent[folder], size: side.size[folder], isFolder: true,
                systemUse: isPlain ? ownSystemUse(folder) : []))
        append(
            ISORecords.record(
                identifier: [1], extent: side.extent[parent], size: side.size[parent], isFolder: true,
                systemUse: isPlain ? attributes(parent) : []))
        for child in side.children[folder] {
            let isFolder = tree.nodes[child].isFolder
            append(
                ISORecords.record(
                    identifier: identifiers[child], extent: isFolder ? side.extent[child] : fileExtent[child],
                    size: isFolder ? side.size[child] : contents(child).count, isFolder: isFolder,
                    systemUse: isPlain ? systemUse(child) : []))
        }
    }

    /// The path table (ECMA-119, 9.4).
    private func pathTable(_ side: Hierarchy, bigEndian: Bool) -> [UInt8] {
        let identifiers = side.side == .plain ? names.plain : names.joliet
        var number = [Int: Int](minimumCapacity: side.folders.count)
        for (index, folder) in side.folders.enumerated() { number[folder] = index + 1 }
        var table: [UInt8] = []
        table.reserveCapacity(side.pathTableSize)
        for folder in side.folders {
            let identifier = identifiers[folder]
            let extent = ISORecords.both32(side.extent[folder])
            let parent = ISORecords.both16(number[tree.nodes[folder].parent] ?? 1)
            table += [UInt8(identifier.count), 0]
            table += bigEndian ? extent[4...] : extent[..<4]
            table += bigEndian ? parent[2...] : parent[..<2]
            table += identifier
            if identifier.count % 2 == 1 { table.append(0) }
        }
        return table
    }

    /// The volume descriptor (ECMA-119, 8.4 and 8.5).
    private func descriptor(_ side: Hierarchy) -> [UInt8] {
        let isPlain = side.side == .plain
        var bytes = [UInt8](repeating: 0, count: ISORecords.sector)
        func put(_ offset: Int, _ value: [UInt8]) {
            bytes.replaceSubrange(offset..<offset + value.count, with: value)
        }
        func text(_ offset: Int, _ length: Int, _ text: String) {
            let field =
                isPlain ? Array(text.utf8) : text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
            let space: [UInt8] = isPlain ? [0x20] : [0, 0x20]
            var padded = field
            while padded.count + space.count <= length { padded += space }
            put(offset, padded)
        }
        put(0, [isPlain ? 1 : 2] + Array("CD001".utf8) + [1])
        text(8, 32, "")
        text(40, 32, label)
        put(80, ISORecords.both32(sectors))
        if !isPlain { put(88, [0x25, 0x2F, 0x45]) }
        put(120, ISORecords.both16(1))
        put(124, ISORecords.both16(1))
        put(128, ISORecords.both16(ISORecords.sector))
        put(132, ISORecords.both32(side.pathTableSize))
        let first = firstPathTable[side.side.rawValue]
        put(140, ISORecords.little32(first))
        put(
            148,
            ISORecords.little32(first + Self.roundedUp(side.pathTableSize) / ISORecords.sector).reversed())
        put(
            156,
            ISORecords.record(identifier: [0], extent: side.extent[0], size: side.size[0], isFolder: true))
        for (offset, length) in [
            (190, 128), (318, 128), (446, 128), (574, 128), (702, 37), (739, 37), (776, 37),
        ] {
            text(offset, length, "")
        }
        put(813, ISORecords.longDate)
        put(830, ISORecords.longDate)
        put(847, ISORecords.noLongDate)
        put(864, ISORecords.noLongDate)
        bytes[881] = 1
        return bytes
    }
}
