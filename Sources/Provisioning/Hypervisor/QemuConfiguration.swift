import Basics
import Glibc

/// The account that QEMU's processes run under, as a `qemu.conf` says it.
struct QemuConfiguration {
    let emulatorUser: EmulatorUser?

    /// Reads a file; `nil` where it cannot be read, as an ordinary user cannot read the system's.
    init?(path: String) {
        guard let text = readWhole(path) else { return nil }
        self.init(text: text)
    }

    /// - Parameter text: lines of `key = "value"`. A line that is commented out without a space after the `#` shows the
    ///   default that this libvirt was built with.
    init(text: String) {
        func value(_ key: String) -> String? {
            let lines = text.split(separator: "\n").filter { $0.hasPrefix(key) || $0.hasPrefix("#" + key) }
            let pairs = lines.compactMap { line -> (set: Bool, value: String)? in
                let sides = line.split(separator: "=", maxSplits: 1)
                let name = sides[0].drop { $0 == "#" }.filter { $0 != " " }
                guard sides.count == 2, name == key else { return nil }
                return (line.first != "#", sides[1].filter { $0 != "\"" && !$0.isWhitespace })
            }
            return (pairs.last { $0.set } ?? pairs.first)?.value
        }
        guard let user = value("user"), let account = Accounts.user(user) else {
            emulatorUser = nil
            return
        }
        let group = value("group").flatMap(Accounts.group)
        emulatorUser = EmulatorUser(name: account.name, uid: account.uid, gid: group ?? account.gid)
    }
}

/// The accounts of this host.
enum Accounts {
    static func user(_ uid: UInt32, _ gid: UInt32) -> EmulatorUser {
        let known = withEntry { getpwuid_r(uid, $0, $1, $2, $3) }
        return EmulatorUser(name: known?.name ?? String(uid), uid: uid, gid: gid)
    }

    /// - Parameter text: a name, or a number with or without a `+` before it, as `qemu.conf` allows.
    static func user(_ text: String) -> EmulatorUser? {
        if let known = withEntry({ getpwnam_r(text, $0, $1, $2, $3) }) { return known }
        guard let uid = UInt32(text.drop { $0 == "+" }) else { return nil }
        return withEntry { getpwuid_r(uid, $0, $1, $2, $3) }
            ?? EmulatorUser(name: String(uid), uid: uid, gid: uid)
    }

    static func group(_ text: String) -> UInt32? {
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
    static func groupName(_ gid: UInt32) -> String? {
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
