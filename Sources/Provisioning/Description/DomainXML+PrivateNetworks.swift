import MachineSpec
import XML

/// The nics on private networks, which libvirt has no element for: QEMU sends what they send to a multicast group of the
/// host's loopback device, where every machine on the network hears it, and nobody beyond the host.
extension DomainXML {
    /// The namespace of QEMU's own options (https://libvirt.org/drvqemu.html#pass-through-of-arbitrary-qemu-commands).
    static let qemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0"

    /// The first slot of the root bus that these nics take: QEMU gives those without a place the first free one, before it
    /// comes to the devices that libvirt has given one, from the beginning on.
    private static let firstSlot = 16

    var privateNICs: [XMLElement] {
        guard !isTestDriver else { return [] }
        return spec.nics.enumerated().flatMap { index, nic -> [XMLElement] in
            guard nic.kind == .private, let segment = nic.network?.spec?.segment,
                let address = spec.macAddress(ofNIC: index)
            else { return [] }
            let device =
                switch nic.model {
                case .virtio: "virtio-net-pci"
                case .e1000: "e1000"
                case .rtl8139: "rtl8139"
                }
            let bus = machine == "pc" ? "pci.0" : "pcie.0"
            let slot = "0x" + String(Self.firstSlot + index, radix: 16)
            let options = [
                "-netdev", "socket,id=limiq\(index),mcast=\(segment),localaddr=127.0.0.1",
                "-device",
                "\(device),netdev=limiq\(index),id=limiq-nic\(index),mac=\(address),bus=\(bus),addr=\(slot)",
            ]
            return options.map { XMLElement("qemu:arg", ["value": $0]) }
        }
    }
}
