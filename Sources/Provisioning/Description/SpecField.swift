import Basics
import MachineSpec
import XML

/// A field of the spec, of one of its devices or of its console: what a spec and a domain's description say of it, and
/// what a change of it costs.
struct SpecField<Owner>: Sendable {
    /// The field's name as in a script.
    let name: String
    /// The value a spec has; `nil` where it says nothing.
    let value: @Sendable (Owner) -> FieldValue?
    /// The value the description of the domain, or of the device, has; `nil` where that says nothing of it.
    let fact: @Sendable (XMLNode) -> FieldValue?
    let cost: ChangeRules.Rule

    init(
        _ name: String, _ cost: @escaping ChangeRules.Rule,
        fact: @escaping @Sendable (XMLNode) -> FieldValue? = { _ in nil },
        _ value: @escaping @Sendable (Owner) -> FieldValue?
    ) {
        self.name = name
        self.cost = cost
        self.fact = fact
        self.value = value
    }
}

/// The devices of one kind, of which a spec has a list.
struct DeviceFields<Device>: Sendable {
    /// The list's name in a spec.
    let list: String
    /// The text that comes before the device's id in its alias.
    let alias: String
    let devices: @Sendable (VMSpec) -> [Device]
    let id: @Sendable (Device) -> String
    /// The cost of adding or removing one.
    let cost: ChangeRules.Rule
    let fields: [SpecField<Device>]

    func collect(_ spec: VMSpec, into values: inout [FieldPath: FieldValue]) {
        for device in devices(spec) {
            let id = id(device)
            values[FieldPath(list, id)] = .text(id)
            for field in fields { values[FieldPath(list, id, field.name)] = field.value(device) }
        }
    }

    /// - Returns: whether the device is of this kind.
    func collect(_ device: XMLNode, _ alias: String, into values: inout [FieldPath: FieldValue]) -> Bool {
        guard let id = alias.dropping(self.alias) else { return false }
        values[FieldPath(list, id)] = .text(id)
        for field in fields { values[FieldPath(list, id, field.name)] = field.fact(device) }
        return true
    }

    var costs: [(String, ChangeRules.Rule)] {
        [("\(list)[]", cost)] + fields.map { ("\(list)[].\($0.name)", $0.cost) }
    }
}
