import Basics
import MachineSpec
import Records

/// The tables a script gives for a spec and its parts, made of the fields of `SpecFields`.
package enum SpecRecords {
    /// A spec, which may have its sizes with a unit.
    package static var spec: Codec<VMSpec> {
        .exclusive(
            .exclusive(.record(machine), "memory", "memory_mib"), "max_memory", "max_memory_mib")
    }

    package static let machine = Record<VMSpec>(
        "limiq.VMSpec", "What a virtual machine is to be.",
        make: {
            var spec = VMSpec(name: "")
            spec.nics = [.standard]
            return spec
        },
        fields: SpecFields.machine.flatMap(\.schema) + [
            Field(
                "disks", \.disks, .list(of: .exclusive(.record(disk), "size", "size_gib")), "The disks."),
            Field(
                "nics", \.nics, .list(of: .record(nic)),
                "The network cards. Left out, there is one, with a way in by ssh; `{}`: none."),
            Field(
                "cdroms", \.cdroms, .list(of: .record(cdrom).orFunctionOfVM),
                "The CD-ROM drives and what is in them."),
            Field(
                "shares", \.shares, .list(of: .record(share)),
                "Folders of this machine that are in the guest. cloud-init mounts them."),
            Field("console", \.console, .record(console), "Screens a person can look at."),
            Field(
                "cloud_init", \.cloudInit, .record(cloudInit).orFunctionOfVM,
                "What cloud-init in the guest is to read."),
            Field("labels", \.labels, .dictionary(of: .publicText), "Kept with the domain."),
        ])

    package static let disk = Record<DiskSpec>(
        "limiq.DiskSpec", "A disk of a VM.", make: { DiskSpec(id: "") },
        fields: [id(\.id)] + SpecFields.disks.fields.flatMap(\.schema))

    package static let nic = Record<NICSpec>(
        "limiq.NICSpec",
        "A network card of a VM; on user networking where it names neither bridge nor network.",
        make: { NICSpec(id: "") }, fields: [id(\.id)] + SpecFields.nics.fields.flatMap(\.schema))

    package static let cdrom = Record<CDROMSpec>(
        "limiq.CDROMSpec", "A CD-ROM drive with an ISO image.", make: { CDROMSpec() },
        fields: [id(\.id)] + SpecFields.cdroms.fields.flatMap(\.schema))

    package static let share = Record<ShareSpec>(
        "limiq.ShareSpec", "A folder of this machine that is in the guest too.",
        make: { ShareSpec(id: "", host: "", guest: "") },
        fields: [id(\.id)] + SpecFields.shares.fields.flatMap(\.schema))

    package static let console = Record<ConsoleSpec>(
        "limiq.ConsoleSpec", "Screens, on 127.0.0.1.", make: { ConsoleSpec() },
        fields: SpecFields.console.flatMap(\.schema))

    private static let cloudInit = Record<CloudInitSpec>(
        "limiq.CloudInitSpec", "The files of the seed.",
        listHint: "parts of recipes are joined: cloud_init = recipes.compose { …, … }",
        make: { CloudInitSpec() }, fields: SpecFields.cloudInit.flatMap(\.schema))

    private static func id<Device>(
        _ keyPath: any WritableKeyPath<Device, String> & Sendable
    ) -> Field<Device> {
        Field("id", keyPath, .publicText, "Unique in the VM; by position where left out.")
    }
}
