import Basics
import HostFiles

/// A host that runs virtual machines, as far as provisioning needs it. libvirt is the one implementation; the tests of
/// what stands above give another.
///
/// Every method blocks, may be called from any thread, and names a domain by its name: no handle leaves it.
/// A failure has code `libvirt` (its `cause` libvirt's own words), `not_found` for a domain that is not there, or
/// `host_not_able` where the host must be changed first.
public protocol Hypervisor: DomainRegistry, DomainLifecycle, DomainDevices, GuestChannel, HostStorage {
    /// The URI as libvirt writes it: `qemu:///session`.
    var uri: String { get }

    /// The description of what the host is and can do; asked once a connection.
    func host() throws(Failure) -> HostDescription

    /// The load of the host: what it has and what of it is taken; asked anew each time.
    func load() throws(Failure) -> HostLoad

    /// Whether a nic may be put on a bridge of this name; `true` where that cannot be told from here.
    func hasBridge(_ name: String) -> Bool

    /// The host's networks; `nil` for a host that has none.
    var networks: (any HostNetworks)? { get }

    /// The snapshots of the host's domains; `nil` for a host that takes none.
    var snapshots: (any DomainSnapshots)? { get }

    /// The memory of guests in files; `nil` for a host that keeps none.
    var memory: (any GuestMemory)? { get }
}

/// The domains that a host knows, with their descriptions.
public protocol DomainRegistry: Sendable {
    func domains() throws(Failure) -> [DomainSummary]
    /// The domain of this name; `nil` where there is none.
    func domain(_ name: String) throws(Failure) -> DomainSummary?
    /// The things the domains use that others may use too. What others than this process have changed in the last
    /// seconds may be missing.
    func uses() throws(Failure) -> HostUses
    /// Makes a persistent domain, or changes the one with the same name and UUID.
    func define(_ xml: String) throws(Failure) -> DomainSummary
    /// Whether the domain is kept when its guest ends.
    func isPersistent(_ name: String) throws(Failure) -> Bool
    /// Removes the persistent definition, with its NVRAM, TPM state, managed save image and snapshot metadata.
    func undefine(_ name: String) throws(Failure)

    /// The domain's description: of the running guest, or the one its next start takes.
    ///
    /// - Parameter secrets: whether the passwords are in it, which libvirt gives to those who may change the domain.
    func xml(_ name: String, inactive: Bool, secrets: Bool) throws(Failure) -> String
    /// The description of the guest whose memory is kept, of a domain that is saved.
    func savedXML(_ name: String) throws(Failure) -> String
    /// limiq's own element in the `<metadata>` of what the domain's next start takes (of what runs, where nothing is kept
    /// for a next start), `nil` where there is none.
    func metadata(_ name: String) throws(Failure) -> String?
    /// Replaces that element, in the running and the persistent description.
    func setMetadata(_ name: String, _ xml: String) throws(Failure)
}

/// The things that are done to a domain as a whole.
public protocol DomainLifecycle: Sendable {
    func start(_ name: String) throws(Failure)
    /// Starts the domain with its processors stopped.
    func startPaused(_ name: String) throws(Failure)
    func shutdown(_ name: String) throws(Failure)
    func reboot(_ name: String) throws(Failure)
    func reset(_ name: String) throws(Failure)
    /// Ends the domain at once. Does nothing where it is off already.
    func destroy(_ name: String) throws(Failure)
    func suspend(_ name: String) throws(Failure)
    /// Lets a paused guest go on. Does nothing where it runs already.
    func resume(_ name: String) throws(Failure)
    /// Keeps the guest's memory and ends it: the next start goes on from there.
    func save(_ name: String) throws(Failure)
    /// Throws the memory away that is kept of a guest, where there is any.
    func dropSaved(_ name: String) throws(Failure)

    /// Whether libvirt starts the domain with its daemon.
    func startsWithHost(_ name: String) throws(Failure) -> Bool
    func setStartsWithHost(_ name: String, _ isOn: Bool) throws(Failure)

