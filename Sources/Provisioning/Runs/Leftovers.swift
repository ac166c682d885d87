import Basics
import Glibc
import HostFiles
import Hypervisors
import ImageLibrary

/// The remains of killed runs in a state folder: all that no finished machine owns, and nothing that another limiq is
/// at work on, that belongs to another hypervisor, or that limiq did not make.
public struct Leftovers {
    public struct Item: Sendable, Equatable {
        /// The absolute path of the file or folder.
        public var path: String
        public var reason: String
        var kind = Kind.file
    }

    enum Kind: Sendable, Equatable {
        /// The folder of a machine, with its domain where there is one.
        case machine(String)
        case file
        /// A file or folder that libvirt keeps for a domain.
        case domainFile
        /// A file or folder that may be removed while nobody holds this lock.
        case fileUnder(lock: String)
        case lock
        /// The addresses that a network keeps for a machine.
        case addresses(network: String, machine: String)
    }

    public struct Survey: Sendable, Equatable {
        public var left: [Item] = []
        /// The things that look like leftovers and are none, with the reason.
        public var spared: [Item] = []
    }

    /// The verdict on whose the folder of a machine is.
    private enum Verdict {
        case owned
        case left(String)
        case spared(String)

        var isSpared: Bool { if case .spared = self { true } else { false } }
    }

    private let state: StateFolder
    private let hypervisor: any Hypervisor
    private let neighbours: Neighbours
    /// The domains limiq made, by the folder each keeps its files in, whatever it is called by now.
    private let owners: [String: String]

    /// - Throws: where the hypervisor does not answer: without its domains nobody knows what is left over.
    public init(state: StateFolder, on hypervisor: any Hypervisor) throws(Failure) {
        try self.init(state: state, on: hypervisor, beside: LocalDaemons.besides)
    }

    init(
        state: StateFolder, on hypervisor: any Hypervisor,
        beside neighbours: @escaping Neighbours
    ) throws(Failure) {
        self.state = state
        self.hypervisor = hypervisor
        self.neighbours = neighbours
        var owners: [String: String] = [:]
        for domain in try hypervisor.domains() {
            if let record = try? Machine(domain.name, on: hypervisor, state: state).record(of: domain) {
                owners[record.folder] = domain.name
            }
        }
        self.owners = owners
    }

    private func machine(_ name: String) -> Machine {
        var machine = Machine(name, on: hypervisor, state: state)
        machine.neighbours = neighbours
        return machine
    }

    private func surroundings() throws(Failure) -> Surroundings {
        try Surroundings.now(hypervisor) { neighbours(hypervisor, state) }
    }

    /// Looks for leftovers, and changes nothing.
    public func survey() throws(Failure) -> Survey {
        var survey = Survey()
        let surroundings = try self.surroundings()
        try surveyMachines(&survey, among: surroundings)
        surveyImages(&survey)
        surveyKeys(&survey)
        for folder in [state.root, state.isos] { survey.left += halfWritten(in: folder) }
        survey.left += try domainFiles(among: surroundings)
        // A host that cannot be asked for its networks has other leftovers.
        survey.left += (try? addresses()) ?? []
        return survey
    }

    /// The files that libvirt keeps for domains that are gone, where they are not kept for a machine that is, or used
    /// by another.
    private func domainFiles(among surroundings: Surroundings) throws(Failure) -> [Item] {
        let daemons = PrivateDaemons(state: state)
        guard hypervisor.uri == daemons.uri else { return [] }
        var (names, uuids): (Set<String>, Set<String>) = ([], [])
        for domain in try hypervisor.domains() {
            names.insert(domain.name)
            uuids.insert(domain.uuid)
        }
        for folder in (try? namesInFolder(state.machines)) ?? [] {
            // A machine that is taken up again has its variables and its TPM.
            guard let journal = MachineJournal.read(in: "\(state.machines)/\(folder)") else { continue }
            names.insert(journal.machine)
            if let uuid = journal.record?.uuid { uuids.insert(uuid) }
        }
        return daemons.leftovers(domains: names, uuids: uuids).filter { item in
            surroundings.users(of: [.init(path: item.path, identity: FileIdentity(of: item.path))]).isEmpty
        }.map { Item(path: $0.path, reason: $0.reason, kind: .domainFile) }
    }

