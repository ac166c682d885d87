import Basics
import DiskImages
import Hypervisors
import MachineSpec
import Provisioning
import Records

extension Codec where Content == VMSpec {
    /// A machine's description: its fields as they are, or `{ name = …, spec = { … } }`, the API's document. Relative
    /// paths begin at the script's folder; a disk, nic, CD-ROM or share without an id gets one by its position (`disk1`).
    static func vmSpec(_ environment: Environment) -> Codec {
        let codec = SpecRecords.spec
        return Codec("limiq.VMSpec", records: codec.records) { value, path throws(Failure) in
            // The fields of the only table an author wrote need no name before them.
            let path = path == "spec" ? "" : path
            var spec = try codec.decode(try flattened(value, path), path)
            for index in spec.disks.indices {
                if spec.disks[index].id.isEmpty { spec.disks[index].id = "disk\(index + 1)" }
                try environment.admit(
                    &spec.disks[index], "\(path.isEmpty ? "" : path + ".")disks[\(index + 1)]")
            }
            for index in spec.nics.indices {
                if spec.nics[index].id.isEmpty { spec.nics[index].id = "nic\(index + 1)" }
                if let network = spec.nics[index].network?.spec {
                    try environment.gate.changeNetworks(network.name)
                }
            }
            for index in spec.cdroms.indices {
                if spec.cdroms[index].id.isEmpty { spec.cdroms[index].id = "cdrom\(index + 1)" }
                spec.cdroms[index].isoPath = try spec.cdroms[index].isoPath.map { iso throws(Failure) in
                    try environment.reading(iso)
                }
            }
            for index in spec.shares?.indices ?? 0..<0 {
                guard var share = spec.shares?[index] else { continue }
                if share.id.isEmpty { share.id = "share\(index + 1)" }
                share.host =
                    share.readonly ? try environment.reading(share.host) : try environment.writing(share.host)
                spec.shares?[index] = share
            }
            return spec
        } encode: {
            codec.encode($0)
        }
    }

    /// The API's document as one table.
    private static func flattened(_ value: Value, _ path: String) throws(Failure) -> Value {
        if let name = value.string, path.isEmpty {
            throw wrongType(
                "the argument", expected: "a table of fields", got: value,
                hint: "limiq.vm { name = \"\(name)\", … }")
        }
        guard case .map(let outer) = value, let inner = outer["spec"] else { return value }
        guard outer["domain"]?.map == nil else {
            throw Failure(
                .badField, "the spec is a vm already, not a table of fields",
                hint: "call its methods; its fields are those of its spec")
        }
        guard var map = inner.map else { throw wrongType("spec", expected: "a table of fields", got: inner) }
        for entry in outer.entries where entry.key != "spec" {
            guard entry.key == "name" else {
                throw Failure(
                    .badField, "\(entry.key) is not a field beside spec",
                    hint: "move it into spec, or drop spec")
            }
            if let other = map["name"], other != entry.value {
                throw Failure(.badField, "name is given twice, beside spec and in it")
            }
            map["name"] = entry.value
        }
        return .map(map)
    }
}

extension Environment {
    /// Makes the paths of a disk absolute.
    ///
    /// - Throws: `Failure` with code `forbidden` for what the script may not give a machine.
    fileprivate func admit(_ disk: inout DiskSpec, _ field: String) throws(Failure) {
        if let path = disk.path {
            try gate.volume("\(field).path", isOfPool: disk.poolID != nil)
            if disk.poolID == nil {
                disk.path = try self.disk(path, "\(field).path")
                if !disk.readonly { try gate.writableDisk(path, "\(field).path") }
            }
        }
        if let base = disk.backingFile { disk.backingFile = try self.disk(base, "\(field).backing_file") }
    }
}
