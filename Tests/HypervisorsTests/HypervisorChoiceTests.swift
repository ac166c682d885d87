import Basics
import Glibc
import HostFiles
import Hypervisors
import Support
import Testing

@Suite struct `The choice of a hypervisor` {
    private let state = StateFolder(root: "/var/lib/limiq")

    private func choose(
        _ explicit: String? = nil, _ variables: [String: String] = [:], uid: UInt32 = 1000,
        sockets: [String] = []
    ) -> HypervisorChoice {
        HypervisorChoice(
            explicit: explicit, state: state, environment: { variables[$0] }, uid: uid, systemSockets: sockets
        )
    }

    @Test func `--connect, LIMIQ_URI and LIBVIRT_DEFAULT_URI count in this order`() {
        let both = ["LIMIQ_URI": "test:///a", "LIBVIRT_DEFAULT_URI": "test:///b"]
        #expect(choose("test:///c", both).uri == "test:///c")
        #expect(choose(nil, both).uri == "test:///a")
        #expect(choose(nil, ["LIBVIRT_DEFAULT_URI": "test:///b"]).uri == "test:///b")
        #expect(choose(nil, ["LIMIQ_URI": ""]).uri == "qemu:///session")
        #expect(choose(nil, both).reason.contains("LIMIQ_URI"))
    }

    @Test func `an ordinary user has a session`() { #expect(choose().uri == "qemu:///session") }

    @Test func `root without a daemon has libvirt's own, a socket that a dead one left included`() throws {
        let path = "/tmp/limiq-choice-\(UInt32.random(in: 0...UInt32.max)).sock"
        try listen(at: path) {}
        defer { unlink(path) }
        #expect(access(path, F_OK) == 0)
        let uri = choose(uid: 0, sockets: [path]).uri
        #expect(uri == PrivateDaemons(state: state).uri)
        #expect(uri.hasPrefix("qemu+unix:///system?socket=/run/limiquantix/"))
    }

    @Test func `root uses the daemon that answers`() throws {
        let path = "/tmp/limiq-choice-\(UInt32.random(in: 0...UInt32.max)).sock"
        defer { unlink(path) }
        try listen(at: path) {
            let choice = choose(uid: 0, sockets: ["/nowhere", path])
            #expect(choice.uri == "qemu:///system")
            #expect(choice.reason.contains(path))
        }
    }

    private func listen(at path: String, _ body: () throws -> Void) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && Glibc.listen(descriptor, 4) == 0)
        try body()
    }

    @Test
    func `a state folder has its daemons by whatever name, and any other has others, however long its path`()
        throws
    {
        let folder = try ScratchFolder(prefix: "daemons").path
        defer { try? removeFolder(folder) }
        let (real, link) = (folder + "/real", folder + "/link")
        #expect(mkdir(real, 0o755) == 0 && symlink(real, link) == 0)
        func uri(_ root: String) -> String { PrivateDaemons(state: StateFolder(root: root)).uri }
        #expect(uri(real) == uri(link))
        #expect(uri(real + "/deeper/down") == uri(link + "/deeper/down"))
        let long = uri(real + String(repeating: "/a-long-name", count: 60))
        #expect(uri(real) != long)
        #expect(long.count == uri(real).count)
    }

    @Test(arguments: [
        ("qemu:///system", true), ("qemu+unix:///session", true), ("qemu+ssh://node2/system", false),
        ("qemu+tcp://localhost/system", false), ("test:///default", true),
    ])
    func `a URI says whether it is this machine`(_ uri: String, _ isLocal: Bool) {
        #expect(HypervisorURI(uri).isLocal == isLocal)
    }
}