    /// The addresses that networks of limiq's keep for machines that are gone, whose disks are not kept, and that nobody is
    /// making.
    private func addresses() throws(Failure) -> [Item] {
        var items: [Item] = []
        for network in try VirtualNetwork.all(on: hypervisor, state: state) where network.spec != nil {
            for name in network.own.sorted() where try machine(name).isGone() {
                items.append(
                    Item(
                        path: "network \(network.name)",
                        reason: "it keeps addresses for \(name), which is gone",
                        kind: .addresses(network: network.name, machine: name)))
            }
        }
        return items
    }

    /// Removes a leftover, where it still is what the survey saw.
    ///
    /// - Returns: `nil` where it is gone, else why it was left.
    public func remove(_ item: Item) throws(Failure) -> String? {
        switch item.kind {
        case .machine(let name):
            let machine = machine(name)
            let lock = MachineLock.path(machine)
            let answer = try FileLock.holdIfFree(lock, for: machine.name) { () throws(Failure) -> String? in
                try remove(machine, item)
            }
            return answer ?? busy(lock)
        case .fileUnder(let lock):
            let answer = try FileLock.holdIfFree(lock, for: item.path) { () throws(Failure) -> String? in
                try removeWhole(item.path)
                return nil
            }
            return answer ?? busy(lock)
        case .lock:
            // Whoever holds a lock file last removes it.
            guard fileExists(item.path) else { return nil }
            let isFree: Void? = try FileLock.holdIfFree(item.path, for: item.path) {}
            return isFree == nil ? busy(item.path) : nil
        case .file:
            try removeFile(item.path)
            return nil
        case .addresses(let network, let machine):
            let lock = MachineLock.path(self.machine(machine))
            let answer = try FileLock.holdIfFree(lock, for: machine) { () throws(Failure) -> String? in
                guard try hypervisor.domain(machine) == nil else { return "\(machine) is there by now" }
                try VirtualNetwork(network, on: hypervisor, state: state).dismiss(machine: machine)
                return nil
            }
            return answer ?? busy(lock)
        case .domainFile:
            guard try domainFiles(among: try surroundings()).contains(item) else {
                return "a domain has it by now"
            }
            try removeWhole(item.path)
            return nil
        }
    }

    /// - Returns: why it was left, `nil` where it is gone.
    private func remove(_ machine: Machine, _ item: Item) throws(Failure) -> String? {
        do throws(Failure) {
            switch try judge(machine, among: try surroundings()) {
            case .owned: return "it has been finished meanwhile"
            case .spared(let reason): return reason
            case .left: break
            }
            var left: [String] = []
            _ = try machine.removeLocked { left.append($0) }
            guard left.isEmpty else { return left.joined(separator: "; ") }
            return fileExists(item.path) ? "the rest in it was not made by limiq" : nil
        } catch {
            guard [.notOurs, .inUse, .poolGone, .protected].contains(error.code) else { throw error }
            return error.message
        }
    }

    private func busy(_ lock: String) -> String {
        "\(FileLock.holder(lock).map { "process \($0)" } ?? "another process") is at work on it"
    }

    // MARK: machines

    private func surveyMachines(_ survey: inout Survey, among surroundings: Surroundings) throws(Failure) {
        guard fileExists(state.machines) else { return }
        for name in try namesInFolder(state.machines) {
            let path = "\(state.machines)/\(name)"
            if name.hasPrefix(".") {
                addLock(path, &survey)
                continue
            }
            do throws(Failure) {
                try surveyMachine(name, path, &survey, among: surroundings)
            } catch {
                // What cannot be told apart keeps none of the others.
                guard [.notOurs, .inUse, .poolGone].contains(error.code) else { throw error }
                survey.spared.append(Item(path: path, reason: error.message))
            }
        }
    }

    private func surveyMachine(
        _ name: String, _ path: String, _ survey: inout Survey, among surroundings: Surroundings
    ) throws(Failure) {
        _ = try OwnFolder.open(path)
        guard let machine = machine(inFolder: name) else {
            survey.spared.append(Item(path: path, reason: "it is of a VM on another host"))
            return
        }
        let lock = MachineLock.path(machine)
        if FileLock.isHeld(lock) {
            survey.spared.append(Item(path: path, reason: busy(lock)))
            return
        }
        switch try judge(machine, among: surroundings) {
        case .owned: survey.left += halfWritten(in: path)
        case .left(let reason):
            survey.left.append(Item(path: path, reason: reason, kind: .machine(machine.name)))
        case .spared(let reason): survey.spared.append(Item(path: path, reason: reason))
        }
    }

    /// The machine whose folder this is; `nil` for one on another host than this hypervisor, whose folder bears that
    /// host's name too.
    private func machine(inFolder folderName: String) -> Machine? {
        let journal = MachineJournal.read(in: "\(state.machines)/\(folderName)")
        let machine = machine(journal?.machine ?? folderName)
        return journal?.uri == hypervisor.uri && machine.folderName != folderName ? nil : machine
    }

