import Basics
import Glibc
import HostFiles
import Hypervisors

/// How a folder of a guest is made the same as one of this host.
public struct SyncOptions: Sendable, Equatable {
    /// The guest's user, by ssh; `nil`: the one the machine's cloud-config made.
    public var user: String?
    /// Whether what is only in the guest is removed there.
    public var deletes = false
    /// The patterns of what is left out, as `NamePatterns` reads them.
    public var exclude: [String] = []

    public init() {}
}

/// What was done to make two folders the same.
public struct SyncReport: Sendable, Equatable {
    /// The number of files and links that were sent.
    public var sent = 0
    /// The number of files and folders that were removed, each with all that was in it.
    public var removed = 0

    public init(sent: Int = 0, removed: Int = 0) { (self.sent, self.removed) = (sent, removed) }
}

/// The news of a folder that is kept in step.
public enum SyncNews: Sendable, Equatable {
    /// The two are the same.
    case inStep(SyncReport)
    /// The guest does not answer, and is waited for.
    case guestIsAway
}

extension Machine {
    /// Makes a folder of the guest the same as one of this host. What is the same in time, size and mode stays; a file
    /// arrives under another name and gets its own when it is whole. Links stay links, and what arrives is the user's who
    /// is logged in, or root's by the agent.
    ///
    /// - Parameters:
    ///   - source: a folder of this host.
    ///   - target: the absolute path of the guest's, which is made where it is not there.
    /// - Throws: `Failure` with code `not_found`, `bad_field`, `guest`, `host_not_able`, and as `exec`.
    @discardableResult
    public func sync(
        _ source: String, to target: String, _ options: SyncOptions = SyncOptions(),
        cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> SyncReport {
        let sync = try FolderSync(self, source, target, options, cancellation)
        return try sync.bring(.everything)
    }

    /// Makes a folder of the guest the same as one of this host, and again after each change here, until it is cancelled. A
    /// guest that is away meanwhile, or a folder that is, is waited for.
    ///
    /// - Parameter tell: told when they are the same, and when the guest is waited for.
    /// - Throws: as `sync`; `cancelled` at the end.
    public func keepInStep(
        _ source: String, to target: String, _ options: SyncOptions = SyncOptions(),
        cancellation: Cancellation, tell: (SyncNews) -> Void = { _ in }
    ) throws(Failure) -> Never {
        let sync = try FolderSync(self, source, target, options, cancellation)
        // Before the first look: what changes during it is told.
        let watch = try FolderWatch(source, without: sync.patterns)
        tell(.inStep(try sync.bring(.everything)))
        while true {
            var changes = try watch.next(cancellation)
            var patience = Patience()
            while true {
                do throws(Failure) {
                    let report = try sync.bring(changes)
                    if changes.isEverything || report != SyncReport() { tell(.inStep(report)) }
                    break
                } catch {
                    try cancellation.check()
                    // It is gone, which the watch has been told or will be, and waits for it.
                    if error.code == .notFound, error.resource == source { break }
                    try patience.bear(error, of: sync, wasWhole: changes.isEverything, tell)
                    changes = .everything
                }
            }
        }
    }

    /// The patience with a guest that does not take what it is sent.
    private struct Patience {
        private var hasFailed = false

        /// Waits until it is worth another try.
        ///
        /// - Throws: the failure, where it is not.
        mutating func bear(
            _ failure: Failure, of sync: FolderSync, wasWhole: Bool, _ tell: (SyncNews) -> Void
        ) throws(Failure) {
            switch failure.code {
            case .guest, .guestStopped, .timeout, .libvirt, .program, .io: break
            default: throw failure
            }
            guard sync.cancellation.pause(.seconds(1)) else { throw failure }
            if try sync.isAnswered() {
                if hasFailed, wasWhole { throw failure }
                hasFailed = true
                return
            }
            tell(.guestIsAway)
            hasFailed = false
            // There is no event for an ssh server that answers again.
            repeat {
                guard sync.cancellation.pause(.seconds(2)) else { throw failure }
            } while try !sync.isAnswered()
        }
    }
}

/// A folder of this host and the guest's that becomes the same.
private final class FolderSync {
    let machine: Machine
    let patterns: NamePatterns
    let cancellation: Cancellation
    private let source: String
    private let target: SyncTarget
    private let options: SyncOptions
    private let isBySSH: Bool
    /// Whether both ends have rsync, as far as it is known.
    private var hasRsync = false
    /// The bytes that go to the agent at once, which are held in memory, and the most that a file may have for that.
    private static let (batchByAgent, mostByAgent) = (Int64(32 << 20), Int64(48 << 20))

