import Basics
import Glibc

/// What runs that were killed have left in a state folder: all that no finished VM owns, and nothing that another limiq
/// is at work on, that belongs to another hypervisor, or that limiq did not make.
public struct Leftovers {
    public struct Item: Sendable, Equatable {
        /// Of a file or folder, absolute.
        public var path: String
        public var reason: String
        var kind = Kind.file
    }

    enum Kind: Sendable, Equatable {
        /// The folder of a VM, with its domain where there is one.
        case machine(String)
        case folder
        case file
        /// A file that may be removed while nobody holds this lock.
        case fileUnder(lock: String)
        case lock
    }

    public struct Survey: Sendable, Equatable {
        public var left: [Item] = []
        /// What looks like a leftover and is none, with the reason.
        public var spared: [Item] = []
    }

    /// Whose the folder of a VM is.
    private enum Verdict {
        case owned
        case left(String)
        case spared(String)
    }

    private let state: StateFolder
    private let hypervisor: any Hypervisor
    /// The domains limiq made, by the folder each keeps its files in, whatever it is called by now.
    private let owners: [String: String]

    /// - Throws: where the hypervisor does not answer: without its domains nobody knows what is left over.
    public init(state: StateFolder, on hypervisor: any Hypervisor) throws(Failure) {
        self.state = state
        self.hypervisor = hypervisor
        var owners: [String: String] = [:]
        for domain in try hypervisor.domains() {
            if let record = try? Machine(domain.name, on: hypervisor, state: state).record() {
                owners[record.folder] = domain.name
            }
        }
        self.owners = owners
    }

    /// Looks, and changes nothing.
    public func survey() throws(Failure) -> Survey {
        var survey = Survey()
        try surveyMachines(&survey)
        surveyImages(&survey)
        surveyKeys(&survey)
        for folder in [state.root, state.isos] { survey.left += halfWritten(in: folder) }
        let daemons = PrivateDaemons(state: state)
        if hypervisor.uri == daemons.uri {
            survey.left += daemons.leftovers(
                domains: Set(try hypervisor.domains().map(\.name)),
                uuids: Set(try hypervisor.domains().map(\.uuid)))
        }
        return survey
    }

    /// Removes one, where it still is what the survey saw.
    ///
    /// - Returns: `nil` where it is gone, else why it was left.
    public func remove(_ item: Item) throws(Failure) -> String? {
        switch item.kind {
        case .machine(let name):
            let machine = Machine(name, on: hypervisor, state: state)
            let lock = MachineLock.path(machine)
            let answer = try FileLock.holdIfFree(lock, for: machine.name) { () throws(Failure) -> String? in
                switch try judge(machine) {
                case .owned: return "it has been finished meanwhile"
                case .spared(let reason): return reason
                case .left: break
                }
                do throws(Failure) { _ = try machine.removeLocked() } catch {
                    guard error.code == "in_use" else { throw error }
                    return error.message
                }
                return fileExists(item.path) ? "the rest in it was not made by limiq" : nil
            }
            return answer ?? busy(lock)
        case .fileUnder(let lock):
            let answer = try FileLock.holdIfFree(lock, for: item.path) { () throws(Failure) -> String? in
                try removeFile(item.path)
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
        case .folder:
            try removeWhole(item.path)
            return nil
        }
    }

    private func busy(_ lock: String) -> String {
        "\(FileLock.holder(lock).map { "process \($0)" } ?? "another process") is at work on it"
    }

    // MARK: machines

    private func surveyMachines(_ survey: inout Survey) throws(Failure) {
        guard fileExists(state.machines) else { return }
        for name in try namesInFolder(state.machines) {
            let path = "\(state.machines)/\(name)"
            if name.hasPrefix(".") {
                addLock(path, &survey)
                continue
            }
            guard let machine = machine(inFolder: name) else {
                survey.spared.append(Item(path: path, reason: "it is of a VM on another host"))
                continue
            }
            let lock = MachineLock.path(machine)
            if FileLock.isHeld(lock) {
                survey.spared.append(Item(path: path, reason: busy(lock)))
                continue
            }
            switch try judge(machine) {
            case .owned: survey.left += halfWritten(in: path)
            case .left(let reason):
                survey.left.append(Item(path: path, reason: reason, kind: .machine(machine.name)))
            case .spared(let reason): survey.spared.append(Item(path: path, reason: reason))
            }
        }
    }

    /// The VM whose folder this is; `nil` for one on another machine than this hypervisor's, whose folder bears the host's
    /// name too.
    private func machine(inFolder folderName: String) -> Machine? {
        let journal = MachineJournal.read(in: "\(state.machines)/\(folderName)")
        let machine = Machine(journal?.machine ?? folderName, on: hypervisor, state: state)
        return journal?.uri == hypervisor.uri && machine.folderName != folderName ? nil : machine
    }

    /// The domain is asked for anew: what another limiq has finished since the list was made is owned.
    private func judge(_ machine: Machine) throws(Failure) -> Verdict {
        let name = machine.name
        let folder = machine.folder
        let journal = MachineJournal.read(in: folder)
        if let journal, journal.uri != hypervisor.uri {
            return journal.isFinished
                ? .owned : .spared("it is on another host: limiq gc --connect \(journal.uri)")
        }
        if try hypervisor.domain(name) != nil {
            guard let record = try? machine.record() else {
                return .spared("limiq did not make the domain \(name)")
            }
            guard record.folder == folder else {
                return .spared("the domain \(name) keeps its files in \(record.folder)")
            }
            return journal?.isFinished ?? true ? .owned : .left("a run ended before this VM was finished")
        }
        // Renamed since, by virsh.
        if owners[folder] != nil { return .owned }
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
        survey.left.append(Item(path: path, reason: "whoever held this lock was killed", kind: .lock))
    }

    private func surveyImages(_ survey: inout Survey) {
        survey.left += halfWritten(in: state.cloudImages)
        for file in (try? namesInFolder(state.cloudImages)) ?? [] where file.hasPrefix(".") {
            let path = "\(state.cloudImages)/\(file)"
            addLock(path, &survey)
            guard let image = ImageLibrary.image(ofUnfinished: file) else { continue }
            let lock = ImageLibrary.lock(image, in: state)
            if FileLock.isHeld(lock) {
                survey.spared.append(Item(path: path, reason: busy(lock)))
            } else {
                survey.left.append(
                    Item(
                        path: path, reason: "the image \(image) was not finished",
                        kind: .fileUnder(lock: lock)))
            }
        }
    }

    private func surveyKeys(_ survey: inout Survey) {
        let folder = String(Provisioning.folder(of: state.sshKey).dropLast())
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
