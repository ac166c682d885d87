import Basics
import DiskImages
import Glibc
import HostFiles
import JSONSchema
import MachineSpec

extension VMSpec {
    /// The paths of a spec that must lead to files of this host.
    public enum Files: Sendable {
        case none
        /// The files that are put on another host, for a machine there: backing files and ISO images. A disk's `path`
        /// is that host's.
        case sent
        case all
    }

    /// Checks all that can be said against the spec without asking the hypervisor.
    ///
    /// - Throws: `Failure` with code `bad_field` that begins with the field's path.
    public func check(_ files: Files = .all) throws(Failure) {
        if let first = faults(files).first { throw first }
    }

    /// All that can be said against the spec without asking the hypervisor.
    public func faults(_ files: Files = .all) -> [Failure] {
        var faults: [Failure] = []
        func note(_ check: () throws(Failure) -> Void) {
            do throws(Failure) { try check() } catch { faults.append(error) }
        }
        note(checkName)
        note { () throws(Failure) in
            guard memoryMiB >= 1 else { throw Failure(.badField, "memory is 0", hint: "memory = \"1GiB\"") }
            try checkNumbers()
        }
        note(checkMaxima)
        note { () throws(Failure) in try unique(disks.map(\.id), "disks") }
        note { () throws(Failure) in try unique(nics.map(\.id), "nics") }
        note { () throws(Failure) in try unique(cdroms.map(\.id), "cdroms") }
        note { () throws(Failure) in try unique((shares ?? []).map(\.id), "shares") }
        note { () throws(Failure) in try noDuplicates(bootOrder) }
        for (index, disk) in disks.enumerated() {
            note { () throws(Failure) in try check(disk, "disks[\(index + 1)]", files) }
        }
        note(checkBootDisk)
        for (index, nic) in nics.enumerated() {
            note { () throws(Failure) in try check(nic, "nics[\(index + 1)]") }
        }
        note(checkAddresses)
        note(checkForwards)
        for (index, cdrom) in cdroms.enumerated() {
            note { () throws(Failure) in try check(cdrom, "cdroms[\(index + 1)]", files) }
        }
        note { () throws(Failure) in try checkShares(files) }
        note(checkConsole)
        note(checkFirmware)
        if protect == true, ttl != nil {
            faults.append(
                Failure(
                    .badField,
                    "a machine with protect = true has no ttl: one keeps it, the other lets it go",
                    hint: "leave one of them out"))
        }
        return faults
    }

    /// Checks the numbers that are counted with, and may come from anybody who can write a domain's metadata.
    func checkNumbers() throws(Failure) {
        try check(cpuCores, "cpu_cores", 1...1024)
        try check(maxCPUCores ?? 1, "max_cpu_cores", 1...1024)
        try check(cpuSockets, "cpu_sockets", 1...64)
        try check(cpuThreadsPerCore, "cpu_threads_per_core", 1...64)
        let most: UInt64 = 1 << 40
        try check(memoryMiB, "memory_mib", 1...most)
        try check(maxMemoryMiB ?? 1, "max_memory_mib", 1...most)
        try check(ttl ?? 1, "ttl", 1...1_000_000_000)
        for (index, disk) in disks.enumerated() {
            let path = "disks[\(index + 1)]"
            try check(disk.sizeGiB, "\(path).size_gib", 0...(1 << 33))
            try check(disk.iopsLimit, "\(path).iops_limit", 0...most)
            try check(disk.throughputMBps, "\(path).throughput_mbps", 0...most)
        }
        for (index, nic) in nics.enumerated() {
            try check(nic.bandwidthMbps, "nics[\(index + 1)].bandwidth_mbps", 0...most)
        }
    }

