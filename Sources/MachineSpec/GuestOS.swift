/// The choices a spec leaves open, as a guest's system, which `guest_os` names, makes them.
extension VMSpec {
    /// Whether the guest is a Windows. It has no virtio drivers of its own, keeps its clock in local time, and wants a
    /// TPM from version 11 and Server 2022 on.
    package var isWindows: Bool { guestOS?.lowercased().hasPrefix("win") ?? false }

    /// The bus of a disk, where its spec leaves it out that which the guest has drivers for.
    package func bus(of disk: DiskSpec) -> DiskBus { disk.bus ?? (isWindows ? .sata : .virtio) }

    package var hasTPM: Bool { tpm ?? isWindows }

    /// Whether the firmware starts signed boot loaders only. Windows' is signed by the keys that the firmware comes
    /// with.
    package var hasSecureBoot: Bool { secureBoot ?? (isWindows && firmware == .uefi) }
}
