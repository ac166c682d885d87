import Basics
import DiskImages
import GuestConfig
import HostFiles
import Hypervisors
import ImageLibrary
import MachineSpec
import Provisioning
import Steps

/// The environment that the primitives of one run share.
public struct Environment: Sendable {
    public let state: StateFolder
    public let images: ImageLibrary
    /// The gate to what the script may reach.
    public let gate: Gate
    /// The script's path, without links; `nil` for none.
    public var script: String?
    /// The run's own host, where the command line names it.
    public var connect: String?
    /// The choices that every `up` follows.
    public var choices = RunChoices()
    /// The addresses of the run's machines on its networks.
    public let addressBook = AddressBook()
    /// The images that the run bakes.
    let bakes: BakeLocks
    /// The life of the run, with which its throw-away machines go.
    public var lifetime: RunLifetime
    /// The listener that is told of every step of what takes long.
    public var progress: @Sendable (Progress) -> Void = { _ in }
    /// The times that machines usually take.
    public var usual = UsualTimes()
    /// The folder that the script's relative paths begin at.
    public var scriptFolder: String
    private let open: @Sendable (_ uri: String?) throws(Failure) -> any Hypervisor

    /// - Parameter hypervisor: the host behind a URI, `nil` for the run's default one; opened at the first call, then kept.
    public init(
        state: StateFolder, images: ImageLibrary, scriptFolder: String, gate: Gate = .open,
        hypervisor: @escaping @Sendable (_ uri: String?) throws(Failure) -> any Hypervisor
    ) {
        self.state = state
        self.images = images
        self.scriptFolder = scriptFolder
        self.gate = gate
        lifetime = RunLifetime(state)
        bakes = BakeLocks(state)
        open = hypervisor
    }

    /// The host behind a URI, `nil` for the run's default one.
    func hypervisor(_ uri: String?) throws(Failure) -> any Hypervisor {
        guard uri?.utf8.contains(0) != true else {
            throw Failure(.badField, "a host's URI cannot hold a NUL byte")
        }
        try gate.host(uri)
        return try open(uri)
    }

    /// A machine that the script may work on.
    func machine(_ name: String, on uri: String?) throws(Failure) -> Machine {
        var machine = Machine(name, on: try hypervisor(uri), state: state)
        machine.script = script
        machine.addressBook = addressBook
        machine.isAskedByAgentOnly = gate.isBounded
        try gate.machine(machine)
        return machine
    }

    /// A machine that the script describes.
    func machine(_ spec: VMSpec, on uri: String?) throws(Failure) -> Machine {
        var machine = try machine(spec.name, on: uri)
        let image = image(of: spec)
        machine.imageUser = image?.user
        machine.cloudInit = image?.guestCloudInit
        return machine
    }

    /// The cloud-init of the machine's guest, as far as the catalogue knows its image.
    func cloudInit(of spec: VMSpec) -> GuestCloudInit? { image(of: spec)?.guestCloudInit }

    /// The image the machine starts from; `nil` where the catalogue does not have it.
    private func image(of spec: VMSpec) -> CatalogueImage? {
        let disks = spec.disks.filter(\.bootable) + spec.disks
        guard let file = disks.lazy.compactMap({ $0.backingFile ?? $0.path }).first else { return nil }
        return try? images.describe(file)
    }

    /// A network of a host.
    func network(_ name: String, on uri: String?) throws(Failure) -> VirtualNetwork {
        var network = VirtualNetwork(name, on: try hypervisor(uri), state: state)
        network.script = script
        return network
    }

    /// The relation of images to what stands on them, as far as the run's own host can be asked.
    public func standsOn() throws(Failure) -> StandsOn {
        do throws(Failure) {
            return try StandsOn(state: state, on: try hypervisor(nil))
        } catch {
            // Disks are files: a machine that can run no guest has them too.
            return try StandsOn(state: state, on: nil)
        }
    }

    /// The absolute path of what the script wants to read: a relative path begins at the script's folder.
    func reading(_ path: String) throws(Failure) -> String { try gate.reading(absolute(path)) }

    /// The absolute path of what the script wants to make, change or remove.
    func writing(_ path: String) throws(Failure) -> String { try gate.writing(absolute(path)) }

    /// The absolute path of a disk's file that a machine is to use.
    func disk(_ path: String, _ field: String) throws(Failure) -> String {
        try gate.disk(absolute(path), field)
    }

    /// The absolute path of a file that nobody opens.
    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(scriptFolder)/\(path)" }
}

extension CatalogueImage {
    fileprivate var guestCloudInit: GuestCloudInit? { cloudInit.map { GuestCloudInit($0, image: name) } }
}
