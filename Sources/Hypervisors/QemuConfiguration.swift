import Basics
import Glibc
import HostFiles

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
