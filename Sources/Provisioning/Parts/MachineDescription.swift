import Basics
import DiskImages
import GuestConfig
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
        let store = store(try host())
        for part in record.parts where isLocal || isOwnPlace(part) {
            switch part.kind {
            case .disk, .console: continue
            case .seed:
                guard let digests = spec.cloudInit else { continue }
                try store.read(part) { path throws(Failure) in
                    let seed = try ISOReader(path)
                    for file in SeedFile.allCases where digests[file] != nil {
                        let bytes = try seed.read(Array(file.rawValue.utf8))
                        guard let text = String(validating: bytes, as: UTF8.self) else {
                            spec.cloudInit?[file] = .bytes(bytes)
                            continue
                        }
                        let kept = digests[file]?.text(as: file)
                        func isGiven(_ text: String) -> Bool { KeptDigest.plain(Array(text.utf8)) == kept }
                        spec.cloudInit?[file] = .text(
                            file == .metaData ? SeedIdentity.givenMetaData(text, where: isGiven) : text)
                    }
                }
            case .cdrom(let id):
                guard let index = spec.cdroms.firstIndex(where: { $0.id == id && $0.files != nil }) else {
                    continue
                }
                try store.read(part) { path throws(Failure) in
                    spec.cdroms[index].files = try ISOContents(image: path)
                }
            case .ignition:
                guard spec.ignition != nil else { continue }
                try store.read(part) { path throws(Failure) in
                    spec.ignition = String(
                        decoding: try fileBytes(path, atMost: ReadLimit.document), as: UTF8.self)
                }
            }
        }
        if spec.console?.vncPassword != nil {
            let graphics = try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: true))
                .all("devices/graphics")
            spec.console?.vncPassword = graphics.compactMap { $0.attributes["passwd"] }.first
        }
        return spec
    }
}
