import Basics
import JSONSchema
import MachineSpec
import YAML

/// The check of what devices of a network configuration are to each other, and to the machine's nics: what no schema can
/// tell.
struct NetworkSense {
    typealias Placed = NetworkFindings.Placed

    var findings: NetworkFindings
    private let devices: [NetworkDevice]
    /// Names that are no devices of the document and may be members all the same.
    private let otherNames: Set<String>

    /// - Parameter macs: the machine's nics' addresses, in lower case; none where they are not known.
    static func check(
        _ findings: NetworkFindings, _ devices: [NetworkDevice],
        globalRoutes: [Placed<NetworkDevice.Route>] = [],
        otherNames: Set<String> = [], macs: [String]
    ) -> [CloudInitCheck.Finding] {
        var sense = NetworkSense(findings: findings, devices: devices, otherNames: otherNames)
        sense.checkNames()
        sense.checkReferences()
        sense.checkMatches(macs)
        sense.checkAddresses()
        for device in devices { sense.checkRouters(of: device) }
        sense.checkGlobal(globalRoutes)
        sense.checkDefaults(devices.flatMap(\.routes) + globalRoutes)
        for device in devices { sense.checkMTU(of: device) }
        return sense.findings.found
    }

    // MARK: - Names

    private mutating func checkNames() {
        var names: [ExactText: YAMLMark] = [:]
        var ownNames: [ExactText: YAMLMark] = [:]
        for device in devices {
            let (name, path) = (device.name.value, device.name.path)
            if let first = names.updateValue(device.name.mark, forKey: ExactText(name)) {
                findings.error(
                    device.name.mark, path, "is there already, in line \(first.line)",
                    hint: "give it another name")
            }
            guard let own = device.ownName else { continue }
            if let problem = Self.problem(ofName: own.value), !findings.hasError(at: own.path) {
                findings.error(
                    own.mark, own.path, "is no name the kernel takes: \(problem)", hint: "such as lan0")
            }
            let isTwice = ownNames.updateValue(own.mark, forKey: ExactText(own.value))
            if let isTwice, own.value != name {
                findings.error(own.mark, own.path, "is a name that is there already, in line \(isTwice.line)")
            }
        }
    }

    /// What the kernel has against a name (`dev_valid_name` of Linux); `nil` where it takes it.
    private static func problem(ofName name: String) -> String? {
        if name.isEmpty { return "it is empty" }
        if name.utf8.count > 15 { return "it has more than 15 characters" }
        if name == "." || name == ".." { return "it is a folder's" }
        let isWrong = name.unicodeScalars.contains { $0 == "/" || $0 == ":" || $0.properties.isWhitespace }
        return isWrong ? "it has a blank, a slash or a colon" : nil
    }

    private mutating func checkReferences() {
        let names = Set(devices.map { ExactText($0.name.value) })
        var owners: [ExactText: String] = [:]
        for device in devices {
            for member in device.members + [device.link].compactMap(\.self) {
                if member.value.isExactly(device.name.value) {
                    findings.error(member.mark, member.path, "is the device itself")
                } else if !names.contains(ExactText(member.value)), !otherNames.contains(member.value) {
                    let nearest = nearestName(to: member.value, in: devices.map(\.name.value).sorted())
                    findings.error(
                        member.mark, member.path, "is no device of this document: \(quoted(member.value))",
                        hint: nearest.map { "did you mean \($0)?" } ?? "describe it too: \(member.value): {}")
                }
            }
            if let primary = device.primary, !device.members.contains(where: { $0.value == primary.value }) {
                findings.error(
                    primary.mark, primary.path, "is none of the bond's own: \(quoted(primary.value))",
                    hint: "one of \(device.members.map(\.value).joined(separator: ", "))")
            }
            // A bridge in a VRF is another matter.
            guard device.kind == .bond || device.kind == .bridge else { continue }
            for member in device.members {
                guard let other = owners.updateValue(device.name.value, forKey: ExactText(member.value))
                else { continue }
                let isSame = other == device.name.value
                findings.error(
                    member.mark, member.path,
                    isSame ? "is there twice" : "is in \(other) already, and can be in one only")
            }
        }
    }

    // MARK: - Nics

    private mutating func checkMatches(_ macs: [String]) {
        var seen: [String: YAMLMark] = [:]
        let matches = devices.filter { $0.kind == .physical }.compactMap(\.matchedMAC)
        for match in matches {
            if let first = seen.updateValue(match.mark, forKey: match.value) {
                findings.error(
                    match.mark, match.path, "is there already, in line \(first.line), and a nic is one device"
                )
            }
        }
        guard !macs.isEmpty else { return }
        // A document for several machines names nics of others too.
        let isForOthers = matches.contains { macs.contains($0.value) }
        for match in matches where !macs.contains(match.value) {
            let nearest = nearestName(to: match.value, in: macs).map { "did you mean \($0)?" }
            let hint = nearest ?? "its nics have \(macs.joined(separator: ", "))"
            if isForOthers {
                findings.warning(
                    match.mark, match.path, "is no nic of this machine: \(match.value)", hint: hint)
            } else {
                findings.error(
                    match.mark, match.path, "is no nic of this machine: \(match.value)", hint: hint)
            }
        }
    }

    // MARK: - Addresses

