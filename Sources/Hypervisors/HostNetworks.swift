import Basics

/// The networks of a host behind libvirt, those that do not run too.
///
/// Every method blocks and may be called from any thread. A failure has code `not_found` for a network that is not
/// there, `libvirt`, or `host_not_able`.
public protocol HostNetworks: Sendable {
    /// Whether networks with a bridge and a server can run: not in an ordinary user's session.
    var runsNetworks: Bool { get }

    /// The names of the networks, in order.
    func networkNames() throws(Failure) -> [String]
    /// A network as it is now; `nil` where there is none of this name.
    func network(_ name: String) throws(Failure) -> NetworkSummary?
    /// Makes a persistent network, or changes what the next start of the one with the same name and UUID takes.
    ///
    /// - Parameter autostart: whether libvirt starts it by itself when it comes up.
    func defineNetwork(_ xml: String, autostart: Bool) throws(Failure)
    /// Starts a network. Does nothing where it runs.
    func startNetwork(_ name: String) throws(Failure)
    /// Ends a network. Does nothing where it does not run.
    func stopNetwork(_ name: String) throws(Failure)
    func undefineNetwork(_ name: String) throws(Failure)
    /// Changes a network, while it runs too.
    func updateNetwork(_ name: String, _ change: NetworkChange) throws(Failure)
    /// The addresses the network's DHCP server has lent and that have not ended.
    func leases(ofNetwork name: String) throws(Failure) -> [AddressLease]
}

public struct NetworkSummary: Sendable, Equatable {
    public var name: String
    public var isActive: Bool
    /// libvirt's description: of what the next start takes.
    public var xml: String

    public init(name: String, isActive: Bool, xml: String) {
        self.name = name
        self.isActive = isActive
        self.xml = xml
    }
}

/// A change of a network that it takes while it runs.
public enum NetworkChange: Sendable, Equatable {
    /// Adds or removes a name's address in the network's DNS: an element `<host>` of `<dns>`.
    case name(xml: String, adding: Bool)
    /// Adds or removes an address that is kept for a nic: an element `<host>` of `<dhcp>`.
    case reservation(xml: String, adding: Bool)
}
