/// The keys of netplan 1.2 (https://netplan.readthedocs.io/en/stable/netplan-yaml/), which takes more than cloud-init's own
/// schema of version 2 knows: cloud-init hands the document on to it where it is there.
enum NetplanKeys {
    /// What a key's value is to be.
    enum Shape: Sendable {
        case flag
        case number(ClosedRange<Int64>)
        case text
        case choice([String])
        case choices([String])
        case texts
        case map([String: Shape])
        /// A map whose keys are names.
        indirect case each(Shape)
        indirect case list(Shape)
        /// A key of WireGuard's in base64, or the path of a file that holds one.
        case wireGuardKey
        /// A value that is checked elsewhere, or not at all.
        case any
    }

    /// The keys devices stand under.
    static let kinds = [
        "ethernets", "wifis", "bonds", "bridges", "vlans", "tunnels", "vrfs", "modems", "dummy-devices",
        "virtual-ethernets", "nm-devices",
    ]

    /// The keys beside those.
    static let others = ["version", "renderer", "openvswitch"]

    static let renderers = ["networkd", "NetworkManager"]

    /// What one device of a kind is called.
    static func words(_ kind: String) -> String {
        switch kind {
        case "ethernets": "an ethernet device"
        case "wifis": "a wireless device"
        case "bonds": "a bond"
        case "bridges": "a bridge"
        case "vlans": "a VLAN"
        case "tunnels": "a tunnel"
        case "vrfs": "a VRF"
        case "modems": "a modem"
        default: "a device"
        }
    }

    static func keys(of kind: String) -> [String: Shape] {
        let own: [String: Shape] =
            switch kind {
            case "ethernets": physical.merging(ethernet) { own, _ in own }
            case "wifis": physical.merging(wireless) { own, _ in own }
            case "bonds": ["interfaces": .any, "parameters": .any]
            case "bridges": ["interfaces": .any, "parameters": .any]
            case "vlans": ["id": .any, "link": .any]
            case "vrfs": ["interfaces": .any, "table": .number(1...Int64(UInt32.max))]
            case "tunnels": tunnel
            case "modems": physical.merging(modem) { own, _ in own }
            case "virtual-ethernets": ["peer": .any]
            default: physical
            }
        return common.merging(own) { own, _ in own }
    }

    static let overrides: [String: Shape] = [
        "hostname": .text, "route-metric": .number(0...Int64(UInt32.max)), "send-hostname": .flag,
        "use-dns": .flag,
        "use-domains": .choice(["true", "false", "yes", "no", "on", "off", "route", "True", "False"]),
        "use-hostname": .flag, "use-mtu": .flag, "use-ntp": .flag, "use-routes": .flag,
    ]

    private static let common: [String: Shape] = [
        "accept-ra": .flag, "activation-mode": .choice(["manual", "off"]), "addresses": .any,
        "critical": .flag,
        "dhcp-identifier": .choice(["mac", "duid"]), "dhcp4": .any, "dhcp4-overrides": .map(overrides),
        "dhcp6": .any,
        "dhcp6-overrides": .map(overrides), "gateway4": .any, "gateway6": .any, "hairpin": .flag,
        "ignore-carrier": .flag, "ipv6-address-generation": .choice(["eui64", "stable-privacy"]),
        "ipv6-address-token": .text, "ipv6-mtu": .number(1280...Int64(UInt32.max)), "ipv6-privacy": .flag,
        "keep_configuration": .flag, "link-local": .choices(["ipv4", "ipv6"]), "macaddress": .any,
        "mtu": .any,
        "nameservers": .any, "neigh-suppress": .flag, "networkmanager": .any,
        "openvswitch": .map(openVSwitch),
        "optional": .flag,
        "optional-addresses": .choices(["ipv4-ll", "ipv6-ra", "dhcp4", "dhcp6", "static"]),
        "port-mac-learning": .flag,
        "ra-overrides": .map([
            "use-dns": .flag, "use-domains": overrides["use-domains"] ?? .any,
            "table": .number(0...Int64(UInt32.max)),
        ]),
        "renderer": .choice(renderers + ["sriov"]), "routes": .any, "routing-policy": .any,
    ]

    private static let physical: [String: Shape] = [
        "emit-lldp": .flag, "generic-receive-offload": .flag, "generic-segmentation-offload": .flag,
        "large-receive-offload": .flag, "match": .any, "receive-checksum-offload": .flag, "set-name": .any,
        "tcp-segmentation-offload": .flag, "tcp6-segmentation-offload": .flag,
        "transmit-checksum-offload": .flag,
        "wakeonlan": .flag,
    ]

    private static let ethernet: [String: Shape] = [
        "auth": .map(auth), "delay-virtual-functions-rebind": .flag,
        "embedded-switch-mode": .choice(["switchdev", "legacy"]),
        "infiniband-mode": .choice(["datagram", "connected"]), "link": .any,
        "virtual-function-count": .number(0...Int64(UInt32.max)),
    ]

    private static let wireless: [String: Shape] = [
        "access-points": .each(
            .map([
                "auth": .map(auth), "band": .choice(["2.4GHz", "5GHz", "2.4G", "5G"]), "bssid": .text,
                "channel": .number(0...Int64(UInt32.max)), "hidden": .flag,
                "mode": .choice(["infrastructure", "ap", "adhoc", "mesh"]), "networkmanager": .any,
                "password": .text,
            ])), "auth": .map(auth), "regulatory-domain": .text, "wakeonwlan": .any,
    ]

