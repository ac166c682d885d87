import ArgumentParser
import Basics
import DiskImages
import MachineSpec
import Primitives
import Provisioning
import Records

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Tell what a machine is and where it stands.")

    @Argument(help: ArgumentHelp("The machine.", valueName: "vm"), completion: CompletionKind.machine)
    var name: String

    @Flag(help: "Print the description it was made from, as JSON: limiq up makes the same machine of it.")
    var spec = false

    @Flag(help: "All of it as a JSON document, the description among it.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: host.connect)
        let machine = Machine(name, on: try session.hosts.hypervisor(nil), state: session.state)
        if spec {
            return StandardOutput.print(json: try jsonText(vmDocument(of: try machine.spec()), pretty: true))
        }
        let info = try machine.info()
        if json { return StandardOutput.print(json: try jsonText(document(info, machine), pretty: true)) }
        var rows = [["name", info.name], ["uuid", info.uuid], ["state", info.state.rawValue]]
        if !info.addresses.isEmpty { rows.append(["address", info.addresses.joined(separator: " ")]) }
        for forward in info.forwards {
            rows.append(["forward", "\(forward.endpoint) → \(forward.guest)/\(forward.proto.rawValue)"])
        }
        guard let record = info.record else {
            rows.append(["note", "limiq did not make it"])
            return StandardOutput.print(table(rows))
        }
        let spec = record.spec
        rows.append(["cpus", "\(spec.processors)"])
        rows.append(["memory", "\(ByteSize(mib: spec.memoryMiB))"])
        rows.append(["acceleration", record.acceleration.rawValue])
        for disk in spec.disks {
            let size = disk.sizeGiB > 0 ? " \(disk.sizeGiB) GiB" : ""
            rows.append([
                "disk",
                disk.id + size + (disk.backingFile.map { " on \($0)" } ?? disk.path.map { " \($0)" } ?? ""),
            ])
        }
        for cdrom in spec.cdroms {
            let files = cdrom.files?.files.map(\.path).sorted().joined(separator: " ") ?? ""
            rows.append(["cdrom", "\(cdrom.id) \(cdrom.isoPath ?? "made of \(files)")"])
        }
        for share in spec.shares ?? [] { rows.append(["share", "\(share.host) at \(share.guest)"]) }
        for (key, value) in spec.labels.sorted(by: { $0.key < $1.key }) {
            rows.append(["label", "\(key)=\(value)"])
        }
        if spec.protect == true { rows.append(["protected", "from removal and replacement"]) }
        if let expires = record.expires {
            rows.append(["ttl", "ends \(localTime(expires, "%Y-%m-%d %H:%M:%S"))"])
        }
        if let unit = machine.autostartUnit(spec) {
            rows.append(["autostart", unit.isEnabled ? "by \(unit.path)" : "not yet: \(unit.command)"])
        } else if spec.autostart == true {
            rows.append(["autostart", "by libvirt"])
        }
        rows.append(["owner", record.owner])
        if let script = record.script { rows.append(["script", script]) }
        rows.append(["folder", record.folder])
        StandardOutput.print(table(rows))
    }

    private func document(_ info: MachineInfo, _ machine: Machine) throws(Failure) -> Value {
        guard case .map(var map) = value(of: info), info.record != nil else { return value(of: info) }
        // As `--spec` prints it.
        if let spec = vmDocument(of: try machine.spec())["spec"] { map.append("spec", spec) }
        return .map(map)
    }
}
