import Basics

extension NetworkSpec {
    /// The range of QEMU's user networking, by which a machine's other nic reaches the world.
    private static let userRange = IPRange("10.0.2.0/24")

    /// Makes sure that the network can be made as it is described.
    ///
    /// - Throws: `Failure` with code `bad_field` that names the field.
    public func check() throws(Failure) {
        try Self.check(name: name)
        let range = try checkRange(cidr, "cidr", isIPv4: true)
        guard hosts != nil, range.prefix >= 8 else {
            throw bad(
                "cidr \(cidr) is \(range.prefix < 8 ? "too large" : "too small") for a network of machines",
                "a prefix length of 8 to 30, such as 10.77.0.0/24")
        }
        if Self.userRange?.overlaps(range) == true {
            throw bad(
                "cidr \(cidr) has addresses of QEMU's user networking, 10.0.2.0/24", "choose another range")
        }
        if let ipv6 {
            let range = try checkRange(ipv6, "ipv6", isIPv4: false)
            guard (16...64).contains(range.prefix) else {
                throw bad("ipv6 \(ipv6): its prefix length must be 16 to 64", "such as fd00:77::/64")
            }
        }
        if let domain, !Self.isDomain(domain) {
            throw bad("domain \"\(domain)\" is not a domain name", "such as \"lab.internal\"")
        }
        if let mtu, !(576...65_535).contains(mtu) || ipv6 != nil && mtu < 1280 {
            throw bad("mtu \(mtu) is out of range", ipv6 == nil ? "576 to 65535" : "IPv6 wants 1280 or more")
        }
        for (index, server) in dns.enumerated() where IPAddress(server) == nil {
            throw bad("dns[\(index + 1)] \"\(server)\" is not an IP address", "such as \"1.1.1.1\"")
        }
        try checkDHCP(range)
        guard mode == .private else { return }
        for (field, isGiven) in [("dns", !dns.isEmpty), ("dhcp", dhcp != nil), ("mtu", mtu != nil)]
        where isGiven {
            throw bad("\(field) has no effect on a private network, which has no server", "leave it out")
        }
    }

    package static func check(name: String) throws(Failure) {
        let isName =
            !name.isEmpty && name.utf8.count <= 50 && !name.hasPrefix(".") && !name.hasPrefix("-")
            && name.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [45, 46, 95].contains(byte)
            }
        guard isName else {
            throw Failure(
                .badField, "network name \"\(name)\" cannot be",
                hint: "letters, digits, -, _ and ., at most 50")
        }
    }

    private func bad(_ message: String, _ hint: String) -> Failure {
        Failure(.badField, "network \(name): \(message)", hint: hint)
    }

    private func checkRange(_ text: String, _ field: String, isIPv4: Bool) throws(Failure) -> IPRange {
        let example = isIPv4 ? "10.77.0.0/24" : "fd00:77::/64"
        guard let around = IPRange(text, isExact: false), around.base.isIPv4 == isIPv4 else {
            throw bad(
                "\(field) \"\(text)\" is not an \(isIPv4 ? "IPv4" : "IPv6") range", "such as \"\(example)\"")
        }
        guard let range = IPRange(text) else {
            throw bad("\(field) \(text) has bits behind its prefix", "the range is \(around)")
        }
        return range
    }

    private func checkDHCP(_ range: IPRange) throws(Failure) {
        guard case .from(let first, let last) = dhcp else { return }
        for (field, text) in [("from", first), ("to", last)] {
            guard let address = IPAddress(text) else {
                throw bad("dhcp.\(field) \"\(text)\" is not an IP address", "an address of \(cidr)")
            }
            guard takes(address) else {
                throw bad(
                    "dhcp.\(field) \(text) is no address of \(cidr) for machines", "one between its ends")
            }
        }
        guard lent != nil else { throw bad("dhcp.from \(first) is behind dhcp.to \(last)", "exchange them") }
    }

    private static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 200
            && labels.allSatisfy { label in
                !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy {
                        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                            || $0 == 45
                    }
            }
    }
}
