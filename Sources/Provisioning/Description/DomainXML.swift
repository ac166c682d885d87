import Basics
import Digests
import Glibc
import Hypervisors
import MachineSpec
import XML

/// A libvirt domain description made from a spec and what the host is
/// (https://libvirt.org/formatdomain.html).
struct DomainXML {
    let spec: VMSpec
    let layout: MachineLayout
    let host: HostDescription
    let acceleration: Acceleration
    let record: MachineRecord
    /// The UUID of the domain that is defined anew; `nil` lets libvirt choose one.
    var uuid: String?
    /// Whether it is for libvirt's test driver, which has machines of its own kind.
    var isTestDriver = false

    /// The namespace of limiq's element in `<metadata>`.
    static let namespace = "https://limiquantix.dev/xmlns/limiq/1"

    var isWindows: Bool { spec.isWindows }
    /// The machine type of QEMU: q35 has no IDE controller.
    var machine: String { spec.disks.contains { $0.bus == .ide } ? "pc" : "q35" }
    private var mostCores: Int { spec.maxCPUCores ?? spec.cpuCores }

    func text() throws(Failure) -> String {
        let metadata = XMLElement(
            "limiq:machine", ["xmlns:limiq": Self.namespace], text: try record.json())
        return description(metadata).xml
    }

    /// - Parameter metadata: limiq's own element; `nil` for a description to compare with only.
    func description(_ metadata: XMLElement? = nil) -> XMLElement {
        var domain = XMLElement(
            "domain",
            [
                "type": isTestDriver ? "test" : acceleration == .kvm ? "kvm" : "qemu",
                "xmlns:qemu": privateNICs.isEmpty ? nil : Self.qemuNamespace,
            ],
            [
                XMLElement("name", text: spec.name),
                uuid.map { XMLElement("uuid", text: $0) },
                metadata.map { XMLElement("metadata", [:], [$0]) },
                XMLElement("memory", ["unit": "MiB"], text: String(spec.maxMemoryMiB ?? spec.memoryMiB)),
                XMLElement("currentMemory", ["unit": "MiB"], text: String(spec.memoryMiB)),
                sharedMemory,
                XMLElement(
                    "vcpu", ["current": spec.maxCPUCores == nil ? nil : String(spec.processors)],
                    text: String(mostCores * spec.cpuSockets * spec.cpuThreadsPerCore)),
                os, firmwareConfig, features, cpu, clock,
                XMLElement("on_poweroff", text: "destroy"),
                XMLElement("on_reboot", text: "restart"),
                XMLElement("on_crash", text: "destroy"),
                XMLElement("devices", [:], devices),
                privateNICs.isEmpty ? nil : XMLElement("qemu:commandline", [:], privateNICs),
            ])
        for field in SpecFields.machine { field.write(spec, &domain) }
        return domain
    }

    private var os: XMLElement {
        let isUEFI = spec.firmware == .uefi
        return XMLElement(
            "os", ["firmware": isUEFI ? "efi" : nil],
            [
                XMLElement(
                    "type", ["arch": host.architecture, "machine": isTestDriver ? nil : machine],
                    text: "hvm"),
                isUEFI ? XMLElement("firmware", [:], firmwareFeatures) : nil,
            ])
    }

    /// The elements that switch secure boot on or off. It is said either way: auto-selection takes the firmware that
    /// enforces secure boot first, and a boot loader without a signature then never starts, and nothing says so.
    private var firmwareFeatures: [XMLElement] {
        let enabled = spec.hasSecureBoot ? "yes" : "no"
        return ["secure-boot", "enrolled-keys"].map {
            XMLElement("feature", ["enabled": enabled, "name": $0])
        }
    }

    /// Whether QEMU has a firmware configuration. Where it has none, Ignition's configuration is on a disk.
    var hasFirmwareConfig: Bool { !["s390x", "ppc64", "ppc64le"].contains(host.architecture) }

    private var firmwareConfig: XMLElement? {
        guard hasFirmwareConfig, let path = layout.ignition else { return nil }
        return XMLElement(
            "sysinfo", ["type": "fwcfg"],
            Self.ignitionEntries.map { XMLElement("entry", ["name": $0, "file": path]) })
    }

    /// The names of the firmware configuration's entry: Ignition's own and Flatcar's, which passes over the other.
    private static let ignitionEntries = ["opt/com.coreos/config", "opt/org.flatcar-linux/config"]

    private var features: XMLElement {
        let hyperv = XMLElement(
            "hyperv", ["mode": "custom"],
            [
                XMLElement("relaxed", ["state": "on"]), XMLElement("vapic", ["state": "on"]),
                XMLElement("spinlocks", ["state": "on", "retries": "8191"]),
            ])
        return XMLElement(
            "features", [:],
            [
                XMLElement("acpi"), XMLElement("apic"),
                isWindows && acceleration == .kvm ? hyperv : nil,
                // The firmware keeps its keys where only system management mode can write.
                spec.hasSecureBoot ? XMLElement("smm", ["state": "on"]) : nil,
            ])
    }

    /// The processor, with all that the host's, or the translator, can do.
    private var cpu: XMLElement {
        XMLElement(
            "cpu", ["mode": acceleration == .kvm ? "host-passthrough" : "maximum"],
            [
                XMLElement(
                    "topology",
                    [
                        "sockets": String(spec.cpuSockets), "dies": "1", "cores": String(mostCores),
                        "threads": String(spec.cpuThreadsPerCore),
                    ])
            ])
    }

    /// The guest's clocks. KVM's guests have a clock of its own (a Windows guest, Hyper-V's). An emulated one without
    /// HPET is left with ACPI's 24-bit timer, which wraps every 4.7 s: where the host is busy, a Linux guest with
    /// several processors then misses its timers and hangs.
    private var clock: XMLElement {
        XMLElement(
            "clock", ["offset": isWindows ? "localtime" : "utc"],
            [
                XMLElement("timer", ["name": "rtc", "tickpolicy": "catchup"]),
                XMLElement("timer", ["name": "pit", "tickpolicy": "delay"]),
                XMLElement("timer", ["name": "hpet", "present": acceleration == .kvm ? "no" : "yes"]),
            ])
    }
}
