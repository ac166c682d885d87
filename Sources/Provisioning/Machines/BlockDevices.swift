import Basics

/// A drive of a running guest, as QEMU tells of it
/// (https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html, `query-block`).
struct BlockDevice: Decodable {
    struct Medium: Decodable {
        var nodeName: String
        /// The medium's format: `qcow2`, `raw`.
        var drv: String
        var ro: Bool

        enum CodingKeys: String, CodingKey {
            case nodeName = "node-name"
            case drv, ro
        }
    }

    /// The device's id in QEMU, or its path in QEMU's tree of objects.
    var qdev: String?
    /// Whether the tray is open; `nil` for a drive without one.
    var isTrayOpen: Bool?
    /// Whether the guest lets nobody take its medium out.
    var isLocked: Bool?
    var inserted: Medium?

    enum CodingKeys: String, CodingKey {
        case qdev
        case isTrayOpen = "tray_open"
        case isLocked = "locked"
        case inserted
    }
}

extension Machine {
    func blockDevices() throws(Failure) -> [BlockDevice] {
        try qmp("query-block", NothingSaid(), doing: "cannot list the drives of \(name)")
    }
}
