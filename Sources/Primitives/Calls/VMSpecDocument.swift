import Basics
import MachineSpec
import Provisioning
import Records

/// The API's document of a spec, `{ name = …, spec = { … } }`: full field and enum names; a field that has its default
/// is left out.
public func vmDocument(of spec: VMSpec) -> Value {
    let defaults = SpecRecords.machine.encode(VMSpec(name: ""))
    var fields = withoutDefaults(SpecRecords.machine.encode(spec), defaults)
    for (name, record) in [
        ("disks", SpecRecords.disk.encode(DiskSpec(id: ""))),
        ("nics", SpecRecords.nic.encode(NICSpec(id: ""))),
        ("cdroms", SpecRecords.cdrom.encode(CDROMSpec())),
    ] {
        if let members = fields[name]?.list {
            fields[name] = .list(members.map { .map(withoutDefaults($0, record)) })
        }
    }
    if let console = fields["console"] {
        fields["console"] = .map(withoutDefaults(console, SpecRecords.console.encode(ConsoleSpec())))
    }
    // Left out it would be a nic.
    if spec.nics.isEmpty { fields["nics"] = .list([]) }
    // Of the one of a machine that says nothing of them nothing is said: its port is chosen anew for another machine.
    if spec.nics.count == 1, spec.nics[0].isStandard { fields["nics"] = nil }
    fields["name"] = nil
    return .map(["name": .string(spec.name), "spec": .map(fields)])
}

private func withoutDefaults(_ value: Value, _ defaults: Value) -> Map {
    Map((value.map ?? Map()).entries.filter { $0.value != defaults[$0.key] })
}
