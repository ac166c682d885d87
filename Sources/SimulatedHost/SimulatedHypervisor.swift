import Basics
import Glibc
import HostFiles
import Hypervisors
import Synchronization
import XML

/// A host in memory. It parses the XML it is given, as libvirt would, keeps domains, networks, volumes and leases, writes
/// the console log of a domain it starts, and runs guests that do what their script says.
package final class SimulatedHypervisor: Hypervisor {
    struct Domain: Sendable {
        var xml: String
        var node: XMLNode
        /// What runs.
        var live: XMLNode?
        var uuid: String
        var state: DomainState = .shutOff
        var forwards: [String] = []
        /// The one user network that has them.
        var network = "hostua-nic-nic1"
        var metadata: String?
        var isPersistent = true
        var startsWithHost = false
    }

    package struct Behaviour: Sendable {
        package var offersKVM = false
        package var startFails: (@Sendable (XMLNode) -> Failure?)?
        /// The script of a domain's guest, asked for at each start; `nil`: nothing runs in it.
        package var guest: (@Sendable (_ name: String) -> GuestScript)?
        package var cpus = 4
        package var memoryMiB: UInt64 = 8192
        /// Whether its disks are full.
        package var isFull = false
        /// Called between a definition and its answer, which it may lose.
        package var afterDefinition: @Sendable () -> Failure? = { nil }
        /// Called with the name that is looked for, after it was looked for.
        package var afterLook: @Sendable (String) -> Void = { _ in }
        /// The daemon is gone.
        package var isGone = false
        package var gone = Failure(.libvirt, "the daemon is gone")
        /// Posted as soon as the domain runs.
        package var eventsAfterStart: @Sendable (XMLNode) -> [DomainEvent] = { _ in [] }
        /// Posted as soon as the guest is asked to boot again.
        package var eventsAfterReboot: [DomainEvent] = [.rebooted]
        /// What the guest prints on its console at the start.
        package var console = ""
        package var agent: @Sendable (String) -> String? = { _ in nil }
        /// Why the agent answers nothing.
        package var agentFails: @Sendable () -> Failure = {
            Failure(.libvirt, "guest agent is not connected")
        }
        package var work: @Sendable () -> GuestWork = { GuestWork() }
        package var monitor: @Sendable (String) -> String? = { _ in nil }
        /// Why a device cannot be changed, asked at each try.
        package var updateFails: @Sendable () -> Failure? = { nil }
        /// Why a running guest cannot be changed.
        package var changeFails: @Sendable (GuestChange) -> Failure? = { _ in nil }
        /// The guest lets go of no device.
        package var keepsDevices = false
        /// Of all domains.
        package var leases: [AddressLease] = []
        package var addresses: @Sendable (AddressSource) -> [InterfaceAddresses] = { _ in [] }
        package var qmp: @Sendable (String) -> String = { _ in #"{"return":{}}"# }

        package init() {}
    }

    struct State {
        var domains: [String: Domain] = [:]
        var handlers: [Int: (String, @Sendable (DomainEvent) -> Void)] = [:]
        var calls: [String] = []
        var next = 0
        /// The guests that run, by the names of their domains.
        var guests: [String: SimulatedGuest] = [:]
        /// The files of guests, which outlive a boot.
        var disks: [String: GuestDisk] = [:]
    }

    let shared = Mutex(State())
    package let behaviour: Mutex<Behaviour>
    package let uri: String
    /// Of one that is another machine.
    package let storage: SimulatedStorage
    package let simulatedNetworks: SimulatedNetworks

    package init(
        _ behaviour: Behaviour = Behaviour(), uri: String = "fake:///default",
        storage: SimulatedStorage = SimulatedStorage(),
        networks: SimulatedNetworks = SimulatedNetworks(["default", "lab", "other"])
    ) {
        self.behaviour = Mutex(behaviour)
        self.uri = uri
        self.storage = storage
        simulatedNetworks = networks
    }

    /// The changing calls in order, as `start web`.
    package var calls: [String] { shared.withLock(\.calls) }
    package func domainNode(_ name: String) -> XMLNode? { shared.withLock { $0.domains[name]?.node } }

    package func host() throws(Failure) -> HostDescription {
        try requireThere()
        return HostDescription(
            emulator: "/usr/bin/qemu-system-x86_64", architecture: "x86_64",
            offersKVM: behaviour.withLock(\.offersKVM), emulatorVersion: 7_002_000,
            emulatorUser: EmulatorUser(name: "root", uid: geteuid(), gid: getegid()),
            isLocal: HypervisorURI(uri).isLocal, relabelsFiles: true)
    }

    package func load() throws(Failure) -> HostLoad {
        try requireThere()
        let domains = shared.withLock { state in
            state.domains.map { name, domain in
                let memory = (domain.live ?? domain.node).inKibibytes.first("memory")
                return HostLoad.Domain(
                    name: name, memoryMiB: (memory.flatMap { UInt64($0.text) } ?? 0) >> 10,
                    isActive: domain.state.isActive)
            }
        }
        return behaviour.withLock {
            HostLoad(
                hostname: hostname, cpus: $0.cpus, memoryMiB: $0.memoryMiB,
                domains: domains.sorted { $0.name < $1.name })
        }
    }

    private var hostname: String {
        let host = HypervisorURI(uri).host
        return host.isEmpty ? "simulated" : host
    }

    /// - Throws: `Failure` where the host is down.
    func requireThere() throws(Failure) {
        if let gone = behaviour.withLock({ $0.isGone ? $0.gone : nil }) { throw gone }
    }

    /// Ends or begins the time in which the host does not answer. Who waits for its events learns of its end.
    package func setGone(_ isGone: Bool) {
        behaviour.withLock { $0.isGone = isGone }
        guard isGone else { return }
        for handler in shared.withLock({ $0.handlers.values.map(\.1) }) { handler(.connectionLost) }
    }

    package func requireSpace() throws(Failure) {
        guard behaviour.withLock(\.isFull) else { return }
        throw Failure(
            .libvirt, "the disks of \(uri) are full", hint: "free some space on the host",
            resource: uri, cause: "No space left on device")
    }

    package func domains() throws(Failure) -> [DomainSummary] {
        try requireThere()
        return shared.withLock { state in
            state.domains.map { DomainSummary(name: $0, uuid: $1.uuid, state: $1.state) }
        }
    }

    package func domain(_ name: String) throws(Failure) -> DomainSummary? {
        let found = try domains().first { $0.name == name }
        behaviour.withLock(\.afterLook)(name)
        return found
    }

    package func uses() throws(Failure) -> HostUses {
        try requireThere()
        return shared.withLock { state in
            HostUses(
                state.domains.map { name, domain in
                    DomainUses(
                        name: name, isSaved: domain.state == .saved,
                        [domain.node] + (domain.live.map { [$0] } ?? []))
                })
        }
    }

    package func define(_ xml: String) throws(Failure) -> DomainSummary {
        let node = try XMLReader.parse(xml)
        guard let name = node.first("name")?.text else { throw Failure(.libvirt, "no name") }
        let given = node.first("uuid")?.text
        let summary = try change(name, "define") { (state) throws(Failure) in
            let known = state.domains[name]
            if let known, known.uuid != given {
                throw Failure(.libvirt, "domain '\(name)' already exists with uuid \(known.uuid)")
            }
            state.next += 1
            let uuid = known?.uuid ?? given ?? "00000000-0000-0000-0000-\(100_000_000_000 + state.next)"
            var described = node
            if given == nil { described.children.append(XMLNode(name: "uuid", text: uuid)) }
            var domain = Domain(xml: xml, node: described, uuid: uuid, state: known?.state ?? .shutOff)
            domain.live = known?.live
            domain.forwards = known?.forwards ?? []
            domain.startsWithHost = known?.startsWithHost ?? false
            domain.metadata = node.first("metadata/machine").map { "<machine>\(escaped($0.text))</machine>" }
            state.domains[name] = domain
            return DomainSummary(name: name, uuid: uuid, state: domain.state)
        }
        if let failure = behaviour.withLock(\.afterDefinition)() { throw failure }
        return summary
    }

    package func isPersistent(_ name: String) throws(Failure) -> Bool {
        shared.withLock { $0.domains[name]?.isPersistent ?? true }
    }

    package func undefine(_ name: String) throws(Failure) {
        try change(name, "undefine") { (state) throws(Failure) in
            if state.domains[name]?.state.isActive == true {
                state.domains[name]?.isPersistent = false
            } else {
                state.domains[name] = nil
                state.disks[name] = nil
            }
        }
        post(.undefined, to: name)
    }

    package func xml(_ name: String, inactive: Bool, secrets: Bool) throws(Failure) -> String {
        try requireThere()
        let text = shared.withLock { state -> String? in
            guard let domain = state.domains[name] else { return nil }
            let live = domain.state == .saved ? nil : domain.live
            return XMLElement((inactive ? domain.node : live ?? domain.node).inKibibytes).xml
        }
        guard let text else {
            throw Failure(.notFound, "there is no domain \(name)", resource: name)
        }
        return text
    }

    package func metadata(_ name: String) throws(Failure) -> String? {
        try requireThere()
        return shared.withLock { $0.domains[name]?.metadata }
    }
    package func setMetadata(_ name: String, _ xml: String) throws(Failure) {
        try change(name, "metadata") { (state) throws(Failure) in
            var element = try XMLReader.parse(xml)
            element.namespace = LibvirtHypervisor.metadataNamespace
            state.domains[name]?.metadata = xml
            state.domains[name]?.node.edit("metadata") { $0.children = [element] }
            state.domains[name]?.live?.edit("metadata") { $0.children = [element] }
        }
    }

    package func attachDevice(_ name: String, _ xml: String) throws(Failure) {
        try change(name, "attach") { (_) throws(Failure) in _ = try XMLReader.parse(xml) }
    }
    package func detachDevice(_ name: String, _ xml: String) throws(Failure) {
        try change(name, "detach") { (_) throws(Failure) in _ = try XMLReader.parse(xml) }
    }
    package func updateDevice(_ name: String, _ xml: String, force: Bool) throws(Failure) {
        try change(name, "update") { (state) throws(Failure) in
            let device = try XMLReader.parse(xml)
            if let failure = behaviour.withLock(\.updateFails)() { throw failure }
            let alias = device.first("alias")
            state.domains[name]?.node.editDevice({ alias != nil && $0.first("alias") == alias }) {
                $0 = device
            }
            state.domains[name]?.live?.editDevice({ alias != nil && $0.first("alias") == alias }) {
                $0 = device
            }
        }
    }

    package var snapshots: (any DomainSnapshots)? { nil }
    package var memory: (any GuestMemory)? { nil }
    package var networks: (any HostNetworks)? { simulatedNetworks }
    package func hasBridge(_ name: String) -> Bool { name != "nosuch0" }

    package func change(_ name: String, _ change: GuestChange) throws(Failure) {
        let refusal = behaviour.withLock { $0.changeFails(change) }
        if case .detach(let xml) = change, behaviour.withLock(\.keepsDevices) {
            let alias = try XMLReader.parse(xml).first("alias")?.attributes["name"] ?? ""
            try self.change(name, "ask \(alias)") { (_) throws(Failure) in }
            return post(.deviceKept(alias: alias), to: name)
        }
        try self.change(name, Self.word(change)) { (state) throws(Failure) in
            if let refusal { throw refusal }
            guard var live = state.domains[name]?.live else { throw Failure(.libvirt, "it does not run") }
            try live.apply(change)
            state.domains[name]?.live = live
        }
        if case .diskSize(let target, let bytes) = change, let path = try disk(target, of: name) {
            try storage.grow(path, to: bytes)
        }
    }

    /// The path of a running guest's disk.
    private func disk(_ target: String, of name: String) throws(Failure) -> String? {
        try XMLReader.parse(xml(name, inactive: false, secrets: false)).all("devices/disk")
            .first { $0.first("target")?.attributes["dev"] == target }?.first("source")?.attributes["file"]
    }

    private static func word(_ change: GuestChange) -> String {
        switch change {
        case .memory(let mebibytes): "memory \(mebibytes)"
        case .processors(let count): "processors \(count)"
        case .diskLimits(let target, let bytes, let operations): "limits \(target) \(bytes) \(operations)"
        case .diskSize(let target, let bytes): "resize \(target) \(bytes)"
        case .bandwidth(_, let rate): "bandwidth \(rate)"
        case .attach: "attach live"
        case .detach: "detach live"
        case .update: "update live"
        case .metadata: "metadata live"
        }
    }

    /// Changes a description by hand, as `virsh` does.
    package func edit(_ name: String, live: Bool, _ body: (inout XMLNode) -> Void) {
        shared.withLock { state in
            if live {
                if var node = state.domains[name]?.live { body(&node); state.domains[name]?.live = node }
            } else if var node = state.domains[name]?.node {
                body(&node)
                state.domains[name]?.node = node
            }
        }
    }

    package func liveNode(_ name: String) -> XMLNode? { shared.withLock { $0.domains[name]?.live } }

    package func post(_ event: DomainEvent, to name: String) {
        if case .stopped = event {
            let guest = shared.withLock { $0.guests.removeValue(forKey: name) }
            guest?.end()
            shared.withLock {
                $0.domains[name]?.state = .shutOff
                $0.domains[name]?.live = nil
                if $0.domains[name]?.isPersistent == false { $0.domains[name] = nil }
            }
        }
        let handlers = shared.withLock { $0.handlers.values.filter { $0.0 == name }.map(\.1) }
        for handler in handlers { handler(event) }
    }

    func stop(_ name: String, _ call: String, _ reason: StopReason) throws(Failure) {
        let wasActive = shared.withLock { $0.domains[name]?.state.isActive ?? false }
        try set(name, call, .shutOff)
        if wasActive { post(.stopped(reason), to: name) }
    }

    func set(_ name: String, _ call: String, _ new: DomainState) throws(Failure) {
        try change(name, call) { (state) throws(Failure) in state.domains[name]?.state = new }
    }

    func change<Result: Sendable>(
        _ name: String, _ call: String, _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try requireThere()
        let outcome: Swift.Result<Result, Failure> = shared.withLock { state in
            if call != "info usernet" { state.calls.append("\(call) \(name)") }
            do throws(Failure) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private func escaped(_ text: String) -> String {
        text.map { ["&": "&amp;", "<": "&lt;", ">": "&gt;"][$0] ?? String($0) }.joined()
    }
}

struct Subscription: EventSubscription {
    let end: @Sendable () -> Void
    func cancel() { end() }
}
