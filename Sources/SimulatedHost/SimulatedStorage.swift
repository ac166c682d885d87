import Basics
import DiskImages
import HostFiles
import Hypervisors
import Synchronization
import XML

/// Storage pools in memory. Two hypervisors with one storage are two hosts that share a pool.
package final class SimulatedStorage: Sendable {
    package struct Volume: Sendable {
        package var description: VolumeXML
        package var bytes: [UInt8] = []
        package var changes = 0
        package var isInUse = false

        package init(description: VolumeXML, bytes: [UInt8] = []) {
            self.description = description
            self.bytes = bytes
        }
    }

    package struct State: Sendable {
        package var pools = ["fast": "dir", "lvm": "logical", "ceph": "rbd"]
        package var volumes: [HostVolume: Volume] = [:]
        /// The names of the volumes that were made, in order.
        var made: [String] = []
        /// A volume that is made, while the answer is lost.
        package var unheard: String?
    }

    package let state = Mutex(State())

    package init() {}

    /// A pool as libvirt describes it.
    static func ceph(_ type: String) -> String {
        """
        <pool type='\(type)'><name>ceph</name><source><name>libvirt-pool</name>
        <host name='mon1' port='6789'/><host name='mon2'/>
        <auth type='ceph' username='admin'><secret usage='ceph admin'/></auth></source></pool>
        """
    }

    package var names: [String] { state.withLock { $0.volumes.keys.map(\.name).sorted() } }
    /// The names of the volumes that were made, in order, those that are gone included.
    package var made: [String] { state.withLock(\.made) }

    package func bytes(_ name: String) -> [UInt8]? {
        state.withLock { state in state.volumes.first { $0.key.name == name }?.value.bytes }
    }
    /// Somebody writes to it.
    package func touch(_ name: String) {
        state.withLock { state in
            for volume in state.volumes.keys where volume.name == name { state.volumes[volume]?.changes += 1 }
        }
    }
    package func description(_ name: String) -> VolumeXML? {
        state.withLock { state in state.volumes.first { $0.key.name == name }?.value.description }
    }
}

extension SimulatedStorage {
    /// Writes what a guest prints on its console: into a file of this host, or the volume at that path.
    func print(_ text: String, to path: String?) {
        guard let path else { return }
        if !change(volumeAt: path, { $0.bytes += Array(text.utf8) }) { append(text, to: path) }
    }

    /// Makes a disk larger that a guest has: a file of this host, or the volume at that path.
    func grow(_ path: String, to capacity: UInt64) throws(Failure) {
        if !change(volumeAt: path, { $0.description.capacity = capacity }), fileExists(path) {
            try Disk.resize(path, to: ByteSize(bytes: capacity))
        }
    }

    /// - Returns: whether there is such a volume.
    private func change(volumeAt path: String, _ change: (inout Volume) -> Void) -> Bool {
        state.withLock { state in
            guard let volume = state.volumes.keys.first(where: { "/\($0.pool)/\($0.name)" == path }) else {
                return false
            }
            if var found = state.volumes[volume] {
                change(&found)
                state.volumes[volume] = found
            }
            return true
        }
    }
}

extension SimulatedHypervisor {
    package func pool(_ name: String) throws(Failure) -> PoolSummary? {
        try requireThere()
        guard let type = storage.state.withLock({ $0.pools[name] }) else { return nil }
        return PoolSummary(
            name: name, type: type, rbd: RBDSource(try XMLReader.parse(SimulatedStorage.ceph(type))))
    }

    package func ownPool() throws(Failure) -> PoolSummary {
        storage.state.withLock { $0.pools["limiq"] = "dir" }
        return PoolSummary(name: "limiq", type: "dir")
    }

    package func refreshPool(_ name: String) throws(Failure) {}

    package func volumes(in pool: String) throws(Failure) -> [String] {
        storage.state.withLock { state in state.volumes.keys.filter { $0.pool == pool }.map(\.name) }.sorted()
    }

    package func volume(_ volume: HostVolume) throws(Failure) -> VolumeSummary? {
        let folder = volume.pool == "ceph" ? "libvirt-pool" : "/\(volume.pool)"
        return storage.state.withLock { state in
            state.volumes[volume].map {
                VolumeSummary(
                    volume: volume, path: "\(folder)/\(volume.name)", length: UInt64($0.bytes.count),
                    capacity: $0.description.capacity,
                    modified: String($0.changes), backing: $0.description.backing)
            }
        }
    }

    package func createVolume(_ description: VolumeXML, in pool: String) throws(Failure) -> VolumeSummary {
        try requireThere()
        try requireSpace()
        let volume = HostVolume(pool: pool, name: description.name)
        let isNew = storage.state.withLock { state in
            guard state.volumes[volume] == nil else { return false }
            state.volumes[volume] = SimulatedStorage.Volume(description: description)
            state.made.append(volume.name)
            return true
        }
        if isNew, storage.state.withLock({ $0.unheard == volume.name }) {
            throw Failure(.libvirt, "the connection is lost")
        }
        guard isNew, let made = try self.volume(volume) else {
            throw Failure(.diskExists, "the volume \(volume.name) is there")
        }
        return made
    }

    package func growVolume(_ volume: HostVolume, to capacity: UInt64) throws(Failure) {
        storage.state.withLock { $0.volumes[volume]?.description.capacity = capacity }
    }

    package func removeVolume(_ volume: HostVolume) throws(Failure) {
        let isInUse = storage.state.withLock { state in
            if state.volumes[volume]?.isInUse == true { return true }
            state.volumes[volume] = nil
            return false
        }
        if isInUse { throw Failure(.inUse, "\(volume.name) is in use") }
    }

    package func upload(
        to volume: HostVolume, length: UInt64, _ next: () throws(Failure) -> UploadPart?
    ) throws(Failure) {
        try requireSpace()
        setInUse(volume, true)
        defer { setInUse(volume, false) }
        while let part = try next() {
            storage.state.withLock { state in
                switch part {
                case .bytes(let bytes): state.volumes[volume]?.bytes += bytes
                case .hole(let count):
                    state.volumes[volume]?.bytes += [UInt8](repeating: 0, count: Int(count))
                }
                state.volumes[volume]?.changes += 1
            }
        }
    }

    private func setInUse(_ volume: HostVolume, _ isInUse: Bool) {
        storage.state.withLock { $0.volumes[volume]?.isInUse = isInUse }
    }

    package func download(_ volume: HostVolume, from offset: UInt64) throws(Failure) -> [UInt8] {
        Array((storage.bytes(volume.name) ?? []).dropFirst(Int(offset)))
    }
}
