import Basics
import Glibc
import HostFiles
import Hypervisors
import XML

/// The machines of limiq 0.1.0, which had libvirt's QEMU driver in its own process, under `embed` of the state folder.
/// Those that are off are moved to the private daemons, once, before these start.
public struct EmbeddedTakeover: Sendable {
    let state: StateFolder
    let daemons: PrivateDaemons

    public init(state: StateFolder) {
        self.state = state
        daemons = PrivateDaemons(state: state)
    }

    private var old: String { state.embed }
    private var definitions: String { old + "/etc/qemu" }

    /// Moves what can be moved. A machine that still runs there stays, until it is off at a later call.
    ///
    /// - Throws: `Failure` with code `io`. What was moved until then stays so, and the next call goes on.
    func perform() throws(Failure) {
        guard fileExists(old) else { return }
        for name in remaining() where !isRunning(name) { try move(name) }
        // What is left are its logs and its probes of QEMU.
        if remaining().isEmpty { try removeWhole(old) }
    }

    /// The names of the machines that are not moved.
    private func remaining() -> [String] {
        ((try? namesInFolder(definitions)) ?? []).filter { $0.hasSuffix(".xml") }.map {
            String($0.dropLast(4))
        }
    }

    /// The lines that tell a person of the machines that are not moved, and what to do, a line each.
    public func warnings() -> [String] {
        remaining().map {
            "\($0) was made by limiq 0.1.0 and \(isRunning($0) ? "still runs" : "waits") there: \(hint($0))"
        }
    }

    /// The words that say what to do about a machine that is not moved.
    func hint(_ name: String) -> String {
        guard isRunning(name) else {
            return "it is taken over when no other machine runs, and libvirt's daemons start anew"
        }
        let uri = "qemu:///embed?root=\(HypervisorURI.encoded(old))"
        return "virsh -c '\(uri)' destroy \(name) ends it, and limiq takes it over then"
    }

    /// Whether a machine still runs there: its process holds the pid file that libvirt made for it, and names the
    /// guest.
    private func isRunning(_ name: String) -> Bool {
        guard let process = readWhole("\(old)/run/qemu/\(name).pid").flatMap({ pid_t($0.trimmed()) }),
            process > 1
        else { return false }
        return readWhole("/proc/\(process)/cmdline")?.contains("guest=\(name),") == true
    }

    private func move(_ name: String) throws(Failure) {
        let definition = "\(definitions)/\(name).xml"
        guard let text = readWhole(definition), let domain = try? XMLReader.parse(text) else { return }
        let uuid = domain.first("uuid")?.text ?? ""
        // What libvirt keeps by a domain's name or UUID.
        for (folder, entry) in [
            ("lib/qemu/nvram", "\(name)_VARS.fd"),
            ("lib/qemu/save", "\(name).save"), ("lib/qemu/snapshot", name), ("lib/swtpm", uuid),
        ] where !entry.isEmpty {
            try move(entry, from: "\(old)/\(folder)", to: "\(daemons.folder)/\(folder)")
        }
        try open(domain, name)
        // The definition last: who is killed before it finds the rest to be done.
        try move("\(name).xml", from: definitions, to: daemons.folder + "/etc/qemu")
    }

    private func move(_ name: String, from source: String, to target: String) throws(Failure) {
        guard fileExists("\(source)/\(name)"), !fileExists("\(target)/\(name)") else { return }
        try makeFolders(target)
        guard rename("\(source)/\(name)", "\(target)/\(name)") == 0 else {
            throw Failure.system(errno, "cannot move \(source)/\(name) to \(target)", resource: source)
        }
    }

    /// Opens the machine's files to the account QEMU runs under now: it was root. Its journal names the hypervisor.
    private func open(_ domain: XMLNode, _ name: String) throws(Failure) {
        let folder = state.machine(name)
        let user = try daemons.emulatorUser()
        guard let record = try? MachineRecord.of(domain), record.folder == folder else { return }
        chmod(folder, 0o711)
        let disks = domain.all("devices/disk").filter { $0.attributes["device"] != "cdrom" }
            .compactMap { $0.first("source")?.attributes["file"] }
        for path in record.parts.files where HostFiles.folder(of: path) == folder + "/" {
            let descriptor = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            try FileUser(user, disks.contains(path) ? .write : .read).grant(descriptor, path)
        }
        guard var journal = MachineJournal.read(in: folder) else { return }
        journal.uri = daemons.uri
        try journal.takePlace(of: journal, in: folder)
    }
}

extension PrivateDaemons {
    /// The private daemons as limiq starts them: machines of limiq 0.1.0 are taken over first.
    public static func takingOver(_ state: StateFolder) -> PrivateDaemons {
        var daemons = PrivateDaemons(state: state)
        daemons.beforeLaunch = { () throws(Failure) in try EmbeddedTakeover(state: state).perform() }
        return daemons
    }
}