    private mutating func checkAddresses() {
        var seen: [IPAddress: YAMLMark] = [:]
        for address in devices.flatMap(\.addresses) {
            let (value, range) = (address.value.address, address.value.range)
            if let first = seen.updateValue(address.mark, forKey: value) {
                findings.error(
                    address.mark, address.path, "is there already, in line \(first.line): \(value)")
            }
            if let problem = Self.problem(of: value, in: range) {
                findings.error(address.mark, address.path, problem, hint: Self.example(in: range))
            }
        }
    }

    /// What a host's own address cannot be; `nil` where it can be this.
    private static func problem(of address: IPAddress, in range: IPRange) -> String? {
        let isUnset = address.bytes.allSatisfy { $0 == 0 }
        if isUnset { return "stands for no address: \(address)" }
        let first = address.bytes[0]
        let isMulticast = address.isIPv4 ? (224...239).contains(first) : first == 0xFF
        if isMulticast { return "is an address of many hosts, not of one: \(address)" }
        guard address.isIPv4, range.prefix < 31 else { return nil }
        if address == range.base { return "is the network itself, not a host in it: \(range)" }
        if address == range.last { return "is the address of all hosts of \(range)" }
        return nil
    }

    private static func example(in range: IPRange) -> String? {
        range.base.advanced(by: 10).flatMap { range.contains($0) ? "such as \($0)/\(range.prefix)" : nil }
    }

    // MARK: - Routers

    private mutating func checkRouters(of device: NetworkDevice) {
        // What is in a VRF or a tunnel has its addresses elsewhere.
        guard device.kind != .vrf, device.kind != .other else { return }
        for route in device.routes.map(\.value) {
            guard let via = route.via else { continue }
            checkRouter(via, route, [device], isError: true)
        }
    }

    private mutating func checkGlobal(_ routes: [Placed<NetworkDevice.Route>]) {
        for route in routes {
            guard let via = route.value.via else { continue }
            checkRouter(via, route.value, devices, isError: false)
        }
    }

    private mutating func checkRouter(
        _ via: Placed<IPAddress>, _ route: NetworkDevice.Route, _ devices: [NetworkDevice], isError: Bool
    ) {
        let router = via.value
        let isWhole = router.bytes.allSatisfy { $0 == 0 }
        if isWhole { return findings.error(via.mark, via.path, "stands for no router: \(router)") }
        let addresses = devices.flatMap(\.addresses).map(\.value).filter {
            $0.address.isIPv4 == router.isIPv4
        }
        if addresses.contains(where: { $0.address == router }) {
            return findings.error(
                via.mark, via.path, "is the guest's own address, and no router: \(router)",
                hint: "the router is another host of the network")
        }
        let ranges = addresses.map(\.range).filter { $0.contains(router) }
        if let range = ranges.first, router.isIPv4, range.prefix < 31,
            router == range.base || router == range.last
        {
            return findings.error(via.mark, via.path, "is no host of \(range): \(router)")
        }
        let isLinkLocal = !router.isIPv4 && router.bytes[0] == 0xFE && router.bytes[1] & 0xC0 == 0x80
        let isKnownOnLink = devices.flatMap(\.routes).contains {
            $0.value.via == nil && ($0.value.to?.contains(router) ?? false)
        }
        let asks = devices.contains { $0.asks(isIPv4: router.isIPv4) }
        if !ranges.isEmpty || route.isOnLink || isLinkLocal || isKnownOnLink || asks { return }
        let message =
            addresses.isEmpty
            ? "cannot be reached: the device has no \(router.isIPv4 ? "IPv4" : "IPv6") address"
            : "cannot be reached: \(router) is not in \(listed(addresses.map { "\($0.range)" }))"
        let hint =
            addresses.isEmpty
            ? "give it an address in the router's network" : "a router in that network, or on-link: true"
        if isError {
            findings.error(via.mark, via.path, message, hint: hint)
        } else {
            findings.warning(via.mark, via.path, message, hint: hint)
        }
    }

    private func listed(_ words: [String]) -> String { words.joined(separator: " or ") }

    private struct Way: Hashable {
        var isIPv4: Bool
        var table: Int64
        var metric: Int64
    }

    private mutating func checkDefaults(_ routes: [Placed<NetworkDevice.Route>]) {
        var seen: [Way: YAMLMark] = [:]
        for route in routes where route.value.to == nil && route.value.via != nil {
            let isIPv4 = route.value.isIPv4 ?? true
            let way = Way(isIPv4: isIPv4, table: route.value.table, metric: route.value.metric)
            guard let first = seen.updateValue(route.mark, forKey: way) else { continue }
            findings.error(
                route.mark, route.path,
                "is a second default route for \(isIPv4 ? "IPv4" : "IPv6"), the first is in line \(first.line)",
                hint: "leave one of them, or give one a metric")
        }
    }

    // MARK: - MTU

    private mutating func checkMTU(of device: NetworkDevice) {
        guard let mtu = device.mtu else { return }
        if mtu.value < 1280, device.addresses.contains(where: { !$0.value.address.isIPv4 }) {
            findings.error(mtu.mark, mtu.path, "is too small for IPv6, which needs 1280: \(mtu.value)")
        }
        guard device.kind == .vlan, let link = device.link,
            let below = devices.first(where: { $0.name.value == link.value })?.mtu, below.value < mtu.value
        else { return }
        findings.error(
            mtu.mark, mtu.path, "is more than what it stands on has: \(link.value) has \(below.value)",
            hint: "raise that of \(link.value)")
    }
}