    private func check(_ cdrom: CDROMSpec, _ path: String, _ files: Files) throws(Failure) {
        guard cdrom.id != DomainXML.seedID || cloudInit == nil else {
            throw Failure(.badField, "\(path).id is \"\(cdrom.id)\", which the cloud-init seed has")
        }
        switch (cdrom.isoPath, cdrom.files) {
        case (nil, nil):
            throw Failure(
                .badField, "\(path) has neither iso_path nor files",
                hint: "iso_path = an image that is there, or files = what one is to be made of")
        case (_?, _?):
            throw Failure(.badField, "\(path) has both iso_path and files", hint: "give one of them")
        case (nil, let files?):
            do throws(Failure) {
                _ = try ISOImage.bytes(cdrom.label, files)
            } catch {
                var failure = error
                failure.message = "\(path): \(error.message)"
                throw failure
            }
        case (let image?, nil):
            try absolute(image, "\(path).iso_path")
            guard files == .none || fileExists(image) else {
                throw Failure(.notFound, "\(path).iso_path \(image) is not there", resource: image)
            }
            if files != .none {
                do throws(Failure) { try FileKind.requireMedium(image) } catch {
                    var failure = error
                    failure.message = "\(path).iso_path \(error.message)"
                    throw failure
                }
            }
            guard cdrom.label == nil else {
                throw Failure(
                    .badField, "\(path).label is for an image that is made of files",
                    hint: "leave it out, as \(lastComponent(image)) has its own")
            }
        }
    }

    private func checkShares(_ files: Files) throws(Failure) {
        var mounted: [String: String] = [:]
        for (index, share) in (shares ?? []).enumerated() {
            let path = "shares[\(index + 1)]"
            try absolute(share.host, "\(path).host")
            try absolute(share.guest, "\(path).guest")
            guard !share.guest.contains(where: \.isWhitespace) else {
                throw Failure(.badField, "\(path).guest \(quoted(share.guest)) has white space in it")
            }
            let isBelowRoot = share.guest.split(separator: "/").contains { $0 != "." && $0 != ".." }
            guard isBelowRoot, !share.guest.split(separator: "/").contains("..") else {
                throw Failure(
                    .badField, "\(path).guest \(share.guest) is no folder that can be mounted on",
                    hint: "such as \"/srv/\(lastComponent(share.host))\"")
            }
            if let other = mounted.updateValue(path, forKey: share.guest) {
                throw Failure(.badField, "\(path).guest \(share.guest) is that of \(other) already")
            }
            guard share.tag.utf8.count <= ShareSpec.tagLength else {
                throw Failure(
                    .badField, "\(path).id \(share.id) is longer than 30 characters",
                    hint: "choose a shorter one")
            }
            guard files == .all else {
                if files == .none { continue }
                throw Failure(
                    .hostNotAble, "\(path): a folder of this machine cannot be in a guest on another",
                    hint:
                        "vm:sync(\(quoted(share.host)), \(quoted(share.guest)), { watch = true }) keeps one in step",
                    resource: name)
            }
            guard isFolder(share.host) else {
                throw Failure(
                    .notFound, "\(path).host \(share.host) is not a folder that is there",
                    hint: "mkdir -p \(share.host)", resource: share.host)
            }
        }
        guard shares?.isEmpty == false, !isWindows, ignition == nil, cloudInit == nil else { return }
        throw Failure(
            .badField, "shares are mounted by the guest's cloud-init, and the spec has no cloud_init",
            hint: "cloud_init = { user_data = {} }")
    }

    private func checkMaxima() throws(Failure) {
        if let most = maxCPUCores, most < cpuCores {
            throw Failure(.badField, "max_cpu_cores is \(most), less than the \(cpuCores) of cpu_cores")
        }
        if let most = maxMemoryMiB, most < memoryMiB {
            throw Failure(.badField, "max_memory_mib is \(most), less than the \(memoryMiB) of memory_mib")
        }
    }

    private func checkFirmware() throws(Failure) {
        guard hasSecureBoot else { return }
        guard firmware == .uefi else {
            throw Failure(
                .badField, "secure_boot needs the firmware \"uefi\", not \"\(firmware.word)\"",
                hint: "firmware = \"uefi\"")
        }
        if let index = disks.firstIndex(where: { $0.bus == .ide }) {
            throw Failure(
                .badField, "disks[\(index + 1)].bus is ide, which a machine with secure boot does not have",
                hint: "bus = \"sata\", or secure_boot = false")
        }
    }

