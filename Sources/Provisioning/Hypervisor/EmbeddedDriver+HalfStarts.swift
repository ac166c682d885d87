import Basics
import Crypto
import Glibc
import XML

/// Domains that libvirt was just starting when its process was killed.
///
/// - Precondition of all here: no driver runs in the root.
extension EmbeddedDriver {
    /// Forgets them, so that they are off: they have no QEMU, and libvirt would keep them as being started for ever.
    ///
    /// libvirt writes a domain's status, with the start as its unfinished job, before it lets the process that becomes QEMU
    /// go on; killed before that, the process ends with it. The next libvirt restores the job and, with no process to look
    /// for, never ends it (`qemuProcessReconnectHelper` of libvirt 9.0): every call about the domain then fails after 30 s.
    static func forgetHalfStarts(in root: String) throws(Failure) {
        let folder = "\(root)/run/qemu"
        guard fileExists(folder) else { return }
        for file in try namesInFolder(folder) where file.hasSuffix(".xml") {
            let path = "\(folder)/\(file)"
            guard let text = readWhole(path), let status = try? XMLReader.parse(text),
                status.name == "domstatus",
                status.attributes["pid"] == "0"
            else { continue }
            for element in ["libDir", "channelTargetDir"] {
                let own = status.first(element)?.attributes["path"] ?? ""
                if own.hasPrefix("\(root)/"), fileExists(own) { try removeWhole(own) }
            }
            try removeFile(path)
        }
    }

    /// Removes the control groups of domains that have no process.
    ///
    /// libvirt takes a group that is there as it finds it. One that was made and not yet filled has no memory nodes, and
    /// where a killed start left such a group under the number and name of a later start, that one fails with `ENOSPC`.
    static func removeEmptyGroups(of root: String) {
        // `virDomainDriverGenerateMachineName` of libvirt 9.0.
        let digest = hexadecimal(SHA256.hash(data: Array(root.utf8)))
        let prefix = "qemu-embed-\(digest.prefix(8))-"
        let hierarchies = "/sys/fs/cgroup"
        var groups: [String: [String]] = [:]
        for hierarchy in (try? namesInFolder(hierarchies)) ?? [] {
            let machines = "\(hierarchies)/\(hierarchy == "machine" ? "" : hierarchy + "/")machine"
            for name in (try? namesInFolder(machines)) ?? [] where name.hasPrefix(prefix) {
                groups[name, default: []].append("\(machines)/\(name)")
            }
        }
        for folders in groups.values {
            let all = folders.flatMap { folder in
                ((try? foldersBelow(folder)) ?? []).reversed().map { "\(folder)/\($0)" } + [folder]
            }
            guard all.allSatisfy({ readWhole("\($0)/cgroup.procs")?.isEmpty == true }) else { continue }
            for folder in all { rmdir(folder) }
        }
    }
}
