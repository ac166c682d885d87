import DiskImages
import HostFiles
import Hypervisors
import MachineSpec

/// A thing that limiq makes for a machine beside its domain, by the place where it lies. The name of its file says of what
/// kind it is.
public enum Part: Sendable, Hashable {
    /// A file of this host, by its absolute path.
    case file(String)
    /// A volume of the machine's host, named `MACHINE.FILE`.
    case volume(HostVolume)

    public enum Kind: Sendable, Hashable {
        /// A disk, by its id.
        case disk(String)
        /// The image of files in a CD-ROM drive, by the drive's id.
        case cdrom(String)
        /// The cidata image.
        case seed
        /// Ignition's configuration.
        case ignition
        /// The log of the guest's serial console, where limiq makes it.
        case console
    }

    public var file: String? { if case .file(let path) = self { path } else { nil } }
    public var volume: HostVolume? { if case .volume(let volume) = self { volume } else { nil } }

    /// The name of its file. A machine's name has no dot.
    var fileName: String {
        switch self {
        case .file(let path): lastComponent(path)
        case .volume(let volume): String(volume.name.drop { $0 != "." }.dropFirst())
        }
    }

    var kind: Kind { Kind(fileName: fileName) }
}

extension Part: CustomStringConvertible {
    /// The path, or `POOL/VOLUME`.
    public var description: String {
        switch self {
        case .file(let path): path
        case .volume(let volume): "\(volume.pool)/\(volume.name)"
        }
    }
}

extension Part.Kind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .disk(let id): "disk \(id)"
        case .cdrom(let id): "cdrom \(id)"
        case .seed: "seed"
        case .ignition: "ignition"
        case .console: "console log"
        }
    }

    /// The name of the part's file.
    ///
    /// - Parameter disk: the disk, where it is one.
    func fileName(_ disk: DiskSpec? = nil) -> String {
        switch self {
        case .disk(let id): "\(id).\((disk?.format ?? .qcow2).libvirtName)"
        case .cdrom(let id): "cdrom-\(id).iso"
        case .seed: "seed.iso"
        case .ignition: "ignition.json"
        case .console: "console.log"
        }
    }

    fileprivate init(fileName name: String) {
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        let fixed = [Self.seed, .ignition, .console].first { $0.fileName() == name }
        let isCDROM = name.hasPrefix("cdrom-") && name.hasSuffix(".iso")
        self = fixed ?? (isCDROM ? .cdrom(String(stem.dropFirst("cdrom-".count))) : .disk(stem))
    }

    var isDisk: Bool { if case .disk = self { true } else { false } }
    var isCDROM: Bool { if case .cdrom = self { true } else { false } }
}

extension VMSpec {
    /// The disks, images and documents of a machine of this spec, in the order they are made.
    public var partKinds: [Part.Kind] {
        disks.map { .disk($0.id) } + cdroms.map { .cdrom($0.id) } + (cloudInit == nil ? [] : [.seed])
            + (ignition == nil ? [] : [.ignition])
    }
}

extension [Part] {
    subscript(kind: Part.Kind) -> Part? { first { $0.kind == kind } }

    /// The parts that are not among others.
    func without(_ others: [Part]) -> [Part] { filter { !others.contains($0) } }

    /// The paths of those that are files.
    var files: [String] { compactMap(\.file) }
}

// MARK: - in documents

extension Part: Codable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        self =
            if let path = try? value.decode(String.self) { .file(path) } else {
                .volume(try value.decode(HostVolume.self))
            }
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .file(let path): try value.encode(path)
        case .volume(let volume): try value.encode(volume)
        }
    }
}

/// The parts that a record or a journal names, also as limiq wrote them up to version 2 of its records: files and volumes in
/// lists of their own.
struct NamedParts: Decodable {
    let parts: [Part]
    /// The parts, of `parts`, that a change is making.
    let making: [Part]?

    private enum Key: String, CodingKey { case parts, made, files, volumes, making, makingVolumes }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func read(_ keys: Key...) throws -> [Part]? {
            let lists = try keys.compactMap { try values.decodeIfPresent([Part].self, forKey: $0) }
            return lists.isEmpty ? nil : lists.flatMap(\.self)
        }
        parts = try read(.parts, .made, .files, .volumes) ?? []
        making = try read(.making, .makingVolumes)
    }
}
