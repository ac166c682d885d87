import Basics
import CLinux
import Glibc

/// Another account that must be able to use a file limiq makes.
public struct FileUser: Sendable, Equatable {
    public enum Use: Sendable { case read, write }

    public let user: EmulatorUser
    public let use: Use

    public init(_ user: EmulatorUser, _ use: Use) {
        self.user = user
        self.use = use
    }

    /// Opens a file of the caller to the account, no further than it must.
    ///
    /// To be read, a file is opened to the account's group, mode 0640; a caller who is neither root nor in that group
    /// can only open it to all (0644). To be written, root gives the file away (0600), a member of the group shares it
    /// (0660), and others leave it closed: libvirt hands a writable disk to QEMU when the guest starts, and back when
    /// it stops.
    package func grant(_ descriptor: Int32, _ path: String) throws(Failure) {
        guard user.uid != 0, user.uid != geteuid() else { return }
        let isRoot = geteuid() == 0
        let status: Int32
        switch use {
        case .write where isRoot:
            status = fchown(descriptor, user.uid, user.gid)
        case .read where isRoot || callerGroups().contains(user.gid):
            status = fchown(descriptor, uid_t.max, user.gid) == 0 ? fchmod(descriptor, 0o640) : -1
        case .write where callerGroups().contains(user.gid):
            status = fchown(descriptor, uid_t.max, user.gid) == 0 ? fchmod(descriptor, 0o660) : -1
        case .read:
            status = fchmod(descriptor, 0o644)
        case .write:
            status = 0
        }
        guard status == 0 else {
            throw Failure.system(errno, "cannot open \(path) to \(user.name)", resource: path)
        }
    }

    private func callerGroups() -> Set<UInt32> {
        var groups = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
        let count = getgroups(Int32(groups.count), &groups)
        return Set(groups.prefix(Int(max(0, count)))).union([getegid()])
    }
}

/// Whether an account may reach a file, by mode bits and access control lists.
package struct AccessCheck {
    let user: EmulatorUser
    private let groups: Set<UInt32>

    package init(_ user: EmulatorUser) {
        self.user = user
        var found = [gid_t](repeating: 0, count: 64)
        var count = Int32(found.count)
        if getgrouplist(user.name, user.gid, &found, &count) < 0 {
            found = [gid_t](repeating: 0, count: Int(count))
            getgrouplist(user.name, user.gid, &found, &count)
        }
        groups = Set(found.prefix(Int(max(0, count)))).union([user.gid])
    }

    /// - Throws: `Failure` with code `host_not_able` that names the folder and the account.
    package func requireSearchable(foldersOf path: String) throws(Failure) {
        guard user.uid != 0 else { return }
        // The name as it is written, and where it leads: links may pass through other folders. What is to be made has
        // a folder already.
        var folders = parents(of: path)
        for real in [try? resolved(path), (try? resolved(folder(of: path))).map { $0 + "/" }] {
            if let real { folders += parents(of: real).filter { !folders.contains($0) } }
        }
        for folder in folders where !allows(folder, 1) {
            throw Failure(
                .hostNotAble,
                "the folder \(folder) cannot be searched by \(user.name), the user QEMU runs as",
                hint: "chmod o+x \(folder), or keep \(path) in another folder", resource: path)
        }
    }

    /// - Throws: `Failure` with code `host_not_able` that names the file and the account.
    package func requireReadable(_ path: String) throws(Failure) {
        guard user.uid != 0, !allows(path, 4) else { return }
        throw Failure(
            .hostNotAble, "\(path) cannot be read by \(user.name), the user QEMU runs as",
            hint: "chmod o+r \(path), or copy it to a place of its own", resource: path)
    }

    /// - Parameter wanted: 4 read, 2 write, 1 search.
    package func allows(_ path: String, _ wanted: UInt16) -> Bool {
        var status = stat()
        // What is not there is another check's to complain about.
        guard stat(path, &status) == 0 else { return true }
        let mode = UInt16(truncatingIfNeeded: status.st_mode)
        if status.st_uid == user.uid { return mode >> 6 & wanted == wanted }
        if let list = accessControlList(path) { return allows(list, owningGroup: status.st_gid, wanted) }
        if groups.contains(status.st_gid) { return mode >> 3 & wanted == wanted }
        return mode & wanted == wanted
    }

    /// One line of a POSIX access control list; the layout is Linux's `posix_acl_xattr.h`.
    private struct Entry {
        let tag: UInt16
        let permissions: UInt16
        let id: UInt32
    }

    private func accessControlList(_ path: String) -> [Entry]? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let length = getxattr(path, "system.posix_acl_access", &bytes, bytes.count)
        guard length >= 4, bytes.little32(0) == 2 else { return nil }
        return stride(from: 4, to: length - 7, by: 8).map {
            Entry(
                tag: bytes.big16($0).byteSwapped, permissions: bytes.big16($0 + 2).byteSwapped,
                id: bytes.little32($0 + 4))
        }
    }

    /// The algorithm of acl(5), "access check algorithm", for an account that is not the owner.
    private func allows(_ list: [Entry], owningGroup: UInt32, _ wanted: UInt16) -> Bool {
        let mask = list.first { $0.tag == 0x10 }?.permissions ?? 7
        if let named = list.first(where: { $0.tag == 0x02 && $0.id == user.uid }) {
            return named.permissions & mask & wanted == wanted
        }
        let matching = list.filter {
            $0.tag == 0x04 && groups.contains(owningGroup) || $0.tag == 0x08 && groups.contains($0.id)
        }
        if !matching.isEmpty { return matching.contains { $0.permissions & mask & wanted == wanted } }
        return (list.first { $0.tag == 0x20 }?.permissions ?? 0) & wanted == wanted
    }
}
