import Basics

/// Where the disks, the seed and the console log of a VM are made and kept: files of this machine, or volumes of a host
/// that is another one.
protocol MachineStorage {
    /// Complete when all is made.
    var layout: MachineLayout { get }

    /// Whether all can be made, as far as can be told beforehand.
    func check() throws(Failure)
    /// Removes what a run that was killed has left of a VM without a domain.
    ///
    /// - Throws: `Failure` with code `folder_taken` where the VM's folder holds something else.
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
    /// The images of CD-ROM drives whose files the spec gives, and Ignition's configuration.
    mutating func makeMedia(_ cancellation: Cancellation) throws(Failure)
    mutating func makeIgnition() throws(Failure)
    /// What was made is there after a power failure too: libvirt is told of it next.
    func sync() throws(Failure)
    /// Removes what was made, where anything was.
    func remove() throws(Failure)

    // MARK: a VM that is there

    /// Instead of `open`: of the disks, those the VM does not have are made, and what a killed change left of them is
    /// removed.
    mutating func openChange(of standing: MachineStanding) throws(Failure)
    /// A disk that is to grow is the VM's own.
    ///
    /// - Throws: `Failure` with code `in_use` or `not_ours`, as `Ownership`.
    func requireOwn(_ disk: DiskSpec, _ standing: MachineStanding) throws(Failure)
    /// Of a VM that is off.
    func grow(_ disk: DiskSpec, _ standing: MachineStanding, _ cancellation: Cancellation) throws(Failure)
    /// Removes what the VM had and the spec does not say any more; whoever has it open keeps it.
    func removeUnused(of standing: MachineStanding) throws(Failure)

    /// What of it is gone or not whole.
    func lost(of record: MachineRecord) throws(Failure) -> LostParts
    /// The console's log, where that is not libvirt's to make.
    mutating func makeConsole() throws(Failure)
    /// The bytes a guest sees of a disk that limiq made; `nil` where there is none.
    func virtualSize(of disk: DiskSpec, _ record: MachineRecord) throws(Failure) -> UInt64?
    /// Its parts, with those a change has made.
    func existing(_ standing: MachineStanding) throws(Failure) -> MachineLayout
}

extension MachineStorage {
    mutating func uploadImages(_ cancellation: Cancellation, tell: @escaping (String) -> Void) throws(Failure)
    {}
    mutating func makeIgnition() throws(Failure) {}
    mutating func makeConsole() throws(Failure) {}
}

/// Parts of a VM that are gone, empty or cut short.
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
