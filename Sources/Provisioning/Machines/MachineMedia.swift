import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import XML

/// The machine's CD-ROM drives, by the id they were made with, or by their name in the guest's bus (`sda`). What is
/// changed is so in the running guest and at its next start.
extension Machine {
    /// Adds a drive with an ISO image in it. A running guest takes one on virtio-scsi only.
    ///
    /// - Throws: `Failure` with code `bad_field` where the id is taken, `not_found` where the ISO image is not there.
    public func attachCDROM(id: String, iso: String) throws(Failure) {
        var spec = VMSpec(name: "x")
        spec.cdroms = [CDROMSpec(id: id, isoPath: iso)]
        try check(spec)
        try requireNotSaved(try requireDomain(), "given another drive")
        let path = try hostPath(ofISO: iso)
        let drives = try drives()
        guard !drives.contains(where: { $0.id == id }) else {
            throw Failure(
                .badField, "\(name) has a CD-ROM \(id) already",
                hint: "insert_media puts another image into it",
                resource: name)
        }
        let bus: DiskBus = drives.contains { $0.isCDROM && $0.bus == "sata" } ? .sata : .scsi
        let taken = Set(drives.map(\.target))
        let target = (0...).lazy.map { "sd" + TargetNames.letters($0) }.first { !taken.contains($0) } ?? "sdz"
        try hypervisor.attachDevice(
            name,
            DomainXML.cdrom(id: id, iso: path, bus: bus, target: target, boot: nil, on: try host()).xml)
    }

    /// Puts an ISO image into a drive, in the place of what is in it.
    public func insertMedia(id: String, iso: String, force: Bool = false) throws(Failure) {
        guard iso.hasPrefix("/"), fileExists(iso) else {
            throw Failure(.notFound, "the ISO image \(iso) is not there", resource: iso)
        }
        try FileKind.requireMedium(iso)
        try insert(id: id, hostPath: try hostPath(ofISO: iso), force: force)
    }

    /// Puts an image into a drive, as `insertMedia`, from where the hypervisor finds it.
    func insert(id: String, hostPath: String, force: Bool = false) throws(Failure) {
        try change(try drive(id), iso: hostPath, force: force)
    }

    /// Takes out what is in a drive.
    ///
    /// - Parameter force: even where the guest has locked the tray.
    /// - Throws: `Failure` with code `tray_locked` where the guest uses the medium.
    public func ejectMedia(id: String, force: Bool = false) throws(Failure) {
        try change(try drive(id), iso: nil, force: force)
    }

    /// Removes a drive and what is in it.
    public func detachCDROM(id: String) throws(Failure) {
        try requireNotSaved(try requireDomain(), "rid of a drive")
        try hypervisor.detachDevice(name, try drive(id).element(iso: nil).xml)
    }

    private func change(_ drive: Drive, iso: String?, force: Bool) throws(Failure) {
        try requireNotSaved(try requireDomain(), "given another medium")
        let xml = drive.element(iso: iso).xml
        do throws(Failure) {
            try hypervisor.updateDevice(name, xml, force: force)
        } catch {
            guard Self.isAboutTray(error) else { throw error }
            try changeByHand(drive, xml, force: force, since: error)
        }
    }

