import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import MachineSpec

/// The way by which a guest is reached: its agent where it answers, else ssh.
enum Channel {
    case agent(GuestAgent)
    case ssh(GuestSSH)
}

extension Machine {
    /// Runs a program in the guest and waits for its end.
    ///
    /// - Parameters:
    ///   - command: the program and its arguments; no shell in between.
    ///   - user: of ssh; the agent runs programs as root. `nil`: the agent, or by ssh whom the machine's cloud-config
    ///     made.
    ///   - surroundings: its variables and its folder.
    ///   - check: a program that fails is a failure, with code `guest` and what it wrote to its error output.
    ///   - onLine: told of each line it writes, on either stream, without its end.
    /// - Throws: `Failure` with code `guest_stopped`, `guest`, `timeout`, `cancelled` or `libvirt`.
    public func exec(
        _ command: [String], stdin: [UInt8]? = nil, timeout: Duration = .seconds(60), user: String? = nil,
        surroundings: GuestSurroundings = GuestSurroundings(), check: Bool = true,
        onLine: (@Sendable ([UInt8]) -> Void)? = nil, cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> ExecResult {
        guard let program = command.first else { throw Failure(.badField, "there is no command to run") }
        let result: ExecResult
        let words = surroundings.around(command)
        switch try channel(user: user) {
        case .agent(let agent):
            if let onLine {
                result = try agent.follow(
                    words, stdin: stdin, timeout: timeout, cancellation: cancellation, onLine)
            } else {
                result = try agent.exec(words, stdin: stdin, timeout: timeout, cancellation: cancellation)
            }
        case .ssh(let ssh):
            result = try ssh.exec(
                words, stdin: stdin, timeout: timeout, onLine: onLine, cancellation: cancellation)
        }
        if check, result.code != 0 {
            let complaint = String(decoding: result.stderr.suffix(2000), as: UTF8.self).trimmed()
            throw Failure(
                .guest, "\(program) in \(name) ended with code \(result.code)",
                hint: "check = false returns the code instead", resource: name,
                cause: complaint.isEmpty ? nil : complaint)
        }
        return result
    }

    /// Reads a file of the guest.
    public func readFile(
        _ path: String, user: String? = nil, cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> [UInt8] {
        switch try channel(user: user) {
        case .agent(let agent): try agent.read(path, cancellation: cancellation)
        case .ssh(let ssh): try ssh.read(path, cancellation: cancellation)
        }
    }

    /// Writes a file of the guest, in the place of one that is there.
    ///
    /// - Parameter mode: octal digits (`0644`), set before the first byte is written. `nil`: a file that is there keeps its
    ///   own, a new one is 0644.
    public func writeFile(
        _ path: String, _ bytes: [UInt8], mode: String?, user: String? = nil,
        cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        if let mode { _ = try permissionBits(parsing: mode) }
        switch try channel(user: user) {
        case .agent(let agent): try agent.write(path, bytes, mode: mode, cancellation: cancellation)
        case .ssh(let ssh): try ssh.write(path, bytes, mode: mode, cancellation: cancellation)
        }
    }

    /// - Parameter prefersSSH: by ssh where its server answers, for what the agent does less well.
    func channel(user: String?, prefersSSH: Bool = false) throws(Failure) -> Channel {
        let domain = try requireDomain()
        guard domain.state.isActive else {
            throw Failure(
                .guestStopped, "\(name) is \(domain.state.rawValue)", hint: "start it first", resource: name
            )
        }
        guard domain.state != .paused else {
            throw Failure(
                .guestStopped, "\(name) is paused, nobody in it answers", hint: "resume it first",
                resource: name)
        }
        let ssh = ssh(try record(), user: user)
        if let ssh, user != nil || prefersSSH && ssh.endpoint.hasBanner() { return .ssh(ssh) }
        let agent = GuestAgent(hypervisor: hypervisor, name: name)
        do {
            // One that is not connected says so at once. In a busy guest it takes its time, and may be the only way in.
            try agent.ping(within: .seconds(ssh == nil ? 20 : 2))
            return .agent(agent)
        } catch {
            if let ssh { return .ssh(ssh) }
            throw Failure(
                .guest,
                "nothing in \(name) can be asked: its agent does not answer, and ssh cannot reach it",
                hint: "wait for \"agent\" first, install qemu-guest-agent, or forward port 22",
                resource: name,
                cause: error.message)
        }
    }

    /// - Parameter user: `nil`: the one the machine's cloud-config made, else the one of ssh's configuration.
    /// - Returns: `nil` where no way to the guest's port 22 is known.
    func ssh(_ record: MachineRecord?, user: String? = nil, isActive: Bool = true) -> GuestSSH? {
        guard !isAskedByAgentOnly,
            let endpoint = sshEndpoint(record?.spec.nics ?? [], isActive: isActive)
        else { return nil }
        return GuestSSH(
            name: name, endpoint: endpoint, user: user ?? record?.loginUser, key: state.sshKey,
            knownHosts: folder + "/known_hosts")
    }

    /// Writes what the guest's screen shows into a PNG file of this host.
    ///
    /// Here QEMU writes the file; it goes through the machine's folder, where QEMU may write. From another host libvirt
    /// sends the picture.
    public func screenshot(to path: String) throws(Failure) {
        struct Arguments: Encodable {
            var filename: String
            var format = "png"
        }
        let host = try host()
        guard try requireDomain().state.isActive else {
            throw Failure(
                .guestStopped, "\(name) is off and shows nothing", hint: "start it first", resource: name)
        }
        guard host.isLocal else { return try fetchScreenshot(to: path) }
        try makeFolder(mode: 0o711)
        let temporary = "\(folder)/screen-\(getpid())-\(UInt32.random(in: 0 ... .max)).png"
        // Made here and given to QEMU's user, which may not make files in the folder.
        try AtomicFile.write(temporary, existing: .refuse(.io), user: FileUser(host.emulatorUser, .write)) {
            (_, _) throws(Failure) in
        }
        defer { unlink(temporary) }
        let reply: MonitorReply<NothingSaid> = try monitor("screendump", Arguments(filename: temporary))
        if case .refused(let words) = reply { throw noPicture(words) }
        guard let bytes = readBytes(temporary), bytes.starts(with: [0x89, 0x50]) else { throw noPicture() }
        try writeBytes(bytes, to: path)
    }

    private func noPicture(_ words: String? = nil) -> Failure {
        Failure(
            .guest, "no screenshot of \(name)", hint: "the VM needs a video device", resource: name,
            cause: words)
    }

    private func fetchScreenshot(to path: String) throws(Failure) {
        let bytes = try hypervisor.screenshot(name)
        if bytes.starts(with: [0x89, 0x50]) { return try writeBytes(bytes, to: path) }
        guard let picture = Picture(ppm: bytes) else {
            throw Failure(.guest, "no screenshot of \(name) that can be read", resource: name)
        }
        try writeBytes(picture.png(), to: path)
    }
}
