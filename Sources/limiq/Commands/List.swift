import ArgumentParser
import Basics
import Hypervisors
import MachineSpec
import Primitives
import Provisioning
import Records

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the machines, with the addresses they are reached at from here.")

    @Option(
        help: ArgumentHelp(
            "The columns: \(MachineColumn.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "column,column"),
        completion: .list(MachineColumn.allCases.map(\.rawValue)))
    var columns: String?

    @Flag(help: "The listing as a JSON document.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        let columns = try chosen()
        let session = try Session(connect: host.connect)
        let machines = try Machine.list(on: try session.hosts.hypervisor(nil), state: session.state)
        for warning in EmbeddedTakeover(state: session.state).warnings() {
            StandardError.complain(warning, .caution)
        }
        var found: [String: MachineInfo] = [:]
        var failures: [Failure] = []
        MachineWork.each(machines) { machine throws(Failure) in
            try machine.info()
        } tell: { machine, outcome in
            switch outcome {
            case .success(let info): found[machine.name] = info
            // One that was removed meanwhile is none to list.
            case .failure(let failure) where failure.code == .notFound: break
            case .failure(let failure): failures.append(failure)
            }
        }
        let infos = machines.compactMap { found[$0.name] }
        if json {
            StandardOutput.print(json: try jsonText(.list(infos.map { value(of: $0) }), pretty: true))
        } else if !infos.isEmpty {
            let rows = infos.map { info in columns.map { $0.text(info) } }
            let table = table([columns.map { $0.rawValue.uppercased() }] + rows, .output) { row, column in
                row == 0 ? .faint : columns[column] == .state ? infos[row - 1].state.tone : nil
            }
            StandardOutput.print(table)
        } else if failures.isEmpty {
            StandardError.tell("no machines yet; limiq run SCRIPT makes them")
        }
        for failure in failures.dropLast() { StandardError.complain("\(failure)") }
        if let last = failures.last { throw last }
    }

    private func chosen() throws -> [MachineColumn] {
        guard let columns else { return [.name, .state, .address] }
        return try columns.split(separator: ",").map { word in
            if let column = MachineColumn(rawValue: word.lowercased()) { return column }
            let names = MachineColumn.allCases.map(\.rawValue)
            let nearest = nearestName(to: String(word), in: names).map { "did you mean \($0)?" }
            throw ValidationError(
                "--columns: there is no column \(word): \(nearest ?? "there are \(names.joined(separator: ", "))")"
            )
        }
    }
}

extension DomainState {
    /// The tone of its word.
    fileprivate var tone: Tone? {
        switch self {
        case .running, .blocked: .good
        case .crashed: .bad
        case .shutOff, .saved, .noState: .faint
        default: .caution
        }
    }
}

/// A column of the list of machines.
enum MachineColumn: String, CaseIterable {
    case name, state, address, guest, cpus, memory, labels, script, owner, uuid

    func text(_ info: MachineInfo) -> String {
        let text =
            switch self {
            case .name: info.name
            case .state: info.state.rawValue
            case .address:
                (info.reachableAddresses + info.forwards.map { "127.0.0.1:\($0.host)→\($0.guest)" })
                    .joined(separator: " ")
            case .guest: info.addresses.joined(separator: " ")
            case .cpus: info.record.map { "\($0.spec.processors)" } ?? ""
            case .memory: info.record.map { "\(ByteSize(mib: $0.spec.memoryMiB))" } ?? ""
            case .labels:
                (info.record?.spec.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                    .joined(separator: " ")
            case .script: info.record?.script ?? ""
            case .owner: info.record?.owner ?? ""
            case .uuid: info.uuid
            }
        return text.isEmpty ? "-" : text
    }
}

/// A machine as `limiq list --json` and `limiq show --json` have it.
func value(of info: MachineInfo) -> Value {
    var map: Map = [
        "name": .string(info.name), "uuid": .string(info.uuid), "state": .string(info.state.rawValue),
        "addresses": .list(info.reachableAddresses.map(Value.string)),
        "guest_addresses": .list(info.addresses.map(Value.string)),
        "forwards": .list(
            info.forwards.map { forward in
                [
                    "address": "127.0.0.1", "host": .int(Int64(forward.host)),
                    "guest": .int(Int64(forward.guest)),
                    "proto": .string(forward.proto.rawValue),
                ]
            }),
    ]
    guard let record = info.record else { return .map(map) }
    map.append("cpus", .int(Int64(record.spec.processors)))
    map.append("memory_mib", .int(Int64(clamping: record.spec.memoryMiB)))
    map.append("acceleration", .string(record.acceleration.rawValue))
    let labels = record.spec.labels.sorted { $0.key < $1.key }
    map.append("labels", .map(Map(labels.map { .init(key: $0.key, value: .string($0.value)) })))
    map.append("owner", .string(record.owner))
    if let script = record.script { map.append("script", .string(script)) }
    map.append("folder", .string(record.folder))
    return .map(map)
}
