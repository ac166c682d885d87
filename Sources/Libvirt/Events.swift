import CLibvirt
import Synchronization

/// The events that libvirt tells without being asked.
public enum ConnectionEvent: Sendable, Equatable {
    case lifecycle(domain: String, DomainChange)
    case agent(domain: String, connected: Bool)
    /// The machine was reset, by the guest or from outside: it boots again, in the same process.
    case reboot(domain: String)
    /// The guest has let go of a device, or has refused to.
    case device(domain: String, alias: String, isRemoved: Bool)
    /// The connection broke; nothing more comes.
    case closed
}

/// The changes of libvirt's `virDomainEventType`.
public enum DomainChange: Sendable, Equatable {
    case defined, undefined, started, suspended, resumed
    /// The guest has stopped: there is no process any more.
    case stopped(StopDetail)
    /// The guest's system has shut itself down; a stop follows.
    case shutdown
    case crashed

    /// The reasons of libvirt's `virDomainEventStoppedDetailType`, number for number.
    public enum StopDetail: UInt32, Sendable {
        case shutdown, destroyed, crashed, migrated, saved, failed, fromSnapshot
    }

    /// Makes the change of an event; `nil` for what a later libvirt invents.
    init?(_ type: Int32, _ detail: Int32) {
        switch virDomainEventType(UInt32(bitPattern: type)) {
        case VIR_DOMAIN_EVENT_DEFINED: self = .defined
        case VIR_DOMAIN_EVENT_UNDEFINED: self = .undefined
        case VIR_DOMAIN_EVENT_STARTED: self = .started
        case VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED: self = .suspended
        case VIR_DOMAIN_EVENT_RESUMED: self = .resumed
        case VIR_DOMAIN_EVENT_STOPPED:
            self = .stopped(StopDetail(rawValue: UInt32(bitPattern: detail)) ?? .failed)
        case VIR_DOMAIN_EVENT_SHUTDOWN: self = .shutdown
        case VIR_DOMAIN_EVENT_CRASHED: self = .crashed
        default: return nil
        }
    }
}

extension Connection {
    /// Calls `handler` on libvirt's event thread, which must not be held up and must not call libvirt. A connection takes
    /// one registration at a time.
    public func onEvent(
        _ handler: @escaping @Sendable (ConnectionEvent) -> Void
    ) throws(LibvirtError) -> EventRegistration {
        try EventRegistration(self, Handler(handler))
    }
}

/// The registered callbacks, until `cancel` or the last reference.
public final class EventRegistration: Sendable {
    private let connection: Connection
    private let callbacks: [Int32]
    private let watchesClose: Bool
    private let cancelled = Mutex(false)

    fileprivate init(_ connection: Connection, _ handler: Handler) throws(LibvirtError) {
        self.connection = connection
        let lifecycle = handler.lent { opaque in
            limiq_register_lifecycle(
                connection.pointer,
                { _, domain, type, detail, opaque in
                    guard let domain, let name = virDomainGetName(domain),
                        let change = DomainChange(type, detail)
                    else { return 0 }
                    Handler.of(opaque)?.call(.lifecycle(domain: String(cString: name), change))
                    return 0
                }, opaque, Handler.giveBack)
        }
        try checked(lifecycle)
        let reboot = handler.lent { opaque in
            limiq_register_reboot(
                connection.pointer,
                { _, domain, opaque in
                    guard let domain, let name = virDomainGetName(domain) else { return }
                    Handler.of(opaque)?.call(.reboot(domain: String(cString: name)))
                }, opaque, Handler.giveBack)
        }
        try checked(reboot)
        // A driver without guest agents (the test driver) refuses.
        let agent = handler.lent { opaque in
            limiq_register_agent_lifecycle(
                connection.pointer,
                { _, domain, state, _, opaque in
                    guard let domain, let name = virDomainGetName(domain) else { return }
                    let connected = VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED.rawValue
                    Handler.of(opaque)?.call(
                        .agent(
                            domain: String(cString: name), connected: UInt32(bitPattern: state) == connected))
                }, opaque, Handler.giveBack)
        }
        // Nor does it take devices out.
        let removed = handler.lent { opaque in
            limiq_register_device_removed(
                connection.pointer,
                { _, domain, alias, opaque in Handler.tell(domain, alias, isRemoved: true, opaque) }, opaque,
                Handler.giveBack)
        }
        let refused = handler.lent { opaque in
            limiq_register_device_removal_failed(
                connection.pointer,
                { _, domain, alias, opaque in Handler.tell(domain, alias, isRemoved: false, opaque) }, opaque,
                Handler.giveBack)
        }
        callbacks = [lifecycle, reboot, agent, removed, refused].filter { $0 >= 0 }
        // A driver in this process cannot close by itself and refuses.
        watchesClose =
            handler.lent {
                virConnectRegisterCloseCallback(
                    connection.pointer, Handler.connectionClosed, $0, Handler.giveBack)
            } == 0
    }

    deinit { cancel() }

    /// Whether its connection is not broken, as far as is known without asking.
    public var isAlive: Bool { connection.isAlive }

    /// Ends the registration. One event may still be under way on libvirt's thread.
    public func cancel() {
        let first = cancelled.withLock { cancelled in
            defer { cancelled = true }
            return !cancelled
        }
        guard first else { return }
        for callback in callbacks { virConnectDomainEventDeregisterAny(connection.pointer, callback) }
        if watchesClose { virConnectUnregisterCloseCallback(connection.pointer, Handler.connectionClosed) }
    }
}

/// A Swift closure as the `opaque` of a C callback.
private final class Handler: Sendable {
    let call: @Sendable (ConnectionEvent) -> Void

    init(_ call: @escaping @Sendable (ConnectionEvent) -> Void) { self.call = call }

    /// A reference for libvirt, which gives it back when the callback is gone; at once where it takes none.
    func lent(_ register: (UnsafeMutableRawPointer) -> Int32) -> Int32 {
        let opaque = Unmanaged.passRetained(self).toOpaque()
        let status = register(opaque)
        if status < 0 { Handler.giveBack(opaque) }
        return status
    }

    static func of(_ opaque: UnsafeMutableRawPointer?) -> Handler? {
        opaque.map { Unmanaged<Handler>.fromOpaque($0).takeUnretainedValue() }
    }

    static func tell(
        _ domain: virDomainPtr?, _ alias: UnsafePointer<CChar>?, isRemoved: Bool,
        _ opaque: UnsafeMutableRawPointer?
    ) {
        guard let domain, let name = virDomainGetName(domain), let alias else { return }
        of(opaque)?.call(
            .device(
                domain: String(cString: name), alias: String(cString: alias), isRemoved: isRemoved))
    }

    static let giveBack: @convention(c) (UnsafeMutableRawPointer?) -> Void = { opaque in
        if let opaque { Unmanaged<Handler>.fromOpaque(opaque).release() }
    }

    static let connectionClosed: @convention(c) (virConnectPtr?, Int32, UnsafeMutableRawPointer?) -> Void = {
        Handler.of($2)?.call(.closed)
    }
}
