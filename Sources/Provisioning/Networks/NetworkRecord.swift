import Basics
import FoundationEssentials
import MachineSpec
import XML

/// The record of a network that limiq made, kept in the network's `<metadata>` as JSON. What the network is like stands
/// in libvirt's own elements; this says whose it is, and what those cannot.
struct NetworkRecord: Sendable, Equatable, Codable {
    /// The version of the record. One of a version to come is read, and nothing is changed by it.
    var version = NetworkRecord.currentVersion
    /// The name of the network it was written for.
    var name: String
    var uuid: String
    /// The maker of the network: `user@host`.
    var owner: String
    /// The script that made or changed it last, by its path; `nil` for none.
    var script: String?
    /// The multicast group and port of a private network, `239.1.2.3:5000`; `nil` for one with a bridge.
    var segment: String?
    /// Whether there is no DHCP server, and cloud-init alone tells machines their addresses.
    var lacksDHCP: Bool?

    static let currentVersion = 1

    /// Reads limiq's element in a network's description; `nil` where there is none.
    ///
    /// - Throws: `Failure` where it is not one this version can read.
    init?(of network: XMLNode) throws(Failure) {
        let element = network.all("metadata/network").first { $0.namespace == DomainXML.namespace }
        guard let element else { return nil }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(element.text.utf8))
        } catch {
            throw Failure(
                .libvirt, "limiq's metadata of the network cannot be read",
                hint: "it may be of a newer limiq; virsh net-undefine removes the network", cause: "\(error)")
        }
    }

    init(_ spec: NetworkSpec, uuid: String, owner: String, script: String?, segment: String?) {
        (name, self.uuid, self.owner, self.script) = (spec.name, uuid, owner, script)
        self.segment = spec.mode == .private ? segment : nil
        lacksDHCP = spec.dhcp == .off ? true : nil
    }

    func element() throws(Failure) -> XMLElement {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let text = String(decoding: try encoder.encode(self), as: UTF8.self)
            return XMLElement("limiq:network", ["xmlns:limiq": DomainXML.namespace], text: text)
        } catch {
            throw Failure(.internal, "the record of network \(name) cannot be written", cause: "\(error)")
        }
    }
}
