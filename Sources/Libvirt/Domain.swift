import CLibvirt

/// A domain's handle, freed with the value. It lives inside the closure of `Connection.withDomain`.
public struct Domain: ~Copyable {
    let pointer: virDomainPtr

    /// Takes over the caller's reference.
    init(owning pointer: virDomainPtr) { self.pointer = pointer }

    deinit { virDomainFree(pointer) }

    public var name: String { virDomainGetName(pointer).map { String(cString: $0) } ?? "" }

    /// The UUID: 8-4-4-4-12 hexadecimal digits.
    public var uuid: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(VIR_UUID_STRING_BUFLEN)) { buffer in
            guard let start = buffer.baseAddress, virDomainGetUUIDString(pointer, start) == 0 else {
                return ""
            }
            return String(cString: start)
        }
    }

    /// The states of libvirt's `virDomainState`, number for number.
    public enum State: UInt32, Sendable {
        case none, running, blocked, paused, shuttingDown, shutOff, crashed, suspended
    }

    public func state() throws(LibvirtError) -> State {
        var state: Int32 = 0
        try checked(virDomainGetState(pointer, &state, nil, 0))
        return State(state)
    }

    public func isActive() throws(LibvirtError) -> Bool { try checked(virDomainIsActive(pointer)) == 1 }

    /// Whether the domain is kept when its guest ends.
    public func isPersistent() throws(LibvirtError) -> Bool {
        try checked(virDomainIsPersistent(pointer)) == 1
    }

    /// Whether a job of libvirt's own (a start, a take-over) has this active domain: a call that needs it would wait.
    public func isBusy() throws(LibvirtError) -> Bool {
        var info = virDomainControlInfo()
        try checked(virDomainGetControlInfo(pointer, &info, 0))
        return info.state == VIR_DOMAIN_CONTROL_JOB.rawValue
            || info.state == VIR_DOMAIN_CONTROL_OCCUPIED.rawValue
    }

    /// - Parameters:
    ///   - inactive: what the next start takes, not what runs.
    ///   - secure: whether the passwords are in it.
    public func xml(inactive: Bool = false, secure: Bool = false) throws(LibvirtError) -> String {
        var flags: UInt32 = 0
        if inactive { flags |= VIR_DOMAIN_XML_INACTIVE.rawValue }
        if secure { flags |= VIR_DOMAIN_XML_SECURE.rawValue }
        return try checked(virDomainGetXMLDesc(pointer, flags))
    }

    /// The flags of what a change affects: the running domain, its persistent description, or both, whichever there is.
    func affected() throws(LibvirtError) -> UInt32 {
        let live = try isActive() ? VIR_DOMAIN_AFFECT_LIVE.rawValue : 0
        let persistent = try isPersistent() ? VIR_DOMAIN_AFFECT_CONFIG.rawValue : 0
        return live | persistent
    }
}

extension Domain.State {
    /// Makes the state of a number; one that a later libvirt invents is none.
    init(_ state: Int32) { self = Self(rawValue: UInt32(bitPattern: state)) ?? .none }
}
