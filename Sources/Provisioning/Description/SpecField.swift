import Basics
import MachineSpec
import Records
import XML

/// A field of the spec, of one of its devices or of its console: how a script gives it, where the domain's description has
/// it, and what a change of it costs.
struct SpecField<Owner: Sendable>: Sendable {
    /// The field's name as in a script.
    let name: String
    /// The ways a script gives it: by its name, and by others in the place of that; none where no script can.
    let schema: [Field<Owner>]
    /// The value a spec has; `nil` where it says nothing.
    let value: @Sendable (Owner) -> FieldValue?
    /// The value the description of the domain, or of the device, has; `nil` where that says nothing of it.
    let fact: @Sendable (XMLNode) -> FieldValue?
    /// Writes it into the description of the domain, or of the device. What stands in no place of its own `DomainXML` writes.
    let write: @Sendable (Owner, inout XMLElement) -> Void
    let cost: ChangeRules.Rule

    /// Makes a field whose value a script gives, and a plan tells, as it is.
    ///
    /// - Parameters:
    ///   - doc: the sentence of the reference.
    ///   - others: fields that may be given in its place, with a unit for one.
    init<Content: FieldValued & Equatable>(
        _ name: String, _ keyPath: any WritableKeyPath<Owner, Content> & Sendable, _ codec: Codec<Content>,
        required: Bool = false, _ doc: String, or others: [Field<Owner>] = [],
        _ cost: @escaping ChangeRules.Rule,
        fact: @escaping @Sendable (XMLNode) -> FieldValue? = { _ in nil },
        write: @escaping @Sendable (Owner, inout XMLElement) -> Void = { _, _ in }
    ) {
        self.init(
            [Field(name, keyPath, codec, required: required, doc)] + others, cost, fact: fact, write: write
        ) { $0[keyPath: keyPath].fieldValue }
    }

    /// Makes a field that may have no value.
    init<Content: FieldValued>(
        _ name: String, _ keyPath: any WritableKeyPath<Owner, Content?> & Sendable, _ codec: Codec<Content>,
        _ doc: String, or others: [Field<Owner>] = [], _ cost: @escaping ChangeRules.Rule,
        fact: @escaping @Sendable (XMLNode) -> FieldValue? = { _ in nil },
        write: @escaping @Sendable (Owner, inout XMLElement) -> Void = { _, _ in }
    ) {
        self.init([Field(name, keyPath, codec, doc)] + others, cost, fact: fact, write: write) {
            $0[keyPath: keyPath]?.fieldValue
        }
    }

    /// Makes a number that stands in the description; 0, as if it were not there.
    ///
    /// - Parameter places: all places it is written to; it is read from the first.
    init(
        _ name: String, _ keyPath: any WritableKeyPath<Owner, UInt64> & Sendable, _ codec: Codec<UInt64>,
        _ doc: String, _ cost: @escaping ChangeRules.Rule, at places: NumberPlace...
    ) {
        self.init([Field(name, keyPath, codec, doc)], cost) { description in
            .number(places.first?.number(in: description) ?? 0)
        } write: { owner, description in
            let number = owner[keyPath: keyPath]
            if number > 0 { for place in places { place.write(number, into: &description) } }
        } value: { owner in
            .number(owner[keyPath: keyPath])
        }
    }

    /// Makes a field whose value is told in words of its own.
    init(
        _ schema: Field<Owner>, _ cost: @escaping ChangeRules.Rule,
        fact: @escaping @Sendable (XMLNode) -> FieldValue? = { _ in nil },
        value: @escaping @Sendable (Owner) -> FieldValue?
    ) {
        self.init([schema], cost, fact: fact, value: value)
    }

    /// Makes a field that a description has and no spec.
    init(
        found name: String, _ cost: @escaping ChangeRules.Rule,
        fact: @escaping @Sendable (XMLNode) -> FieldValue?
    ) {
        self.init(name: name, [], cost, fact: fact) { _ in nil }
    }

    private init(
        name: String? = nil, _ schema: [Field<Owner>], _ cost: @escaping ChangeRules.Rule,
        fact: @escaping @Sendable (XMLNode) -> FieldValue?,
        write: @escaping @Sendable (Owner, inout XMLElement) -> Void = { _, _ in },
        value: @escaping @Sendable (Owner) -> FieldValue?
    ) {
        self.name = name ?? schema.first?.name ?? ""
        self.schema = schema
        self.cost = cost
        self.fact = fact
        self.write = write
        self.value = value
    }
}

/// The place of a number in the description of a domain or a device.
struct NumberPlace: Sendable {
    /// The names of the elements: `iotune/total_iops_sec`.
    let path: String
    /// The attribute; `nil` where it is the element's text.
    let attribute: String?
    /// The number of the description's units in one of the spec's.
    let unit: UInt64

    init(_ path: String, attribute: String? = nil, unit: UInt64 = 1) {
        self.path = path
        self.attribute = attribute
        self.unit = unit
    }

    func number(in description: XMLNode) -> UInt64? {
        guard let node = description.first(path) else { return nil }
        let text = attribute.map { node.attributes[$0] } ?? node.text.trimmed()
        return text.flatMap { UInt64($0) }.map { $0 / unit }
    }

    func write(_ number: UInt64, into description: inout XMLElement) {
        description.set(path, attribute, String(number.multipliedReportingOverflow(by: unit).partialValue))
    }
}

/// The devices of one kind, of which a spec has a list.
struct DeviceFields<Device: Sendable>: Sendable {
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

    /// The description of a device with those of its fields in it that have a place of their own.
    func completed(_ element: XMLElement, _ device: Device) -> XMLElement {
        var element = element
        for field in fields { field.write(device, &element) }
        return element
    }

    var costs: [(String, ChangeRules.Rule)] {
        [("\(list)[]", cost)] + fields.map { ("\(list)[].\($0.name)", $0.cost) }
    }
}
