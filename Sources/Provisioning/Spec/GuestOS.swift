/// What a guest's system, as `guest_os` names it, makes of the choices a spec leaves open.
extension VMSpec {
    /// Windows has no virtio drivers of its own, keeps its clock in local time, and wants a TPM from version 11 and Server
    /// 2022 on.
    var isWindows: Bool { guestOS?.lowercased().hasPrefix("win") ?? false }

    var hasTPM: Bool { tpm ?? isWindows }

    /// Windows' boot loader is signed by the keys that the firmware comes with.
    var hasSecureBoot: Bool { secureBoot ?? (isWindows && firmware == .uefi) }
}
