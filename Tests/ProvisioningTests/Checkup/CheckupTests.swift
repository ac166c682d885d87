import Foundation
import Support
import Testing

@testable import Provisioning

@Suite struct `What limiq doctor looks at` {
    private func sockets(_ version: Int, _ environment: [String: String]) -> SessionSockets {
        SessionSockets(libvirtVersion: version, environment: { environment[$0] })
    }

    /// The path of a socket has at most 107 bytes.
    private func room(_ path: String) -> Int { 107 - path.utf8.count }

    @Test func `an older libvirt has the agent's socket below its configuration, a newer one beside its own`()
    {
        let user = ["HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1000"]
        let old = sockets(9_000_000, user)
        #expect(old.folder == "/home/ada/.config/libvirt" && old.variable == "XDG_CONFIG_HOME")
        #expect(
            old.roomForName
                == room("/home/ada/.config/libvirt/qemu/channel/target/domain-999-/org.qemu.guest_agent.0"))
        let new = sockets(11_003_000, user)
        #expect(new.folder == "/run/user/1000/libvirt" && new.variable == "XDG_RUNTIME_DIR")
        #expect(
            new.roomForName == room("/run/user/1000/libvirt/qemu/run/channel/999-/org.qemu.guest_agent.0"))
        let configured = sockets(
            11_003_000, user.merging(["XDG_CONFIG_HOME": "/home/ada/there/it/is/kept"]) { $1 })
        #expect(
            configured.roomForName
                == room("/home/ada/there/it/is/kept/libvirt/qemu/lib/domain-999-/monitor.sock"))
    }

    @Test func `without a runtime folder the newer one's is in the cache`() {
        let home = "/home/" + String(repeating: "a", count: 20)
        let new = sockets(11_003_000, ["HOME": home, "XDG_CONFIG_HOME": "/c"])
        #expect(new.folder == home + "/.cache/libvirt" && new.variable == "XDG_CACHE_HOME")
        #expect(
            new.roomForName
                == room("\(home)/.cache/libvirt/qemu/run/channel/999-/org.qemu.guest_agent.0"))
    }

    @Test func `the list of packages has a reason for each, and a name on Debian`() throws {
        let packages = try HostPackages(list: repository + "/stdlib/packages").all
        let groups = Set(packages.map(\.group))
        #expect(groups == ["build", "run", "host", "network", "some", "tests", "bench"])
        let lines = fileText(repository + "/stdlib/packages").utf8.split(separator: UInt8(ascii: "\n"))
        #expect(packages.count == lines.count { !$0.starts(with: "#".utf8) }, "a line that is none")
        for package in packages {
            #expect(package.name != nil && !package.purpose.isEmpty, "\(package)")
        }
    }
}
