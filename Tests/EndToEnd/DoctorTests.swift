import Foundation
import Support
import Testing

extension EndToEnd {
    /// What is broken is broken in a mount namespace of the program's own: nothing of this machine changes.
    @Suite(.enabled(if: geteuid() == 0, "only root can make a mount namespace")) struct `limiq doctor` {
        /// Runs `limiq doctor` after shell commands in its mount namespace.
        ///
        /// - Returns: its answer without the lines of what is well.
        private func doctor(_ home: Home, after breaking: String = ":") async throws -> CommandResult {
            let shell = "set -e; \(breaking); exec \"$0\" doctor"
            return try await home.start(
                [], under: ["unshare", "--mount", "sh", "-c", shell, program, "doctor"]
            )
            .result()
        }

        @Test func `a host on which machines can be made has no line that begins with no`() async throws {
            try await Home.with { home in
                let answer = try await doctor(home)
                #expect(answer.status == 0, "\(answer.output)")
                #expect(answer.errors.isEmpty)
                #expect(!answer.lines.contains { $0.hasPrefix("no") }, "\(answer.output)")
                #expect(answer.lines.first?.hasPrefix("ok  limiq: ") == true)
                #expect(
                    answer.output.contains(
                        /ok {2}emulator: .*qemu-system-.*, version \d+\.\d+\.\d+, as .*, by libvirt \d+/))
            }
        }

