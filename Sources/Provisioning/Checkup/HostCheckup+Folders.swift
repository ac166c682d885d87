import Basics
import Glibc
import HostFiles
import Hypervisors

/// The checks of the state folder, and of the folders of a session's sockets.
extension HostCheckup {
    /// The bytes below which not even a disk's overlay and a seed are made.
    private static let leastBytes: UInt64 = 64 << 20
    /// The bytes that a first machine takes: an image, and what its guest writes.
    private static let roomyBytes: UInt64 = 4 << 30

    func checkState() -> [HostFinding] {
        let root = state.root
        func broken(_ text: String, _ remedy: String) -> [HostFinding] {
            [HostFinding(.broken, "state", text, remedy: remedy)]
        }
        var status = stat()
        let isThere = stat(root, &status) == 0
        if isThere, status.st_mode & S_IFMT != S_IFDIR {
            return broken("\(root) is not a folder", "move it away, or set LIMIQ_HOME")
        }
        if isThere, status.st_uid != geteuid() {
            return broken(
                "\(root) is \(Accounts.user(status.st_uid, status.st_gid).name)'s",
                geteuid() == 0
                    ? "chown -R root: \(root), or set LIMIQ_HOME" : "set LIMIQ_HOME to a folder of yours")
        }
        let folder = isThere ? root : nearestFolder(root)
        guard faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 else {
            let reason = String(cString: strerror(errno))
            return broken(
                isThere
                    ? "\(root) cannot be written: \(reason)"
                    : "\(root) cannot be made in \(folder): \(reason)",
                "set LIMIQ_HOME to a folder that you may write")
        }
        var system = statvfs()
        guard statvfs(folder, &system) == 0 else {
            return broken(
                "\(folder): \(String(cString: strerror(errno)))", "set LIMIQ_HOME to another folder")
        }
        let free = UInt64(system.f_bavail) * UInt64(system.f_frsize)
        let noFiles = system.f_files > 0 && system.f_favail == 0
        if free < Self.leastBytes || noFiles {
            return broken(
                "\(root) is full: \(noFiles ? "its file system takes no further file" : "\(free >> 20) MiB are free")",
                "limiq gc, limiq image rm NAME, or set LIMIQ_HOME to a larger disk")
        }
        do throws(Failure) { try state.requireOwn() } catch {
            return broken(error.message, error.hint ?? "set LIMIQ_HOME to a folder of your own")
        }
        let room = free >= 10 << 30 ? "\(free >> 30) GiB" : "\(free >> 20) MiB"
        return [
            free < Self.roomyBytes
                ? HostFinding(
                    .lacking, "state", "\(root): only \(room) are free",
                    remedy: "limiq gc, limiq image rm NAME, or set LIMIQ_HOME to a larger disk")
                : HostFinding(.fine, "state", "\(root), \(room) free")
        ]
    }

    /// The deepest folder of a path that is there.
    private func nearestFolder(_ path: String) -> String {
        parents(of: path).last(where: fileExists) ?? "/"
    }

    /// Checks the length of the sockets' paths. A session's libvirt keeps its sockets below the caller's folders, and
    /// the kernel takes 107 bytes of a path; those of a system's libvirt and of limiq's own daemons are short.
    func checkSockets() -> [HostFinding] {
        guard isHere, isSession else { return [] }
        let longest = SessionSockets()
        let room = longest.roomForName
        let text = "libvirt's sockets are in \(longest.folder)"
        // libvirt writes at most 20 letters of a machine's name.
        if room >= 20 { return [HostFinding(.fine, "sockets", text)] }
        let remedy =
            "set \(longest.variable) to a shorter folder, when libvirt's daemon of the session has ended"
        return [
            room < 1
                ? HostFinding(
                    .broken, "sockets", "\(text), and no path there is short enough for a socket",
                    remedy: remedy)
                : HostFinding(
                    .lacking, "sockets",
                    "\(text): machines with names of more than \(room) letters cannot start",
                    remedy: remedy)
        ]
    }
}
