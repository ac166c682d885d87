import JSONSchema
import MachineSpec
import YAML

/// A device of a network configuration, of either version, as far as the sense of the whole depends on it.
struct NetworkDevice {
    typealias Placed = NetworkFindings.Placed

    struct Address {
        var address: IPAddress
        var prefix: Int
        var range: IPRange { IPRange(around: address, prefix: prefix) }
    }

    struct Route {
        /// The network it leads to; `nil` for all the world.
        var to: IPRange?
        var via: Placed<IPAddress>?
        var isIPv4: Bool?
        var isOnLink = false
        /// The route says that its network is on the link itself.
        var isLink = false
        var metric: Int64 = 0
        var table: Int64 = 254
    }

    enum Kind: Equatable {
        /// The device is there, and is only configured.
        case physical
        case bond, bridge, vlan, vrf
        case other
    }

    var kind: Kind
    /// The name others know it by.
    var name: Placed<String>
    /// The name the guest's kernel is to know it by; `nil` where a match leaves it as it is.
    var ownName: Placed<String>?
    var matchedMAC: Placed<String>?
    var addresses: [Placed<Address>] = []
    var routes: [Placed<Route>] = []
    /// The devices a bond, bridge or VRF is made of.
    var members: [Placed<String>] = []
    /// The device a VLAN or the like stands on.
    var link: Placed<String>?
    /// A bond's first choice among its members.
    var primary: Placed<String>?
    var mtu: Placed<Int64>?
    /// An address of it could not be read.
    var isUncertain = false
    var asksIPv4 = false
    var asksIPv6 = false

    /// Whether an address that is not written here may come of a server or a router.
    func asks(isIPv4: Bool) -> Bool {
        // Routers announce themselves where nobody says otherwise.
        isUncertain ? true : isIPv4 ? asksIPv4 : asksIPv6 || !addresses.contains { !$0.value.address.isIPv4 }
    }
}
