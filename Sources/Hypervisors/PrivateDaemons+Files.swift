import Basics
import FoundationEssentials
import Glibc
import HostFiles
import XML

/// The files the daemons find when they start: their configuration, the default network, and nothing half done.
extension PrivateDaemons {
    /// Prepares the files, for who holds the lock of the start: no daemon runs.
    func prepare() throws(Failure) {
        try makeFolders(folder, mode: 0o711)
        for name in ["etc", "lib", "cache", "log", "log/swtpm", "etc/qemu/networks"] {
            try makeFolders("\(folder)/\(name)")
        }
        try makeFolders(runtime + "/run")
        let user = try emulatorUser()
        try writeBytes(Self.daemonConfiguration(socketsIn: runtime).utf8, to: runtime + "/libvirtd.conf")
        try writeOwn(Self.emulatorConfiguration(user), to: folder + "/etc/qemu.conf")
        try defineNetwork()
        try boundLog()
        guard Self.canMount else { return }
        try forgetHalfStarts()
        endProbes()
    }

    /// The first line of a file that limiq may write over.
    private static let signature = "# Written by limiq; without this line it stays as it is."

    private func writeOwn(_ text: String, to path: String) throws(Failure) {
        let text = Self.signature + "\n" + text
        if let present = readWhole(path), present == text || !present.hasPrefix(Self.signature) { return }
        try writeBytes(text.utf8, to: path, mode: 0o644)
    }

    private static func daemonConfiguration(socketsIn folder: String) -> String {
        """
        unix_sock_dir = "\(folder)"
        unix_sock_ro_perms = "0700"
        unix_sock_rw_perms = "0700"
        auth_unix_ro = "none"
        auth_unix_rw = "none"
        log_level = 3
        log_outputs = "3:file:/var/log/libvirt/libvirtd.log"

        """
    }

    private static func emulatorConfiguration(_ user: EmulatorUser) -> String {
        """
        user = "\(user.name)"
        group = "+\(user.gid)"
        # Each guest's would be made and filled anew at its start, a tenth of its time; what a guest may take of the
        # machine is QEMU's to limit here.
        cgroup_controllers = []

        """
    }

    /// Keeps the daemon's log from growing without end: it grows with each failure of each start.
    private func boundLog() throws(Failure) {
        let log = folder + "/log/libvirtd.log"
        var status = stat()
        guard lstat(log, &status) == 0, status.st_size > 1 << 20 else { return }
        guard rename(log, log + ".0") == 0 else {
            throw Failure.system(errno, "cannot move \(log) away", resource: log)
        }
    }

    /// Defines libvirt's default network, to be started by the first machine on it. One that somebody has changed or
    /// removed stays so.
    private func defineNetwork() throws(Failure) {
        let mark = folder + "/etc/default-network"
        guard !fileExists(mark) else { return }
        let subnet = "192.168.\(Self.subnet(of: runtime))"
        let network = XMLElement(
            "network", [:],
            [
                XMLElement("name", text: "default"),
                XMLElement("uuid", text: UUID().uuidString.lowercased()),
                XMLElement("forward", ["mode": "nat"]),
                XMLElement(
                    "bridge", ["name": "limiq\(lastComponent(runtime).prefix(8))", "stp": "on", "delay": "0"]),
                XMLElement(
                    "ip", ["address": subnet + ".1", "netmask": "255.255.255.0"],
                    [
                        XMLElement(
                            "dhcp", [:],
                            [XMLElement("range", ["start": subnet + ".2", "end": subnet + ".254"])])
                    ]),
            ])
        try writeBytes(network.xml.utf8, to: folder + "/etc/qemu/networks/default.xml")
        try writeBytes([], to: mark)
    }

    /// The number of the subnet, from 100 to 227, by the daemons' own digest: the networks of two state folders are
    /// used side by side, and beside that of a system's libvirt, 192.168.122.0/24.
    private static func subnet(of runtime: String) -> Int {
        let number = Int(lastComponent(runtime).suffix(4), radix: 16) ?? 0
        let subnet = 100 + number % 127
        return subnet >= 122 ? subnet + 1 : subnet
    }

    // MARK: after a daemon that was killed

    /// The path on this host of a file that libvirt names in its state.
    private func outside(_ path: String) -> String? {
        let root = "/var/lib/libvirt/"
        return path.hasPrefix(root) ? "\(folder)/lib/\(path.dropFirst(root.count))" : nil
    }

    /// Forgets domains that were just being started, so that they are off: they have no QEMU, and libvirt would keep them as
    /// being started for ever.
    ///
    /// libvirt writes a domain's status, with the start as its unfinished job, before it lets the process that becomes QEMU
    /// go on; killed before that, the process ends with it. The next libvirt restores the job and, with no process to look
    /// for, never ends it (`qemuProcessReconnectHelper` of libvirt 9.0): every call about the domain then fails after 30 s.
    func forgetHalfStarts() throws(Failure) {
        let statuses = runtime + "/run/qemu"
        guard fileExists(statuses) else { return }
        for file in try namesInFolder(statuses) where file.hasSuffix(".xml") {
            let path = "\(statuses)/\(file)"
            guard let text = readWhole(path), let status = try? XMLReader.parse(text),
                status.name == "domstatus", status.attributes["pid"] == "0"
            else { continue }
            for element in ["libDir", "channelTargetDir"] {
                let own = (status.first(element)?.attributes["path"]).flatMap(outside)
                if let own, fileExists(own) { try removeWhole(own) }
            }
            try removeFile(path)
        }
    }

    /// Ends the QEMU processes that a killed daemon was asking what they can do, and removes their folders.
    private func endProbes() {
        let states = folder + "/lib/qemu"
        for name in (try? namesInFolder(states)) ?? [] where name.hasPrefix("qmp-") {
            // QEMU's command line has the path as the daemon knows it.
            let socket = "/var/lib/libvirt/qemu/\(name)/"
            if let process = readWhole("\(states)/\(name)/qmp.pid").flatMap({ pid_t($0.trimmed()) }),
                process > 1,
                readWhole("/proc/\(process)/cmdline")?.contains(socket) == true
            {
                kill(process, SIGKILL)
            }
            try? removeWhole("\(states)/\(name)")
        }
    }
}
