import Basics
import Glibc
import Libvirt
import XML

extension LibvirtHypervisor {
    public func pool(_ name: String) throws(Failure) -> PoolSummary? {
        try call("cannot use the storage pool \(name) of \(uri)") { connection throws(LibvirtError) in
            do throws(LibvirtError) {
                return try connection.withPool(name, Self.started)
            } catch {
                if error.code == .noStoragePool { return nil }
                throw error
            }
        }
    }

    private static func started(_ pool: borrowing StoragePool) throws(LibvirtError) -> PoolSummary {
        if try !pool.isActive() {
            do throws(LibvirtError) {
                try pool.create()
            } catch {
                // Another may have started it in between.
                guard try pool.isActive() else { throw error }
            }
        }
        let description = try? XMLReader.parse(try pool.xml())
        return PoolSummary(
            name: pool.name, type: description?.attributes["type"] ?? "",
            rbd: description.flatMap(RBDSource.init))
    }

    /// The name of limiq's own pool on every host.
    public static let ownPool = "limiq"

    public func ownPool() throws(Failure) -> PoolSummary {
        if let known = try? pool(Self.ownPool) { return known }
        let folder = try poolFolder()
        let xml = XMLElement(
            "pool", ["type": "dir"],
            [
                XMLElement("name", text: Self.ownPool),
                XMLElement("target", [:], [XMLElement("path", text: folder)]),
            ]
        ).xml
        return try making.withLock { _ throws(Failure) in
            var tries = 0
            while true {
                do throws(Failure) {
                    try makePool(xml)
                    if let made = try pool(Self.ownPool) { return made }
                } catch {
                    // Another process may be between two of these steps.
                    if let made = try? pool(Self.ownPool) { return made }
                    tries += 1
                    guard tries < 20 else { throw error }
                }
                usleep(50_000)
            }
        }
    }

    private func makePool(_ xml: String) throws(Failure) {
        func finish(_ pool: borrowing StoragePool) throws(LibvirtError) {
            try pool.build()
            try pool.setAutostart(true)
        }
        try call("cannot make the storage pool \(Self.ownPool) on \(uri)") {
            connection throws(LibvirtError) in
            do throws(LibvirtError) {
                // One that was only begun is completed.
                try connection.withPool(Self.ownPool, finish)
            } catch {
                guard error.code == .noStoragePool else { throw error }
                try connection.definePool(xml, finish)
            }
        }
    }

    /// The host's own place for limiq's pool: root's state folder, or that of the session's user.
    private func poolFolder() throws(Failure) -> String {
        guard location.path == "/session" else { return "/var/lib/limiquantix/pool" }
        // libvirt tells nobody whose session it is, but the environment it starts QEMU with does.
        let host = try host()
        let xml = XMLElement(
            "domain", ["type": "qemu"],
            [
                XMLElement("name", text: "limiq"), XMLElement("memory", ["unit": "MiB"], text: "64"),
                XMLElement("os", [:], [XMLElement("type", ["arch": host.architecture], text: "hvm")]),
                XMLElement("devices", [:], [XMLElement("emulator", text: host.emulator)]),
            ]
        ).xml
        let line = try call("cannot ask \(uri) whose session it is", reads: true) {
            connection throws(LibvirtError) in
            try connection.commandLine(of: xml, format: "qemu-argv")
        }
        guard let home = line.split(separator: " ").first(where: { $0.hasPrefix("HOME=/") }) else {
            throw Failure(
                .hostNotAble, "\(uri) does not say where its user's home is",
                hint: "make a storage pool named \(Self.ownPool) there: virsh -c \(uri) pool-define-as")
        }
        return home.dropFirst("HOME=".count) + "/.local/share/limiquantix/pool"
    }

    public func refreshPool(_ name: String) throws(Failure) {
        try call("cannot look what the storage pool \(name) of \(uri) holds") {
            connection throws(LibvirtError) in
            try connection.withPool(name) { pool throws(LibvirtError) in
                var tries = 0
                while true {
                    do throws(LibvirtError) {
                        return try pool.refresh()
                    } catch {
                        // A volume is being made in it, which takes qemu-img milliseconds.
                        tries += 1
                        guard error.message.contains("asynchronous jobs"), tries < 200 else { throw error }
                        usleep(20_000)
                    }
                }
            }
        }
    }

    public func volumes(in pool: String) throws(Failure) -> [String] {
        try call("cannot list the storage pool \(pool) of \(uri)", reads: true) {
            connection throws(LibvirtError) in
            try connection.withPool(pool) { pool throws(LibvirtError) in try pool.volumes() }
        }
    }

    public func volume(_ volume: HostVolume) throws(Failure) -> VolumeSummary? {
        try withVolume("look up", volume, reads: true) { opened throws(LibvirtError) in
            try Self.summary(opened, in: volume.pool)
        }
    }

