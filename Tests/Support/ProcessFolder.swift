import Basics
import Glibc
import HostFiles
import Hypervisors

/// The folder of this test process, `/tmp/limiq-test-PID`: made at the first use, removed when the process ends, with
/// the guests that still run in it.
///
/// A guest and its daemons outlive the process that started them. Whatever starts some has this folder, or one in it, as
/// its state folder.
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
        for state in [folder] + folderNames(folder).map({ "\(folder)/\($0)" }) {
            try? endDaemons(PrivateDaemons(state: StateFolder(root: state)))
        }
        try? removeFolder(folder)
    }
}

/// Ends daemons that were private to a test's folder, with their guests and networks, and removes what they had in `/run`.
public func endDaemons(_ daemons: PrivateDaemons) throws {
    func process(_ file: String) -> pid_t? {
        pid_t(fileText(file).filter(\.isNumber)).flatMap { isRunning($0) ? $0 : nil }
    }
    let runtime = daemons.runtime
    for name in ["libvirtd", "virtlogd"] {
        guard let process = process("\(runtime)/\(name).pid"),
            fileText("/proc/\(process)/cmdline").contains(runtime)
        else { continue }
        endProcess(process)
    }
    for process in processes(ofGuestsIn: runtime + "/run") { endProcess(process) }
    let networks = runtime + "/run/network"
    for file in folderNames(networks) where file.hasSuffix(".pid") {
        guard let process = process("\(networks)/\(file)"),
            fileText("/proc/\(process)/cmdline").contains("dnsmasq")
        else { continue }
        endProcess(process)
    }
    if access(runtime, F_OK) == 0 { try removeFolder(runtime) }
}

/// The QEMU processes of the domains that libvirt keeps the state of in this folder.
public func processes(ofGuestsIn run: String) -> [pid_t] {
    folderNames(run + "/qemu").filter { $0.hasSuffix(".pid") && $0 != "driver.pid" }
        .compactMap { pid_t(fileText("\(run)/qemu/\($0)").filter(\.isNumber)) }
        .filter { isRunning($0) && fileText("/proc/\($0)/cmdline").contains("qemu-system") }
}
