import Basics
import FoundationEssentials

/// A field of a spec, wherever its device stands in its list.
struct FieldPath: Hashable, Sendable {
    /// `disks`, `nics` or `cdroms`; `nil` for a field of the VM itself.
    var list: String?
    /// The device's.
    var id = ""
    /// `size_gib`, `console.vnc_port`; empty for the device as a whole.
    var field: String

    init(_ field: String) { self.field = field }

    init(_ list: String, _ id: String, _ field: String = "") {
        self.list = list
        self.id = id
        self.field = field
    }

    /// The field's name in `ChangeRules`: `disks[].size_gib`; one for all labels.
    var pattern: String {
        guard let list else { return field.hasPrefix("labels.") ? "labels" : field }
        return field.isEmpty ? "\(list)[]" : "\(list)[].\(field)"
    }

    func isOf(nic: String, _ fields: Set<String>) -> Bool {
        list == "nics" && id == nic && fields.contains(field)
    }

    /// As in a script, by the position in the first of the specs that has the device.
    func text(in specs: [VMSpec]) -> String {
        guard let list else { return field }
        let position = specs.lazy.compactMap { $0.ids(of: list).firstIndex(of: id) }.first
        let device = "\(list)[\(position.map { "\($0 + 1)" } ?? id)]"
        return field.isEmpty ? device : "\(device).\(field)"
    }
}

extension VMSpec {
    /// The ids of a list's devices, in its order.
    func ids(of list: String) -> [String] {
        switch list {
        case "disks": disks.map(\.id)
        case "nics": nics.map(\.id)
        case "cdroms": cdroms.map(\.id)
        default: []
        }
    }
}

extension VMSpec {
    /// Every field by its path in a script, as one text.
    public var fieldTexts: [String: String] {
        Dictionary(
            SpecFields.of(self).map { ($0.key.text(in: [self]), $0.value) },
            uniquingKeysWith: { first, _ in first })
    }
}

/// A spec as one text a field.
enum SpecFields {
    static func of(_ spec: VMSpec) -> [FieldPath: String] {
        guard let data = try? JSONEncoder().encode(spec),
            let tree = try? JSONDecoder().decode(Tree.self, from: data), case .object(let fields) = tree
        else { return [:] }
        var result: [FieldPath: String] = [:]
        for (name, tree) in fields { collect(tree, name, into: &result) }
        return result
    }

    /// Of a document that is kept as its digest only.
    static func isDigest(_ text: String) -> Bool { text.hasPrefix("\"sha256:") }

    private static func collect(_ tree: Tree, _ name: String, into result: inout [FieldPath: String]) {
        switch tree {
        case .leaf(let text): result[FieldPath(name)] = text
        case .object(let fields):
            for (field, tree) in fields { collect(tree, "\(name).\(field)", into: &result) }
        case .list(let members):
            guard ["disks", "nics", "cdroms"].contains(name) else {
                if !members.isEmpty { result[FieldPath(name)] = tree.text }
                return
            }
            for case .object(let fields) in members {
                guard case .leaf(let quoted)? = fields["id"] else { continue }
                let id = String(quoted.dropFirst().dropLast())
                result[FieldPath(name, id)] = quoted
                for (field, tree) in fields where field != "id" {
                    if case .list(let members) = tree, members.isEmpty { continue }
                    result[FieldPath(name, id, field)] = tree.text
                }
            }
        }
    }
}

/// A JSON document, to be taken apart.
private enum Tree: Decodable {
    case leaf(String)
    case list([Tree])
    case object([String: Tree])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let object = try? container.decode([String: Tree].self) {
            self = .object(object)
        } else if let list = try? container.decode([Tree].self) {
            self = .list(list)
        } else if let flag = try? container.decode(Bool.self) {
            self = .leaf("\(flag)")
        } else if let number = try? container.decode(UInt64.self) {
            self = .leaf("\(number)")
        } else {
            self = .leaf("\"\(try container.decode(String.self))\"")
        }
    }

    /// On one line.
    var text: String {
        switch self {
        case .leaf(let text): text
        case .list(let members): members.map(\.text).joined(separator: ", ")
        case .object(let fields):
            if let forward {
                forward.text
            } else {
                fields.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }.joined(separator: " ")
            }
        }
    }

    private var forward: PortForward? {
        guard case .object(let fields) = self, case .leaf(let host)? = fields["host"],
            case .leaf(let guest)? = fields["guest"], case .leaf(let proto)? = fields["proto"],
            let host = UInt16(host), let guest = UInt16(guest),
            let proto = PortForward.Proto(rawValue: String(proto.dropFirst().dropLast()))
        else { return nil }
        return PortForward(host: host, guest: guest, proto: proto)
    }
}

extension PortForward {
    /// `8080→80/tcp`
    var text: String { "\(host)→\(guest)/\(proto.rawValue)" }
}
