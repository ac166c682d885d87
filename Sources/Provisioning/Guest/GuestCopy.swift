import Basics
import Glibc
import HostFiles

/// How files are copied into a guest, or out of it.
public struct CopyOptions: Sendable, Equatable {
    /// The guest's user, by ssh; `nil`: the one the machine's cloud-config made.
    public var user: String?
    /// Whether folders are copied with all that is in them.
    public var isRecursive = true
    /// Whether what the source does not have is removed from the folder that is copied to. It needs rsync at both ends.
    public var deletes = false
    /// The patterns of names that are left out, as rsync and tar take them.
    public var exclude: [String] = []
    /// Whether a terminal is shown how far a large copy is.
    public var showsProgress = false

    public init() {}
}

/// The place a copy goes to, by cp(1)'s rules, which are the same in both directions: into a folder that is there, under
/// the source's name, else to that name itself. `folder/.` is what is in the folder, and a slash at the end says that it is
/// a folder, and nothing else.
struct CopyTarget: Equatable {
    enum Kind: String {
        case folder, file, none
    }

    /// The path that the source becomes.
    let path: String

    /// - Parameters:
    ///   - source: the source's path, as it was given.
    ///   - target: the target's.
    ///   - kinds: what is there, for the two.
    /// - Throws: `Failure` with code `not_found` without a source, `bad_field` for what cp(1) refuses.
    init(
        of source: String, _ sourceKind: Kind, to target: String, _ targetKind: Kind, isRecursive: Bool
    ) throws(Failure) {
        guard sourceKind != .none else {
            throw Failure(.notFound, "\(source) is not there", resource: source)
        }
        if sourceKind == .folder, !isRecursive {
            throw Failure(.badField, "\(source) is a folder", hint: "-r copies it with all that is in it")
        }
        if sourceKind == .file, source.hasSuffix("/") {
            throw Failure(.badField, "\(source) is no folder", hint: "leave the slash out")
        }
        if targetKind == .file, sourceKind == .folder || target.hasSuffix("/") {
            throw Failure(.badField, "\(target) is there, and no folder", resource: target)
        }
        if targetKind == .none, sourceKind == .file, target.hasSuffix("/") {
            throw Failure(.notFound, "there is no folder \(target)", resource: target)
        }
        let plain = Self.withoutSlashes(target)
        let name = lastComponent(Self.withoutSlashes(source))
        if targetKind == .folder, ![".", "..", ""].contains(name) {
            path = plain == "/" ? "/\(name)" : "\(plain)/\(name)"
        } else {
            path = plain
        }
    }

    /// The path without the slashes at its end.
    static func withoutSlashes(_ path: String) -> String {
        var path = Substring(path)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return String(path)
    }
}

extension Machine {
    /// Copies a file or a folder of this host into the guest. Modes and times are kept, links stay links, and what arrives is
    /// the user's who is logged in, or root's by the agent.
    ///
    /// - Parameters:
    ///   - source: a path of this host.
    ///   - target: a path of the guest; a relative one begins at the user's own folder, or by the agent at `/`.
    /// - Throws: `Failure` with code `not_found`, `bad_field`, `guest`, `host_not_able`, and as `exec`.
    public func copyIn(
        _ source: String, to target: String, _ options: CopyOptions = CopyOptions(),
        cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        let copy = try GuestCopy(self, options, cancellation)
        let ends = try copy.look(at: target)
        let kind = GuestCopy.kind(ofLocal: source)
        let path = try CopyTarget(
            of: source, kind, to: target, ends.kind, isRecursive: options.isRecursive
        ).path
        let there = path == CopyTarget.withoutSlashes(target) ? ends.kind : try copy.look(at: path).kind
        try GuestCopy.requireSameKind(kind, path, there)
        try copy.send(source, isFolder: kind == .folder, to: path, hasRsync: ends.hasRsync)
    }

