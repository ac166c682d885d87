import Glibc

/// The accounts of this host.
package enum Accounts {
    package static func user(_ uid: UInt32, _ gid: UInt32) -> EmulatorUser {
        let known = withEntry { getpwuid_r(uid, $0, $1, $2, $3) }
        return EmulatorUser(name: known?.name ?? String(uid), uid: uid, gid: gid)
    }

    /// - Parameter text: a name, or a number with or without a `+` before it, as `qemu.conf` allows.
    package static func user(_ text: String) -> EmulatorUser? {
        if let known = withEntry({ getpwnam_r(text, $0, $1, $2, $3) }) { return known }
        guard let uid = UInt32(text.drop { $0 == "+" }) else { return nil }
        return withEntry { getpwuid_r(uid, $0, $1, $2, $3) }
            ?? EmulatorUser(name: String(uid), uid: uid, gid: uid)
    }

    package static func group(_ text: String) -> UInt32? {
        var entry = GroupEntry()
        var found: UnsafeMutablePointer<GroupEntry>?
        let known: UInt32? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64 << 10) { buffer in
            guard let start = buffer.baseAddress, getgrnam_r(text, &entry, start, buffer.count, &found) == 0
            else { return nil }
            return found?.pointee.gr_gid
        }
        return known ?? UInt32(text.drop { $0 == "+" })
    }

    /// The name of a group; `nil` where it has none.
    package static func groupName(_ gid: UInt32) -> String? {
        var entry = GroupEntry()
        var found: UnsafeMutablePointer<GroupEntry>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64 << 10) { buffer in
            guard let start = buffer.baseAddress, getgrgid_r(gid, &entry, start, buffer.count, &found) == 0
            else { return nil }
            return found.map { String(cString: $0.pointee.gr_name) }
        }
    }

    private typealias GroupEntry = Glibc.group

    private static func withEntry(
        _ look: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) -> EmulatorUser? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64 << 10) { buffer in
            guard let start = buffer.baseAddress, look(&entry, start, buffer.count, &found) == 0, let found
            else { return nil }
            return EmulatorUser(
                name: String(cString: found.pointee.pw_name), uid: found.pointee.pw_uid,
                gid: found.pointee.pw_gid)
        }
    }
}
