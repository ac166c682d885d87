import Basics
import Hypervisors
import XML

extension XMLNode {
    /// As libvirt changes the description of what runs.
    mutating func apply(_ change: GuestChange) throws(Failure) {
        switch change {
        case .memory(let mebibytes): edit("currentMemory") { $0.text = "\(mebibytes)" }
        case .processors(let count): edit("vcpu") { $0.attributes["current"] = "\(count)" }
        case .diskLimits(let target, let bytes, let operations):
            editDevice({ $0.first("target")?.attributes["dev"] == target }) { disk in
                disk.children.removeAll { $0.name == "iotune" }
                disk.children.append(
                    XMLNode(
                        name: "iotune",
                        children: [
                            XMLNode(name: "total_bytes_sec", text: "\(bytes)"),
                            XMLNode(name: "total_iops_sec", text: "\(operations)"),
                        ]))
            }
        case .bandwidth(let address, let rate):
            editDevice({ $0.first("mac")?.attributes["address"] == address }) { nic in
                nic.children.removeAll { $0.name == "bandwidth" }
                let average = XMLNode(name: "inbound", attributes: ["average": "\(rate)"])
                nic.children.append(XMLNode(name: "bandwidth", children: [average]))
            }
        case .attach(let xml):
            let device = try XMLReader.parse(xml)
            edit("devices") { $0.children.append(device) }
        case .detach(let xml):
            let alias = try XMLReader.parse(xml).first("alias")
            edit("devices") { $0.children.removeAll { $0.first("alias") == alias } }
        case .update(let xml):
            let device = try XMLReader.parse(xml)
            editDevice({ $0.first("alias") == device.first("alias") }) { $0 = device }
        case .metadata(let xml):
            var element = try XMLReader.parse(xml)
            element.namespace = LibvirtHypervisor.metadataNamespace
            edit("metadata") { $0.children = [element] }
        case .diskSize: break
        }
    }

    /// The description with its memory in KiB, as libvirt gives it back.
    var inKibibytes: XMLNode {
        var node = self
        for name in ["memory", "currentMemory"] {
            node.edit(name) { memory in
                guard memory.attributes["unit"] == "MiB", let mebibytes = UInt64(memory.text) else { return }
                memory.attributes["unit"] = "KiB"
                memory.text = "\(mebibytes << 10)"
            }
        }
        return node
    }

    package mutating func edit(_ child: String, _ body: (inout XMLNode) -> Void) {
        for index in children.indices where children[index].name == child { body(&children[index]) }
    }

    package mutating func editDevice(_ isIt: (XMLNode) -> Bool, _ body: (inout XMLNode) -> Void) {
        edit("devices") { devices in
            for index in devices.children.indices where isIt(devices.children[index]) {
                body(&devices.children[index])
            }
        }
    }
}