    /// Calls `handler` for whatever happens to the domain of this name from now on (it need not exist yet), until
    /// the subscription is cancelled; on a thread that must not be held up.
    func onEvent(
        of name: String, _ handler: @escaping @Sendable (DomainEvent) -> Void
    ) throws(Failure) -> any EventSubscription
}

/// The devices of a domain, and what of a running guest can be changed.
public protocol DomainDevices: Sendable {
    /// Adds a device by its XML, in the running guest (where it runs) and in the persistent description.
    func attachDevice(_ name: String, _ xml: String) throws(Failure)
    func detachDevice(_ name: String, _ xml: String) throws(Failure)
    /// - Parameter force: open a CD-ROM's tray even where the guest has locked it.
    func updateDevice(_ name: String, _ xml: String, force: Bool) throws(Failure)

    /// Changes the running guest, and not what its next start takes.
    func change(_ name: String, _ change: GuestChange) throws(Failure)
}

/// The snapshots of domains (<https://libvirt.org/formatsnapshot.html>).
public protocol DomainSnapshots: Sendable {
    /// Takes a snapshot by libvirt's document of it.
    ///
    /// - Parameter redefine: only keep the document, of a snapshot whose data is there already.
    func create(_ name: String, _ xml: String, redefine: Bool) throws(Failure)
    /// libvirt's document of each snapshot, by its name.
    func all(of name: String) throws(Failure) -> [String: String]
    /// - Parameter running: start the guest where the snapshot is of one that was off.
    func revert(_ name: String, to snapshot: String, running: Bool) throws(Failure)
    func delete(_ name: String, _ snapshot: String) throws(Failure)
}

/// The memory of guests in files of the host, from which others go on.
public protocol GuestMemory: Sendable {
    /// Writes the guest's memory into a file, and ends it.
    func save(_ name: String, to path: String) throws(Failure)
    /// Lets a guest go on from such a file, with its processors stopped. Its domain is defined already.
    ///
    /// - Parameter path: of a file, or of a pipe that somebody writes one into.
    func restorePaused(_ name: String, from path: String) throws(Failure)
}

/// The channels by which a running guest is seen and spoken to.
public protocol GuestChannel: Sendable {
    /// Runs a command of QEMU's human monitor (`hostfwd_add …`); returns what the monitor prints.
    func monitor(_ name: String, _ command: String) throws(Failure) -> String
    /// Runs a command of QEMU's machine protocol as JSON text; returns the reply's JSON text.
    func qmp(_ name: String, _ command: String) throws(Failure) -> String
    /// Runs a command of the guest agent as JSON text; returns the reply's JSON text.
    func agent(_ name: String, _ command: String, timeout: Duration) throws(Failure) -> String
    func addresses(_ name: String, from source: AddressSource) throws(Failure) -> [InterfaceAddresses]
    /// The leases that the DHCP servers of libvirt's networks have given to the domain's nics and that have not ended,
    /// by nic.
    func leases(_ name: String) throws(Failure) -> [AddressLease]
    /// The work the running guest has done up to now: its processors and its disks.
    func work(_ name: String) throws(Failure) -> GuestWork

    /// A picture of the first screen of a running guest, as PPM or PNG.
    func screenshot(_ name: String) throws(Failure) -> [UInt8]

    /// The guest's serial console; the caller closes it.
    func openConsole(_ name: String) throws(Failure) -> any ConsoleStream
}

public struct HostDescription: Sendable, Equatable {
    /// The hypervisor's program: `/usr/bin/qemu-system-x86_64`.
    public var emulator: String
    /// The processor's architecture: `x86_64`.
    public var architecture: String
    /// Whether libvirt offers hardware acceleration; whether a guest survives it is another question.
    public var offersKVM: Bool
    /// The version of QEMU: major × 1,000,000 + minor × 1,000 + micro.
    public var emulatorVersion: Int
    /// The account QEMU runs as, where that can be known: the files of a guest must be readable by it.
    public var emulatorUser: EmulatorUser
    /// Whether the files a spec names are files of this host.
    public var isLocal: Bool
    /// Whether libvirt gives a guest's files to QEMU's user when it starts, and must be told where it is not to. Only a
    /// libvirt that runs as root does, and any other refuses to be told.
    public var relabelsFiles: Bool

