import Basics
import MachineSpec

/// The API's document of a spec, `{ name = …, spec = { … } }`: full field and enum names; a field that has its default
/// is left out.
public func vmDocument(of spec: VMSpec) -> Value {
    let defaults = vmSpecRecord.encode(VMSpec(name: ""))
    var fields = told(vmSpecRecord.encode(spec), beside: defaults)
    for (name, record) in [
        ("disks", diskRecord.encode(DiskSpec(id: ""))), ("nics", nicRecord.encode(NICSpec(id: ""))),
        ("cdroms", cdromRecord.encode(CDROMSpec())),
    ] {
        if let members = fields[name]?.list {
            fields[name] = .list(members.map { .map(told($0, beside: record)) })
        }
    }
    if let console = fields["console"] {
        fields["console"] = .map(told(console, beside: consoleRecord.encode(ConsoleSpec())))
    }
    fields["name"] = nil
    return .map(["name": .string(spec.name), "spec": .map(fields)])
}

private func told(_ value: Value, beside defaults: Value) -> Map {
    Map((value.map ?? Map()).entries.filter { $0.value != defaults[$0.key] })
}
