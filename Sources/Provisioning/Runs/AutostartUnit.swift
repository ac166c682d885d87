import Basics
import Glibc
import HostFiles
import Hypervisors
import MachineSpec

/// The unit of systemd that starts machines with the host where libvirt does not: a user's session and limiq's own daemons
/// are not there before somebody asks for them, and a forwarded port is set by limiq alone. limiq writes it into the state
/// folder; whoever wants it enables it.
public struct AutostartUnit: Sendable {
    public let path: String
    private let state: StateFolder
    private let uri: String

    public init(_ state: StateFolder, uri: String) {
        self.state = state
        self.uri = uri
        path = "\(state.root)/\(Self.name)"
    }

    private static let name = "limiq-autostart.service"

    /// The command that enables the unit.
    public var command: String {
        geteuid() == 0
            ? "systemctl enable \(path)"
            : "systemctl --user enable \(path) && loginctl enable-linger"
    }

    /// Whether systemd has been told of the unit.
    public var isEnabled: Bool {
        fileExists("\(Self.folder)/\(Self.target).wants/\(Self.name)")
    }

    /// The folder where systemd is told of units (systemd.unit(5), "Unit File Load Path").
    private static var folder: String {
        if geteuid() == 0 { return "/etc/systemd/system" }
        if let folder = getenv("XDG_CONFIG_HOME") { return "\(String(cString: folder))/systemd/user" }
        return (getenv("HOME").map { String(cString: $0) } ?? "") + "/.config/systemd/user"
    }

    private static var target: String { geteuid() == 0 ? "multi-user.target" : "default.target" }

    /// - Parameter program: the path of limiq.
    func text(_ program: String) -> String {
        """
        # Written by limiq: starts the machines with autostart = true. Enable it with:
        #   \(command)
        [Unit]
        Description=Virtual machines of limiq
        After=network.target

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        # The guests outlive the command that has started them.
        KillMode=process
        Environment=\(Self.quoted("LIMIQ_HOME=\(state.root)"))
        Environment=\(Self.quoted("LIMIQ_URI=\(uri)"))
        ExecStart=\(Self.quoted(program, isCommand: true)) start --autostart

        [Install]
        WantedBy=\(Self.target)

        """
    }

    /// Writes the unit, where it is not there as it is to be.
    func write() throws(Failure) {
        guard let program = realpath("/proc/self/exe", nil) else {
            throw Failure.system(errno, "cannot tell where limiq is")
        }
        defer { free(program) }
        let text = text(String(cString: program))
        if readWhole(path) != text { try writeBytes(Array(text.utf8), to: path) }
    }

    /// A word as systemd reads it (systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers"; systemd.service(5), "Command
    /// lines").
    private static func quoted(_ word: String, isCommand: Bool = false) -> String {
        var text = "\""
        for character in word {
            switch character {
            case "\\", "\"": text += "\\\(character)"
            case "%": text += "%%"
            case "$" where isCommand: text += "$$"
            default: text.append(character)
            }
        }
        return text + "\""
    }
}

extension Machine {
    /// Whether libvirt can start the machine with the host, as whole as limiq would: its daemon is started with the host, and
    /// no port of the host is to lead into the guest.
    func startsByLibvirt(_ spec: VMSpec) -> Bool {
        if isOnTestDriver { return true }
        guard HypervisorURI(hypervisor.uri).path == "/system",
            hypervisor.uri != PrivateDaemons(state: state).uri
        else {
            return false
        }
        return spec.nics.allSatisfy(\.forward.isEmpty)
    }

    /// The unit that starts the machine with the host; `nil` where libvirt does, or nothing is to.
    public func autostartUnit(_ spec: VMSpec) -> AutostartUnit? {
        guard spec.autostart == true, !startsByLibvirt(spec) else { return nil }
        return AutostartUnit(state, uri: hypervisor.uri)
    }

    /// Sees to it that the machine starts with the host, or does not.
    ///
    /// - Returns: the words for a person who has still to do something.
    func settleAutostart(_ spec: VMSpec) throws(Failure) -> String? {
        let unit = autostartUnit(spec)
        let isLibvirts = spec.autostart == true && unit == nil
        if try hypervisor.startsWithHost(name) != isLibvirts {
            try hypervisor.setStartsWithHost(name, isLibvirts)
        }
        guard let unit else { return nil }
        try unit.write()
        return unit.isEnabled
            ? nil : "autostart: \(name) starts with the host once its unit is enabled: \(unit.command)"
    }

    /// - Throws: `Failure` with code `host_not_able` where neither libvirt nor a unit here can start the machine.
    func requireAutostart(_ spec: VMSpec) throws(Failure) {
        guard spec.autostart == true, !isLocal, !startsByLibvirt(spec) else { return }
        throw Failure(
            .hostNotAble,
            "autostart: \(hypervisor.uri) is on another host, where \(HypervisorURI(hypervisor.uri).path == "/system" ? "libvirt would start \(name) without its forwards" : "no daemon is started with the host")",
            hint: "leave autostart out, or use its system daemon and a nic with a network of its own",
            resource: name)
    }
}
