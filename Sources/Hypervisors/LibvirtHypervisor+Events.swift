import Basics
import Libvirt
import Synchronization

extension LibvirtHypervisor {
    public func onEvent(
        of name: String, _ handler: @escaping @Sendable (DomainEvent) -> Void
    ) throws(Failure) -> any EventSubscription {
        try call("cannot watch \(name)", on: name) { connection throws(LibvirtError) in
            try events.subscribe(name, on: connection, handler)
        }
    }
}

/// Hands the events of one connection to whoever watches a domain of that name.
final class EventHub: Sendable {
    private struct Watchers {
        var nextID = 0
        var byName: [String: [Int: @Sendable (DomainEvent) -> Void]] = [:]

        mutating func remove(_ name: String, _ id: Int) {
            byName[name]?[id] = nil
            if byName[name]?.isEmpty == true { byName[name] = nil }
        }
    }

    private let watchers = Mutex(Watchers())
    /// The registration with libvirt. Its lock is never taken on libvirt's event thread: it is held while libvirt
    /// registers.
    private let registration = Mutex<EventRegistration?>(nil)

    /// - Parameter connection: used where no living one is registered yet.
    func subscribe(
        _ name: String, on connection: Connection, _ handler: @escaping @Sendable (DomainEvent) -> Void
    ) throws(LibvirtError) -> any EventSubscription {
        // Before the registration, so that none is told nothing when the connection breaks in between.
        let id = watchers.withLock { watchers in
            watchers.nextID += 1
            watchers.byName[name, default: [:]][watchers.nextID] = handler
            return watchers.nextID
        }
        do throws(LibvirtError) {
            try registration.withLock { registration throws(LibvirtError) in
                if let registration, registration.isAlive { return }
                registration = try connection.onEvent { [weak self] in self?.deliver($0) }
            }
        } catch {
            watchers.withLock { $0.remove(name, id) }
            throw error
        }
        return Subscription(hub: self, name: name, id: id)
    }

    private struct Subscription: EventSubscription {
        let hub: EventHub
        let name: String
        let id: Int

        func cancel() { hub.watchers.withLock { $0.remove(name, id) } }
    }

    /// Delivers an event to those who watch its domain, on libvirt's event thread.
    private func deliver(_ event: ConnectionEvent) {
        switch event {
        case .closed:
            let handlers = watchers.withLock { watchers in
                defer { watchers.byName = [:] }
                return watchers.byName.values.flatMap(\.values)
            }
            for handler in handlers { handler(.connectionLost) }
        case .agent(let name, let connected):
            tell(name, connected ? .agentConnected : .agentDisconnected)
        case .reboot(let name): tell(name, .rebooted)
        case .device(let name, let alias, let isRemoved):
            tell(name, isRemoved ? .deviceRemoved(alias: alias) : .deviceKept(alias: alias))
        case .lifecycle(let name, let change):
            if let event = DomainEvent(change) { tell(name, event) }
        }
    }

    private func tell(_ name: String, _ event: DomainEvent) {
        let handlers = watchers.withLock { $0.byName[name].map { Array($0.values) } ?? [] }
        for handler in handlers { handler(event) }
    }
}

extension DomainEvent {
    /// Makes the event of a change; `nil` for what says nothing new: the guest's own shutdown, which a stop follows.
    init?(_ change: DomainChange) {
        switch change {
        case .defined: self = .defined
        case .undefined: self = .undefined
        case .started: self = .started
        case .suspended: self = .suspended
        case .resumed: self = .resumed
        case .crashed: self = .crashed
        case .stopped(let detail): self = .stopped(StopReason(detail))
        case .shutdown: return nil
        }
    }
}

extension StopReason {
    init(_ detail: DomainChange.StopDetail) {
        self =
            switch detail {
            case .shutdown: .shutdown
            case .destroyed: .destroyed
            case .crashed: .crashed
            case .failed: .failed
            case .migrated, .saved, .fromSnapshot: .other
            }
    }
}
