import Basics
import Glibc
import HostFiles
import Hypervisors
import Synchronization
import XML

/// A hypervisor in memory. It parses the XML it is given, as libvirt would, writes the console log of a domain it
/// starts, and does what a test tells it to.
package final class FakeHypervisor: Hypervisor {
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
        /// Called between a definition and its answer, which it may lose.
        package var afterDefinition: @Sendable () -> Failure? = { nil }
        /// Called with the name that is looked for, after it was looked for.
        package var afterLook: @Sendable (String) -> Void = { _ in }
        /// The daemon is gone.
        package var isGone = false
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

    private struct State {
        var domains: [String: Domain] = [:]
        var handlers: [Int: (String, @Sendable (DomainEvent) -> Void)] = [:]
        var calls: [String] = []
        var next = 0
    }

    private let shared = Mutex(State())
    package let behaviour: Mutex<Behaviour>
    package let uri: String
    /// Of one that is another machine.
    package let storage: FakeStorage
    package let fakeNetworks: FakeNetworks

    package init(
        _ behaviour: Behaviour = Behaviour(), uri: String = "fake:///default",
        storage: FakeStorage = FakeStorage(),
        networks: FakeNetworks = FakeNetworks(["default", "lab", "other"])
    ) {
        self.behaviour = Mutex(behaviour)
        self.uri = uri
        self.storage = storage
        fakeNetworks = networks
    }

    /// The changing calls in order, as `start web`.
    package var calls: [String] { shared.withLock(\.calls) }
    package func domainNode(_ name: String) -> XMLNode? { shared.withLock { $0.domains[name]?.node } }

    package func host() throws(Failure) -> HostDescription {
        HostDescription(
            emulator: "/usr/bin/qemu-system-x86_64", architecture: "x86_64",
            offersKVM: behaviour.withLock(\.offersKVM), emulatorVersion: 7_002_000,
            emulatorUser: EmulatorUser(name: "root", uid: geteuid(), gid: getegid()),
            isLocal: HypervisorURI(uri).isLocal, relabelsFiles: true)
    }

    package func load() throws(Failure) -> HostLoad {
        HostLoad(hostname: "fake", cpus: 4, memoryMiB: 8192, domains: [])
    }

    package func domains() throws(Failure) -> [DomainSummary] {
        if behaviour.withLock(\.isGone) { throw Failure(.libvirt, "the daemon is gone") }
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
        shared.withLock { state in
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
            }
        }
        post(.undefined, to: name)
    }

    package func start(_ name: String) throws(Failure) {
        let node = try change(name, "start") { (state) throws(Failure) in
            guard var domain = state.domains[name] else { throw Failure(.notFound, "no domain \(name)") }
            if let failure = behaviour.withLock(\.startFails)?(domain.node) { throw failure }
            // What was saved goes on.
            if domain.state != .saved { domain.live = domain.node }
            domain.state = .running
            domain.forwards = []
            state.domains[name] = domain
            return domain.node
        }
        let guest = behaviour.withLock { $0 }
        if let log = node.first("devices/serial/log")?.attributes["file"] {
            append(guest.console, to: log, truncate: true)
        }
        post(.started, to: name)
        for event in guest.eventsAfterStart(node) { post(event, to: name) }
    }

    package func startPaused(_ name: String) throws(Failure) {
        try start(name)
        try set(name, "suspend", .paused)
    }

    package func shutdown(_ name: String) throws(Failure) { try stop(name, "shutdown", .shutdown) }
    package func destroy(_ name: String) throws(Failure) { try stop(name, "destroy", .destroyed) }
    package func reboot(_ name: String) throws(Failure) {
        try set(name, "reboot", .running)
        for event in behaviour.withLock(\.eventsAfterReboot) { post(event, to: name) }
    }
    package func reset(_ name: String) throws(Failure) {
        try set(name, "reset", .running)
        post(.rebooted, to: name)
    }
    package func suspend(_ name: String) throws(Failure) { try set(name, "suspend", .paused) }
    package func resume(_ name: String) throws(Failure) { try set(name, "resume", .running) }

    /// As `virsh managedsave`.
    package func save(_ name: String) throws(Failure) {
        try change(name, "save") { (state) throws(Failure) in
            state.domains[name]?.state = .saved
            state.domains[name]?.forwards = []
        }
    }
    package func startsWithHost(_ name: String) throws(Failure) -> Bool {
        shared.withLock { $0.domains[name]?.startsWithHost ?? false }
    }
    package func setStartsWithHost(_ name: String, _ isOn: Bool) throws(Failure) {
        try change(name, "autostart") { (state) throws(Failure) in state.domains[name]?.startsWithHost = isOn
        }
    }
    package func savedXML(_ name: String) throws(Failure) -> String {
        guard let live = shared.withLock({ $0.domains[name] }), live.state == .saved, let node = live.live
        else { throw Failure(.libvirt, "nothing is saved") }
        return XMLElement(node).xml
    }
    package func dropSaved(_ name: String) throws(Failure) {
        try change(name, "drop") { (state) throws(Failure) in
            guard state.domains[name]?.state == .saved else { return }
            state.domains[name]?.state = .shutOff
            state.domains[name]?.live = nil
        }
    }

    package func xml(_ name: String, inactive: Bool, secrets: Bool) throws(Failure) -> String {
        shared.withLock { state in
            guard let domain = state.domains[name] else { return "" }
            let live = domain.state == .saved ? nil : domain.live
            return XMLElement(inactive ? domain.node : live ?? domain.node).xml
        }
    }
    package func metadata(_ name: String) throws(Failure) -> String? {
        shared.withLock { $0.domains[name]?.metadata }
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
    package var networks: (any HostNetworks)? { fakeNetworks }
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

    package func monitor(_ name: String, _ command: String) throws(Failure) -> String {
        if let answer = behaviour.withLock({ $0.monitor(command) }) { return answer }
        let words = command.split(separator: " ").map(String.init)
        return try change(name, command) { (state) throws(Failure) in
            if words.first == "hostfwd_add" {
                // tcp:127.0.0.1:8080-:80
                let parts = words[2].split(whereSeparator: { ":-".contains($0) })
                state.domains[name]?.network = words[1]
                state.domains[name]?.forwards.append(
                    "  \(parts[0].uppercased())[HOST_FORWARD]  18  \(parts[1]) \(parts[2])  10.0.2.15  \(parts[3])  0  0"
                )
                return ""
            }
            if words.first == "hostfwd_remove" {
                let port = words[2].split(separator: ":").last.map(String.init) ?? ""
                state.domains[name]?.forwards.removeAll { $0.contains(" \(port) ") }
                return ""
            }
            return "Hub -1 (\(state.domains[name]?.network ?? "")):\n"
                + (state.domains[name]?.forwards ?? []).joined(separator: "\n")
        }
    }

    package func qmp(_ name: String, _ command: String) throws(Failure) -> String {
        behaviour.withLock { $0.qmp(command) }
    }

    package func agent(_ name: String, _ command: String, timeout: Duration) throws(Failure) -> String {
        if let reply = behaviour.withLock({ $0.agent(command) }) { return reply }
        throw behaviour.withLock(\.agentFails)()
    }

    package func addresses(_ name: String, from source: AddressSource) throws(Failure) -> [InterfaceAddresses]
    {
        behaviour.withLock { $0.addresses(source) }
    }
    package func leases(_ name: String) throws(Failure) -> [AddressLease] { behaviour.withLock(\.leases) }

    package func onEvent(
        of name: String, _ handler: @escaping @Sendable (DomainEvent) -> Void
    ) throws(Failure) -> any EventSubscription {
        let id = shared.withLock { state in
            state.next += 1
            state.handlers[state.next] = (name, handler)
            return state.next
        }
        return Subscription { [weak self] in self?.shared.withLock { $0.handlers[id] = nil } }
    }

    package func work(_ name: String) throws(Failure) -> GuestWork { behaviour.withLock(\.work)() }

    package func screenshot(_ name: String) throws(Failure) -> [UInt8] {
        throw Failure(.libvirt, "no screen")
    }

    package func openConsole(_ name: String) throws(Failure) -> any ConsoleStream {
        throw Failure(.libvirt, "no console")
    }

    package func post(_ event: DomainEvent, to name: String) {
        if case .stopped = event {
            shared.withLock {
                $0.domains[name]?.state = .shutOff
                $0.domains[name]?.live = nil
                if $0.domains[name]?.isPersistent == false { $0.domains[name] = nil }
            }
        }
        let handlers = shared.withLock { $0.handlers.values.filter { $0.0 == name }.map(\.1) }
        for handler in handlers { handler(event) }
    }

    private func stop(_ name: String, _ call: String, _ reason: StopReason) throws(Failure) {
        let wasActive = shared.withLock { $0.domains[name]?.state.isActive ?? false }
        try set(name, call, .shutOff)
        if wasActive { post(.stopped(reason), to: name) }
    }

    private func set(_ name: String, _ call: String, _ new: DomainState) throws(Failure) {
        try change(name, call) { (state) throws(Failure) in state.domains[name]?.state = new }
    }

    private func change<Result: Sendable>(
        _ name: String, _ call: String, _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
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

extension XMLNode {
    /// As libvirt changes the description of what runs.
    fileprivate mutating func apply(_ change: GuestChange) throws(Failure) {
        switch change {
        case .memory(let mebibytes): edit("currentMemory") { $0.text = "\(mebibytes)" }
        case .processors(let count): edit("vcpu") { $0.attributes["current"] = "\(count)" }
        case .diskLimits(let target, let bytes, let operations):
            editDevice({ $0.first("target")?.attributes["dev"] == target }) { disk in
                disk.children.removeAll { $0.name == "iotune" }
                disk.children.append(
                    XMLNode(
                        name: "iotune",
                        children: [
                            XMLNode(name: "total_bytes_sec", text: "\(bytes)"),
                            XMLNode(name: "total_iops_sec", text: "\(operations)"),
                        ]))
            }
        case .bandwidth(let address, let rate):
            editDevice({ $0.first("mac")?.attributes["address"] == address }) { nic in
                nic.children.removeAll { $0.name == "bandwidth" }
                let average = XMLNode(name: "inbound", attributes: ["average": "\(rate)"])
                nic.children.append(XMLNode(name: "bandwidth", children: [average]))
            }
        case .attach(let xml):
            let device = try XMLReader.parse(xml)
            edit("devices") { $0.children.append(device) }
        case .detach(let xml):
            let alias = try XMLReader.parse(xml).first("alias")
            edit("devices") { $0.children.removeAll { $0.first("alias") == alias } }
        case .update(let xml):
            let device = try XMLReader.parse(xml)
            editDevice({ $0.first("alias") == device.first("alias") }) { $0 = device }
        case .metadata(let xml):
            var element = try XMLReader.parse(xml)
            element.namespace = LibvirtHypervisor.metadataNamespace
            edit("metadata") { $0.children = [element] }
        case .diskSize: break
        }
    }

    package mutating func edit(_ child: String, _ body: (inout XMLNode) -> Void) {
        for index in children.indices where children[index].name == child { body(&children[index]) }
    }

    package mutating func editDevice(_ isIt: (XMLNode) -> Bool, _ body: (inout XMLNode) -> Void) {
        edit("devices") { devices in
            for index in devices.children.indices where isIt(devices.children[index]) {
                body(&devices.children[index])
            }
        }
    }
}

private struct Subscription: EventSubscription {
    let end: @Sendable () -> Void
    func cancel() { end() }
}

/// Adds to a file, as a guest does to its console log.
package func append(_ text: String, to path: String, truncate: Bool = false) {
    let descriptor = open(path, O_WRONLY | O_CREAT | (truncate ? O_TRUNC : O_APPEND), 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    _ = write(descriptor, bytes, bytes.count)
}

/// A state folder of the test's own, removed after, thrown or not.
package func withScratchState<Result>(_ body: (StateFolder) throws -> Result) throws -> Result {
    let folder = try ScratchFolder(prefix: "state")
    defer { folder.remove() }
    return try body(StateFolder(root: folder.path))
}
