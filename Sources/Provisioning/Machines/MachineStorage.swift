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
    mutating func open() throws(Failure)
    /// - Parameter tell: what takes long.
    mutating func makeDisks(
        _ cancellation: Cancellation, tell: @escaping (_ phase: String, _ detail: String?) -> Void
    ) throws(Failure)
    mutating func makeSeed() throws(Failure)
    /// The images of CD-ROM drives whose files the spec gives, and Ignition's configuration.
    mutating func makeMedia() throws(Failure)
    mutating func makeIgnition() throws(Failure)
    /// What was made is there after a power failure too: libvirt is told of it next.
    func sync() throws(Failure)
    /// Removes what was made, where anything was.
    func remove() throws(Failure)

    /// What of a VM that is there is gone; `nil` where it is whole.
    func missing(of record: MachineRecord) throws(Failure) -> String?
    /// The parts of a VM that is there.
    func existing(_ record: MachineRecord) throws(Failure) -> MachineLayout
}

extension MachineStorage {
    mutating func makeMedia() throws(Failure) {}
    mutating func makeIgnition() throws(Failure) {}
}

extension Machine {
    func storage(for spec: VMSpec, _ host: HostDescription) -> any MachineStorage {
        host.isLocal ? MachineFiles(self, spec, host: host) : MachineVolumes(self, spec)
    }
}