    public init(
        emulator: String, architecture: String, offersKVM: Bool, emulatorVersion: Int,
        emulatorUser: EmulatorUser, isLocal: Bool, relabelsFiles: Bool
    ) {
        self.emulator = emulator
        self.architecture = architecture
        self.offersKVM = offersKVM
        self.emulatorVersion = emulatorVersion
        self.emulatorUser = emulatorUser
        self.isLocal = isLocal
        self.relabelsFiles = relabelsFiles
    }
}

/// The resources a host has, and the domains on it.
public struct HostLoad: Sendable, Equatable {
    public struct Domain: Sendable, Equatable {
        public var name: String
        /// The most memory it may have.
        public var memoryMiB: UInt64
        /// Whether it runs, and takes that memory.
        public var isActive: Bool

        public init(name: String, memoryMiB: UInt64, isActive: Bool) {
            self.name = name
            self.memoryMiB = memoryMiB
            self.isActive = isActive
        }
    }

    /// The name the host calls itself by.
    public var hostname: String
    /// The number of logical processors.
    public var cpus: Int
    public var memoryMiB: UInt64
    /// The domains, by name.
    public var domains: [Domain]

    public init(hostname: String, cpus: Int, memoryMiB: UInt64, domains: [Domain]) {
        self.hostname = hostname
        self.cpus = cpus
        self.memoryMiB = memoryMiB
        self.domains = domains
    }
}

public struct DomainSummary: Sendable, Equatable {
    public var name: String
    /// The UUID: 8-4-4-4-12 hexadecimal digits.
    public var uuid: String
    public var state: DomainState

    public init(name: String, uuid: String, state: DomainState) {
        self.name = name
        self.uuid = uuid
        self.state = state
    }
}

/// libvirt's `virDomainState`, by the words `virsh domstate` uses, and `saved`.
public enum DomainState: String, Sendable {
    case noState = "no state"
    case running
    case blocked = "idle"
    case paused
    case shuttingDown = "in shutdown"
    case shutOff = "shut off"
    /// The domain is off, with the guest's memory kept: the next start goes on from there, as what the guest was.
    case saved
    case crashed
    case suspended = "pmsuspended"

    /// Whether a process of the hypervisor exists for it.
    public var isActive: Bool { ![.shutOff, .saved, .crashed, .noState].contains(self) }
}

public enum AddressSource: Sendable { case agent, arp }

/// An address that a DHCP server has lent to a nic.
public struct AddressLease: Sendable, Hashable, Codable {
    /// The MAC address in lower case.
    public var macAddress: String
    /// The address without the prefix length.
    public var address: String
    /// The time it ends, in seconds since 1970; `nil` for one that does not end.
    public var expires: Int64?

    public init(macAddress: String, address: String, expires: Int64?) {
        self.macAddress = macAddress
        self.address = address
        self.expires = expires
    }
}

public struct InterfaceAddresses: Sendable, Equatable {
    public var interface: String
    public var macAddress: String?
    /// The addresses without the prefix length.
    public var addresses: [String]

    public init(interface: String, macAddress: String?, addresses: [String]) {
        self.interface = interface
        self.macAddress = macAddress
        self.addresses = addresses
    }
}

public enum DomainEvent: Sendable, Equatable {
    case defined, undefined, started, suspended, resumed
    case stopped(StopReason)
    case crashed
    /// The guest was reset, by itself or from outside: it boots again without a new start.
    case rebooted
    case agentConnected, agentDisconnected
    /// The guest has let go of a device, or has refused to.
    case deviceRemoved(alias: String), deviceKept(alias: String)
    /// The connection to the host is gone; nothing more comes.
    case connectionLost
}

public enum StopReason: String, Sendable { case shutdown, destroyed, crashed, failed, other }

/// Keeps a handler of events; `cancel` ends it.
public protocol EventSubscription: Sendable {
    func cancel()
}

/// A guest's serial console, both ways.
public protocol ConsoleStream: Sendable {
    /// Blocks until there are bytes; empty at the end.
    func read() throws(Failure) -> [UInt8]
    func write(_ bytes: [UInt8]) throws(Failure)
    func close()
}
