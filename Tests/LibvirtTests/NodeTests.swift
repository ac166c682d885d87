import Libvirt
import Testing

@Suite struct `A host through libvirt's test driver` {
    @Test func `it says what it has, and what its running domains may take`() throws {
        try TestNode.with(domains: [TestNode.domain("one")]) { node in
            let connection = try Connection(uri: node.uri)
            #expect(try !connection.hostname().isEmpty)
            #expect(try connection.processors() > 0)
            #expect(try connection.memory() > 0)
            try connection.define(TestNode.domain("off")) { _ throws(LibvirtError) in }
            let domains = try connection.domainMemory().sorted { $0.name < $1.name }
            #expect(domains.map(\.name) == ["off", "one"])
            #expect(domains.map(\.memory) == [64 << 10, 64 << 10])
            #expect(domains.map(\.isActive) == [false, true])
        }
    }
}
