import Basics
import GuestConfig
import MachineSpec
import Support
import Testing

/// The check of a network configuration: what no guest can use is told where it stands, and what one can use passes.
struct `The check of network-config` {
    private struct Spoilt: Sendable, CustomTestStringConvertible {
        var text: String
        /// The place, the path and the complaint.
        var error: String
        var hint: String?

        init(_ text: String, _ error: String, hint: String? = nil) {
            (self.text, self.error, self.hint) = (text, error, hint)
        }

        var testDescription: String { error }
    }

    private static let spoilt: [Spoilt] = [
        Spoilt(
            "version: 2\nethernets: {eth0: {adresses: [192.168.1.5/24]}}\n",
            "2:20: ethernets.eth0.adresses is no key of an ethernet device", hint: "did you mean addresses?"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], gateway: 192.168.1.1}}\n",
            "2:49: ethernets.eth0.gateway is no key of an ethernet device"),
        Spoilt(
            "version: 2\nethernets: [{eth0: {dhcp4: true}}]\n", "2:12: ethernets must be a map, not a list"),
        Spoilt("version: 2\nethernets:\n", "2:11: ethernets must be a map, not nothing"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.256/24]}}\n",
            "2:32: ethernets.eth0.addresses[1] is no IP address: \"192.168.1.256/24\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.010.5/24]}}\n",
            "2:32: ethernets.eth0.addresses[1] is no IP address: \"192.168.010.5/24\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [\"2001:db8::5/129\"]}}\n",
            "2:32: ethernets.eth0.addresses[1] has a prefix that is none of 0 to 128: \"2001:db8::5/129\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [\"2001:db8::5::1/64\"]}}\n",
            "2:32: ethernets.eth0.addresses[1] is no IP address: \"2001:db8::5::1/64\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.0/24]}}\n",
            "2:32: ethernets.eth0.addresses[1] is the network itself, not a host in it: 192.168.1.0/24"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.255/24]}}\n",
            "2:32: ethernets.eth0.addresses[1] is the address of all hosts of 192.168.1.0/24"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [224.0.0.5/24]}}\n",
            "2:32: ethernets.eth0.addresses[1] is an address of many hosts, not of one: 224.0.0.5"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24, 192.168.1.5/24]}}\n",
            "2:48: ethernets.eth0.addresses[2] is there already, in line 2: 192.168.1.5"),
        Spoilt(
            "version: 2\nethernets:\n  eth0: {addresses: [192.168.1.5/24]}\n  eth1: {addresses: [192.168.1.5/24]}\n",
            "4:22: ethernets.eth1.addresses[1] is there already, in line 3: 192.168.1.5"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: default, via: 192.168.2.1}]}}\n",
            "2:77: ethernets.eth0.routes[1].via cannot be reached: 192.168.2.1 is not in 192.168.1.0/24"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: default, via: 192.168.1.5}]}}\n",
            "2:77: ethernets.eth0.routes[1].via is the guest's own address, and no router: 192.168.1.5"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: default, via: 192.168.1.255}]}}\n",
            "2:77: ethernets.eth0.routes[1].via is no host of 192.168.1.0/24: 192.168.1.255"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], gateway4: \"2001:db8::1\"}}\n",
            "2:59: ethernets.eth0.gateway4 must be an IPv4 address, not 2001:db8::1"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [\"2001:db8::5/64\"], gateway6: \"2001:db9::1\"}}\n",
            "2:61: ethernets.eth0.gateway6 cannot be reached: 2001:db9::1 is not in 2001:db8::/64"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: default, via: 192.168.1.1}, {to: 0.0.0.0/0, via: 192.168.1.2}]}}\n",
            "2:91: ethernets.eth0.routes[2] is a second default route for IPv4, the first is in line 2"),
        Spoilt(
            "version: 2\nethernets:\n  eth0: {addresses: [192.168.1.5/24], gateway4: 192.168.1.1}\n  eth1: {addresses: [192.168.2.5/24], routes: [{to: default, via: 192.168.2.1}]}\n",
            "4:48: ethernets.eth1.routes[1] is a second default route for IPv4, the first is in line 3"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{via: 192.168.1.1}]}}\n",
            "2:58: ethernets.eth0.routes[1] has no to"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: \"2001:db8::/32\", via: 192.168.1.1}]}}\n",
            "2:85: ethernets.eth0.routes[1].via is no address of the family the route leads to"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: 10.0.0.0/8, gateway: 192.168.1.1}]}}\n",
            "2:58: ethernets.eth0.routes[1] has no via"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: 10.0.0.0/8, via: 192.168.1.1/24}]}}\n",
            "2:80: ethernets.eth0.routes[1].via is an address alone, without a prefix: \"192.168.1.1/24\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [192.168.1.5/24], routes: [{to: 10.0.0.0/8, via: 192.168.1.1, metric: low}]}}\n",
            "2:101: ethernets.eth0.routes[1].metric must be a whole number from 0 to 4294967295, not \"low\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: maybe}}\n",
            "2:27: ethernets.eth0.dhcp4 must be true or false, not \"maybe\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: 1}}\n",
            "2:27: ethernets.eth0.dhcp4 must be true or false, not 1"),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: true, dhcp4-overrides: {use_dns: false}}}\n",
            "2:51: ethernets.eth0.dhcp4-overrides.use_dns is no key of ethernets.eth0.dhcp4-overrides",
            hint: "did you mean use-dns?"),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: true, mtu: 50}}\n",
            "2:38: ethernets.eth0.mtu must be a whole number from 68 to 65536, not 50"),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: true, mtu: 90000}}\n",
            "2:38: ethernets.eth0.mtu must be a whole number from 68 to 65536, not 90000"),
        Spoilt(
            "version: 2\nethernets: {eth0: {addresses: [\"2001:db8::5/64\"], mtu: 1000}}\n",
            "2:56: ethernets.eth0.mtu is too small for IPv6, which needs 1280: 1000"),
        Spoilt(
            "version: 2\nethernets: {eth0: {match: {macaddress: 52-54-00-12-34-56}, dhcp4: true}}\n",
            "2:40: ethernets.eth0.match.macaddress is no MAC address: \"52-54-00-12-34-56\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {match: {macaddress: \"52:54:00:12:34\"}, dhcp4: true}}\n",
            "2:40: ethernets.eth0.match.macaddress is no MAC address: \"52:54:00:12:34\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {match: {macadress: \"52:54:00:12:34:56\"}, dhcp4: true}}\n",
            "2:28: ethernets.eth0.match.macadress is no key of match", hint: "did you mean macaddress?"),
        Spoilt(
            "version: 2\nethernets: {eth0: {match: \"52:54:00:12:34:56\", dhcp4: true}}\n",
            "2:27: ethernets.eth0.match must be a map, not \"52:54:00:12:34:56\""),
        Spoilt(
            "version: 2\nethernets:\n  a: {match: {macaddress: \"52:54:00:12:34:56\"}, dhcp4: true}\n  b: {match: {macaddress: \"52:54:00:12:34:56\"}, dhcp4: true}\n",
            "4:27: ethernets.b.match.macaddress is there already, in line 3, and a nic is one device"),
        Spoilt(
            "version: 2\nethernets:\n  a: {match: {macaddress: \"52:54:00:12:34:56\"}, set-name: lan0, dhcp4: true}\n  b: {match: {macaddress: \"52:54:00:12:34:57\"}, set-name: lan0, dhcp4: true}\n",
            "4:59: ethernets.b.set-name is a name that is there already, in line 3"),
        Spoilt(
            "version: 2\nethernets: {a: {match: {macaddress: \"52:54:00:12:34:56\"}, set-name: a-name-that-is-long}}\n",
            "2:69: ethernets.a.set-name is no name the kernel takes: it has more than 15 characters"),
        Spoilt(
            "version: 2\nethernets: {\"eth 0\": {dhcp4: true}}\n",
            "2:13: ethernets[\"eth 0\"] is no name the kernel takes: it has a blank, a slash or a colon"),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: true, nameservers: {address: [1.1.1.1]}}}\n",
            "2:47: ethernets.eth0.nameservers.address is no key of nameservers",
            hint: "did you mean addresses?"),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: true, nameservers: {addresses: 1.1.1.1}}}\n",
            "2:58: ethernets.eth0.nameservers.addresses must be a list, not \"1.1.1.1\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {dhcp4: true, nameservers: {search: example.org}}}\n",
            "2:55: ethernets.eth0.nameservers.search must be a list, not \"example.org\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nbonds: {bond0: {interfaces: [eth0, eth1]}}\n",
            "3:36: bonds.bond0.interfaces[2] is no device of this document: \"eth1\"",
            hint: "did you mean eth0?"),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nbonds: {bond0: {interfaces: eth0}}\n",
            "3:29: bonds.bond0.interfaces must be a list, not \"eth0\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nbonds: {bond0: {interfaces: [eth0], parameters: {mode: active-passive}}}\n",
            "3:56: bonds.bond0.parameters.mode cannot be \"active-passive\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nbonds: {bond0: {interfaces: [eth0], parameters: {mii_monitor_interval: 100}}}\n",
            "3:50: bonds.bond0.parameters.mii_monitor_interval is no key of bonds.bond0.parameters",
            hint: "did you mean mii-monitor-interval?"),
        Spoilt(
            "version: 2\nethernets: {eth0: {}, eth1: {}}\nbonds: {bond0: {interfaces: [eth0], parameters: {mode: active-backup, primary: eth1}}}\n",
            "3:80: bonds.bond0.parameters.primary is none of the bond's own: \"eth1\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nbonds: {bond0: {interfaces: [eth0]}}\nbridges: {br0: {interfaces: [eth0]}}\n",
            "4:30: bridges.br0.interfaces[1] is in bond0 already, and can be in one only"),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nbridges: {br0: {interfaces: [br0]}}\n",
            "3:30: bridges.br0.interfaces[1] is the device itself"),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nbridges: {br0: {interfaces: [eth0], parameters: {stp: sometimes}}}\n",
            "3:55: bridges.br0.parameters.stp must be true or false, not \"sometimes\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nvlans: {v10: {id: 10, link: eth1}}\n",
            "3:29: vlans.v10.link is no device of this document: \"eth1\"", hint: "did you mean eth0?"),
        Spoilt("version: 2\nethernets: {eth0: {}}\nvlans: {v10: {id: 10}}\n", "3:9: vlans.v10 has no link"),
        Spoilt(
            "version: 2\nethernets: {eth0: {}}\nvlans: {v10: {id: ten, link: eth0}}\n",
            "3:19: vlans.v10.id must be a whole number from 0 to 4094, not \"ten\""),
        Spoilt(
            "version: 2\nethernets: {eth0: {mtu: 1500}}\nvlans: {v10: {id: 10, link: eth0, mtu: 9000}}\n",
            "3:40: vlans.v10.mtu is more than what it stands on has: eth0 has 1500"),
        Spoilt(
            "version: 2\nethernets: {lan0: {dhcp4: true}}\nbridges: {lan0: {interfaces: []}}\n",
            "3:11: bridges.lan0 is there already, in line 2"),
        Spoilt(
            "version: 2\nconfig: [{type: physical, name: eth0}]\n",
            "2:1: config is no key of a network's, version 2"),
        Spoilt("version: 3\nethernets: {eth0: {dhcp4: true}}\n", "1:10: version must be 1 or 2"),
        Spoilt(
            "verison: 2\nethernets: {eth0: {dhcp4: true}}\n", "1:1: has no version",
            hint: "did you mean version?"),
        Spoilt(
            "netwrok: {version: 2, ethernets: {eth0: {dhcp4: true}}}\n", "1:1: has no version",
            hint: "did you mean network?"),
        Spoilt(
            "network: {version: 2}\nethernets: {eth0: {dhcp4: true}}\n",
            "2:1: ethernets stands beside network, and cloud-init passes over it"),
        Spoilt(
            "version: 2\nethernets: {\"en*\": {dhcp4: true}}\n",
            "2:13: ethernets[\"en*\"] is a name with a wildcard, which stands below match",
            hint: "nics: {match: {name: \"en*\"}}"),
        Spoilt(
            "version: 2\nethernets: {eth0: {auth: {key-management: 802.1x, pasword: x}}}\n",
            "2:51: ethernets.eth0.auth.pasword is no key of ethernets.eth0.auth",
            hint: "did you mean password?"),
        Spoilt(
            "version: 2\nwifis: {w0: {access-points: {home: {auth: {key-management: wpa}}}}}\n",
            "2:60: wifis.w0.access-points.home.auth.key-management cannot be \"wpa\""),
        Spoilt(
            "version: 2\nwifis: {w0: {access-points: {home: {pasword: x}}}}\n",
            "2:37: wifis.w0.access-points.home.pasword is no key of wifis.w0.access-points.home",
            hint: "did you mean password?"),
        Spoilt(
            "version: 2\nbridges: {b0: {openvswitch: {fail-mod: secure}}}\n",
            "2:30: bridges.b0.openvswitch.fail-mod is no key of bridges.b0.openvswitch",
            hint: "did you mean fail-mode?"),
        Spoilt(
            "version: 2\ntunnels: {w0: {mode: wireguard, key: secret}}\n",
            "2:38: tunnels.w0.key is no key of WireGuard's", hint: "wg genkey prints one: 44 characters"),
        Spoilt(
            "version: 2\ntunnels: {w0: {mode: wireguard, peers: [{keys: {public: short}}]}}\n",
            "2:57: tunnels.w0.peers[1].keys.public is no key of WireGuard's",
            hint: "wg genkey prints one: 44 characters"),
        Spoilt(
            "version: 2\ntunnels: {w0: {mode: wireguard, peers: [{allowed-ip: [10.0.0.0/8]}]}}\n",
            "2:42: tunnels.w0.peers[1].allowed-ip is no key of tunnels.w0.peers[1]",
            hint: "did you mean allowed-ips?"),
        Spoilt(
            "version: 2\nopenvswitch: {external-id: {a: b}}\n",
            "2:15: openvswitch.external-id is no key of openvswitch",
            hint: "did you mean external-ids?"),
        Spoilt(
            "version: 2\ntunnels: {t0: {mode: wiregaurd}}\n", "2:22: tunnels.t0.mode cannot be \"wiregaurd\"",
            hint: "did you mean wireguard?"),
        Spoilt("version: 1\nethernets: {eth0: {dhcp4: true}}\n", "1:1: has no config"),
        Spoilt("version: 1\nconfig: {type: physical, name: eth0}\n", "2:9: config must be a list, not a map"),
        Spoilt(
            "version: 1\nconfig: [{name: eth0, subnets: [{type: dhcp}]}]\n", "2:10: config[1] has no type"),
        Spoilt(
            "version: 1\nconfig: [{type: phyiscal, name: eth0, subnets: [{type: dhcp}]}]\n",
            "2:17: config[1].type cannot be \"phyiscal\"", hint: "did you mean physical?"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: {type: dhcp}}]\n",
            "2:48: config[1].subnets must be a list, not a map"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{address: 192.168.1.5/24}]}]\n",
            "2:49: config[1].subnets[1] has no type"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static}]}]\n",
            "2:49: config[1].subnets[1] has no address"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5}]}]\n",
            "2:73: config[1].subnets[1].address has no prefix: \"192.168.1.5\""),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5, netmask: 255.0.255.0}]}]\n",
            "2:95: config[1].subnets[1].netmask is no mask: \"255.0.255.0\""),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5/24, netmask: 255.255.0.0}]}]\n",
            "2:73: config[1].subnets[1].address has the prefix 24, and netmask is that of 16"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5/24, gateway: 192.168.2.1}]}]\n",
            "2:98: config[1].subnets[1].gateway cannot be reached: 192.168.2.1 is not in 192.168.1.0/24"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5/24, gateway: 192.168.1.5}]}]\n",
            "2:98: config[1].subnets[1].gateway is the guest's own address, and no router: 192.168.1.5"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5/24, broadcast: 192.168.255.255}]}]\n",
            "2:100: config[1].subnets[1].broadcast is not that of the network: 192.168.1.0/24 has 192.168.1.255"
        ),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5/24, dns_nameserver: [192.168.1.1]}]}]\n",
            "2:89: config[1].subnets[1].dns_nameserver is no key", hint: "did you mean dns_nameservers?"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5/24, dns_nameservers: [resolver]}]}]\n",
            "2:107: config[1].subnets[1].dns_nameservers[1] is no IP address: \"resolver\""),
        Spoilt(
            "version: 1\nconfig:\n- {type: physical, name: eth0, subnets: [{type: static, address: 192.168.1.5/24, gateway: 192.168.1.1}]}\n- {type: physical, name: eth1, subnets: [{type: static, address: 192.168.2.5/24, gateway: 192.168.2.1}]}\n",
            "4:91: config[2].subnets[1].gateway is a second default route for IPv4, the first is in line 3"),
        Spoilt(
            "version: 1\nconfig:\n- {type: physical, name: eth0}\n- {type: physical, name: eth0}\n",
            "4:26: config[2].name is there already, in line 3"),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, mac_address: \"52:54:00:12:34:5g\"}]\n",
            "2:52: config[1].mac_address is no MAC address: \"52:54:00:12:34:5g\""),
        Spoilt(
            "version: 1\nconfig:\n- {type: physical, name: eth0}\n- {type: bond, name: bond0, bond_interfaces: [eth0, eth1]}\n",
            "4:53: config[2].bond_interfaces[2] is no device of this document: \"eth1\"",
            hint: "did you mean eth0?"),
        Spoilt(
            "version: 1\nconfig:\n- {type: physical, name: eth0}\n- {type: bond, name: bond0, bond_interfaces: [eth0], params: {bond-mode: 802.3}}\n",
            "4:74: config[2].params.bond-mode cannot be \"802.3\"", hint: "did you mean 802.3ad?"),
        Spoilt(
            "version: 1\nconfig:\n- {type: physical, name: eth0}\n- {type: vlan, name: eth0.5000, vlan_link: eth0, vlan_id: 5000}\n",
            "4:59: config[2].vlan_id must be a whole number from 0 to 4094, not 5000"),
        Spoilt(
            "version: 1\nconfig:\n- {type: physical, name: eth0}\n- {type: vlan, name: eth0.50, vlan_id: 50}\n",
            "4:3: config[2] has no vlan_link"),
        Spoilt(
            "version: 1\nconfig: [{type: nameserver, adress: [192.168.1.1]}]\n",
            "2:10: config[1] has no address"),
        Spoilt(
            "version: 1\nconfig: [{type: nameserver, address: [192.168.1.300]}]\n",
            "2:39: config[1].address[1] is no IP address: \"192.168.1.300\""),
        Spoilt(
            "version: 1\nconfig: [{type: route, destination: 10.0.0.0/8}]\n", "2:10: config[1] has no gateway"
        ),
        Spoilt(
            "version: 1\nconfig: [{type: route, destination: 10.0.0.0/40, gateway: 192.168.1.1}]\n",
            "2:37: config[1].destination has a prefix that is none of 0 to 32: \"10.0.0.0/40\""),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: eth0, mtu: jumbo, subnets: [{type: dhcp}]}]\n",
            "2:44: config[1].mtu must be a whole number from 68 to 65536, not \"jumbo\""),
        Spoilt(
            "version: 1\nconfig: [{type: physical, name: a-name-that-is-long, subnets: [{type: dhcp}]}]\n",
            "2:33: config[1].name must be of 15 characters or less"),
    ]

    @Test(arguments: spoilt)
    private func `What no guest can use is an error at its line and column, with the nearest name`(
        _ spoilt: Spoilt
    ) {
        let errors = CloudInitCheck.check(CloudInitSpec(networkConfig: .text(spoilt.text)))
            .filter { $0.severity == .error }
        #expect(errors.first?.text == "network-config:" + spoilt.error)
        if let hint = spoilt.hint { #expect(errors.first?.hint == hint) }
    }

    private static let valid: [String] = [
        "version: 2\nethernets: {}\n",
        "network: {config: disabled}\n",
        "config: disabled\n",
        "version: 2\nrenderer: NetworkManager\nethernets: {eth0: {dhcp4: yes, dhcp6: \"no\", optional: true, critical: on}}\n",
        "version: 2\nethernets:\n  lan: {match: {macaddress: \"52:54:00:AB:CD:EF\"}, set-name: lan0, addresses: [192.0.2.5/24, \"2001:db8::5/64\"], gateway6: \"fe80::1\", routes: [{to: default, via: 192.0.2.1}], nameservers: {addresses: [192.0.2.53, \"2001:db8::53\"], search: [example.org]}}\n",
        "version: 2\nethernets: {eth0: {addresses: [203.0.113.7/32], routes: [{to: 198.51.100.1/32, scope: link}, {to: 0.0.0.0/0, via: 198.51.100.1}]}}\n",
        "version: 2\nethernets: {eth0: {addresses: [203.0.113.7/32], routes: [{to: default, via: 198.51.100.1, on-link: true}]}}\n",
        "version: 2\nethernets: {eth0: {addresses: [192.0.2.4/31], routes: [{to: default, via: 192.0.2.5}]}}\n",
        "version: 2\nethernets: {eth0: {addresses: [{192.0.2.5/24: {label: \"eth0:1\", lifetime: 0}}], routes: [{to: 10.0.0.0/8, type: blackhole}]}}\n",
        "version: 2\nethernets: {eth0: {dhcp4: true, dhcp4-overrides: {route-metric: 100, use-dns: false, use-domains: route}, routes: [{to: 10.0.0.0/8, via: 192.0.2.1, metric: 10, table: 100}], routing-policy: [{from: 10.0.0.0/8, table: 100, priority: 5}]}}\n",
        "version: 2\nethernets:\n  eth0: {addresses: [192.0.2.5/24], routes: [{to: default, via: 192.0.2.1, metric: 100}]}\n  eth1: {addresses: [198.51.100.5/24], routes: [{to: default, via: 198.51.100.1, metric: 200}]}\n",
        "version: 2\nethernets: {eth0: {match: {driver: virtio_net, name: \"en*\"}, mtu: \"1500\", macaddress: \"52:54:00:12:34:56\", wakeonlan: true, link-local: [ipv4], accept-ra: no, dhcp-identifier: mac}}\n",
        "version: 2\nethernets: {eth0: {}, eth1: {}}\nbonds: {bond0: {interfaces: [eth0, eth1], dhcp4: true, parameters: {mode: active-backup, primary: eth0, mii-monitor-interval: 100, gratuitous-arp: 5, up-delay: 200}}}\nvlans: {bond0.10: {id: 10, link: bond0, addresses: [192.0.2.5/24]}}\nbridges: {br0: {interfaces: [bond0.10], parameters: {stp: false, forward-delay: 4, path-cost: {bond0.10: 5}, priority: 100}}}\n",
        "version: 2\nethernets: {eth0: {auth: {key-management: 802.1x, method: ttls, identity: a, password: b}}}\nwifis: {w0: {access-points: {home: {password: x, mode: ap, hidden: no, auth: {key-management: sae}}}}}\nopenvswitch: {protocols: [OpenFlow13], ssl: {ca-cert: /a}, external-ids: {a: b}}\nbridges: {b0: {interfaces: [eth0], openvswitch: {fail-mode: secure, controller: {addresses: [\"ssl:10.0.0.1:6653\"]}}}}\n",
        "version: 2\ntunnels: {w0: {mode: wireguard, key: 4GgaQCy68nzNsUE5aJ9fuLzHhB65tAlwbmA72MWnOm8=, peers: [{keys: {public: M9nt4YujIOmNrRmpIRTmYSfMdrpvE7u6WkG8FY8WjG4=}, allowed-ips: [0.0.0.0/0], endpoint: \"10.0.0.1:51820\", keepalive: 14}]}, w1: {mode: wireguard, keys: {private: /etc/wireguard/key}}, g0: {mode: gre, local: 10.0.0.1, remote: 10.0.0.2, key: 5}}\n",
        "version: 2\nethernets: {ens1: {virtual-function-count: 2, embedded-switch-mode: switchdev}, ens1f0: {link: ens1}}\n",
        "version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: \"52:54:00:12:34:56\", mtu: 1500, subnets: [{type: dhcp}, {type: dhcp6}]}\n- {type: nameserver, address: [192.0.2.53], search: [example.org]}\n",
        "version: 1\nconfig:\n- type: physical\n  name: eth0\n  subnets: [{type: static, address: 192.0.2.5, netmask: 255.255.255.0, gateway: 192.0.2.1, dns_nameservers: [192.0.2.53], dns_search: [example.org], routes: [{network: 10.0.0.0, netmask: 255.0.0.0, gateway: 192.0.2.2}]}]\n",
        "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 203.0.113.7/32, gateway: 198.51.100.1}]}]\n",
        "version: 1\nconfig:\n- {type: loopback, name: lo, subnets: [{type: loopback}]}\n- {type: physical, name: eth0}\n- {type: physical, name: eth1}\n- {type: bond, name: bond0, bond_interfaces: [eth0, eth1], params: {bond-mode: active-backup, bond-miimon: 100, bond-primary: eth0}, subnets: [{type: static6, address: \"2001:db8::5/64\", gateway: \"2001:db8::1\"}]}\n- {type: vlan, name: bond0.10, vlan_link: bond0, vlan_id: 10, subnets: [{type: manual}]}\n- {type: bridge, name: br0, bridge_interfaces: [bond0.10], params: {bridge_stp: off, bridge_fd: 0}}\n- {type: route, destination: \"2001:db8:1::/48\", gateway: \"2001:db8::1\"}\n",
    ]

    @Test(arguments: valid)
    func `What a guest can use passes`(_ text: String) {
        #expect(CloudInitCheck.check(CloudInitSpec(networkConfig: .text(text))).map(\.text) == [])
    }

    /// cloud-init's own reader of both versions, as it is called where netplan is.
    private static let program = """
        import sys, yaml
        sys.path.insert(0, "/usr/lib/python3/dist-packages")
        from cloudinit.net import netplan, network_state
        for text in sys.stdin.read().split("\\0"):
            config = yaml.safe_load(text)
            config = config.get("network", config)
            if config.get("config") != "disabled":
                state = network_state.parse_net_config_data(config, renderer=netplan.Renderer())
                yaml.safe_load(netplan.Renderer()._render_content(state))
            print("read")
        """

    @Test func `cloud-init reads what passes`() async throws {
        let result = try await command(
            "/usr/bin/python3", ["-c", Self.program], input: Self.valid.joined(separator: "\0"))
        #expect(result.lines == Self.valid.map { _ in "read" }, "\(result.errors)")
    }

    // MARK: - The machine's nics

    private func found(_ text: String, nics: [NICSpec]) -> [String] {
        CloudInitCheck.check(CloudInitSpec(networkConfig: .text(text)), name: "web", nics: nics)
            .map { "\($0.severity) \($0.text)" }
    }

    @Test func `A match with none of the machine's nics is an error, and beside one of them a warning`() {
        var nic = NICSpec(id: "lan")
        (nic.macAddress, nic.bridge) = ("52:54:00:AB:12:56", "br0")
        let mine = "  a: {match: {macaddress: \"52:54:00:ab:12:56\"}, dhcp4: true}\n"
        let other = "  b: {match: {macaddress: \"52:54:00:ab:12:57\"}, dhcp4: true}\n"
        #expect(found("version: 2\nethernets:\n\(mine)", nics: [nic]) == [])
        #expect(
            found("version: 2\nethernets:\n\(other)", nics: [nic]) == [
                "error network-config:3:27: ethernets.b.match.macaddress is no nic of this machine: 52:54:00:ab:12:57"
            ])
        #expect(
            found("version: 2\nethernets:\n\(mine)\(other)", nics: [nic]) == [
                "warning network-config:4:27: ethernets.b.match.macaddress is no nic of this machine: 52:54:00:ab:12:57"
            ])
        #expect(
            found(
                "version: 1\nconfig: [{type: physical, name: eth0, mac_address: \"52:54:00:ab:12:57\", "
                    + "subnets: [{type: dhcp}]}]\n", nics: [nic]) == [
                    "error network-config:2:52: config[1].mac_address is no nic of this machine: 52:54:00:ab:12:57"
                ])
    }

    @Test func `A table and a network in user-data get the same care`() {
        let table: Value = ["version": 2, "ethernets": ["eth0": ["addresses": ["192.0.2.5"]]]]
        #expect(
            CloudInitCheck.check(CloudInitSpec(networkConfig: .table(table))).map(\.text) == [
                "network_config.ethernets.eth0.addresses[1] has no prefix: \"192.0.2.5\""
            ])
        let userData =
            "#cloud-config\nnetwork:\n  version: 2\n  ethernets:\n    eth0: {adresses: [192.0.2.5/24]}\n"
        let errors = CloudInitCheck.check(CloudInitSpec(userData: .text(userData))).filter {
            $0.severity == .error
        }
        #expect(
            errors.map(\.text) == [
                "user-data:5:12: network.ethernets.eth0.adresses is no key of an ethernet device"
            ])
    }

    @Test
    func
        `A whole number beyond 64 bits passes, a key that is there twice is an error, a parameter a warning`()
    {
        #expect(
            CloudInitCheck.check(
                CloudInitSpec(networkConfig: "version: 2\nmodems: {m0: {sim-id: 89148000000060671234}}\n"))
                == [])
        #expect(
            CloudInitCheck.check(
                CloudInitSpec(networkConfig: "version: 2\nethernets: {eth0: {dhcp4: true, dhcp4: false}}\n")
            ).map { "\($0.severity) \($0.text)" } == [
                "error network-config:2:33: the key dhcp4 is there twice, first in line 2"
            ])
        #expect(
            CloudInitCheck.check(
                CloudInitSpec(
                    networkConfig: .text(
                        "version: 1\nconfig:\n- {type: bridge, name: br0, bridge_interfaces: [], "
                            + "params: {bridge_maxwait: 0, bridge_maxwait: 15}}\n"))
            ).map(\.severity) == [.warning])
    }

    @Test
    func `A route of version 1 that no device reaches is a warning, as cloud-init's own example has one`() {
        let text = """
            version: 1
            config:
            - {type: physical, name: eth0, subnets: [{type: static, address: 192.0.2.5/24, gateway: 192.0.2.1}]}
            - {type: route, destination: 198.51.100.0/24, gateway: 198.51.100.1}

            """
        #expect(
            found(text, nics: []) == [
                "warning network-config:4:56: config[2].gateway cannot be reached: 198.51.100.1 is not in 192.0.2.0/24"
            ])
    }
}
