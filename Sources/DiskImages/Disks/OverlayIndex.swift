import Basics
import Glibc
import HostFiles
import Synchronization

/// The overlays that can be known of, by what they stand on: those in a state folder, those that any process with this state
/// folder has made elsewhere, and the disks of domains it is told of.
///
/// A thousand machines have a thousand headers to be read, and each that is started or removed asks: all are read again when
/// what is known is older than a second, or than twenty times what reading took. What is found is looked at once more, so
/// that nothing stands on an image that has ceased to; what another process has made in that second may be missed.
package final class OverlayIndex: Sendable {
    private struct Content {
        var overlays: [String: Set<String>] = [:]
        var known: Set<String> = []
        /// The number of overlays made here that are known.
        var madeKnown = 0
        /// The end of the time for which the content counts; `nil` where nothing was read yet.
        var validUntil: ContinuousClock.Instant?

        mutating func add(_ disk: String) {
            guard known.insert(disk).inserted else { return }
            for key in imagesBelow(disk).flatMap(imageKeys) { overlays[key, default: []].insert(disk) }
        }
    }

    private let folder: String
    /// The file with the overlays elsewhere that any process has made, each ended by a NUL.
    private let list: String
    private let content = Mutex(Content())

    private init(_ state: StateFolder) {
        folder = state.machines
        list = state.root + "/overlays"
    }

    private static let all = Mutex<[String: OverlayIndex]>([:])
    /// The overlays that this process has made, wherever they are.
    private static let made = Mutex<[String]>([])

    /// The index of the folders of a state folder's machines.
    package static func of(_ state: StateFolder) -> OverlayIndex {
        all.withLock { all in
            if let known = all[state.machines] { return known }
            let index = OverlayIndex(state)
            all[state.machines] = index
            return index
        }
    }

    /// Remembers an overlay that is no machine's for other processes.
    ///
    /// - Throws: `Failure` with code `io`.
    package func remember(_ overlay: String) throws(Failure) {
        guard !overlay.hasPrefix(folder + "/") else { return }
        try makeFolders(HostFiles.folder(of: list), mode: 0o755)
        let descriptor = open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure.system(errno, "cannot open \(list)", resource: list) }
        defer { close(descriptor) }
        let line = Array(overlay.utf8) + [0]
        guard write(descriptor, line, line.count) == line.count else {
            throw Failure.system(errno, "cannot write \(list)", resource: list)
        }
    }

    /// Notes an overlay that was made here.
    static func note(_ overlay: String) { made.withLock { $0.append(overlay) } }

    /// The disks that stand on any of the images now.
    ///
    /// - Parameter others: disks elsewhere.
    package func overlays(on images: [String], among others: [String]) -> Set<String> {
        let keys = Set(images.flatMap(imageKeys))
        let candidates = content.withLock { content in
            refresh(&content)
            let made = Self.made.withLock { Array($0[content.madeKnown...]) }
            content.madeKnown += made.count
            for disk in made {
                // There may have been another under that name.
                content.known.remove(disk)
                content.add(disk)
            }
            for disk in others { content.add(disk) }
            return keys.reduce(into: Set<String>()) { $0.formUnion(content.overlays[$1] ?? []) }
        }
        return candidates.filter { !keys.isDisjoint(with: imagesBelow($0).flatMap(imageKeys)) }
    }

    private func refresh(_ content: inout Content) {
        let start = ContinuousClock.now
        if let end = content.validUntil, start < end { return }
        content = Content()
        content.madeKnown = Self.made.withLock { $0.count }
        // Those elsewhere are looked at again too.
        for disk in Set(Self.made.withLock(\.self)) { content.add(disk) }
        for overlay in (readBytes(list) ?? []).split(separator: 0) {
            content.add(String(decoding: overlay, as: UTF8.self))
        }
        for file in (try? filesBelow(folder)) ?? [] { content.add("\(folder)/\(file)") }
        let end = ContinuousClock.now
        content.validUntil = end + max(.seconds(1), start.duration(to: end) * 20)
    }
}
