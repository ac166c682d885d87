import Basics
import DiskImages
import Glibc
import Hypervisors
import MachineSpec

/// The place where a machine's parts are made and kept: the folder of a machine on this host, or the storage pools of another
/// one. What is proven to be the machine's own is removed and grown by `Ownership`.
protocol PartStore {
    /// The part to be made of a kind, by the place for it; `nil` where it comes to be by itself.
    ///
    /// - Parameter disk: the disk, where the part is one.
    /// - Throws: `Failure` with code `bad_field` or `host_not_able` for a pool that is not for it.
    func part(_ kind: Part.Kind, _ disk: DiskSpec?) throws(Failure) -> Part?
    /// Looks whether a disk can be made: its size, and the image it is to stand on.
    func check(_ disk: DiskSpec) throws(Failure)
    /// Looks whether the disks whose files the spec names can be used, and takes their formats and what lies below from
    /// them.
    ///
    /// - Parameter known: those that the machine has already.
    func readGiven(_ layout: inout MachineLayout, besides known: [DiskSpec]) throws(Failure)

    /// The permissions of the machine's folder.
    var folderMode: mode_t { get }
    /// Whether images of this host must be brought to where the parts are before they are of use.
    var bringsImages: Bool { get }
    /// Brings an image of this host, once, to where the hypervisor reads it.
    ///
    /// - Parameters:
    ///   - disk: the disk that is to stand on it; `nil` for an image in a CD-ROM drive.
    ///   - tell: told how far it is.
    /// - Returns: its volume; `nil` where it is read as it is.
    func bring(
        _ image: String, for disk: Part?, _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) throws(Failure) -> VolumeSummary?

    /// The part as it is now; `nil` where it is gone.
    func find(_ part: Part) throws(Failure) -> FoundPart?
    /// Makes a disk where nothing is.
    ///
    /// - Parameter image: the one it stands on, where that was brought.
    /// - Returns: the stamps of the images below it, the nearest first.
    /// - Throws: `Failure` with code `disk_exists`.
    func make(_ disk: DiskSpec, at part: Part, on image: VolumeSummary?) throws(Failure) -> [ImageStamp]
    /// Writes an image or a document, with which nobody but the machine's owner and QEMU can do anything.
    ///
    /// - Parameter old: the proof of what is in its place; `nil` where nothing may be.
    func write(
        _ bytes: [UInt8], to part: Part, over old: Ownership?, _ cancellation: Cancellation
    ) throws(Failure)
    /// Gives a part to `body` as a file of this host.
    func read(_ part: Part, _ body: (_ path: String) throws(Failure) -> Void) throws(Failure)
}

/// A part that is there.
struct FoundPart {
    /// The path by which the domain names it.
    var path: String
    /// Whether it holds all it should, as far as can be seen.
    var isWhole = true
    /// The bytes a guest sees of a disk, and the images below it, the nearest first.
    var inspect: () throws(Failure) -> (virtualSize: UInt64, backing: [BackingImage]) = { (0, []) }
}

extension Machine {
    func store(_ host: HostDescription) -> any PartStore {
        isLocal ? FolderStore(machine: self, host: host) : PoolStore(machine: self)
    }
}
