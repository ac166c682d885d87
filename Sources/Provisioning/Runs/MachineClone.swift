import Basics
import Hypervisors
import ImageLibrary
import MachineSpec
import Steps

/// A machine's disks as they were at one moment, and the spec of a machine that stands on them.
public struct MachineCopy: Sendable {
    /// The machine that is made of it: its disks stand on the copies.
    public var spec: VMSpec
    /// The place in `spec.disks` of the disk whose guest takes itself for the machine that was copied, until it is sealed.
    public let boot: Int?
    /// The cloud-init instance that the clone is.
    public let instance: String

    /// The spec of the machine that seals the boot disk's guest: alone, on a network of QEMU's own.
    public func sealer(named name: String) -> VMSpec? {
        guard let boot else { return nil }
        var sealer = VMSpec(name: name)
        sealer.cpuCores = spec.cpuCores
        sealer.memoryMiB = spec.memoryMiB
        sealer.firmware = spec.firmware
        sealer.secureBoot = spec.secureBoot
        sealer.guestOS = spec.guestOS
        sealer.nics = [NICSpec(id: "default")]
        sealer.disks = [spec.disks[boot]]
        sealer.disks[0].bootable = true
        return sealer
    }
}

extension VMSpec {
    /// The spec of a machine like this one under another name. What no two machines can share is left out or chosen anew:
    /// addresses, ports of the host, who the guest is.
    func clone(named name: String, instance: String) -> VMSpec {
        var clone = self
        clone.name = name
        clone.warm = nil
        clone.protect = nil
        for index in clone.nics.indices {
            clone.nics[index].macAddress = nil
            clone.nics[index].address = nil
            for port in clone.nics[index].forward.indices {
                clone.nics[index].forward[port].host = PortForward.chosen
            }
        }
        clone.console?.vncPort = 0
        clone.console?.spicePort = 0
        if clone.cloudInit != nil {
            clone.cloudInit?.metaData = .table(
                ["instance-id": .string(instance), "local-hostname": .string(name)])
            if hasMadeNetworkConfig { clone.cloudInit?.networkConfig = nil }
        }
        return clone
    }

    /// Whether the network-config is what is made of the nics, and nobody's own.
    private var hasMadeNetworkConfig: Bool {
        var bare = self
        bare.cloudInit?.networkConfig = nil
        bare.addNetworkConfig()
        return bare.cloudInit?.networkConfig?.bytes(as: .networkConfig)
            == cloudInit?.networkConfig?.bytes(as: .networkConfig)
    }
}

extension Machine {
    /// Copies the disks that the machine's guest writes to into the image library, all as they were at one moment. A guest that
    /// runs stands still meanwhile, with its file systems frozen where its agent answers.
    ///
    /// - Parameter clone: the name of the machine that is to stand on the copies.
    /// - Throws: `Failure` with code `not_found`, `not_ours`, `host_not_able` for a machine on another host or a guest that
    ///   cannot be sealed, `saved`, `program`, `io`, `libvirt` or `cancelled`.
    public func copyDisks(
        forClone clone: String, into images: ImageLibrary, cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> MachineCopy {
        try requireDisksHere("clone")
        let key = hexadecimal(randomBytes(32))
        return try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let copy = try plannedCopy(of: try spec(), forClone: clone, key: key)
            let disks = copy.spec.disks.indices.filter { !copy.spec.disks[$0].readonly }
            let files = try StandsOn(state: state, on: hypervisor).writableDisks(of: name)
            guard files.count == disks.count else {
                throw Failure(
                    .notOurs,
                    "\(name) has \(files.count) disks, and its description says \(disks.count)",
                    hint: "run its script again first", resource: name)
            }
            var spec = copy.spec
            var made: [String] = []
            do throws(Failure) {
                try atRest(MachineNews(name: name, progress: progress)) { () throws(Failure) in
                    for (index, file) in zip(disks, files) {
                        let isBoot = index == copy.boot
                        let image = BakedImage(
                            name: isBoot ? "\(clone)-unsealed" : "\(clone)-\(spec.disks[index].id)", key: key,
                            from: "vm \(name)", base: "", script: script)
                        spec.disks[index].backingFile = try images.keep(
                            image, from: file, compressed: false, cancellation)
                        made.append(image.image)
                    }
                }
            } catch {
                if let relation = try? StandsOn(state: state, on: hypervisor) {
                    for image in made { try? images.remove(image, unless: relation) }
                }
                throw error
            }
            return MachineCopy(spec: spec, boot: copy.boot, instance: copy.instance)
        }
    }

    /// The copy before its disks are there.
    ///
    /// - Parameter key: what tells it from other copies: 64 hexadecimal digits.
    public func plannedCopy(of spec: VMSpec, forClone clone: String, key: String) throws(Failure)
        -> MachineCopy
    {
        guard spec.guestOS?.hasPrefix("windows") != true else {
            throw Failure(
                .hostNotAble, "the guest of \(name) is Windows, which only its own sysprep makes another",
                hint: "run sysprep in it, then limiq commit \(name) IMAGE", resource: name)
        }
        let instance = "iid-\(key.prefix(32))"
        var copy = spec.clone(named: clone, instance: instance)
        for index in copy.disks.indices where !copy.disks[index].readonly {
            copy.disks[index].path = nil
            copy.disks[index].backingFile = nil
        }
        let own = copy.disks.indices.filter { !copy.disks[$0].readonly }
        return MachineCopy(
            spec: copy, boot: own.first { copy.disks[$0].bootable } ?? own.first, instance: instance)
    }

    /// Makes the guest of a copied disk, which runs alone, ready to be another machine, cuts its power, and keeps the disk.
    /// The machine is not to be started again.
    ///
    /// - Parameter clone: the name of the machine it becomes.
    /// - Returns: the image's path.
    /// - Throws: as `bake`.
    public func sealClone(
        named clone: String, instance: String, of source: String, into images: ImageLibrary,
        cancellation: Cancellation, progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        let key = hexadecimal(randomBytes(32))
        let image = BakedImage(name: clone, key: key, from: "vm \(source)", base: "", script: script)
        return try seal(
            by: cloneProgram(hostname: clone, instance: instance), as: image, into: images, compressed: false,
            cancellation: cancellation, progress: progress)
    }
}
