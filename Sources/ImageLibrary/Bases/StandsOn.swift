import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors

/// The relation between images and the disks that stand on them: overlays, directly or by way of others.
///
/// An image that something stands on must stay as it is: what is written to it changes what every guest on it reads, and
/// without it they have nothing. Everything that would remove an image or write to it asks here first.
public struct StandsOn {
    /// The deed that is about to be done to an image.
    package enum Deed {
        case remove
        /// The image is written to, in the words that follow "cannot be".
        case write(String)
    }

    struct Dependent: Equatable {
        var image: String
        var disk: String
        /// The machine whose disk it is; `nil` where nobody known has it.
        var machine: String?
        /// The URI of the hypervisor that has the machine, where that is not the one that is worked on.
        var uri: String?
        /// Whether the disk is the image itself, and a guest's memory is kept that knows it.
        var isSaved = false

        var name: String {
            guard let machine else { return "the disk \(disk)" }
            let place = uri.map { " of \($0)" } ?? ""
            return (isSaved ? "the saved memory of " : "") + "vm \(machine)\(place)"
        }

        var wayOut: String {
            guard let machine else {
                return
                    "remove \(name) first: qemu-img rebase -b OTHER -F FORMAT \(disk) puts it on another image"
            }
            let virsh = "virsh" + (uri.map { " -c '\($0)'" } ?? "")
            if isSaved {
                return
                    "start vm \(machine) first, or drop that memory: \(virsh) managedsave-remove \(machine)"
            }
            return "remove \(name) first: " + (uri == nil ? "limiq rm" : "\(virsh) undefine") + " \(machine)"
        }
    }

    private struct Domain {
        /// The URI of the domain's hypervisor; `nil` for the one that is worked on.
        var uri: String?
        var uses: DomainUses
    }

    private let state: StateFolder
    private var domains: [Domain] = []
    /// Whether the images are files of this host.
    private let isLocal: Bool

    /// - Parameter hypervisor: whose domains are asked too, and those of others that answer on this host; `nil` where
    ///   none answers.
    public init(state: StateFolder, on hypervisor: (any Hypervisor)?) throws(Failure) {
        try self.init(state: state, on: hypervisor, beside: LocalDaemons.besides)
    }

    package init(
        state: StateFolder, on hypervisor: (any Hypervisor)?, beside neighbours: Neighbours
    ) throws(Failure) {
        self.state = state
        isLocal = hypervisor.map { HypervisorURI($0.uri).isLocal } ?? true
        guard let hypervisor else { return }
        domains = try hypervisor.uses().domains.values.map { Domain(uri: nil, uses: $0) }
        for neighbour in isLocal ? neighbours(hypervisor, state) : [] {
            // One that does not answer cannot be asked.
            let uses = (try? neighbour.uses())?.domains.values ?? [:].values
            domains += uses.map { Domain(uri: neighbour.uri, uses: $0) }
        }
    }

    /// - Parameters:
    ///   - images: absolute paths, on the host of the hypervisor.
    ///   - subject: whose images they are, or what they are, as an error begins.
    ///   - machines: those that may stand on them: the one they are of does so as it likes.
    /// - Throws: `Failure` with code `in_use` that names both.
    package func requireNothing(
        on images: some Sequence<String>, besides machines: Set<String> = [], _ subject: String, _ deed: Deed
    ) throws(Failure) {
        let found = dependents(on: Set(images).sorted(), besides: machines)
        guard let first = found.first else { return }
        let others = Set(found.map(\.name)).subtracting([first.name]).count
        let who = first.name + (others > 0 ? " and \(others) more" : "")
        let stands = others > 0 ? "stand" : "stands"
        let image = subject == first.image ? "it" : first.image
        switch deed {
        case .remove:
            throw Failure(
                .inUse, "\(subject) cannot be removed: \(who) \(stands) on \(image)",
                hint: first.wayOut, resource: first.image)
        case .write(let words):
            throw Failure(
                .inUse,
                "\(subject) cannot be \(words): \(who) \(stands) on \(image), which must not change",
                hint: "\(first.wayOut); or use an overlay with that backing_file",
                resource: first.image)
        }
    }

