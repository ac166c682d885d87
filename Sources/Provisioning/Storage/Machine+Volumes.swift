import Basics

extension Machine {
    /// The volume of its serial console's log, in limiq's own pool.
    var consoleVolumeName: String { "\(name).console.log" }
    /// The volume of its cidata image, in that pool too.
    var seedVolumeName: String { "\(name).seed.iso" }

    /// Removes volumes that were made for this VM, where they are there, and what became of its console log.
    func removeVolumes(_ volumes: [HostVolume]) throws(Failure) {
        // A pool that is gone has taken its volumes with it.
        for volume in volumes where try hypervisor.pool(volume.pool) != nil {
            try hypervisor.removeVolume(volume)
            guard volume.name == consoleVolumeName else { continue }
            // libvirt begins a new log at 2 MiB and keeps three old ones: web.console.log.0 …
            try hypervisor.refreshPool(volume.pool)
            for old in try hypervisor.volumes(in: volume.pool) where old.hasPrefix(consoleVolumeName + ".") {
                try hypervisor.removeVolume(HostVolume(pool: volume.pool, name: old))
            }
        }
    }

    /// Where the hypervisor finds an ISO image of this machine: here, or a volume it is put into once.
    func hostPath(
        ofISO path: String, _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) throws(Failure) -> String {
        if isLocal { return path }
        let pool = try HostPool.own(hypervisor)
        let upload = ImageUpload(
            storage: hypervisor, pool: pool, cancellation: cancellation, tell: tell)
        return try upload.volume(for: path, ending: "iso").path
    }
}
