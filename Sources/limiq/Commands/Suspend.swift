import ArgumentParser
import Basics
import Provisioning

struct Suspend: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop guests' processors; their memory stays where it is.",
        discussion: "limiq save keeps the memory on disk instead, and gives it back to the host.")

    @OptionGroup var machines: SelectorOptions

    @OptionGroup var host: HostOptions

    func run() throws {
        let selector = try machines.selector()
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            try machine.pause(cancellation: cancellation)
                ? "suspended \(machine.name)" : "\(machine.name) is suspended already"
        }
    }
}

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let suspended guests go on.")

    @OptionGroup var machines: SelectorOptions

    @OptionGroup var host: HostOptions

    func run() throws {
        let selector = try machines.selector()
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            try machine.unpause(cancellation: cancellation)
                ? "resumed \(machine.name)" : "\(machine.name) runs already"
        }
    }
}

struct Save: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep guests' memory on disk and end them; limiq start goes on from there.",
        discussion: "It outlasts a restart of the host.")

    @OptionGroup var machines: SelectorOptions

    @OptionGroup var host: HostOptions

    func run() throws {
        let selector = try machines.selector()
        try MachineWork(on: host).perform(selector) { machine, cancellation throws(Failure) in
            try machine.save(cancellation: cancellation)
                ? "saved \(machine.name)" : "\(machine.name) is saved already"
        }
    }
}
