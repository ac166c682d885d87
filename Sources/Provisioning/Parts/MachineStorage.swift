import Basics
import Hypervisors
import MachineSpec

/// The place where the disks, the seed and the console log of a machine are made and kept: files of this host, or
/// volumes of another one.
protocol MachineStorage {
    /// The paths of the machine's parts, complete when all is made.
    var layout: MachineLayout { get }

    /// Finds out whether all can be made, as far as can be told beforehand.
    func check() throws(Failure)
    /// Removes what a run that was killed has left of a machine without a domain.
    ///
    /// - Throws: `Failure` with code `folder_taken` where the machine's folder holds something else.
    func clearLeftovers() throws(Failure)
    /// Makes the folder and writes down what will be made.
    ///
    /// - Parameter record: what the domain will have.
    mutating func open(_ record: MachineRecord) throws(Failure)
    /// Puts the images that disks stand on and those of CD-ROM drives where the host reads them, before `makeDisks`.
    ///
    /// - Parameter tell: told how far it is.
    mutating func uploadImages(
        _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) throws(Failure)
    mutating func makeDisks(_ cancellation: Cancellation) throws(Failure)
    mutating func makeSeed() throws(Failure)
    /// Makes the images of CD-ROM drives whose files the spec gives.
    mutating func makeMedia(_ cancellation: Cancellation) throws(Failure)
    mutating func makeIgnition() throws(Failure)
    /// Makes sure that what was made is there after a power failure too: libvirt is told of it next.
    func sync() throws(Failure)
    /// Removes what was made, where anything was.
    func remove() throws(Failure)

    // MARK: a machine that is there

    /// Opens the storage of a machine that is there, instead of `open`: of the disks, those the machine does not have
    /// are made, and what a killed change left of them is removed.
    mutating func openChange(of domainNow: PresentDomain) throws(Failure)
    /// Makes sure that a disk that is to grow is the machine's own.
    ///
    /// - Throws: `Failure` with code `in_use` or `not_ours`, as `Ownership`.
    func requireOwn(_ disk: DiskSpec, _ domainNow: PresentDomain) throws(Failure)
    /// Grows a disk of a machine that is off.
    func grow(_ disk: DiskSpec, _ domainNow: PresentDomain, _ cancellation: Cancellation) throws(Failure)
    /// Removes what the machine had and the spec does not say any more; whoever has it open keeps it.
    func removeUnused(of domainNow: PresentDomain) throws(Failure)

    /// The parts of a machine that are gone or not whole.
    func lost(of record: MachineRecord) throws(Failure) -> LostParts
    /// Makes the console's log, where that is not libvirt's to make.
    mutating func makeConsole() throws(Failure)
    /// The bytes a guest sees of a disk that limiq made; `nil` where there is none.
    func virtualSize(of disk: DiskSpec, _ record: MachineRecord) throws(Failure) -> UInt64?
    /// The paths of the machine's parts, with those a change has made.
    func existing(_ domainNow: PresentDomain) throws(Failure) -> MachineLayout
}

extension MachineStorage {
    mutating func uploadImages(_ cancellation: Cancellation, tell: @escaping (String) -> Void) throws(Failure)
    {}
    mutating func makeIgnition() throws(Failure) {}
    mutating func makeConsole() throws(Failure) {}
}

/// The parts of a machine that are gone, empty or cut short.
public struct LostParts: Sendable, Equatable {
    public var seed = false
    public var media = false
    public var ignition = false
    public var console = false
    /// The first disk that is gone: nothing makes it again.
    var disk: String?

    public var isAny: Bool { self != LostParts() }

    mutating func add(_ other: LostParts) {
        seed = seed || other.seed
        media = media || other.media
        ignition = ignition || other.ignition
        console = console || other.console
        disk = disk ?? other.disk
    }
}

extension Machine {
    func storage(for spec: VMSpec, _ host: HostDescription) -> any MachineStorage {
        host.isLocal ? MachineFiles(self, spec, host: host) : MachineVolumes(self, spec)
    }
}
