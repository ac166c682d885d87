import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import XML

extension Machine {
    /// The spec the machine was made from, whole: what its metadata keeps as digests only is read from where it stands,
    /// the cloud-init documents in the seed, the files of a CD-ROM and Ignition's configuration in the machine's
    /// folder, and a VNC password in libvirt. The same spec makes the same machine.
    ///
    /// - Throws: `Failure` with code `not_found`, `not_ours`, or `io` where the seed cannot be read by the caller.
    public func spec() throws(Failure) -> VMSpec {
        try requireDomain()
        let record = try requireRecord()
        var spec = record.spec
        let layout = MachineLayout(spec, of: self)
        if let digests = spec.cloudInit {
            try withImage(layout.seed ?? "", seedVolumeName, record) { path throws(Failure) in
                let seed = try ISOReader(path)
                for file in SeedFile.allCases where digests[file] != nil {
                    let bytes = try seed.read(Array(file.rawValue.utf8))
                    spec.cloudInit?[file] =
                        String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .bytes(bytes)
                }
            }
        }
        for (index, path) in layout.cdroms.enumerated() where spec.cdroms[index].files != nil {
            try withImage(path, volumeName(of: spec.cdroms[index]), record) { path throws(Failure) in
                spec.cdroms[index].files = try ISOContents(image: path)
            }
        }
        if let path = layout.ignition {
            spec.ignition = String(decoding: try fileBytes(path, atMost: ReadLimit.document), as: UTF8.self)
        }
        if spec.console?.vncPassword != nil {
            let graphics = try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: true))
                .all("devices/graphics")
            spec.console?.vncPassword = graphics.compactMap { $0.attributes["passwd"] }.first
        }
        return spec
    }

    /// - Parameters:
    ///   - file: an image that was made for the machine, where it is of this host; of another it is a volume.
    ///   - body: is given it as a file of this host.
    private func withImage(
        _ file: String, _ volume: String, _ record: MachineRecord,
        _ body: (_ path: String) throws(Failure) -> Void
    ) throws(Failure) {
        guard !isLocal else { return try body(file) }
        guard let volume = record.volumes?.first(where: { $0.name == volume }) else { return }
        // Whoever is killed before it is removed leaves what the next removal of the machine finds.
        let path = "\(folder)/\(AtomicFile.temporaryName(for: volume.name))"
        try makeFolder()
        defer {
            unlink(path)
            // Of a machine that was made from a third host nothing else is kept here.
            rmdir(folder)
        }
        try writeBytes(try hypervisor.download(volume, from: 0), to: path)
        try body(path)
    }
}
