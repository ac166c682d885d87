import Basics

/// The rules of `useradd` and `groupadd` for names.
enum AccountName {
    /// What every `useradd` has against a name, Debian's, which takes most, included (shadow 4.13 with its patch
    /// 506_relaxed_usernames); `nil` where it takes it.
    static func problem(_ name: String) -> String? {
        if name.isEmpty { return "it is empty" }
        if name.utf8.count > 32 { return "it has more than 32 characters" }
        if let first = name.first, "-+~".contains(first) { return "it begins with \(first)" }
        for scalar in name.unicodeScalars {
            if " \t\n\r\u{B}\u{C}".unicodeScalars.contains(scalar) { return "it has a blank in it" }
            if scalar == ":" || scalar == "," { return "it has a \(scalar == ":" ? "colon" : "comma") in it" }
            if scalar.properties.generalCategory == .control { return "it has a control character in it" }
        }
        return nil
    }

    /// Whether other distributions take the name: ASCII letters, digits, `_`, `.` and `-`, none of the last two at the
    /// beginning, and a `$` at the end, but no number (shadow-utils of Fedora and Red Hat).
    static func isPortable(_ name: String) -> Bool {
        name.contains(#/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/#) && !name.allSatisfy(\.isNumber)
    }

    /// The users that a fresh Debian has (base-passwd, and those of systemd, D-Bus, sshd and apt), and others' wheel
    /// accounts of old.
    static let users: Set<String> = [
        "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
        "www-data",
        "backup", "list", "irc", "gnats", "nobody", "_apt", "systemd-network", "systemd-resolve",
        "systemd-timesync", "messagebus", "sshd", "uuidd", "_chrony", "chrony", "polkitd", "tss", "syslog",
        "adm", "shutdown", "halt", "operator", "ftp", "dbus",
    ]

    /// The groups that a fresh Debian has and no user of their name (base-passwd, udev, cron, sudo).
    static let groups: Set<String> = [
        "adm", "tty", "disk", "kmem", "dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio",
        "dip",
        "operator", "src", "shadow", "utmp", "video", "sasl", "plugdev", "staff", "users", "nogroup", "input",
        "kvm",
        "render", "sgx", "crontab", "netdev", "systemd-journal",
    ]

    /// Groups of other distributions.
    static let otherGroups: Set<String> = [
        "wheel", "lock", "utempter", "ssh_keys", "lxd", "_ssh", "ssl-cert",
    ]

    static func isThere(group: String) -> Bool {
        users.contains(group) || groups.contains(group) || otherGroups.contains(group)
    }
}