        @Test(arguments: [
            ("qemu-system-x86_64", "apt install qemu-system-x86", true),
            ("qemu-img", "apt install qemu-utils", true),
            ("libvirtd", "apt install libvirt-daemon", true),
            ("virtlogd", "apt install libvirt-daemon-system", true),
            ("curl", "apt install curl", true), ("ssh-keygen", "apt install openssh-client", true),
            ("dnsmasq", "apt install dnsmasq-base", false), ("swtpm", "apt install swtpm", false),
            ("sgdisk", "apt install gdisk", false),
        ])
        func `a program that is missing is named with the command that installs it`(
            _ name: String, _ command: String, _ isNeeded: Bool
        ) async throws {
            try await Home.with { home in
                let answer = try await doctor(
                    home,
                    after: """
                        touch nothing
                        path=$(PATH=$PATH:/usr/sbin command -v \(name))
                        mount --bind nothing "$(readlink -f "$path")"
                        """)
                let line = try #require(
                    answer.lines.firstIndex { $0.contains("\(name) is missing: ") }, "\(answer.output)")
                #expect(answer.lines[line].hasPrefix(isNeeded ? "no" : "--"))
                #expect(answer.lines[line + 1] == "      \(command)")
                #expect(answer.status == (isNeeded ? 3 : 0))
                #expect(answer.errors.isEmpty)
            }
        }

        @Test func `an account for QEMU that is missing`() async throws {
            try await Home.with { home in
                let answer = try await doctor(
                    home,
                    after: "grep -v '^libvirt-qemu:' /etc/passwd > passwd; mount --bind passwd /etc/passwd")
                #expect(answer.status == 3)
                #expect(
                    answer.output.contains(
                        """
                        no  account: there is no account libvirt-qemu for QEMU to run under
                              the package of libvirt's system daemon makes it: apt install libvirt-daemon-system
                        """), "\(answer.output)")
            }
        }

        /// A /dev with the fewest devices, and a processor of its own.
        ///
        /// - Parameters:
        ///   - kvm: the mode of `/dev/kvm`, `nil` for none.
        ///   - flags: what the processor shows besides.
        private func machine(kvm: String?, flags: String) -> String {
            let device = kvm.map { "mknod dev/kvm c 10 232; chgrp kvm dev/kvm; chmod \($0) dev/kvm" } ?? ":"
            return """
                mkdir dev; mount -t tmpfs -o mode=755 dev dev
                for name in null zero full random urandom tty; do cp -a /dev/$name dev/; done
                mkdir dev/pts dev/shm; mount --rbind /dev/pts dev/pts; ln -s pts/ptmx dev/ptmx
                \(device)
                sed -E 's/^(flags.*:.*)/\\1 \(flags)/; s/ (vmx|svm) / /g' /proc/cpuinfo > cpuinfo
                \(flags.isEmpty ? "" : "sed -i -E 's/^(flags.*)/\\1 \(flags)/' cpuinfo")
                mount --bind cpuinfo /proc/cpuinfo
                mount --move dev /dev
                """
        }

        @Test(
            arguments: [
                (
                    "600", "vmx", "/dev/kvm is closed to libvirt-qemu, who runs QEMU",
                    "usermod -aG kvm libvirt-qemu"
                ),
                (
                    "660", "", "/dev/kvm is there and useless, as the processor shows neither vmx nor svm",
                    "switch virtualisation on"
                ),
                (nil, "svm", "/dev/kvm is not there", "modprobe kvm_intel || modprobe kvm_amd"),
                (nil, "", "the processor shows neither vmx nor svm", "switch virtualisation on"),
            ] as [(String?, String, String, String)])
        func `/dev/kvm that is there but closed to QEMU's account, there and useless, or not there`(
            _ kvm: String?, _ flags: String, _ text: String, _ remedy: String
        ) async throws {
            try await Home.with { home in
                let answer = try await doctor(home, after: machine(kvm: kvm, flags: flags))
                #expect(answer.status == 0, "guests are emulated: \(answer.output)")
                let line = try #require(answer.lines.firstIndex { $0.hasPrefix("--  acceleration: ") })
                #expect(answer.lines[line].contains(text))
                #expect(answer.lines[line + 1].contains(remedy))
            }
        }

        @Test(arguments: [
            ("mkdir p; mount -t tmpfs -o ro none p", "p/home cannot be made in ", "set LIMIQ_HOME"),
            ("mkdir -p p/home; chown nobody p/home", "p/home is nobody's", "set LIMIQ_HOME"),
            ("mkdir p; mount -t tmpfs -o size=1m none p; mkdir p/home", "p/home is full: ", "limiq gc"),
            (
                "mkdir -p p/home; mount -t tmpfs -o nr_inodes=1 none p/home", "takes no further file",
                "limiq gc"
            ),
            (
                "mkdir -p p/home; mount -t tmpfs -o ro none p/home",
                "p/home cannot be written: Read-only", "set LIMIQ_HOME"
            ),
            ("mkdir p; touch p/home", "p/home is not a folder", "set LIMIQ_HOME"),
            ("mkdir -p p/home; chmod 777 p/home", "can be written by other accounts", "chmod go-w"),
        ])
        func `a state folder that cannot be made, is another's, is full, or is no folder`(
            _ breaking: String, _ text: String, _ remedy: String
        ) async throws {
            try await Home.with { home in
                let answer = try await doctor(
                    home, after: "\(breaking); export LIMIQ_HOME=$PWD/p/home LIMIQ_URI=test:///default")
                #expect(answer.status == 3, "\(answer.output)")
                let line = try #require(
                    answer.lines.firstIndex { $0.hasPrefix("no  state: ") }, "\(answer.output)")
                #expect(answer.lines[line].contains(text))
                #expect(answer.lines[line + 1].contains(remedy))
                #expect(answer.errors.isEmpty)
            }
        }

        @Test func `the default network: limiq's own daemons start it, others have none, or have it stopped`()
            async throws
        {
            try await Home.with { home in
                let own = try await doctor(home)
                #expect(
                    own.output.contains("ok  default network: there; the first machine on it starts it\n"))
            }
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let missing = try await doctor(home)
                    #expect(missing.status == 0)
                    #expect(missing.output.contains("--  default network: missing"), "\(missing.output)")
                    let command = try #require(
                        missing.lines.first { $0.contains("net-define") }?.trimmingCharacters(
                            in: .whitespaces))
                    let mended = try await Support.command("sh", ["-c", command])
                    #expect(mended.status == 0, "\(mended.errors)")
                    let stopped = try await doctor(home)
                    #expect(stopped.output.contains("--  default network: there, but not started"))
                }
            }
        }

        @Test func `where guests run on another machine nothing of QEMU's is asked of this one`() async throws
        {
            try await Home.with(on: "test:///default") { home in
                let answer = try await doctor(home)
                #expect(!answer.output.contains("qemu-system"))
                #expect(answer.output.contains("ok  curl: "))
            }
        }
    }
}