    /// Checks that the name is one of RFC 1123, section 2.1, in lower case: it is the guest's host name as well.
    public func checkName() throws(Failure) {
        let isLabel = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard !name.isEmpty, name.utf8.count <= 63, isLabel, !name.hasPrefix("-"), !name.hasSuffix("-") else {
            throw Failure(
                .badField, "name \(quoted(name)) is not a host name",
                hint: "use up to 63 lower-case letters, digits and hyphens, such as \"web-01\"")
        }
    }

    private func check<Number: FixedWidthInteger>(
        _ number: Number, _ path: String, _ range: ClosedRange<Number>
    ) throws(Failure) {
        guard range.contains(number) else {
            throw Failure(
                .badField, "\(path) must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
    }

    /// Checks that ids are plain and given once: an id is part of file names and of libvirt's aliases, which take no
    /// other characters.
    private func unique(_ ids: [String], _ list: String) throws(Failure) {
        var seen: [String: Int] = [:]
        for (index, id) in ids.enumerated() {
            let path = "\(list)[\(index + 1)].id"
            let isPlain = id.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-" || $0 == "_")
            }
            guard !id.isEmpty, id.count <= 48, isPlain, !id.hasPrefix("-") else {
                throw Failure(
                    .badField, "\(path) \"\(id)\" is not an id",
                    hint: "use up to 48 letters, digits, hyphens and underscores")
            }
            if let first = seen[id] {
                throw Failure(.badField, "\(path) \"\(id)\" is the id of \(list)[\(first + 1)] already")
            }
            seen[id] = index
        }
    }

    private func noDuplicates(_ order: [BootDevice]) throws(Failure) {
        guard Set(order).count == order.count else {
            throw Failure(.badField, "boot_order names a device twice")
        }
    }

    private func check(_ disk: DiskSpec, _ path: String, _ files: Files) throws(Failure) {
        if disk.poolID != nil, disk.path == nil, files == .all {
            throw Failure(
                .badField, "\(path).pool_id needs a path", hint: "path = the volume's name in that pool")
        }
        if let file = disk.path, disk.poolID == nil {
            try absolute(file, "\(path).path")
            guard files != .all || fileExists(file) else {
                throw Failure(
                    .notFound, "\(path).path \(file) is not there",
                    hint: "leave path out to have the disk made",
                    resource: file)
            }
        }
        if disk.path != nil, disk.backingFile != nil {
            throw Failure(
                .badField, "\(path) has both path and backing_file",
                hint: "leave path out: the overlay is made in the VM's own folder")
        }
        if let backing = disk.backingFile {
            try absolute(backing, "\(path).backing_file")
            guard files == .none || fileExists(backing) else {
                throw Failure(
                    .notFound, "\(path).backing_file \(backing) is not there",
                    hint: Self.isAddress(backing)
                        ? "an address is no file: limiq.image.add { name =, url = } brings it, and limiq.image(name) is its path"
                        : nil,
                    resource: backing)
            }
            guard disk.format == .qcow2 else {
                throw Failure(
                    .badField, "\(path).format is raw, but a disk with a backing_file is a qcow2 overlay")
            }
        }
        if disk.path == nil, disk.backingFile == nil, disk.sizeGiB == 0 {
            throw Failure(
                .badField, "\(path) has neither size, path nor backing_file", hint: "size = \"20GiB\"")
        }
    }

    /// Whether a path was an address before it was made absolute.
    private static func isAddress(_ path: String) -> Bool {
        ["/http:/", "/https:/"].contains { path.contains($0) }
    }

    /// Checks that it is plain from the spec which disk the guest boots from.
    private func checkBootDisk() throws(Failure) {
        let marked = disks.indices.filter { disks[$0].bootable }
        if marked.count > 1 {
            throw Failure(
                .badField,
                "disks[\(marked[0] + 1)] and disks[\(marked[1] + 1)] are both marked bootable",
                hint: "mark the one the guest boots from")
        }
        let wantsDisk = bootOrder.isEmpty ? !cdroms.contains(where: \.bootable) : bootOrder.contains(.disk)
        if marked.isEmpty, disks.count > 1, wantsDisk {
            throw Failure(
                .badField, "none of the \(disks.count) disks is marked bootable",
                hint: "bootable = true on the one the guest boots from")
        }
    }

    private func check(_ nic: NICSpec, _ path: String) throws(Failure) {
        if nic.bridge != nil, nic.network != nil {
            throw Failure(.badField, "\(path) has both bridge and network", hint: "name one of them")
        }
        if let network = nic.network?.spec { try network.check() }
        let isUser = nic.isUser
        if !isUser, !nic.forward.isEmpty {
            throw Failure(
                .badField, "\(path).forward needs user networking",
                hint: "leave out bridge and network, or reach the guest by its own address")
        }
        if isUser, nic.bandwidthMbps > 0 {
            throw Failure(
                .badField, "\(path).bandwidth_mbps has no effect on user networking",
                hint: "name a bridge or a network")
        }
        if let address = nic.macAddress { try Self.checkMAC(address, "\(path).mac_address", isUser: isUser) }
    }

    private func checkForwards() throws(Failure) {
        var seen: [(path: String, forward: PortForward)] = []
        for (nicIndex, nic) in nics.enumerated() {
            for (index, forward) in nic.forward.enumerated() {
                let path = "nics[\(nicIndex + 1)].forward[\(index + 1)]"
                guard forward.guest > 0 else {
                    throw Failure(.badField, "\(path).guest must be from 1 to 65535")
                }
                if let address = forward.bind, IPAddress(address)?.isIPv4 != true {
                    throw Failure(
                        .badField, "\(path).bind \(quoted(address)) is no IPv4 address in figures",
                        hint: "an address of this host, or \"\(PortForward.anyAddress)\" for all of them")
                }
                if forward.host == PortForward.chosen { continue }
                if let (other, _) = seen.first(where: { $0.forward.isSamePort(as: forward) }) {
                    throw Failure(.badField, "\(path).host \(forward.host) is forwarded by \(other) already")
                }
                seen.append((path, forward))
            }
        }
    }

    private func checkConsole() throws(Failure) {
        guard let console else { return }
        if console.vncPassword != nil, !console.vncEnabled {
            throw Failure(.badField, "console.vnc_password needs console.vnc_enabled = true")
        }
        // RFC 6143, section 7.2.2: the password is a DES key of 8 bytes; what is longer would be cut in silence.
        if let password = console.vncPassword, password.utf8.count > 8 {
            throw Failure(.badField, "console.vnc_password is longer than the 8 characters VNC takes")
        }
        for (port, screen, isEnabled) in [
            (console.vncPort, "vnc", console.vncEnabled), (console.spicePort, "spice", console.spiceEnabled),
        ] where port != 0 {
            guard isEnabled else {
                throw Failure(.badField, "console.\(screen)_port needs console.\(screen)_enabled = true")
            }
            guard port >= 5900 else {
                throw Failure(
                    .badField, "console.\(screen)_port must be 5900 or more, not \(port)",
                    hint: "leave it out to have a free one picked")
            }
        }
        if console.vncPort != 0, console.vncPort == console.spicePort {
            throw Failure(.badField, "console.vnc_port and console.spice_port are both \(console.vncPort)")
        }
    }

    private func absolute(_ path: String, _ field: String) throws(Failure) {
        if path.unicodeScalars.contains(where: { $0.value < 32 }) {
            throw Failure(
                .badField, "\(field) \(quoted(path)) has control characters", hint: "rename the file")
        }
        guard path.hasPrefix("/") else {
            throw Failure(.badField, "\(field) \(quoted(path)) is not an absolute path")
        }
    }
}
