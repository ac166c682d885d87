import Basics
import Hypervisors
import ImageLibrary
import LuaRuntime
import MachineSpec
import Provisioning
import Synchronization

/// A script run to see what it would do: what changes something is written down and not done, what reads is answered from
/// the host, or from what the steps before would have made of it.
///
/// An answer that only a guest that runs can give is `unknown`; where the script goes wrong on such an answer, the plan
/// ends there and says so.
public final class PlanRun: Sendable {
    /// The answer that is known when the guest has booted.
    public static let unknown = UnknownText.ofPlan

    struct Forecast: Sendable {
        /// The spec the machine will have; `nil` where it will be gone.
        var spec: VMSpec?
        var isRunning: Bool
        var isPaused = false
        var isSaved = false
        /// The changes that its guest will not have.
        var pending: [Change] = []

        /// The state in libvirt's words.
        var state: DomainState { isSaved ? .saved : isPaused ? .paused : isRunning ? .running : .shutOff }
    }

    enum FileForecast: Equatable {
        case gone
        case holds([UInt8])
        /// The file will be there, and what will be in it is not known.
        case made
    }

    private struct State {
        var steps: [PlanStep] = []
        /// The machines by host and name.
        var machines: [String: Forecast] = [:]
        /// The files by path.
        var files: [String: FileForecast] = [:]
        /// The library's images, by name; `nil` for one that will be gone.
        var images: [String: ImageLibrary.Entry?] = [:]
        /// The images that a run would have added, by name, and of what.
        var additions: [String: ImageAddition] = [:]
        /// Whether a run would have made or removed a network, by host and name.
        var networks: [String: Bool] = [:]
        /// The names of the snapshots that a run would have taken or forgotten, by host and name of the machine.
        var snapshots: [String: [String: Bool]] = [:]
        /// The machines that a run would throw away at the end of a function, by host and name.
        var lent: Set<String> = []
        var isGuessing = false
    }

    let environment: Environment
    private let state = Mutex(State())

    public init(_ environment: Environment) { self.environment = environment }

    /// The steps, in the order they would be done.
    public var steps: [PlanStep] { state.withLock(\.steps) }
    /// Whether an answer was `unknown`: an error of the script behind it may come of that.
    public var isGuessing: Bool { state.withLock(\.isGuessing) }
    /// Whether a run would change something.
    public var isChange: Bool { steps.contains(where: \.isChange) }

    /// The machines the script asks for, on their hosts.
    public var asked: [ScriptMachines.Place] { environment.choices.asked }

    /// The machines that the script has made and does not ask for any more, and that it does not remove.
    ///
    /// - Parameter script: its real path.
    public func unnamed(of script: String) -> [ScriptMachines.Place] {
        let gone = state.withLock(\.machines).filter { $0.value.spec == nil }
        return ScriptMachines(of: script, in: environment.state).places(besides: Set(asked)).filter {
            gone["\($0.uri) \($0.name)"] == nil
        }
    }

    func add(_ step: PlanStep, _ request: Request) {
        var step = step
        step.location = request.location
        state.withLock { $0.steps.append(step) }
    }

    func guess() -> Value {
        state.withLock { $0.isGuessing = true }
        return .string(Self.unknown)
    }

    func forecast(_ machine: Machine) -> Forecast? {
        state.withLock { $0.machines["\(machine.hypervisor.uri) \(machine.name)"] }
    }

    /// Whether a run would have taken or forgotten a snapshot of this name; `nil` for neither.
    func expectedSnapshot(_ name: String, of machine: Machine) -> Bool? {
        state.withLock { $0.snapshots["\(machine.hypervisor.uri) \(machine.name)"]?[name] }
    }

    func expectSnapshot(_ name: String, of machine: Machine, _ isThere: Bool) {
        state.withLock {
            $0.snapshots["\(machine.hypervisor.uri) \(machine.name)", default: [:]][name] = isThere
        }
    }

    func expect(_ machine: Machine, _ forecast: Forecast) {
        state.withLock { $0.machines["\(machine.hypervisor.uri) \(machine.name)"] = forecast }
    }

    /// Whether a network will be there after what a run would have done; `nil` where it would have done nothing.
    func expectedNetwork(_ network: VirtualNetwork) -> Bool? {
        state.withLock { $0.networks["\(network.hypervisor.uri) \(network.name)"] }
    }

    func expect(_ network: VirtualNetwork, isThere: Bool) {
        state.withLock { $0.networks["\(network.hypervisor.uri) \(network.name)"] = isThere }
    }

    func expectLent(_ machine: Machine) {
        state.withLock { _ = $0.lent.insert("\(machine.hypervisor.uri) \(machine.name)") }
    }

    /// - Returns: whether it was lent.
    func expectDiscarded(_ machine: Machine) -> Bool {
        state.withLock { $0.lent.remove("\(machine.hypervisor.uri) \(machine.name)") != nil }
    }

    /// The machines a run would have made, or would have removed, on a host, by name.
    func forecasts(on uri: String) -> [(name: String, forecast: Forecast)] {
        state.withLock(\.machines).filter { $0.key.hasPrefix(uri + " ") }
            .map { (String($0.key.dropFirst(uri.utf8.count + 1)), $0.value) }.sorted { $0.0 < $1.0 }
    }

    /// The forecast of a file; `nil` where nobody has touched it.
    func expected(_ path: String) -> FileForecast? { state.withLock { $0.files[Self.plain(path)] } }

    func expect(_ path: String, _ file: FileForecast) {
        state.withLock { $0.files[Self.plain(path)] = file }
    }

    /// The path without what means nothing in it: `/a/./b//c` is `/a/b/c`.
    private static func plain(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// The files that a run would have made or removed below a folder, by their paths in it.
    func expectedFiles(below folder: String) -> [String: FileForecast] {
        var found: [String: FileForecast] = [:]
        let folder = Self.plain(folder)
        for (path, file) in state.withLock(\.files) where path.hasPrefix(folder + "/") {
            found[String(path.dropFirst(folder.utf8.count + 1))] = file
        }
        return found
    }

    /// The forecast of an image: `.some(nil)` where it will be gone, `nil` where nobody has touched it.
    func expectedImage(_ name: String) -> ImageLibrary.Entry?? { state.withLock { $0.images[name] } }

    /// What a run would have added under this name.
    func addition(_ name: String) -> ImageAddition? { state.withLock { $0.additions[name] } }

    func expectImage(_ name: String, _ image: ImageLibrary.Entry?, _ addition: ImageAddition? = nil) {
        let path = image?.path ?? environment.images.place(of: name)
        state.withLock { state in
            state.images[name] = .some(image)
            state.additions[name] = addition
        }
        expect(path, image == nil ? .gone : .made)
    }

    /// The images a run would have put into the library or removed, by name.
    var expectedImages: [String: ImageLibrary.Entry?] { state.withLock(\.images) }

    /// The primitives a script gets.
    ///
    /// - Parameter definitions: those of the library.
    func primitives(_ definitions: [Definition]) -> [Primitive] {
        definitions.map { definition in
            guard let plan = definition.plan else { return definition.primitive }
            let perform = definition.primitive.perform
            return Primitive(definition.primitive.name, definition.primitive.execution) { [self] request in
                let call = PlannedCall(
                    run: self, request: request, perform: { try perform(request).first ?? .null })
                return [try plan(call)]
            }
        }
    }
}