    /// Copies a file or a folder of the guest to this host, as `copyIn`.
    ///
    /// - Parameters:
    ///   - source: a path of the guest.
    ///   - target: a path of this host.
    public func copyOut(
        _ source: String, to target: String, _ options: CopyOptions = CopyOptions(),
        cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        let copy = try GuestCopy(self, options, cancellation)
        let ends = try copy.look(at: source)
        let path = try CopyTarget(
            of: source, ends.kind, to: target, GuestCopy.kind(ofLocal: target),
            isRecursive: options.isRecursive
        ).path
        try GuestCopy.requireSameKind(ends.kind, path, GuestCopy.kind(ofLocal: path))
        try copy.fetch(source, isFolder: ends.kind == .folder, to: path, hasRsync: ends.hasRsync)
    }
}

/// A copy between this host and a guest: by rsync where both have it and it is asked to compare, else by tar through ssh,
/// else by the guest's agent.
struct GuestCopy {
    let machine: Machine
    let channel: Channel
    private let options: CopyOptions
    private let cancellation: Cancellation

    init(_ machine: Machine, _ options: CopyOptions, _ cancellation: Cancellation) throws(Failure) {
        (self.machine, self.options, self.cancellation) = (machine, options, cancellation)
        channel = try machine.channel(user: options.user, prefersSSH: true)
    }

    var isBySSH: Bool {
        if case .ssh = channel { true } else { false }
    }

    // MARK: both ends

