import ArgumentParser
import Basics
import Glibc
import Primitives
import Provisioning
import Records

struct TakeSnapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Keep machines' state of now, to go back to with limiq revert.",
        discussion: "A guest that runs is kept with its memory.")

    @OptionGroup var machines: SelectorOptions

    @Option(
        help: ArgumentHelp("Its name; the date and time where left out.", valueName: "name"))
    var name: String?

    @Flag(help: "Keep the disks alone, the guest's file systems frozen for that moment.")
    var disksOnly = false

    @OptionGroup var host: HostOptions

    func run() throws {
        let (selector, memory) = (try machines.selector(), !disksOnly)
        let name = name ?? localTime(Int(time(nil)), "%Y-%m-%d-%H%M%S")
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            try machine.snapshot(name, memory: memory, cancellation: cancellation)
            return "snapshot \(name) of \(machine.name)"
        }
    }
}

struct Snapshots: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List machines' snapshots, the oldest first; those of all machines where none is named.")

    @OptionGroup var machines: SelectorOptions

    @Option(help: ArgumentHelp("Forget the snapshot of this name instead.", valueName: "name"))
    var delete: String?

    @Flag(help: "The listing as a JSON document.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() throws {
        if let delete {
            let selector = try machines.selector()
            return try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
                try machine.deleteSnapshot(delete, cancellation: cancellation)
                return "forgot snapshot \(delete) of \(machine.name)"
            }
        }
        let selector = try machines.selector(orAll: true)
        let work = try MachineWork(on: host)
        let selection = try selector.select(on: work.hypervisor, state: work.session.state)
        var failures = selection.failures
        var found: [String: [MachineSnapshot]] = [:]
        MachineWork.each(selection.machines, work.cancellation) { machine throws(Failure) in
            try machine.snapshots()
        } tell: { machine, outcome in
            switch outcome {
            case .success(let snapshots): found[machine.name] = snapshots
            case .failure(let failure): failures.append(failure)
            }
        }
        let all = selection.machines.flatMap { machine in
            (found[machine.name] ?? []).map { (machine: machine.name, snapshot: $0) }
        }
        if json {
            StandardOutput.print(json: try jsonText(.list(all.map(Self.value)), pretty: true))
        } else if all.isEmpty {
            if failures.isEmpty { StandardError.tell("no snapshots; limiq snapshot makes them") }
        } else {
            let rows = all.map { machine, snapshot in
                [
                    machine, snapshot.name, localTime(snapshot.created, "%Y-%m-%d %H:%M:%S"),
                    snapshot.hasMemory ? "memory and disks" : "disks",
                ]
            }
            StandardOutput.print(table([["VM", "SNAPSHOT", "TAKEN", "KEEPS"]] + rows))
        }
        for failure in failures { work.tell(failure) }
        try MachineWork.end(failures)
    }

    private static func value(_ machine: String, _ snapshot: MachineSnapshot) -> Value {
        [
            "vm": .string(machine), "name": .string(snapshot.name), "created": .int(Int64(snapshot.created)),
            "memory": .bool(snapshot.hasMemory),
        ]
    }
}

struct Revert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make machines what they were when a snapshot was taken; all that came after is lost.")

    @OptionGroup var machines: SelectorOptions

    @Option(help: ArgumentHelp("The snapshot; the newest where left out.", valueName: "name"))
    var to: String?

    @OptionGroup var host: HostOptions

    func run() throws {
        let (selector, to) = (try machines.selector(), to)
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            let name = if let to { to } else { try machine.newestSnapshot() }
            try machine.revert(to: name, cancellation: cancellation)
            return "\(machine.name) is what it was at \(name)"
        }
    }
}

/// A time of the clock here, by a format of `strftime`.
func localTime(_ seconds: Int, _ format: String) -> String {
    var (moment, fields) = (time_t(seconds), tm())
    localtime_r(&moment, &fields)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, format, &fields)
    return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
}
