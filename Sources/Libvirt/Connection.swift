import Basics
import CLibvirt
import Glibc

/// An open connection to a hypervisor, closed with its last reference.
///
/// `@unchecked Sendable`: the pointer never changes, and libvirt lets any number of threads use one `virConnectPtr`.
/// A daemon works on five calls of a connection at once (its `max_client_requests`); more wait there.
public final class Connection: @unchecked Sendable {
    let pointer: virConnectPtr
    /// The URI as libvirt writes it.
    public let uri: String

    /// Opens a connection, and blocks until the hypervisor answers; for a local session that may start its daemon.
    public init(uri: String) throws(LibvirtError) {
        try Library.start()
        pointer = try checked(virConnectOpen(uri))
        let written: String? = try? checked(virConnectGetURI(pointer))
        self.uri = written ?? uri
    }

    deinit { virConnectClose(pointer) }

    /// Opens a connection as `init(uri:)`, but gives up on a hypervisor that takes the connection and then says
    /// nothing. libvirt itself would wait for ever; its thread goes on waiting, and closes what it may get in the end.
    public static func open(uri: String, within time: Duration) throws(LibvirtError) -> Connection {
        let answer = Mailbox<Result<Connection, LibvirtError>>()
        startThread { answer.put(Result { () throws(LibvirtError) in try Connection(uri: uri) }) }
        guard let result = answer.next(before: .now + time) else {
            throw LibvirtError(
                code: .internalError, message: "no answer within \(time.components.seconds) seconds")
        }
        return try result.get()
    }

    /// Makes libvirt notice a peer that is gone without having closed its end: after `count` questions `interval`
    /// seconds apart the connection counts as dead. Drivers in this process refuse, and need none.
    public func keepAlive(interval: Int32, count: UInt32) { virConnectSetKeepAlive(pointer, interval, count) }

    /// Whether the connection is alive, as is known without asking: false once that to a daemon has broken. It never
    /// recovers.
    public var isAlive: Bool { virConnectIsAlive(pointer) == 1 }

    /// Makes one round trip to the hypervisor.
    public func ping() throws(LibvirtError) { _ = try libvirtVersion() }

    /// The version of the libvirt at the other end: major × 1,000,000 + minor × 1,000 + micro.
    public func libvirtVersion() throws(LibvirtError) -> Int {
        var version: UInt = 0
        try checked(virConnectGetLibVersion(pointer, &version))
        return Int(clamping: version)
    }

    /// The version of the hypervisor, in the same form. A QEMU driver that has not probed its emulators does it now:
    /// all of them, at four seconds each.
    public func hypervisorVersion() throws(LibvirtError) -> Int {
        var version: UInt = 0
        try checked(virConnectGetVersion(pointer, &version))
        return Int(clamping: version)
    }

    /// The capabilities (<https://libvirt.org/formatcaps.html>). libvirt probes every emulator for them, as for
    /// `hypervisorVersion`.
    public func capabilities() throws(LibvirtError) -> String {
        try checked(virConnectGetCapabilities(pointer))
    }

    /// The domain capabilities (<https://libvirt.org/formatdomaincaps.html>) of what the host takes by itself. libvirt
    /// probes that emulator only.
    public func domainCapabilities() throws(LibvirtError) -> String {
        try checked(virConnectGetDomainCapabilities(pointer, nil, nil, nil, nil, 0))
    }

    /// The command line of the hypervisor's program for a domain that need not be there, with the environment before it.
    ///
    /// - Parameter format: `qemu-argv`.
    public func commandLine(of xml: String, format: String) throws(LibvirtError) -> String {
        try checked(virConnectDomainXMLToNative(pointer, format, xml, 0))
    }
}
