import MachineSpec
import Testing

@Suite struct `IP addresses and ranges` {
    @Test(arguments: ["10.77.0.1", "255.255.255.255", "fd00:77::1", "::", "::ffff:10.0.0.1"])
    func `are read and written in figures`(text: String) {
        #expect(IPAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", "10.77.0", "10.77.0.256", "10.77.0.1/24", "010.1.1.1", "fd00::1%eth0", "host", "1.2.3.4\0",
    ])
    func `of other forms are none`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `are counted from each other, across bytes and to the end of the family`() throws {
        let base = try #require(IPAddress("10.0.0.250"))
        #expect(base.advanced(by: 10)?.description == "10.0.1.4")
        #expect(base.advanced(by: 10)?.distance(from: base) == 10)
        #expect(IPAddress("255.255.255.255")?.advanced(by: 1) == nil)
        let wide = try #require(IPAddress("fd00::"))
        #expect(wide.advanced(by: .max)?.description == "fd00::ffff:ffff:ffff:ffff")
        #expect(wide.advanced(by: .max)?.distance(from: wide) == .max)
        #expect(IPAddress("fd00::1:0:0:0:0")?.distance(from: wide) == nil)
        let next = try #require(base.advanced(by: 1))
        #expect(wide.distance(from: base) == nil && base.distance(from: next) == nil)
    }

    @Test(arguments: [
        ("10.77.0.0/24", "10.77.0.255", true), ("10.77.0.0/24", "10.77.1.0", false),
        ("10.77.0.0/30", "10.77.0.3", true), ("10.77.0.0/30", "10.77.0.4", false),
        ("fd00:77::/64", "fd00:77::ffff:0:0:1", true), ("fd00:77::/64", "fd00:77:0:1::", false),
        ("0.0.0.0/0", "1.2.3.4", true), ("10.0.0.0/8", "::a00:1", false),
    ])
    func `ranges contain what shares their prefix`(range: String, address: String, isIn: Bool) throws {
        #expect(try #require(IPRange(range)).contains(try #require(IPAddress(address))) == isIn)
    }

    @Test(arguments: [
        "10.77.0.1/24", "10.77.0.0/33", "10.77.0.0", "10.77.0.0/", "10.77.0.0/+8", "fd00::1/64",
    ])
    func `ranges have no bits behind their prefix, and a prefix of the family`(text: String) {
        #expect(IPRange(text) == nil)
    }
}
