import Foundation
import Support
import Testing

extension EndToEnd {
    /// On the system's own folders of libvirt, as in a container that is all one's own.
    @Suite(.enabled(if: geteuid() == 0, "only root can give it up")) struct `Root without the right to mount`
    {
        /// What such a container has in its qemu.conf, as libvirt asks for it there.
        private static let container = """
            cp /etc/libvirt/qemu.conf qemu.conf
            printf '\\nremember_owner = 0\\nuser = "root"\\ngroup = "root"\\n' >>qemu.conf
            mount --bind qemu.conf /etc/libvirt/qemu.conf
            exec setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$@"
            """

        @Test func `has libvirt's daemons on the system's folders, behind a socket of the state folder's`()
            async throws
        {
            try await Home.with { home in
                let script = try home.script(
                    "small",
                    """
                    local limiq = require "limiq"
                    local vm = \(smallGuest(#""small""#))
                    local report = vm:up { wait = "running" }
                    print(vm:state(), report.changed)
                    """)
                let wrapper = ["unshare", "--mount", "sh", "-ec", Self.container, "sh"]
                func limiq(_ words: String...) async throws -> CommandResult {
                    try await home.start(words, under: wrapper).result()
                }
                let made = try await limiq("run", script)
                #expect(made.output == "running\ttrue\n", "\(made.errors)")
                #expect(
                    fileText("/run/libvirt/qemu/small.pid") != "",
                    "it is the system's folder that knows of it")
                let again = try await limiq("run", script)
                #expect(again.output == "running\tfalse\n", "\(again.errors)")
                let removed = try await limiq("rm", "small")
                #expect(removed.status == 0, "\(removed.errors)")
                let left = try await limiq("gc", "--dry-run")
                #expect(left.output.isEmpty && left.status == 0, "\(left.output)\(left.errors)")
            }
        }
    }
}