    init(
        _ machine: Machine, _ source: String, _ target: String, _ options: SyncOptions,
        _ cancellation: Cancellation
    ) throws(Failure) {
        (self.machine, self.source) = (machine, source)
        self.cancellation = cancellation
        patterns = try NamePatterns(options.exclude)
        self.target = try SyncTarget(target, deletes: options.deletes)
        var status = stat()
        guard stat(source, &status) == 0 else {
            throw Failure.system(errno, "cannot read \(source)", resource: source)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure(
                .badField, "\(source) is a file, and folders are kept in step",
                hint: "copy_in copies a file, and so does limiq cp", resource: source)
        }
        var options = options
        let copy = try Self.copy(machine, options, cancellation)
        isBySSH = copy.isBySSH
        // It stays that way, however long a busy guest's ssh server takes to answer again.
        if case .ssh(let ssh) = copy.channel { options.user = ssh.user }
        self.options = options
    }

    private static func copy(
        _ machine: Machine, _ options: SyncOptions, _ cancellation: Cancellation
    ) throws(Failure) -> GuestCopy {
        var choices = CopyOptions()
        choices.user = options.user
        return try GuestCopy(machine, choices, cancellation)
    }

    /// Whether the guest answers by the way that it did at first: by another it would be another user who writes.
    ///
    /// - Throws: `Failure` with code `not_found` where the machine is no more.
    func isAnswered() throws(Failure) -> Bool {
        let domain: DomainSummary
        do throws(Failure) { domain = try machine.requireDomain() } catch {
            // Its host may be away for a while too.
            if error.code == .notFound { throw error }
            return false
        }
        guard domain.state.isActive,
            isBySSH ? machine.answersBySSH() : machine.answersByAgent(),
            // As it starts and ends an ssh server answers, and lets nobody in.
            let copy = try? Self.copy(machine, options, cancellation), copy.isBySSH == isBySSH
        else { return false }
        return (try? copy.inGuest(["true"])) != nil
    }

    /// Brings changes to the guest.
    func bring(_ changes: FolderChanges) throws(Failure) -> SyncReport {
        let copy = try Self.copy(machine, options, cancellation)
        guard copy.isBySSH == isBySSH else {
            throw Failure(
                .guest, "\(machine.name) does not answer by \(isBySSH ? "ssh" : "its agent")",
                resource: machine.name)
        }
        var tree = FolderTree(source, without: patterns)
        if !changes.isEverything, let plan = try plan(changes, &tree) {
            return try perform(plan, of: tree, by: copy)
        }
        tree = FolderTree(source, without: patterns)
        try tree.readAll()
        let output = try copy.inGuest(GuestTree.listing(target.path))
        if output.elementsEqual("taken\n".utf8) {
            throw Failure(
                .badField, "\(target.path) of the guest is there, and no folder", resource: target.path)
        }
        guard let there = GuestTree(output) else {
            throw Failure(
                .guest, "\(machine.name) does not say what is in \(target.path)",
                hint: isBySSH
                    ? "find and stat are needed in the guest"
                    : "a large folder goes by ssh: forward port 22 of the guest, or leave folders out: exclude",
                resource: machine.name)
        }
        // By a link it may be another than it seems.
        if options.deletes { try SyncTarget.requireOwn(there.path) }
        if there.path == "/" { _ = try SyncTarget("/", deletes: false) }
        hasRsync = there.hasRsync && HostProgram.isThere("rsync")
        let plan = try SyncPlan(tree, there, deletes: options.deletes)
        return try perform(plan, of: tree, by: copy)
    }

    /// What a few changes take, without a look at the guest.
    ///
    /// - Returns: `nil` where the whole must be looked at.
    private func plan(_ changes: FolderChanges, _ tree: inout FolderTree) throws(Failure) -> SyncPlan? {
        var gone: [TreePath] = []
        for path in changes.paths where try !tree.read(path, withContents: false) { gone.append(path) }
        for path in changes.folders where try !tree.read(path, withContents: true) { gone.append(path) }
        // What is removed is looked at just before: by a link or a mount it may be another's by now.
        if options.deletes, !gone.isEmpty { return nil }
        var plan = SyncPlan()
        for (path, entry) in tree.entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if entry.kind == .folder { plan.folders.append(path) } else { plan.files.append(path) }
        }
        return plan
    }

    // MARK: in the guest

