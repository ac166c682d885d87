import ArgumentParser
import Basics
import HostFiles
import Hypervisors
import LuaRuntime
import Primitives
import Provisioning

struct Down: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove the machines and networks that a script makes, with all that was made for them.",
        discussion: """
            They are those that a run of it would bring up, by limiq plan, and those it has made and no longer names. What \
            another script has made is left, and told.
            """)

    @Argument(help: "The script.", completion: CompletionKind.script)
    var script: String

    @OptionGroup var parameters: ParameterOptions

    @OptionGroup var host: HostOptions

    @OptionGroup(title: "Scripts that are not trusted") var sandbox: SandboxOptions

    @Argument(parsing: .postTerminator, help: "The script's own words.")
    var words: [String] = []

    func run() throws {
        var session = try Session(connect: host.connect, script: script)
        session.sandbox = sandbox.choice
        session.parameters = try parameters.given()
        session.words = words
        guard let path = session.scriptPath else { return }
        let named = try named(session)
        let work = try MachineWork(in: session)
        let made = ScriptMachines(of: path, in: session.state)
        var (machines, failures) = ([Machine](), [Failure]())
        func add(_ place: ScriptMachines.Place, where isMeant: (Machine) throws(Failure) -> Bool) {
            do throws(Failure) {
                let machine = Machine(
                    place.name, on: try session.hosts.hypervisor(place.uri), state: session.state)
                if try isMeant(machine) { machines.append(machine) }
            } catch {
                failures.append(error)
                work.tell(error)
            }
        }
        for place in named { add(place) { machine throws(Failure) in try made.mayRemove(machine) } }
        for place in made.places(besides: Set(named)) {
            add(place) { machine throws(Failure) in try made.made(machine) }
        }
        failures += work.remove(machines)
        let isNothing = machines.isEmpty && failures.isEmpty
        let hosts = Set(machines.map(\.hypervisor.uri))
        failures += try removeNetworks(of: path, on: hosts, session, isNothing: isNothing)
        try MachineWork.end(failures)
    }

    /// Removes the networks that the script has made and that no machine is on any more.
    ///
    /// - Parameters:
    ///   - hosts: those that its machines were on, beside the run's own.
    ///   - isNothing: whether nothing was removed.
    private func removeNetworks(
        of path: String, on hosts: Set<String>, _ session: Session, isNothing: Bool
    ) throws -> [Failure] {
        var (failures, count) = ([Failure](), 0)
        let own = try session.hosts.hypervisor(nil)
        let others = try hosts.subtracting([own.uri]).sorted().map { try session.hosts.hypervisor($0) }
        for hypervisor in [own] + others {
            for network in try VirtualNetwork.made(by: path, on: hypervisor, state: session.state) {
                do throws(Failure) {
                    if try network.remove() { StandardError.tell("removed network \(network.name)") }
                    count += 1
                } catch {
                    // Another script's machines may be on it.
                    if error.code == .inUse {
                        StandardError.complain("left alone: \(error.message)")
                    } else {
                        failures.append(error)
                    }
                }
            }
        }
        if isNothing, count == 0, failures.isEmpty { StandardError.tell("there is no machine of \(script)") }
        return failures
    }

    /// The machines that a run would bring up. Where the script cannot be planned to its end, those up to there.
    private func named(_ session: Session) throws -> [ScriptMachines.Place] {
        guard fileExists(script) else {
            StandardError.tell("\(script) is not there: what it has made is known by its path")
            return []
        }
        let plan = PlanRun(try session.environment())
        let rehearsal = try Rehearsal(
            script, session, primitives: plan.primitives(parameters: session.parameters))
        if let failure = rehearsal.failure {
            let place = failure.location ?? script
            StandardError.complain(
                plan.isGuessing || rehearsal.isOver
                    ? "\(place): not planned from here on: what it makes behind this line is known by the script's path"
                    : "\(failure)\n  what it makes behind this line is known by the script's path")
        }
        return plan.asked
    }
}
