import Basics
import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `Snapshots of a machine with UEFI` {
        private static let script = """
            local limiq = require "limiq"
            limiq.vm { name = "u", firmware = "uefi", memory = "128MiB", disks = { { size = "1GiB" } } }:up()
            """

        /// What the processor of the paused guest is at.
        private func registers(_ home: Home) async throws -> String {
            let answer = try await command(
                "virsh", ["-c", home.daemons.uri, "qemu-monitor-command", "u", "--hmp", "info registers"])
            try #require(answer.output.contains("IP="), "\(answer.errors)")
            return answer.output
        }

        private func kept(_ home: Home) async throws -> [String] {
            let list = try await command(
                "qemu-img", ["snapshot", "-U", "-l", "\(home.path)/vms/u/disk1.qcow2"])
            return list.lines.dropFirst(2).compactMap {
                $0.split(separator: " ").dropFirst().first.map(String.init)
            }
        }

        @Test func `bring its memory back, on and off, and leave nothing when they are forgotten`()
            async throws
        {
            try await Home.with { home in
                #expect(try await home.limiq("run", home.script("u", Self.script)).status == 0)
                #expect(try await home.limiq("suspend", "u").status == 0)
                let before = try await registers(home)
                let taken = try await home.limiq("snapshot", "u", "--name", "warm")
                #expect(taken.status == 0, "\(taken.errors)")
                #expect(try await home.limiq("resume", "u").status == 0)
                try await Task.sleep(for: .seconds(1))

                // It is paused as it was then, at the very place.
                let back = try await home.limiq("revert", "u")
                #expect(back.errors == "u is what it was at warm\n")
                #expect(try await registers(home) == before)

                #expect(try await home.limiq("stop", "--force", "u").status == 0)
                #expect(try await home.limiq("snapshot", "u", "--name", "off").status == 0)
                #expect(try await home.limiq("list", "--columns", "state").lines == ["STATE", "shut off"])
                #expect(try await home.limiq("revert", "u", "--to", "warm").status == 0)
                #expect(try await registers(home) == before)
                #expect(try await home.limiq("resume", "u").status == 0)
                #expect(try await home.limiq("plan", home.path + "/u.lua").status == 0)

                #expect(try await kept(home) == ["warm", "off"])
                for name in ["warm", "off"] {
                    #expect(try await home.limiq("snapshots", "--delete", name, "u").status == 0)
                }
                #expect(try await kept(home) == [])
                #expect(try await home.limiq("rm", "u").status == 0)
                try await expectNothing(in: home)
            }
        }
    }
}
