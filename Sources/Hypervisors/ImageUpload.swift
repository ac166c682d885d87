import Basics
import DiskImages
import Glibc
import HostFiles

/// Puts a file of this host into a pool of another one, once: images and ISO images that disks and drives only read.
///
/// The volume is named by what the file holds, `debian-12-1f0c2d3e4a5b6978.1.qcow2`: a changed image is another volume.
/// It is made exclusively, which is what decides between machines, processes and hosts that share the pool, and filled
/// from its beginning to its end: it is whole when it is as long as the file. One that is shorter and does not grow any
/// more is what somebody left half-way; it is removed, and the next one gets the next number, so that nobody who is
/// late by a step can remove a volume that is newer than what they saw.
package struct ImageUpload {
    let storage: any HostStorage
    let pool: String
    /// The time a volume may stay as it is before its writer counts as gone.
    let patience: Duration
    let cancellation: Cancellation
    /// The listener that is told what is going on, at most once a second.
    let tell: (String) -> Void

    package init(
        storage: any HostStorage, pool: String, patience: Duration = .seconds(20), cancellation: Cancellation,
        tell: @escaping (String) -> Void
    ) {
        self.storage = storage
        self.pool = pool
        self.patience = patience
        self.cancellation = cancellation
        self.tell = tell
    }

    /// - Parameters:
    ///   - path: absolute.
    ///   - ending: the ending of the volume's name: `qcow2`.
    /// - Returns: the volume that holds the file.
    package func volume(for path: String, ending: String) throws(Failure) -> VolumeSummary {
        let file = try ReadableFile(path)
        guard file.length > 0 else { throw Failure(.badImage, "\(path) is empty", resource: path) }
        let digest = try FileDigest(of: path, cancellation)
        let names = Names(path: path, digest: digest.value, ending: ending)
        var (highest, hasRefreshed) = (0, false)
        var seen: (volume: VolumeSummary, since: ContinuousClock.Instant)?
        while true {
            try cancellation.check()
            let found = try candidates(names)
            highest = max(highest, found.last?.number ?? 0)
            if let whole = found.first(where: { $0.volume.length == file.length }) { return whole.volume }
            if let other = found.last {
                if seen?.volume != other.volume {
                    seen = (other.volume, .now)
                    tell(
                        "another uploads \(names.stem) already: \(percent(other.volume.length, file.length))")
                } else if let seen, seen.since.duration(to: .now) > patience {
                    try removeStale(other.volume.volume)
                }
                usleep(250_000)
            } else if !hasRefreshed {
                hasRefreshed = true
                try storage.refreshPool(pool)
            } else if try upload(path, names.name(highest + 1), digest) {
                highest += 1
            } else {
                // Made by another host meanwhile, unknown to this one.
                hasRefreshed = false
            }
        }
    }

    /// Whether a volume of this name holds a file of this path, of whatever content.
    package static func isName(_ volume: String, of path: String, ending: String) -> Bool {
        let names = Names(path: path, digest: "", ending: ending)
        guard let rest = volume.dropping(names.stem) else { return false }
        // 1f0c2d3e4a5b6978.1.iso
        let parts = rest.split(separator: ".")
        return parts.count == 3 && parts[0].count == 16 && parts[0].allSatisfy(\.isHexDigit)
            && Int(parts[1]) != nil && parts[2] == ending
    }

    private struct Names {
        let stem: String
        let ending: String

        init(path: String, digest: String, ending: String) {
            let file = lastComponent(path)
            let name = file.hasSuffix(".\(ending)") ? file.dropLast(ending.count + 1) : file[...]
            // What is a plain name on every filesystem and in every shell.
            let plain = name.unicodeScalars.map { scalar -> Character in
                let isPlain =
                    scalar.isASCII && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || scalar == "-" || scalar == "_"
                return isPlain ? Character(scalar) : "-"
            }
            stem = "\(String(plain.prefix(64)))-\(digest.prefix(16))"
            self.ending = ending
        }

        func name(_ number: Int) -> String { "\(stem).\(number).\(ending)" }

        func number(of name: String) -> Int? {
            guard name.hasPrefix(stem + "."), name.hasSuffix("." + ending) else { return nil }
            let number = Int(name.dropFirst(stem.count + 1).dropLast(ending.count + 1))
            // Such as limiq gives: it counts on from the highest.
            return number.flatMap { (1...1_000_000_000).contains($0) ? $0 : nil }
        }
    }

    /// The volumes that hold the file or a part of it, by number.
    private func candidates(_ names: Names) throws(Failure) -> [(number: Int, volume: VolumeSummary)] {
        for isSecondLook in [false, true] {
            do throws(Failure) {
                var found: [(number: Int, volume: VolumeSummary)] = []
                for name in try storage.volumes(in: pool) {
                    guard let number = names.number(of: name),
                        let volume = try storage.volume(HostVolume(pool: pool, name: name))
                    else { continue }
                    found.append((number, volume))
                }
                return found.sorted { $0.number < $1.number }
            } catch {
                // Another host that shares the pool has removed it.
                if isSecondLook { throw error }
                try storage.refreshPool(pool)
            }
        }
        return []
    }

    /// The share that is done, in per cent. A host says of a volume's length what it likes.
    private func percent(_ done: UInt64, _ all: UInt64) -> String {
        "\(Int(min(100, Double(done) / Double(max(1, all)) * 100))) %"
    }

    private func removeStale(_ volume: HostVolume) throws(Failure) {
        tell("removing \(volume.name), which was left half-way")
        do throws(Failure) {
            try storage.removeVolume(volume)
        } catch {
            // Its writer lives, and is only slow.
            guard error.code == .inUse else { throw error }
        }
    }

    /// - Returns: `false` where the name is taken.
    private func upload(_ path: String, _ name: String, _ digest: FileDigest) throws(Failure) -> Bool {
        var reader = SparseReader(try ReadableFile(path))
        let length = reader.length
        let volume = HostVolume(pool: pool, name: name)
        var description = VolumeXML(name: name, format: .raw, capacity: 0)
        description.mode = "0644"
        do throws(Failure) {
            _ = try storage.createVolume(description, in: pool)
        } catch {
            guard error.code == .diskExists else { throw error }
            return false
        }
        var lastNews = ContinuousClock.now
        tell("\(lastComponent(path)), \(ByteSize(bytes: length))")
        do throws(Failure) {
            try storage.upload(to: volume, length: length) { () throws(Failure) in
                try cancellation.check()
                if lastNews.duration(to: .now) > .seconds(1) {
                    lastNews = .now
                    tell("\(lastComponent(path)): \(percent(reader.position, length))")
                }
                return try reader.next()
            }
            guard digest.holds(for: path) else {
                throw Failure(
                    .io, "\(path) was changed while it was uploaded", hint: "run again", resource: path)
            }
        } catch {
            try? storage.removeVolume(volume)
            throw error
        }
        return true
    }
}