    public func createVolume(_ description: VolumeXML, in pool: String) throws(Failure) -> VolumeSummary {
        let name = description.name
        var isTaken = false
        let made = try call("cannot make the volume \(name) in \(pool) on \(uri)") {
            connection throws(LibvirtError) in
            try connection.withPool(pool) { opened throws(LibvirtError) -> VolumeSummary? in
                do throws(LibvirtError) {
                    return try opened.createVolume(description.text) { volume throws(LibvirtError) in
                        try Self.summary(volume, in: pool)
                    }
                } catch {
                    // A file that this libvirt has not made is refused in other words.
                    isTaken = error.code == .storageVolumeExists || error.message.contains("exists")
                    if isTaken { return nil }
                    throw error
                }
            }
        }
        if let made { return made }
        throw Failure(
            .diskExists, "the volume \(name) is in the storage pool \(pool) of \(uri) already",
            hint: "where nothing uses it: virsh -c '\(uri)' vol-delete --pool \(pool) \(name)", resource: name
        )
    }

    public func growVolume(_ volume: HostVolume, to capacity: UInt64) throws(Failure) {
        let found: Void? = try withVolume("grow", volume) { opened throws(LibvirtError) in
            try opened.resize(to: capacity)
        }
        guard found != nil else { throw gone(volume) }
    }

    public func removeVolume(_ volume: HostVolume) throws(Failure) {
        var isInUse = false
        _ = try withVolume("remove", volume) { opened throws(LibvirtError) in
            do throws(LibvirtError) {
                try opened.delete()
            } catch {
                guard error.code == .operationInvalid else { throw error }
                isInUse = true
            }
        }
        guard isInUse else { return }
        throw Failure(
            .inUse, "the volume \(volume.name) of \(uri) is being written or read",
            hint: "wait until that is done", resource: volume.name)
    }

    public func upload(
        to volume: HostVolume, length: UInt64, _ next: () throws(Failure) -> UploadPart?
    ) throws(Failure) {
        var problem: Failure?
        let found: Void? = try withVolume("write", volume) { opened throws(LibvirtError) in
            var transfer = try opened.upload(length)
            while true {
                let part: UploadPart?
                do throws(Failure) {
                    part = try next()
                } catch {
                    problem = error
                    return
                }
                switch part {
                case .bytes(let bytes)?: try transfer.send(bytes)
                case .hole(let count)?: try transfer.skip(count)
                case nil: return try transfer.finish()
                }
            }
        }
        if let problem { throw problem }
        guard found != nil else { throw gone(volume) }
    }

    public func download(_ volume: HostVolume, from offset: UInt64) throws(Failure) -> [UInt8] {
        let bytes = try withVolume("read", volume, reads: true) { opened throws(LibvirtError) in
            var transfer = try opened.download(from: offset)
            let bytes = try transfer.receiveAll()
            try transfer.finish()
            return bytes
        }
        guard let bytes else { throw gone(volume) }
        return bytes
    }

    private func gone(_ volume: HostVolume) -> Failure {
        Failure(
            .notFound, "there is no volume \(volume.name) in the storage pool \(volume.pool) of \(uri)",
            resource: volume.name)
    }

    /// - Returns: `nil` where there is no such volume.
    private func withVolume<Result>(
        _ verb: String, _ volume: HostVolume, reads: Bool = false,
        _ body: (borrowing StorageVolume) throws(LibvirtError) -> Result
    ) throws(Failure) -> Result? {
        try call("cannot \(verb) the volume \(volume.name) of \(uri)", reads: reads) {
            connection throws(LibvirtError) in
            do throws(LibvirtError) {
                return try connection.withPool(volume.pool) { pool throws(LibvirtError) in
                    try pool.withVolume(volume.name, body)
                }
            } catch {
                if error.code == .noStorageVolume { return nil }
                throw error
            }
        }
    }

    private static func summary(
        _ volume: borrowing StorageVolume, in pool: String
    ) throws(LibvirtError) -> VolumeSummary {
        let description = try? XMLReader.parse(try volume.xml())
        var backing: BackingImage?
        if let below = description?.first("backingStore"), let path = below.first("path")?.text {
            backing = BackingImage(path: path, format: below.first("format")?.attributes["type"] ?? "")
        }
        return VolumeSummary(
            volume: HostVolume(pool: pool, name: volume.name), path: try volume.path(),
            length: description?.first("physical").flatMap { UInt64($0.text) } ?? 0,
            capacity: description?.first("capacity").flatMap { UInt64($0.text) } ?? 0,
            modified: description?.first("target/timestamps/mtime")?.text ?? "", backing: backing)
    }
}
