/// What a guest's system, as `guest_os` names it, makes of the choices a spec leaves open.
extension VMSpec {
    /// Windows has no virtio drivers of its own, keeps its clock in local time, and wants a TPM from version 11 and Server
    /// 2022 on.
    var isWindows: Bool { guestOS?.lowercased().hasPrefix("win") ?? false }

    /// The entry of QEMU's firmware configuration that Ignition reads: its own, but for Flatcar, which passes over that one.
    var ignitionEntry: String {
        guestOS?.lowercased().hasPrefix("flatcar") ?? false
            ? "opt/org.flatcar-linux/config" : "opt/com.coreos/config"
    }

    var hasTPM: Bool { tpm ?? isWindows }

    /// Windows' boot loader is signed by the keys that the firmware comes with.
    var hasSecureBoot: Bool { secureBoot ?? (isWindows && firmware == .uefi) }
}
