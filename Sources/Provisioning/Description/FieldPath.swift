import MachineSpec

/// A field of a spec, wherever its device stands in its list.
struct FieldPath: Hashable, Sendable {
    /// The list the device is in, `disks`, `nics` or `cdroms`; `nil` for a field of the machine itself.
    var list: String?
    /// The device's id.
    var id = ""
    /// The field's name, `size_gib`, `console.vnc_port`; empty for the device as a whole.
    var field: String

    init(_ field: String) { self.field = field }

    init(_ list: String, _ id: String, _ field: String = "") {
        self.list = list
        self.id = id
        self.field = field
    }

    /// The field's name in `SpecFields.costs`: `disks[].size_gib`; one for all labels.
    var pattern: String {
        guard let list else { return field.hasPrefix("labels.") ? "labels" : field }
        return field.isEmpty ? "\(list)[]" : "\(list)[].\(field)"
    }

    /// Whether it is a document of the seed.
    var isOfSeed: Bool { SeedFile.allCases.contains { field == "cloud_init.\($0.field)" } }

    func isOf(nic: String, _ fields: Set<String>) -> Bool {
        list == "nics" && id == nic && fields.contains(field)
    }

    /// The path as in a script, by the position in the first of the specs that has the device.
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

    /// The paths of the fields that have a text in them, as in a script.
    public func fields(containing text: String) -> [String] {
        SpecFields.of(self).filter { $0.value.contains(text) }.map { $0.key.text(in: [self]) }.sorted()
    }
}
