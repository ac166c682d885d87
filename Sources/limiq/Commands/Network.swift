import ArgumentParser
import Basics
import Primitives
import Provisioning
import Records

struct Network: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The networks that machines are on; limiq.network in a script makes them.",
        subcommands: [ListNetworks.self, ShowNetwork.self, RemoveNetwork.self])

    struct ListNetworks: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the networks of the host, those of others too.")

        @OptionGroup var host: HostOptions

        @Flag(help: "JSON on standard output.") var json = false

        func run() throws {
            Signals.unblock()
            let session = try Session(connect: host.connect)
            let networks = try VirtualNetwork.all(on: try session.hosts.hypervisor(nil), state: session.state)
            if json {
                let values = networks.map { Primitives.value(of: $0) }
                return StandardOutput.print(json: try jsonText(.list(values), pretty: true))
            }
            guard !networks.isEmpty else {
                return StandardError.tell("no networks yet; limiq.network { … } in a script makes them")
            }
            var rows = [["NAME", "MODE", "ADDRESSES", "STATE", "MACHINES"]]
            for network in networks {
                rows.append([
                    network.name, network.spec?.mode.rawValue ?? "not limiq's",
                    network.ranges.isEmpty ? "-" : network.ranges.joined(separator: " "),
                    network.state, network.users.isEmpty ? "-" : network.users.joined(separator: " "),
                ])
            }
            StandardOutput.print(table(rows))
        }
    }

    struct ShowNetwork: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a network, and the machines with addresses on it.")

        @Argument(help: "The network.") var name: String

        @OptionGroup var host: HostOptions

        @Flag(help: "JSON on standard output.") var json = false

        func run() throws {
            Signals.unblock()
            let session = try Session(connect: host.connect)
            let network = try VirtualNetwork(
                name, on: try session.hosts.hypervisor(nil), state: session.state
            ).entry()
            if json {
                return StandardOutput.print(json: try jsonText(Primitives.value(of: network), pretty: true))
            }
            var rows = [
                ["name", network.name], ["mode", network.spec?.mode.rawValue ?? "not limiq's"],
                ["addresses", network.ranges.joined(separator: " ")], ["state", network.state],
            ]
            if let domain = network.spec?.domain { rows.append(["domain", domain]) }
            if let lent = network.spec?.lent {
                rows.append(["lent", "\(lent.lowerBound) to \(lent.upperBound)"])
            }
            StandardOutput.print(table(rows))
            guard !network.members.isEmpty else { return }
            var members = [["MACHINE", "ADDRESS", "MAC ADDRESS"]]
            for member in network.members {
                let addresses = [member.address, member.address6].compactMap { $0?.description }
                members.append([member.name, addresses.joined(separator: " "), member.macAddress ?? "-"])
            }
            StandardOutput.print("\n" + table(members))
        }
    }

    struct RemoveNetwork: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove networks that limiq made and no machine is on.")

        @Argument(help: ArgumentHelp("The networks.", valueName: "network")) var names: [String]

        @OptionGroup var host: HostOptions

        func run() throws {
            Signals.unblock()
            let session = try Session(connect: host.connect)
            let hypervisor = try session.hosts.hypervisor(nil)
            var failures: [Failure] = []
            for name in names {
                do throws(Failure) {
                    let network = VirtualNetwork(name, on: hypervisor, state: session.state)
                    // The failure of one that is not there names the nearest.
                    guard try network.remove() else {
                        _ = try network.entry()
                        continue
                    }
                    StandardError.tell("removed network \(name)")
                } catch {
                    failures.append(error)
                }
            }
            for failure in failures.dropLast() { StandardError.complain("\(failure)") }
            if let last = failures.last { throw last }
        }
    }
}

extension NetworkEntry {
    /// The state as a word: a private network has nothing that runs.
    fileprivate var state: String { spec?.hasServer == false ? "-" : isActive ? "active" : "off" }
}