    static func kind(ofLocal path: String) -> CopyTarget.Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .none }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
    }

    static func requireSameKind(
        _ source: CopyTarget.Kind, _ path: String, _ there: CopyTarget.Kind
    ) throws(Failure) {
        guard there != .none, there != source else { return }
        throw Failure(
            .badField,
            source == .folder
                ? "\(path) is there, and no folder" : "\(path) is a folder, and the source is none",
            resource: path)
    }

    /// What the guest has at a path, and whether it has rsync.
    func look(at path: String) throws(Failure) -> (kind: CopyTarget.Kind, hasRsync: Bool) {
        let script = """
            if [ -d "$1" ]; then echo folder; elif [ -e "$1" ]; then echo file; else echo none; fi
            command -v rsync >/dev/null && echo rsync
            exit 0
            """
        let words = String(decoding: try inGuest(["sh", "-c", script, "sh", path]), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace)
        guard let kind = words.first.flatMap({ CopyTarget.Kind(rawValue: String($0)) }) else {
            throw Failure(.guest, "\(machine.name) does not say what is at \(path)", resource: machine.name)
        }
        return (kind, words.contains("rsync"))
    }

    /// Runs a program in the guest to its end.
    ///
    /// - Returns: its output.
    /// - Throws: `Failure` with code `guest` that has what it complained of.
    @discardableResult
    func inGuest(_ command: [String], reading input: [UInt8]? = nil) throws(Failure) -> [UInt8] {
        let result: ExecResult
        switch channel {
        case .agent(let agent):
            result = try agent.exec(
                command, stdin: input, timeout: GuestFiles.timeLimit, cancellation: cancellation)
        case .ssh(let ssh):
            result = try ssh.exec(
                command, stdin: input, timeout: GuestFiles.timeLimit, cancellation: cancellation)
        }
        guard result.code == 0 else { throw refused(result.stderr) }
        return result.stdout
    }

    /// The words of the system for a disk that is full (strerror(3), ENOSPC).
    static let noSpace = "No space left on device"

    private func refused(_ errors: [UInt8]) -> Failure {
        let lines = String(decoding: errors.prefix(2000), as: UTF8.self).trimmed()
            .split(whereSeparator: \.isNewline)
        // What follows of a full disk is told before, in many words.
        let line = lines.first { $0.contains(Self.noSpace) } ?? lines.first
        return Failure(
            .guest, "the copy of \(machine.name) has failed", resource: machine.name,
            cause: line.map { outsideText(String($0)) })
    }

    // MARK: into the guest

    func send(_ source: String, isFolder: Bool, to path: String, hasRsync: Bool) throws(Failure) {
        let (folder, name) = isFolder ? (source, ".") : Self.place(of: source)
        let pack =
            ["tar"] + telling + ["-c", "-f", "-", "-C", folder] + excluded
            + ["--", isFolder ? "." : "./\(name)"]
        let unpack = Self.unpack(isFolder ? nil : name, to: path, by: Self.guestTar)
        if case .ssh(let ssh) = channel {
            if try usesRsync(hasRsync) {
                return try rsync(
                    ssh, isFolder ? "\(source)/" : source, "\(ssh.endpoint.host):\(path)", whole)
            }
        } else {
            try requirePlain()
        }
        try hand(pack, to: unpack)
    }

    /// Hands what a program of this host writes to one of the guest: by ssh as it comes, by the agent as a file.
    ///
    /// - Parameter input: what the first reads.
    func hand(_ first: [String], reading input: [UInt8] = [], to second: [String]) throws(Failure) {
        switch channel {
        case .ssh(let ssh): try run(first, try words(ssh, second), reading: input)
        case .agent(let agent):
            let archive = "/tmp/.limiq-\(UInt64.random(in: .min ... .max)).tar"
            let bytes = try local(first, input: input)
            defer { _ = try? inGuest(["rm", "-f", "--", archive]) }
            try agent.write(archive, bytes, mode: "0600", cancellation: cancellation)
            try inGuest(["sh", "-c", "a=$1; shift; exec \"$@\" <\"$a\"", "sh", archive] + second)
        }
    }

    /// The command that unpacks an archive on its input.
    ///
    /// - Parameters:
    ///   - file: the name of the one file in it; `nil` for a folder's contents.
    ///   - tar: the words of the tar that reads it, up to the folder.
    ///   - isHere: whether it is unpacked on this host, of what a guest says.
    private static func unpack(
        _ file: String?, to path: String, by tar: String, isHere: Bool = false
    ) -> [String] {
        // In a folder of its own first: what is there stays as it is until all has arrived.
        let aside = """
            t=$1.limiq-$$; mkdir -m 700 -- "$t" || exit
            trap 'rm -rf -- "$t"' EXIT; trap 'exit 1' HUP INT TERM
            \(tar) "$t"
            """
        let script =
            if file != nil {
                aside + " && mv -f -- \"$t/$2\" \"$1\""
            } else if isHere {
                // tar would write through a link that an earlier copy has left, and the guest says where that leads.
                aside + " && cp -a --remove-destination -T -- \"$t\" \"$1\""
            } else {
                "[ -d \"$1\" ] || mkdir -- \"$1\" || exit; \(tar) \"$1\""
            }
        return ["sh", "-c", script, "sh", path] + (file.map { [$0] } ?? [])
    }

    /// The guest's tar, which may be a small one.
    static let guestTar = "tar -x -p -o -f - -C"

    /// This host's tar, GNU's. What a guest says to be set-user-ID would be the caller's here: that bit does not pass.
    private var hostTar: String {
        "umask 0; "
            + GuestSSH.line(["tar"] + telling + ["-x", "--no-same-permissions", "-o", "-f", "-", "-C"])
    }

    // MARK: out of the guest

    func fetch(_ source: String, isFolder: Bool, to path: String, hasRsync: Bool) throws(Failure) {
        let (folder, name) = isFolder ? (source, ".") : Self.place(of: source)
        let pack =
            ["tar", "-c", "-f", "-", "-C", folder] + excluded + ["--", isFolder ? "." : "./\(name)"]
        let unpack = Self.unpack(isFolder ? nil : name, to: path, by: hostTar, isHere: true)
        switch channel {
        case .ssh(let ssh):
            if try usesRsync(hasRsync) {
                return try rsync(
                    ssh, "\(ssh.endpoint.host):\(source)\(isFolder ? "/" : "")", path,
                    whole + ["--chmod=ug-s"])
            }
            try run(try words(ssh, pack), unpack)
        case .agent(let agent):
            try requirePlain()
            let archive = "/tmp/.limiq-\(UInt64.random(in: .min ... .max)).tar"
            defer { _ = try? inGuest(["rm", "-f", "--", archive]) }
            try inGuest(["sh", "-c", "umask 077; a=$1; shift; exec \"$@\" >\"$a\"", "sh", archive] + pack)
            _ = try local(unpack, input: try agent.read(archive, cancellation: cancellation))
        }
    }

    // MARK: by which way

    private static func place(of file: String) -> (folder: String, name: String) {
        let folder = HostFiles.folder(of: file)
        return (folder.isEmpty ? "." : folder, lastComponent(file))
    }

    private var excluded: [String] { options.exclude.map { "--exclude=\($0)" } }

    /// The options with which this host's tar, GNU's, tells a terminal how far it is after each 5 MiB.
    private var telling: [String] {
        options.showsProgress
            ? ["--checkpoint=500", "--checkpoint-action=ttyout=\\r\(machine.name): %{copied,copied}T%*"] : []
    }

    private func usesRsync(_ isInGuest: Bool) throws(Failure) -> Bool {
        guard isInGuest, HostProgram.isThere("rsync") else {
            guard options.deletes else { return false }
            throw Failure(
                .hostNotAble, "delete needs rsync, which is not in \(isInGuest ? "this host" : machine.name)",
                hint: "install rsync there", resource: machine.name)
        }
        return true
    }

    private func requirePlain() throws(Failure) {
        guard options.deletes else { return }
        throw Failure(
            .hostNotAble, "delete needs rsync by ssh, and \(machine.name) is reached by its agent only",
            hint: "forward port 22", resource: machine.name)
    }

    /// The options of rsync for all that is in a folder.
    private var whole: [String] { excluded + (options.deletes ? ["--delete"] : []) }

    /// - Parameter input: what it reads.
    func rsync(
        _ ssh: GuestSSH, _ source: String, _ target: String, _ more: [String], reading input: [UInt8] = []
    ) throws(Failure) {
        var words = ["rsync", "-a", "--no-owner", "--no-group", "--protect-args"] + more
        if options.showsProgress { words.append("--info=progress2") }
        words += [
            "-e", GuestSSH.line(["ssh"] + Self.patience + (try ssh.options())), "--", source, target,
        ]
        var rsync = program(words)
        rsync.input = input
        if options.showsProgress {
            // One line, over and over, and no end of it.
            rsync.onOutput = { writeAll($0.filter { $0 != UInt8(ascii: "\n") }, to: STDERR_FILENO) }
        }
        let result = try rsync.run(cancellation)
        // A file that has gone meanwhile is no failure.
        guard result.code == 0 || result.code == Self.vanished else { throw refused(result.errors) }
    }

    /// rsync's exit code where files have gone before they were sent.
    private static let vanished = 24

    /// The options by which ssh notices that a guest is gone.
    private static let patience = ["-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"]

    private func words(_ ssh: GuestSSH, _ command: [String]) throws(Failure) -> [String] {
        ["ssh"] + Self.patience + (try ssh.words([GuestSSH.line(command)])).dropFirst()
    }

    /// Runs two programs of this host, the second of which reads what the first writes.
    private func run(
        _ first: [String], _ second: [String], reading input: [UInt8] = []
    ) throws(Failure) {
        let line = "set -o pipefail; \(GuestSSH.line(first)) | \(GuestSSH.line(second))"
        var pipeline = program(["bash", "-c", line])
        pipeline.input = input
        let result = try pipeline.run(cancellation)
        guard result.code == 0 else { throw refused(result.errors) }
    }

    private func local(_ command: [String], input: [UInt8] = []) throws(Failure) -> [UInt8] {
        var program = program(command)
        program.input = input
        let result = try program.run(cancellation)
        guard result.code == 0 else { throw refused(result.errors) }
        return result.output
    }

    private func program(_ command: [String]) -> HostProgram { HostProgram(command) }
}
