import Basics
import Glibc

/// The folder of this test process, `/tmp/limiq-test-PID`: made at the first use, removed when the process ends, with
/// the guests that still run in it.
///
/// A guest outlives the process that started it. Whatever starts one keeps libvirt's embed root in this folder, as
/// `embed` or as `NAME/embed`, where it is found.
enum ProcessFolder {
    private static let made: Result<String, any Error> = Result {
        removeLeftovers()
        let folder = name(of: getpid())
        guard mkdir(folder, 0o755) == 0 else {
            throw Failure(.io, "cannot make \(folder)", cause: String(cString: strerror(errno)))
        }
        atexit { ProcessFolder.remove(ProcessFolder.name(of: getpid())) }
        return folder
    }

    static func path() throws -> String { try made.get() }

    private static let stem = "limiq-test-"

    private static func name(of process: pid_t) -> String { "/tmp/\(stem)\(process)" }

    /// Folders of test processes that were killed before they could clean up.
    private static func removeLeftovers() {
        for entry in folderNames("/tmp") where entry.hasPrefix(stem) {
            guard let process = pid_t(entry.dropFirst(stem.count)), process != getpid(),
                kill(process, 0) != 0, errno == ESRCH
            else { continue }
            remove("/tmp/\(entry)")
        }
    }

    private static func remove(_ folder: String) {
        for name in [""] + folderNames(folder).map({ $0 + "/" }) { endGuests("\(folder)/\(name)embed") }
        try? removeFolder(folder)
    }

    /// Ends the guests that run in an embed root. A guest's process is known by libvirt's pid file and by the folder in
    /// its command line.
    static func endGuests(_ root: String) {
        let run = "\(root)/run/qemu"
        for entry in folderNames(run) where entry.hasSuffix(".pid") && entry != "driver.pid" {
            guard let process = pid_t(fileText("\(run)/\(entry)").filter(\.isNumber)),
                fileText("/proc/\(process)/cmdline").contains(root)
            else { continue }
            kill(process, SIGKILL)
            for _ in 0..<500 where isRunning(process) { usleep(10_000) }
        }
    }
}
