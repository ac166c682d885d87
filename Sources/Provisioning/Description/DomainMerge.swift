import Basics
import XML

/// Changes a domain's description and leaves alone what the change is not about: the places libvirt gave to devices, and
/// what others have put there.
///
/// Three descriptions meet: what limiq made of the old spec, what it makes of the new one, and what libvirt has. What
/// limiq makes alike of both stays as libvirt has it.
struct DomainMerge {
    private let before: XMLNode
    let after: XMLNode
    private let present: XMLNode
    /// The elements (`memory`) and aliases (`ua-disk-boot`) that are written anew though both specs make the same of
    /// them.
    private let restored: Set<String>

    init(before: XMLNode, after: XMLNode, present: XMLNode, restored: Set<String>) {
        self.before = Self.settled(before, in: present)
        self.after = Self.settled(after, in: present)
        self.present = present
        self.restored = restored
    }

    /// The description with its drives named as they are in the domain: drives keep the name they have on their bus,
    /// and new ones take one that is free, as a guest that runs has them so.
    private static func settled(_ domain: XMLNode, in present: XMLNode) -> XMLNode {
        let drives = present.all("devices/disk")
        var taken = Set(drives.compactMap { $0.first("target")?.attributes["dev"] })
        var domain = domain
        for index in domain.children.indices where domain.children[index].name == "devices" {
            for place in domain.children[index].children.indices {
                let drive = domain.children[index].children[place]
                guard drive.name == "disk", let target = drive.first("target")?.attributes,
                    let name = target["dev"]
                else { continue }
                let old = drives.first { $0.alias != nil && $0.alias == drive.alias }?.first("target")?
                    .attributes
                var settled = name
                if let old, old["bus"] == target["bus"], let known = old["dev"] {
                    settled = known
                } else {
                    settled = TargetNames.free(like: String(name.prefix(2)) + "a", besides: taken)
                }
                taken.insert(settled)
                domain.children[index].children[place].set("target", "dev", settled)
            }
        }
        return domain
    }

    /// The elements that limiq writes, beside the devices. `memory` stands for `currentMemory` as well, and `vcpu` for
    /// libvirt's list of processors.
    private static let singles = [
        "memory", "memoryBacking", "vcpu", "os", "features", "cpu", "clock", "commandline",
    ]
    private static let companions = ["memory": "currentMemory", "vcpu": "vcpus"]

    /// Whether anything but the metadata is to change.
    var isNeeded: Bool {
        !restored.isEmpty || Self.singles.contains { before.all($0) != after.all($0) }
            || before.first("devices") != after.first("devices")
            || before.first("currentMemory") != after.first("currentMemory")
    }

    /// - Parameter metadata: limiq's own element.
    func merged(metadata: XMLNode) -> XMLNode {
        // A machine of another kind has other buses, and no device keeps its place.
        let isOfOtherKind = before.first("os/type") != after.first("os/type")
        var merged = isOfOtherKind ? after : present
        if isOfOtherKind {
            merged.children.removeAll { $0.name == "metadata" || $0.name == "uuid" }
            merged.children.insert(
                contentsOf: present.children.filter { $0.name == "metadata" || $0.name == "uuid" }, at: 0)
        } else {
            for name in Self.singles { replaceSingle(name, in: &merged) }
            for index in merged.children.indices where merged.children[index].name == "devices" {
                replaceDevices(in: &merged.children[index].children)
            }
            addPorts(to: &merged)
        }
        for index in merged.children.indices where merged.children[index].name == "metadata" {
            merged.children[index].children.removeAll { $0.namespace == DomainXML.namespace }
            merged.children[index].children.append(metadata)
        }
        return merged
    }

    private func replaceSingle(_ name: String, in domain: inout XMLNode) {
        let companion = Self.companions[name]
        let names = [name] + (companion.map { [$0] } ?? [])
        guard restored.contains(name) || names.contains(where: { before.all($0) != after.all($0) }) else {
            return
        }
        domain.children.removeAll { names.contains($0.name) }
        domain.children += names.flatMap { after.all($0) }
    }

    /// Adds root ports where too few would be left for what is plugged in later: a machine of before has none to spare.
    private func addPorts(to domain: inout XMLNode) {
        guard after.all("devices/controller").contains(where: DomainPorts.isPort) else { return }
        let missing = DomainPorts(domain).missing
        for index in domain.children.indices where domain.children[index].name == "devices" {
            domain.children[index].children += missing.map(\.node)
        }
    }

    private func replaceDevices(in devices: inout [XMLNode]) {
        func grouped(_ domain: XMLNode) -> [String: [XMLNode]] {
            // libvirt has given the ports their numbers.
            let devices = domain.all("devices").flatMap(\.children).filter { !DomainPorts.isPort($0) }
            return Dictionary(grouping: devices, by: Self.key)
        }
        let (old, new) = (grouped(before), grouped(after))
        for key in Set(old.keys).union(new.keys).sorted() where restored.contains(key) || old[key] != new[key]
        {
            var places = devices.filter { Self.key($0) == key }
            let index = devices.firstIndex { Self.key($0) == key } ?? devices.endIndex
            devices.removeAll { Self.key($0) == key }
            let made = (new[key] ?? []).map { device in
                places.isEmpty ? device : Self.inPlace(device, of: places.removeFirst())
            }
            devices.insert(contentsOf: made, at: min(index, devices.endIndex))
        }
    }

    /// The device with the address it had, where it stays on its bus: the guest knows it by that.
    private static func inPlace(_ device: XMLNode, of old: XMLNode) -> XMLNode {
        var device = device
        let isSame =
            device.name == "interface"
            ? device.first("model")?.attributes["type"] == old.first("model")?.attributes["type"]
            : device.first("target")?.attributes == old.first("target")?.attributes
        if isSame, let address = old.first("address") { device.children.append(address) }
        return device
    }

    /// The key that tells a device from others: its alias, or its kind where limiq gives it none.
    private static func key(_ device: XMLNode) -> String {
        if let alias = device.alias { return alias }
        let kind = device.attributes["type"] ?? ""
        switch device.name {
        // libvirt adds controllers of its own, each with a number.
        case "controller":
            return
                "controller \(kind) \(device.attributes["model"] == "none" ? "none" : device.attributes["index"] ?? "")"
        case "graphics", "input": return "\(device.name) \(kind)"
        case "disk", "interface", "hostdev": return "other"
        default: return device.name
        }
    }
}

extension XMLNode {
    /// Sets an attribute of the first child of this name.
    mutating func set(_ child: String, _ attribute: String, _ value: String) {
        guard let index = children.firstIndex(where: { $0.name == child }) else { return }
        children[index].attributes[attribute] = value
    }
}
