import Basics

/// A folder of a guest that is made the same as one of this host.
struct SyncTarget {
    let path: String

    /// - Throws: `Failure` with code `bad_field` for what is no such folder.
    init(_ path: String, deletes: Bool) throws(Failure) {
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard path.hasPrefix("/"), !parts.contains("..") else {
            throw Failure(
                .badField, "\(path.isEmpty ? "an empty text" : path) is no absolute path of the guest",
                hint: "write the whole of it: /srv/www", resource: path)
        }
        self.path = "/" + parts.joined(separator: "/")
        guard !parts.isEmpty else {
            throw Failure(
                .badField, "/ of a guest is not made the same as a folder",
                hint: "name a folder in it: /srv/www",
                resource: path)
        }
        if deletes { try Self.requireOwn(self.path) }
    }

    /// Looks whether all may be removed from a folder of the guest that is not here.
    ///
    /// - Throws: `Failure` with code `bad_field` for one that the system lives in, or a person.
    static func requireOwn(_ path: String) throws(Failure) {
        var parts = path.split(separator: "/").map(String.init)
        // Systems with one folder of all that changes have links to these.
        if parts.count > 1, parts[0] == "var", ["home", "mnt", "opt", "roothome"].contains(parts[1]) {
            parts.removeFirst()
        }
        let isHome = ["home", "roothome"].contains(parts.first) && parts.count <= 2
        let isPrograms =
            parts.first.map { $0 == "bin" || $0 == "sbin" || $0.hasPrefix("lib") } == true
            || parts.first == "usr" && parts.count > 1 && ["bin", "sbin"].contains(parts[1])
            || parts.first == "usr" && parts.count > 1 && parts[1].hasPrefix("lib")
        let isKernels = ["proc", "sys", "dev", "boot", "run"].contains(parts.first)
        guard
            parts.isEmpty || isHome || isKernels || isPrograms
                || systems.contains("/" + parts.joined(separator: "/"))
        else { return }
        throw Failure(
            .badField, "delete would remove what else is in \(path) of the guest, which is the system's",
            hint: "name a folder in it, or leave delete out", resource: path)
    }

    private static let systems: Set<String> = [
        "/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt", "/opt", "/root", "/sbin",
        "/tmp",
        "/usr",
        "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/local",
        "/usr/local/bin", "/usr/local/etc", "/usr/local/lib", "/usr/local/sbin", "/usr/local/share",
        "/usr/sbin",
        "/usr/share", "/usr/src", "/var", "/var/backups", "/var/cache", "/var/lib", "/var/log", "/var/mail",
        "/var/opt", "/var/spool", "/var/tmp",
    ]
}