    /// The names of the machines, and the paths of other disks, that stand on an image.
    public func users(of image: String) -> [String] {
        Set(dependents(on: [image], besides: []).map { $0.machine ?? $0.disk }).sorted()
    }

    func dependents(on images: [String], besides machines: Set<String>) -> [Dependent] {
        guard !images.isEmpty else { return [] }
        let found = (isLocal ? onFiles(images) : onVolumes(images)) + saved(images)
        return found.filter { $0.uri != nil || $0.machine.map { !machines.contains($0) } ?? true }
            .sorted { ($0.machine ?? "~", $0.disk) < ($1.machine ?? "~", $1.disk) }
    }

    /// - Parameters:
    ///   - machines: those that may have it.
    ///   - subject: what the file is, as an error begins.
    /// - Throws: `Failure` with code `in_use` where a domain's description has the file as a disk.
    package func requireNoDomain(with path: String, besides machines: Set<String>, _ subject: String)
        throws(Failure)
    {
        let keys = Set(imageKeys(path))
        for domain in domains where domain.uri != nil || !machines.contains(domain.uses.name) {
            guard domain.uses.disks.contains(where: { !keys.isDisjoint(with: imageKeys($0.path)) }) else {
                continue
            }
            let place = domain.uri.map { " of \($0)" } ?? ""
            throw Failure(
                .inUse, "\(subject) is a disk of vm \(domain.uses.name)\(place)",
                hint: "remove that machine first, or use another file", resource: path)
        }
    }

    /// The disks that a domain writes to.
    package func writableDisks(of domain: String) -> [String] {
        domains.filter { $0.uri == nil && $0.uses.name == domain }.flatMap(\.uses.disks)
            .filter(\.isWritable).map(\.path)
    }

    private func onFiles(_ images: [String]) -> [Dependent] {
        let disks = domains.flatMap(\.uses.disks).filter { $0.path.hasPrefix("/") }
        let elsewhere = disks.map(\.path).filter { !$0.hasPrefix(state.machines + "/") }
        var found = OverlayIndex.of(state).overlays(on: images, among: elsewhere)
        // What the caller may not read libvirt may know.
        for disk in disks where disk.backing.contains(where: images.contains) {
            if access(disk.path, R_OK) != 0 { found.insert(disk.path) }
        }
        return found.compactMap { disk in
            let keys = Set(imagesBelow(disk).flatMap(imageKeys))
            guard let image = images.first(where: { !keys.isDisjoint(with: imageKeys($0)) }) ?? images.first
            else { return nil }
            let owner = domains.first { $0.uses.disks.contains { $0.path == disk } }
            return Dependent(
                image: image, disk: disk, machine: owner?.uses.name ?? Self.machineName(of: disk, in: state),
                uri: owner?.uri)
        }
    }

    private func onVolumes(_ images: [String]) -> [Dependent] {
        domains.flatMap { domain in
            domain.uses.disks.compactMap { disk in
                images.first(where: disk.backing.contains).map {
                    Dependent(image: $0, disk: disk.path, machine: domain.uses.name, uri: domain.uri)
                }
            }
        }
    }

    private func saved(_ images: [String]) -> [Dependent] {
        func keys(_ path: String) -> Set<String> { Set(isLocal ? imageKeys(path) : [path]) }
        return domains.filter(\.uses.isSaved).flatMap { domain in
            domain.uses.disks.compactMap { disk in
                images.first { !keys($0).isDisjoint(with: keys(disk.path)) }.map {
                    Dependent(
                        image: $0, disk: disk.path, machine: domain.uses.name, uri: domain.uri, isSaved: true)
                }
            }
        }
    }

    /// The name of the machine by the folder that a disk is in, where no domain has it.
    private static func machineName(of disk: String, in state: StateFolder) -> String? {
        folderName(of: disk, in: state)?.split(separator: "@").first.map(String.init)
    }

    /// The folder of a machine that a file is in.
    package static func folderName(of file: String, in state: StateFolder) -> String? {
        let inside =
            file.dropping(state.machines + "/")
            ?? (try? resolved(state.machines)).flatMap { file.dropping($0 + "/") }
        return inside?.split(separator: "/").first.map(String.init)
    }
}