    private func perform(
        _ plan: SyncPlan, of tree: FolderTree, by copy: GuestCopy
    ) throws(Failure) -> SyncReport {
        if !plan.removed.isEmpty { try remove(plan.removed, by: copy) }
        if case .ssh(let ssh) = copy.channel, hasRsync {
            if !plan.folders.isEmpty || !plan.files.isEmpty {
                try copy.rsync(
                    ssh, "\(source)/", "\(ssh.endpoint.host):\(target.path)/",
                    ["--from0", "--files-from=-", "--ignore-missing-args"],
                    reading: Self.list(plan.folders + plan.files))
            }
        } else {
            try pack(plan, of: tree, by: copy)
        }
        return SyncReport(sent: plan.files.count, removed: plan.removed.count)
    }

    private func pack(_ plan: SyncPlan, of tree: FolderTree, by copy: GuestCopy) throws(Failure) {
        if !plan.folders.isEmpty {
            // Writable until they are full.
            try send(plan.folders, ["--mode=u+rwx"], by: copy, Self.unpackFolders)
        }
        for files in try batches(plan.files, of: tree) { try send(files, [], by: copy, Self.unpackFiles) }
        let closed = plan.folders.filter { (tree.entries[$0]?.permissions ?? 0o700) & 0o700 != 0o700 }
        if !closed.isEmpty { try send(closed, [], by: copy, Self.unpackFolders) }
    }

    private func batches(_ files: [TreePath], of tree: FolderTree) throws(Failure) -> [[TreePath]] {
        guard !isBySSH else { return files.isEmpty ? [] : [files] }
        var batches: [[TreePath]] = []
        var room: Int64 = 0
        for file in files {
            let bytes = tree.entries[file]?.size ?? 0
            guard bytes <= Self.mostByAgent - 2048 else {
                let whole = "\(source)/\(String(decoding: file, as: UTF8.self))"
                throw Failure(
                    .hostNotAble,
                    "\(whole) is larger than the \(ByteSize(bytes: UInt64(Self.mostByAgent))) that an agent is sent",
                    hint: "forward port 22 of the guest, or leave the file out: exclude", resource: whole)
            }
            let size = bytes + 2048
            if batches.isEmpty || size > room {
                batches.append([])
                room = Self.batchByAgent
            }
            batches[batches.count - 1].append(file)
            room -= size
        }
        return batches
    }

    /// The tar of this host is GNU's. A file that is gone, or changes while it is read, is told by the watch, or is of the
    /// next time.
    private func send(
        _ paths: [TreePath], _ options: [String], by copy: GuestCopy, _ script: String
    ) throws(Failure) {
        let tar =
            ["tar", "-c", "-f", "-", "--format=posix", "--hard-dereference", "--ignore-failed-read"] + options
            + ["-C", source, "--null", "--verbatim-files-from", "--no-recursion", "-T", "-"]
        try copy.hand(
            ["sh", "-c", "\"$@\"; [ $? -le 1 ]", "sh"] + tar, reading: Self.list(paths),
            to: ["sh", "-c", script, "sh", target.path])
    }

    private static let unpackFolders = "cd -- \"$1\" && \(GuestCopy.guestTar) ."

    /// In a folder of its own first, then each by a rename: whoever reads has a file whole, the old or the new one.
    private static let unpackFiles = """
        cd -- "$1" || exit
        t=\(GuestTree.aside)$$; mkdir -m 700 -- "$t" || exit
        trap 'cd / && rm -rf -- "$1/$t"' EXIT; trap 'exit 1' HUP INT TERM
        \(GuestCopy.guestTar) "$t" || {
            # tar may tell of a short write only.
            [ "$(df -P . | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)" != 0 ] || echo '\(GuestCopy.noSpace)' >&2
            exit 1
        }
        cd -- "$t" || exit
        find . -type d -print0 | xargs -0 sh -c '
            for d; do
                # It has become a link to elsewhere since it was looked at.
                [ ! -L "../$d" ] || exit
                [ -d "../$d" ] || mkdir -p -- "../$d" || exit
                find "$d" -maxdepth 1 ! -type d -exec sh -c "mv -f -- \\"\\$@\\" \\"\\$0\\"" "../$d" {} +
            done' sh || exit
        [ -z "$(find . ! -type d | head -n 1)" ]
        """

    private func remove(_ paths: [TreePath], by copy: GuestCopy) throws(Failure) {
        var rest = paths[...]
        while !rest.isEmpty {
            // The agent takes so much at once.
            let some = rest.prefix(1000)
            rest = rest.dropFirst(some.count)
            try copy.inGuest(
                ["sh", "-c", "cd -- \"$1\" && xargs -0 rm -rf --", "sh", target.path],
                reading: Self.list(Array(some)))
        }
    }

    /// The paths as programs read them; none is taken for an option.
    private static func list(_ paths: [TreePath]) -> [UInt8] {
        paths.flatMap { Array("./".utf8) + $0 + [0] }
    }
}