    private static let auth: [String: Shape] = [
        "key-management": .choice([
            "none", "psk", "psk-sha256", "eap", "eap-sha256", "eap-suite-b-192", "sae", "802.1x",
        ]),
        "method": .choice(["tls", "peap", "ttls", "leap", "pwd"]), "password": .text, "identity": .text,
        "anonymous-identity": .text, "ca-certificate": .text, "client-certificate": .text,
        "client-key": .text, "client-key-password": .text, "phase2-auth": .text,
    ]

    private static let openVSwitchProtocols = (10...16).map { "OpenFlow\($0)" }

    private static let openVSwitch: [String: Shape] = [
        "external-ids": .each(.text), "other-config": .each(.text),
        "lacp": .choice(["active", "passive", "off"]), "fail-mode": .choice(["secure", "standalone"]),
        "mcast-snooping": .flag, "protocols": .choices(openVSwitchProtocols), "rstp": .flag,
        "controller": .map([
            "addresses": .texts, "connection-mode": .choice(["in-band", "out-of-band"]),
        ]),
    ]

    /// What is said of Open vSwitch as a whole.
    static let openVSwitchSetup: [String: Shape] = [
        "external-ids": .each(.text), "other-config": .each(.text),
        "protocols": .choices(openVSwitchProtocols), "ports": .any,
        "ssl": .map(["ca-cert": .text, "certificate": .text, "private-key": .text]),
    ]

    private static let modem: [String: Shape] = [
        "apn": .text, "auto-config": .flag, "device-id": .text, "network-id": .text, "number": .text,
        "password": .text, "pin": .text, "sim-id": .text, "sim-operator-id": .text, "username": .text,
    ]

    private static let tunnel: [String: Shape] = [
        "mode": .choice([
            "ipip", "gre", "sit", "isatap", "vti", "ip6ip6", "ipip6", "ip6gre", "vti6", "gretap", "ip6gretap",
            "wireguard", "vxlan",
        ]),
        "local": .text, "remote": .text, "ttl": .number(0...255), "key": .any, "keys": .any,
        "mark": .number(0...Int64(UInt32.max)), "port": .number(0...65535), "peers": .list(.map(peer)),
        "id": .number(0...16_777_215), "link": .any, "ageing": .number(0...Int64(UInt32.max)),
        "aging": .number(0...Int64(UInt32.max)), "limit": .number(0...Int64(UInt32.max)),
        "type-of-service": .number(0...255), "flow-label": .number(0...1_048_575), "do-not-fragment": .any,
        "arp-proxy": .flag, "mac-learning": .flag, "notifications": .choices(["l2-miss", "l3-miss"]),
        "short-circuit": .flag, "checksums": .any, "extensions": .any, "port-range": .any,
    ]

    private static let peer: [String: Shape] = [
        "allowed-ips": .texts, "endpoint": .text, "keepalive": .number(0...65535),
        "keys": .map(["public": .wireGuardKey, "shared": .wireGuardKey]),
    ]

    /// What a tunnel's key is to WireGuard; to others it is a number.
    static let privateKeys: Shape = .map(["private": .wireGuardKey])

    static let bondModes = [
        "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
        // Open vSwitch's.
        "balance-tcp", "balance-slb",
    ]

    static let bondParameters: [String: Shape] = [
        "mode": .choice(bondModes), "lacp-rate": .choice(["slow", "fast"]), "mii-monitor-interval": .text,
        "min-links": .number(0...Int64(UInt32.max)),
        "transmit-hash-policy": .choice([
            "layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac",
        ]),
        "ad-select": .choice(["stable", "bandwidth", "count"]), "all-members-active": .flag,
        "all-slaves-active": .flag, "arp-interval": .text, "arp-ip-targets": .texts,
        "arp-validate": .choice(["none", "active", "backup", "all"]),
        "arp-all-targets": .choice(["any", "all"]),
        "up-delay": .text, "down-delay": .text,
        "fail-over-mac-policy": .choice(["none", "active", "follow"]),
        "gratuitous-arp": .number(0...255), "gratuitious-arp": .number(0...255),
        "packets-per-member": .number(0...65535), "packets-per-slave": .number(0...65535),
        "primary-reselect-policy": .choice(["always", "better", "failure"]), "resend-igmp": .number(0...255),
        "learn-packet-interval": .text, "primary": .text,
    ]

    static let bridgeParameters: [String: Shape] = [
        "ageing-time": .text, "aging-time": .text, "priority": .number(0...65535), "port-priority": .any,
        "forward-delay": .text, "hello-time": .text, "max-age": .text, "path-cost": .any, "stp": .flag,
    ]

    static let route: [String: Shape] = [
        "to": .any, "via": .any, "from": .any, "on-link": .any, "metric": .any, "table": .any, "scope": .any,
        "type": .any, "mtu": .number(68...65536), "congestion-window": .number(0...Int64(UInt32.max)),
        "advertised-receive-window": .number(0...Int64(UInt32.max)),
        "advertised-mss": .number(0...Int64(UInt32.max)),
    ]

    static let routeTypes = [
        "unicast", "anycast", "blackhole", "broadcast", "local", "multicast", "nat", "prohibit", "throw",
        "unreachable", "xresolve",
    ]

    static let policy: [String: Shape] = [
        "from": .any, "to": .any, "mark": .number(0...Int64(UInt32.max)),
        "priority": .number(0...Int64(UInt32.max)),
        "table": .number(0...Int64(UInt32.max)), "type-of-service": .number(0...255),
    ]
}