    /// Changes a medium step by step. libvirt 9.0 forgets that a drive added to a running guest has a tray, and does
    /// not open it: that is done here.
    ///
    /// A Linux guest locks every medium it sees, and opens the tray itself when it is asked. It is asked once: a request that
    /// it finds late would open the tray again, under the next medium. Once it has let go, the tray is held open by force for
    /// as long as the change takes: whoever opens the device in the guest closes it, as does a reset of the drive, and
    /// firmware resets what it finds.
    private func changeByHand(_ drive: Drive, _ xml: String, force: Bool, since first: Failure)
        throws(Failure)
    {
        let deadline = ContinuousClock.Instant.present + .seconds(5)
        var last = first
        if !force {
            // QEMU opens a tray that is not locked. Of one that is, it only tells the guest, which is no error.
            try tray("blockdev-open-tray", drive, force: false)
            guard try letsGo(of: drive, before: deadline) else { throw locked(drive, last) }
        }
        repeat {
            do throws(Failure) {
                try tray("blockdev-open-tray", drive, force: true)
                try hypervisor.updateDevice(name, xml, force: force)
                return try tray("blockdev-close-tray", drive)
            } catch {
                guard Self.isAboutTray(error) else { throw error }
                last = error
                LeapingClock.pause(.microseconds(50_000))
            }
        } while ContinuousClock.Instant.present < deadline
        throw locked(drive, last)
    }

    private func locked(_ drive: Drive, _ failure: Failure) -> Failure {
        Failure(
            .trayLocked, "the guest of \(name) keeps the tray of \(drive.id ?? drive.target) locked",
            hint: "unmount it in the guest, or use force = true", resource: name, cause: failure.cause)
    }

    /// Waits for the guest to let go of a tray, and says whether it has. Where it has, somebody in it may have closed
    /// it again.
    private func letsGo(of drive: Drive, before deadline: ContinuousClock.Instant) throws(Failure) -> Bool {
        repeat {
            let device = try blockDevices().first { $0.qdev?.hasSuffix(drive.device) == true }
            if device?.isTrayOpen == true || device?.isLocked == false { return true }
            LeapingClock.pause(.microseconds(5_000))
        } while ContinuousClock.Instant.present < deadline
        return false
    }

    private static func isAboutTray(_ failure: Failure) -> Bool {
        let words = "\(failure.message) \(failure.cause ?? "")".lowercased()
        return words.contains("tray") || words.contains("locked")
    }

    private func tray(_ command: String, _ drive: Drive, force: Bool? = nil) throws(Failure) {
        struct Arguments: Encodable {
            var id: String
            var force: Bool?
        }
        let _: NothingSaid = try qmp(
            command, Arguments(id: drive.device, force: force),
            doing: "cannot move the tray of \(drive.id ?? drive.target)")
    }

    private struct Drive {
        /// The drive's id; `nil` for a drive somebody else made.
        var id: String?
        var target: String
        var bus: String
        var isCDROM: Bool
        var boot: String?

        /// The drive's name in QEMU.
        var device: String { DomainXML.cdromAlias(id ?? target) }
        var host: HostDescription

        func element(iso: String?) -> XMLElement {
            let bus: DiskBus = [.sata, .ide, .virtio].first { DomainXML.busName($0) == self.bus } ?? .scsi
            return DomainXML.cdrom(
                id: id, iso: iso, bus: bus, target: target, boot: boot.flatMap { Int($0) }, on: host)
        }
    }

    private func drive(_ id: String) throws(Failure) -> Drive {
        let drives = try drives().filter(\.isCDROM)
        if let drive = drives.first(where: { $0.id == id || $0.target == id }) { return drive }
        let ids = drives.map { $0.id ?? $0.target }
        throw Failure(
            .notFound, "\(name) has no CD-ROM \(id)",
            hint: ids.isEmpty ? "attach_cdrom adds one" : "it has \(ids.joined(separator: ", "))",
            resource: name)
    }

    private func drives() throws(Failure) -> [Drive] {
        try requireDomain()
        let host = try host()
        return try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: false)).all(
            "devices/disk"
        ).compactMap {
            disk in
            guard let target = disk.first("target")?.attributes, let device = target["dev"] else {
                return nil
            }
            let isCDROM = disk.attributes["device"] == "cdrom"
            return Drive(
                id: isCDROM ? disk.alias?.dropping(DomainXML.cdromAlias("")) : nil,
                target: device, bus: target["bus"] ?? "", isCDROM: isCDROM,
                boot: disk.first("boot")?.attributes["order"], host: host)
        }
    }
}