    /// Judges a machine's folder by what it holds and by who has it. What is left over is removed only where it is
    /// proven to be the machine's own; and what is kept is so only where nobody else has it by now.
    ///
    /// - Throws: why it is not.
    private func judge(_ machine: Machine, among surroundings: Surroundings) throws(Failure) -> Verdict {
        let verdict = try judge(machine)
        if case .owned = verdict { return verdict }
        let domain = try hypervisor.domain(machine.name)
        if domain == nil || !verdict.isSpared {
            let own = try machine.ownership(domain, among: surroundings)
            if !verdict.isSpared { try machine.requireRemovable(own?.proven ?? []) }
        }
        return verdict
    }

    /// Judges a machine's folder by what it holds. The domain is asked for anew: what another limiq has finished since
    /// the list was made is owned.
    private func judge(_ machine: Machine) throws(Failure) -> Verdict {
        let name = machine.name
        let folder = machine.folder
        let journal = MachineJournal.read(in: folder)
        if let journal, journal.uri != hypervisor.uri {
            return journal.isFinished
                ? .owned : .spared("it is on another host: limiq gc --connect \(journal.uri)")
        }
        if let domain = try hypervisor.domain(name) {
            guard let record = try? machine.kept() else {
                return .spared("limiq did not make the domain \(name)")
            }
            let own = try machine.requireOwn(record, of: domain)
            let end =
                journal?.isFinished ?? true ? own.end(in: state) : "a run ended before this VM was finished"
            guard let end else { return .owned }
            return own.spec.protect == true ? .spared("\(end), and it is protected") : .left(end)
        }
        // Renamed since, by virsh.
        if owners[folder] != nil { return .owned }
        if try !machine.keptDisks().isEmpty {
            return .spared(
                "its domain is gone and its disk is kept: the script that made it takes it up again, limiq rm \(name) removes it"
            )
        }
        if let journal {
            return .left(
                journal.isFinished ? "its domain is gone" : "a run ended before this VM had a domain")
        }
        let names = (try? namesInFolder(folder)) ?? ["?"]
        return Set(names) == Set(AtomicFile.leftovers(in: folder))
            ? .left("a run ended before it had made anything here")
            : .spared("limiq did not make what is in it")
    }

    // MARK: files

    private func halfWritten(in folder: String) -> [Item] {
        AtomicFile.leftovers(in: folder).map {
            Item(path: "\(folder)/\($0)", reason: "its writer was killed before it was whole")
        }
    }

    private func addLock(_ path: String, _ survey: inout Survey) {
        guard path.hasSuffix(".lock"), !FileLock.isHeld(path) else { return }
        guard FileLock.isLock(path) else {
            survey.spared.append(Item(path: path, reason: "it is no lock of limiq's"))
            return
        }
        survey.left.append(Item(path: path, reason: "whoever held this lock was killed", kind: .lock))
    }

    private func surveyImages(_ survey: inout Survey) {
        survey.left += halfWritten(in: state.cloudImages)
        for file in (try? namesInFolder(state.cloudImages)) ?? [] where file.hasPrefix(".") {
            let path = "\(state.cloudImages)/\(file)"
            addLock(path, &survey)
            guard let image = ImageLibrary.image(ofUnfinished: file) else { continue }
            addUnfinished(image, path, &survey)
        }
        for (image, path) in ImageLibrary.notesWithoutImage(in: state) { addUnfinished(image, path, &survey) }
    }

    private func addUnfinished(_ image: String, _ path: String, _ survey: inout Survey) {
        let lock = ImageLibrary.lock(image, in: state)
        if FileLock.isHeld(lock) {
            survey.spared.append(Item(path: path, reason: busy(lock)))
        } else {
            survey.left.append(
                Item(
                    path: path, reason: "the image \(image) was not finished", kind: .fileUnder(lock: lock)))
        }
    }

    private func surveyKeys(_ survey: inout Survey) {
        let folder = String(HostFiles.folder(of: state.sshKey).dropLast())
        survey.left += halfWritten(in: folder)
        for file in (try? namesInFolder(folder)) ?? [] {
            let path = "\(folder)/\(file)"
            addLock(path, &survey)
            guard let process = SSHKeys.writer(ofTemporary: file), !AtomicFile.isAlive(process, since: path)
            else { continue }
            survey.left.append(Item(path: path, reason: "its writer was killed before it was whole"))
        }
    }
}
