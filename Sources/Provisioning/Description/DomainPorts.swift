import XML

/// The places of a domain at which a device can be plugged into the guest while it runs: PCI Express root ports, each of
/// which takes one device, and on a machine without PCI Express the slots of its bus.
///
/// libvirt makes as many ports as a description has devices, and none to spare (https://libvirt.org/pci-hotplug.html).
struct DomainPorts: Equatable, Sendable {
    /// The ports that a machine has beside those of its devices.
    static let spare = 4

    /// The buses of root ports, or the slots of the bus, that are free.
    private let free: Set<Int>
    /// Whether the free places are slots.
    private let areSlots: Bool
    /// The devices that libvirt has given no place yet.
    private let newcomers: Int
    /// The highest number of a PCI controller.
    private let last: Int

    init(_ domain: XMLNode) {
        let devices = domain.all("devices").flatMap(\.children)
        let addresses = devices.compactMap { $0.first("address")?.attributes }
            .filter { $0["type"] == "pci" }
        areSlots = devices.contains { Self.isController($0, "pci-root") }
        let places: [Int]
        if areSlots {
            places = Array(1...31)
        } else {
            places = devices.filter(Self.isPort).compactMap { Self.number($0.attributes["index"]) }
        }
        let areSlots = areSlots
        let taken = addresses.compactMap { address -> Int? in
            guard areSlots else { return Self.number(address["bus"]) }
            return Self.number(address["bus"]) == 0 ? Self.number(address["slot"]) : nil
        }
        free = Set(places).subtracting(taken)
        last =
            devices.filter { $0.name == "controller" && $0.attributes["type"] == "pci" }
            .compactMap { Self.number($0.attributes["index"]) }.max() ?? 0
        newcomers = devices.filter { $0.first("address") == nil && Self.takesPort($0) }.count
    }

    /// The number of devices that can be plugged in.
    var count: Int { max(0, free.count - newcomers) }

    /// The root ports that are to be added, so that there are some to spare. Each has a number: of those without, libvirt
    /// takes the first for the root itself.
    var missing: [XMLElement] {
        guard !areSlots else { return [] }
        return (0..<max(0, Self.spare + newcomers - free.count)).map { place in
            XMLElement(
                "controller",
                ["type": "pci", "index": String(last + 1 + place), "model": "pcie-root-port"])
        }
    }

    /// Whether a device can be plugged in at its address.
    func isFree(_ address: XMLNode) -> Bool {
        let place = address.attributes[areSlots ? "slot" : "bus"]
        return address.attributes["type"] == "pci" && Self.number(place).map(free.contains) == true
    }

    static func isPort(_ device: XMLNode) -> Bool { isController(device, "pcie-root-port") }

    private static func isController(_ device: XMLNode, _ model: String) -> Bool {
        device.name == "controller" && device.attributes["type"] == "pci"
            && device.attributes["model"] == model
    }

    /// Whether libvirt gives a device a root port of its own, on a machine that has them.
    private static func takesPort(_ device: XMLNode) -> Bool {
        switch device.name {
        case "disk": device.first("target")?.attributes["bus"] == "virtio"
        // Those that are no virtio devices share a bridge, which takes one.
        case "interface": true
        case "controller":
            ["scsi", "virtio-serial"].contains(device.attributes["type"])
        // libvirt makes the controller that it is on.
        case "channel": device.first("target")?.attributes["type"] == "virtio"
        case "memballoon", "rng": device.attributes["model"] == "virtio"
        case "filesystem": true
        default: false
        }
    }

    /// A number as libvirt writes it, `7` or `0x07`.
    private static func number(_ text: String?) -> Int? {
        guard let text else { return nil }
        return text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    }
}
