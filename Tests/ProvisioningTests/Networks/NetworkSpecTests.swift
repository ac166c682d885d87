import Basics
import MachineSpec
import Testing

@Suite struct `The spec of a network` {
    private static func spec(_ change: (inout NetworkSpec) -> Void = { _ in }) -> NetworkSpec {
        var spec = NetworkSpec(name: "lab", cidr: "10.77.0.0/24")
        change(&spec)
        return spec
    }

    private struct Wrong: Sendable, CustomTestStringConvertible {
        let words: String
        let change: @Sendable (inout NetworkSpec) -> Void
        var testDescription: String { words }

        init(_ words: String, _ change: @escaping @Sendable (inout NetworkSpec) -> Void) {
            (self.words, self.change) = (words, change)
        }
    }

    @Test(arguments: [
        Wrong("bits behind its prefix") { $0.cidr = "10.77.0.1/24" },
        Wrong("too small") { $0.cidr = "10.77.0.0/31" },
        Wrong("too large") { $0.cidr = "0.0.0.0/4" }, Wrong("not an IPv4 range") { $0.cidr = "fd00::/64" },
        Wrong("not an IPv4 range") { $0.cidr = "10.77.0.0/24 " },
        Wrong("user networking") { $0.cidr = "10.0.0.0/16" },
        Wrong("not an IPv6 range") { $0.ipv6 = "10.78.0.0/24" },
        Wrong("prefix length") { $0.ipv6 = "fd00::/120" },
        Wrong("not a domain") { $0.domain = "lab_internal" },
        Wrong("not a domain") { $0.domain = "lab..internal" },
        Wrong("out of range") { $0.mtu = 100 }, Wrong("mtu 1000") { ($0.mtu, $0.ipv6) = (1000, "fd00::/64") },
        Wrong("dns[2]") { $0.dns = ["1.1.1.1", "one.one"] },
        Wrong("no address of 10.77.0.0/24") { $0.dhcp = .from("10.77.0.1", to: "10.77.0.9") },
        Wrong("behind dhcp.to") { $0.dhcp = .from("10.77.0.9", to: "10.77.0.5") },
        Wrong("no effect on a private network") { ($0.mode, $0.dhcp) = (.private, .off) },
        Wrong("cannot be") { $0.name = "a/b" }, Wrong("cannot be") { $0.name = "" },
    ])
    private func `is refused with the field and the way out`(wrong: Wrong) throws {
        let failure = try #require(throws: Failure.self) { try Self.spec(wrong.change).check() }
        #expect(failure.code == .badField && failure.message.contains(wrong.words), "\(failure)")
        #expect(failure.hint != nil)
    }

    @Test(arguments: NetworkMode.allCases)
    func `of each mode is taken`(mode: NetworkMode) throws {
        try Self.spec { ($0.mode, $0.ipv6, $0.domain) = (mode, "fd00:77::/64", "lab.internal") }.check()
    }

    @Test func `lends the upper half, and a small one nothing`() {
        #expect(Self.spec().lent?.lowerBound.description == "10.77.0.128")
        #expect(Self.spec().lent?.upperBound.description == "10.77.0.254")
        #expect(Self.spec { $0.cidr = "10.77.0.0/29" }.lent == nil)
        #expect(Self.spec { $0.dhcp = .off }.lent == nil)
    }

    @Test func `gives machines neither its ends nor the host's address`() throws {
        let spec = Self.spec()
        for address in ["10.77.0.0", "10.77.0.1", "10.77.0.255", "10.77.1.5"] {
            #expect(!spec.takes(try #require(IPAddress(address))), "\(address)")
        }
        #expect(spec.takes(try #require(IPAddress("10.77.0.254"))))
        let wide = Self.spec { $0.ipv6 = "fd00:77::/64" }
        #expect(wide.address6(beside: try #require(IPAddress("10.77.0.11")))?.description == "fd00:77::b")
    }
}
