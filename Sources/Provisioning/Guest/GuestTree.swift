import Basics
import HostFiles

/// A folder of a guest as its own programs list it.
struct GuestTree {
    var entries: [TreePath: TreeEntry] = [:]
    /// What lies on another file system than the folder itself: a mount in it, and all that is there.
    var mounted: Set<TreePath> = []
    /// The folder's path without links.
    var path = ""
    var hasRsync = false

    /// The names of folders that a copy under way has, or one that was broken off has left.
    static let aside = ".limiq-sync."

    /// The words that list a folder, which is made where there is none. They do with busybox's programs.
    static func listing(_ path: String) -> [String] {
        let script = """
            if [ -e "$1" ] && [ ! -d "$1" ]; then echo taken; exit 0; fi
            mkdir -p -- "$1" && cd -- "$1" || exit
            command -v rsync >/dev/null && echo rsync
            find . -maxdepth 1 -name '\(aside)*' -mtime +0 -exec rm -rf {} +
            pwd -P
            find . -exec stat -c '%f %s %Y %d %y %n' -- {} +
            echo end
            """
        return ["sh", "-c", script, "sh", path]
    }

    /// Reads what the listing says.
    ///
    /// - Returns: `nil` where it is no whole listing.
    init?(_ output: [UInt8]) {
        var lines = output.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.popLast().map({ $0.elementsEqual("end".utf8) }) == true else { return nil }
        if lines.first?.elementsEqual("rsync".utf8) == true {
            hasRsync = true
            lines.removeFirst()
        }
        guard let first = lines.popFirst(), first.first == UInt8(ascii: "/") else { return nil }
        path = String(decoding: first, as: UTF8.self)
        var last: TreePath?
        var devices: [TreePath: UInt64] = [:]
        for line in lines {
            if let (path, entry, device) = Self.entry(line) {
                entries[path] = entry
                devices[path] = device
                last = path
            } else if let path = last {
                // A name with a line's end in it.
                let whole = path + [UInt8(ascii: "\n")] + line
                entries[whole] = entries.removeValue(forKey: path)
                devices[whole] = devices.removeValue(forKey: path)
                last = whole
            } else {
                return nil
            }
        }
        // The folder is listed itself, where anything can be listed.
        guard let own = devices[[]] else { return nil }
        mounted = Set(devices.filter { $0.value != own }.keys)
        let aside = Array(Self.aside.utf8)
        entries = entries.filter { !$0.key.isEmpty && !$0.key.starts(with: aside) }
    }

    /// A line of the listing: mode, size, time in seconds, device, the time as a text with its fraction and zone, and the path.
    private static func entry(_ line: ArraySlice<UInt8>) -> (TreePath, TreeEntry, device: UInt64)? {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 7, omittingEmptySubsequences: false)
        guard words.count == 8, words[7].first == UInt8(ascii: ".") else { return nil }
        let texts = words.prefix(7).map { String(decoding: $0, as: UTF8.self) }
        guard let mode = UInt32(texts[0], radix: 16), let size = Int64(texts[1]),
            let seconds = Int64(texts[2]), let device = UInt64(texts[3])
        else { return nil }
        let fraction = texts[5].split(separator: ".").dropFirst().first.flatMap { Int64($0) } ?? 0
        let rest = words[7].dropFirst()
        guard rest.isEmpty || rest.first == UInt8(ascii: "/") else { return nil }
        return (
            TreePath(rest.dropFirst()),
            TreeEntry(mode: mode, size: size, seconds: seconds, nanoseconds: fraction), device
        )
    }
}

/// What makes a folder of a guest the same as one of this host.
struct SyncPlan: Equatable {
    /// The paths that go, each with all that is in it.
    var removed: [TreePath] = []
    /// The folders, each before what is in it.
    var folders: [TreePath] = []
    /// The files and links.
    var files: [TreePath] = []

    init() {}

    /// - Parameter deletes: whether what is only there goes; what the tree's patterns name stays.
    /// - Throws: `Failure` with code `bad_field` where a folder is in the way of a file.
    init(_ here: FolderTree, _ there: GuestTree, deletes: Bool) throws(Failure) {
        let (extras, kept) = Self.onlyThere(here, there)
        var removed = deletes ? extras.filter { !kept.contains($0) } : []
        for (path, entry) in here.entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let old = there.entries[path]
            let isOther = old.map { ($0.kind == .folder) != (entry.kind == .folder) } ?? false
            if isOther, entry.kind != .folder, !deletes || kept.contains(path) {
                let whole = "\(there.path)/\(String(decoding: path, as: UTF8.self))"
                throw Failure(
                    .badField, "\(whole) is a folder of the guest, and none here",
                    hint: deletes ? "exclude keeps something in it" : "delete removes it", resource: whole)
            }
            if isOther { removed.append(path) }
            guard isOther || old.map({ !Self.isSame(entry, $0) }) ?? true else { continue }
            if entry.kind == .folder { folders.append(path) } else { files.append(path) }
        }
        self.removed = Self.tops(of: removed)
    }

    private static func isSame(_ here: TreeEntry, _ there: TreeEntry) -> Bool {
        guard here.kind == there.kind else { return false }
        if here.kind == .folder { return here.permissions == there.permissions }
        // Small systems know no fractions of a second.
        return here.size == there.size && here.seconds == there.seconds
            && (here.nanoseconds == there.nanoseconds || there.nanoseconds == 0)
            && (here.kind == .link || here.permissions == there.permissions)
    }

    /// What is only in the guest, and the folders that have something in them which is left alone.
    private static func onlyThere(
        _ here: FolderTree, _ there: GuestTree
    ) -> (extras: [TreePath], kept: Set<TreePath>) {
        var kept: Set<TreePath> = []
        var extras: [TreePath] = []
        // A mount may be a folder of the host's, or a whole disk.
        for path in there.mounted { kept.formUnion(parents(of: path) + [path]) }
        for (path, entry) in there.entries where here.entries[path] == nil {
            if here.patterns.leaveOut(path, isFolder: entry.kind == .folder) {
                kept.formUnion(parents(of: path))
            } else {
                extras.append(path)
            }
        }
        return (extras, kept)
    }

    /// The paths without those that lie in another of them.
    private static func tops(of paths: [TreePath]) -> [TreePath] {
        let all = Set(paths)
        return all.filter { path in parents(of: path).allSatisfy { !all.contains($0) } }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static func parents(of path: TreePath) -> [TreePath] {
        path.indices.filter { path[$0] == slash }.map { TreePath(path[..<$0]) }
    }
}

private let slash = UInt8(ascii: "/")
