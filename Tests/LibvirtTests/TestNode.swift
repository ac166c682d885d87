import Glibc
import Libvirt
import Testing

/// libvirt's test driver with a state of its own: `test:///FILE` is private to each open.
struct TestNode {
    let path: String
    var uri: String { "test://\(path)" }

    /// - Parameter domains: XML of the domains it has from the start; all run.
    static func with<Result>(domains: [String] = [], _ body: (TestNode) throws -> Result) throws -> Result {
        let node = TestNode(path: "/tmp/limiq-node-\(UInt64.random(in: 0...UInt64.max)).xml")
        let file = try #require(fopen(node.path, "wxe"))
        fputs("<node>\(domains.joined())</node>", file)
        fclose(file)
        defer { unlink(node.path) }
        return try body(node)
    }

    static func domain(_ name: String) -> String {
        """
        <domain type='test'><name>\(name)</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
        <os><type>hvm</type></os></domain>
        """
    }
}
