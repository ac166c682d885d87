import Foundation
import Support
import Testing

@Suite struct `scripts/setup, where it cannot install by itself` {
    /// Runs it where these programs are all there is.
    private func setup(with programs: [String: String]) async throws -> CommandResult {
        try await ScratchFolder.with { folder in
            let tools = ["bash", "env", "dirname", "readlink", "cut", "sort", "tr", "sed", "grep", "awk"]
            for tool in tools {
                let path = try await command("sh", ["-c", "command -v \(tool)"]).lines.first ?? ""
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder)/\(tool)", withDestinationPath: path)
            }
            for (name, text) in programs {
                let file = "\(folder)/\(name)"
                try "#!/bin/sh\n\(text)\n".write(toFile: file, atomically: false, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
            }
            return try await command("\(repository)/scripts/setup", [], environment: ["PATH": folder])
        }
    }

    @Test(arguments: [
        ("dnf", "  sudo dnf install ", ["libvirt-devel", "qemu-img", "nettle-devel", "openssh-clients"]),
        ("pacman", "  sudo pacman -S --needed ", ["libvirt", "qemu-img", "nettle", "openssh"]),
    ])
    func `it prints the one command to type`(_ manager: String, _ command: String, _ names: [String])
        async throws
    {
        let answer = try await setup(with: [manager: "exit 1"])
        #expect(answer.status == 3)
        let last = try #require(answer.errors.split(separator: "\n").last)
        #expect(last.hasPrefix(command))
        let words = Set(last.split(separator: " ").map(String.init))
        #expect(words.isSuperset(of: names), "\(last)")
        #expect(words.count == last.split(separator: " ").count, "none twice")
    }

    @Test func `on Debian without sudo it is root's to type, and names what is missing only`() async throws {
        let answer = try await setup(with: [
            "apt-get": "exit 1", "dpkg-query": "echo 'ii  curl'; echo 'rc  git'", "id": "echo 1000",
        ])
        #expect(answer.status == 3)
        let last = String(answer.errors.split(separator: "\n").last ?? "")
        #expect(last.hasPrefix("  su -c 'apt-get update && apt-get install --no-install-recommends "))
        #expect(last.contains(" git ") && !last.contains(" curl "))
        #expect(answer.errors.contains("  git                          fetches the Swift packages"))
    }

    @Test func `elsewhere it lists them`() async throws {
        let answer = try await setup(with: [:])
        #expect(answer.status == 3)
        #expect(answer.errors.contains("  curl: downloads cloud images\n"))
    }
}
