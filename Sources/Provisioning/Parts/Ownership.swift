import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors

/// The proof that files and volumes are a machine's own.
///
/// Metadata, journals and folders say where to look, never what may be done: a clone has the record of another domain, one
/// that was renamed keeps its files, a guest that was moved runs under another daemon, and a journal may be anybody's.
/// Whatever removes a part of a machine, writes over it or makes it larger has it from here. It lies in the machine's own
/// folder, or is a volume of the machine's name; no other domain of any hypervisor that can be asked here describes it; no
/// process has it open. What is not proven is named and left.
struct Ownership {
    let machine: Machine
    /// The things that were named as the machine's and are not, each with the reason. They stay.
    private(set) var strangers: [String] = []
    /// The parts that were proven: files in the machine's folder, volumes of its name.
    private(set) var proven: [Part] = []
    /// The logs in the machine's folder that another domain writes; they stay too.
    private var foreignLogs: Set<String> = []
    /// The domain whose guest may have the files open.
    private let domain: DomainSummary?

    /// - Parameters:
    ///   - domain: the machine's own, whose record was found to be its own; `nil` where it has none.
    ///   - parts: those that its record and its journal name.
    ///   - isWhole: the machine itself is to go, with all that libvirt has for it and what came to be while it ran.
    ///   - surroundings: what else there is, where it has been looked at already.
    /// - Throws: `Failure` with code `in_use` for what somebody else uses, `not_ours` for a folder that is none and for a
    ///   domain that was renamed or moved, `appeared` where the machine has a domain after all, `pool_gone`, and where the
    ///   hypervisor does not answer.
    init(
        of machine: Machine, _ domain: DomainSummary?, _ parts: [Part], isWhole: Bool = false,
        among surroundings: Surroundings? = nil
    ) throws(Failure) {
        self.machine = machine
        self.domain = domain
        var claimed = try sort(parts)
        let logs = isWhole ? try presentLogs() : []
        // libvirt's test driver has neither files nor variables.
        guard !claimed.isEmpty || !logs.isEmpty || isWhole && domain != nil && !machine.isOnTestDriver else {
            return
        }
        let hypervisor = machine.hypervisor
        let others =
            if let surroundings { surroundings } else {
                try Surroundings.now(hypervisor) { machine.neighbours(hypervisor, machine.state) }
            }
        if isWhole { claimed += others.variables(of: isOwn) }
        for user in others.users(of: claimed + logs) where !isOwn(user.domain) {
            if domain == nil, user.domain.isOf(machine) { throw machine.appeared }
            if logs.contains(where: { $0.path == user.path }) {
                foreignLogs.insert(lastComponent(user.path))
            } else {
                throw user.failure(for: machine)
            }
        }
        try requireUnused(besides: domain?.state.isActive == true ? domain?.uuid : nil)
    }

    private func isOwn(_ other: Surroundings.Domain) -> Bool {
        other.isHere && other.uuid == domain?.uuid && other.name == domain?.name
    }

    // MARK: what lies where it should

    private mutating func sort(_ named: [Part]) throws(Failure) -> [Surroundings.Part] {
        let folder = try OwnFolder.open(machine.folder)
        var claimed: [Surroundings.Part] = []
        for part in named where !proven.contains(part) {
            switch part {
            case .file(let path):
                guard let name = OwnFolder.name(of: path, in: machine.folder) else {
                    strangers.append(
                        "\(path): it is named as a file of \(machine.name), and is not in its folder")
                    continue
                }
                guard let status = folder?.status(of: name) else { continue }
                guard status.st_mode & S_IFMT != S_IFDIR else {
                    strangers.append("\(path): it is a folder, which limiq did not make")
                    continue
                }
                claimed.append(.init(path: path, identity: FileIdentity(status)))
            case .volume(let volume):
                guard !machine.isLocal, machine.isOwnName(volume) else {
                    strangers.append(
                        "the volume \(volume.name) of the pool \(volume.pool): no volume of \(machine.name) is called so"
                    )
                    continue
                }
                guard try machine.hypervisor.pool(volume.pool) != nil else { throw machine.poolGone(volume) }
                guard let found = try machine.hypervisor.volume(volume) else { continue }
                claimed.append(.init(path: found.path, volume: volume))
            }
            proven.append(part)
        }
        return claimed
    }

    private func presentLogs() throws(Failure) -> [Surroundings.Part] {
        guard machine.isLocal, let folder = try OwnFolder.open(machine.folder) else { return [] }
        return MachineLayout.consoleLogs.compactMap { name in
            folder.status(of: name).map {
                Surroundings.Part(path: "\(machine.folder)/\(name)", identity: FileIdentity($0))
            }
        }
    }

    // MARK: who has it open

    /// - Parameter guest: the UUID of the machine's own guest while it runs.
    /// - Throws: `Failure` with code `in_use` while a process has one of the files open.
    func requireUnused(besides guest: String? = nil) throws(Failure) {
        guard machine.isLocal else { return }
        // A guest that has just ended lets go of its files a moment later.
        let deadline = ContinuousClock.now + .seconds(domain == nil ? 0 : 3)
        while let holder = OpenFiles.holder(of: proven.files, besides: guest) {
            guard ContinuousClock.now < deadline, guest == nil else { throw inUse(holder) }
            usleep(50_000)
        }
    }

    private func inUse(_ holder: OpenFiles.Holder) -> Failure {
        Failure(
            .inUse, "\(holder.path) of vm \(machine.name) is in use by \(holder.who)",
            hint: "end that first", resource: holder.path)
    }

    // MARK: what may then be done

    /// Removes what was proven, and nothing beside it.
    func removeParts() throws(Failure) {
        for volume in proven.compactMap(\.volume) { try machine.removeVolume(volume) }
        guard !proven.files.isEmpty, let folder = try OwnFolder.open(machine.folder) else { return }
        for path in proven.files { try folder.remove(lastComponent(path)) }
    }

    /// Removes the machine's parts with what came to be while it ran, its journal and its folder. What somebody else
    /// put there stays, and so does the folder then.
    func removeAll() throws(Failure) {
        try removeParts()
        guard let folder = try OwnFolder.open(machine.folder) else { return }
        for name in AtomicFile.leftovers(in: machine.folder) { try folder.remove(name) }
        for name in MachineLayout.runtimeFiles where !foreignLogs.contains(name) { try folder.remove(name) }
        if foreignLogs.isEmpty {
            // The journal last: what is killed here is found again.
            try MachineJournal.remove(in: folder)
            rmdir(machine.folder)
        } else {
            // With nothing in it that would be kept, it is removed when the other domain is gone.
            try MachineJournal.finish(in: machine.folder)
            try MachineJournal(machine: machine.name, uri: machine.hypervisor.uri, parts: [])
                .takePlace(of: nil, in: machine.folder)
        }
    }

    /// Makes a disk of a guest that is off larger, where it was proven.
    func grow(_ disk: Part, to size: ByteSize, _ cancellation: Cancellation) throws(Failure) {
        guard proven.contains(disk) else { return }
        switch disk {
        case .volume(let volume): try machine.hypervisor.growVolume(volume, to: size.bytes)
        case .file(let path):
            let status = try OwnFolder.open(machine.folder)?.status(of: lastComponent(path))
            guard status.map({ $0.st_mode & S_IFMT == S_IFREG }) == true else {
                throw Failure(
                    .notOurs,
                    "\(path) of vm \(machine.name) is a link, and what it leads to is left as it is",
                    hint: "grow that yourself: qemu-img resize", resource: path)
            }
            try requireUnused()
            try Disk.resize(path, to: size, cancellation: cancellation)
        }
    }
}
