import Foundation
import Support
import Testing

/// `limiq image …` as a user runs it. Its official publishers are answered for by a proxy on loopback.
@Suite struct `limiq image` {
    @Test func `pull fetches an image from its official address and prints its path`() async throws {
        try await PublisherHome.with { home in
            let first = try await home.limiq("image", "pull", "debian-12")
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output == home.path("debian-12.qcow2") + "\n")
            #expect(try home.bytes("debian-12.qcow2") == home.image)
            let steps = first.errors.split(separator: "\n")
            #expect(steps.first == "debian-12: download asking for its checksum")
            #expect(steps.contains("debian-12: verify"))
            #expect(steps.last?.hasPrefix("debian-12: image (") == true)

            let second = try await home.limiq("image", "pull", "debian-12")
            #expect(second.output == first.output)
            #expect(second.errors == "")
            #expect(try home.publisher.downloads(PublisherHome.debian).count == 1)
        }
    }

    @Test func `kill -9 in mid-download leaves no curl behind, and the next pull goes on where it was`()
        async throws
    {
        try await PublisherHome.with { home in
            try home.publisher.set([PublisherHome.debian: .init(rate: 1_000_000)])
            let killed = try home.start("image", "pull", "debian-12")
            try await home.waitForPart(of: 500_000)
            killed.signal(SIGKILL)
            #expect(await killed.result().status == SIGKILL)
            for _ in 0..<100 where !home.processes().isEmpty {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(home.processes().isEmpty, "its curl ends at its next write")
            let kept = home.part
            #expect(kept.count >= 500_000 && kept.count < home.image.count)
            #expect(kept == home.image.prefix(kept.count))

            try home.publisher.set([:])
            let next = try await home.limiq("image", "pull", "debian-12")
            #expect(next.status == 0, "\(next.errors)")
            #expect(
                try home.publisher.downloads(PublisherHome.debian).contains {
                    $0.range == "bytes=\(kept.count)-"
                })
            #expect(try home.bytes("debian-12.qcow2") == home.image)
            #expect(home.names == ["debian-12.qcow2"])
        }
    }

    @Test func `Ctrl-C ends it at once with exit code 130; what came stays`() async throws {
        try await PublisherHome.with { home in
            try home.publisher.set([PublisherHome.debian: .init(rate: 1_000_000)])
            let running = try home.start("image", "pull", "debian-12")
            try await home.waitForPart(of: 500_000)
            running.signal(SIGINT)
            let result = await running.result()
            #expect(result.status == 130)
            #expect(result.output == "")
            #expect(
                result.errors.hasSuffix(
                    """
                    limiq: debian-12: the download was cancelled
                      hint: what came is kept, and the next try continues it

                    """), "\(result.errors)")
            #expect(home.processes().isEmpty)
            let kept = home.part
            #expect(kept == home.image.prefix(kept.count))
            try home.publisher.set([:])
            #expect(try await home.limiq("image", "pull", "debian-12").status == 0)
            #expect(
                try home.publisher.downloads(PublisherHome.debian).contains {
                    $0.range == "bytes=\(kept.count)-"
                })
        }
    }

    @Test func `two that want the same image at once fetch it once`() async throws {
        try await PublisherHome.with { home in
            try home.publisher.set([PublisherHome.debian: .init(rate: 1_500_000)])
            let first = try home.start("image", "pull", "debian-12")
            try await home.waitForPart(of: 1)
            let second = try await home.limiq("image", "pull", "debian-12")
            let other = await first.result()
            #expect(second.status == 0 && other.status == 0, "\(second.errors) \(other.errors)")
            #expect(second.output == home.path("debian-12.qcow2") + "\n")
            #expect(other.output == second.output)
            #expect(
                second.errors == "debian-12: waiting process \(first.processID) fetches it already\n")
            #expect(try home.publisher.downloads(PublisherHome.debian).map(\.sent) == [home.image.count])
        }
    }

    @Test func `an image of an unreachable publisher that cannot be built is put there by hand`() async throws
    {
        try await PublisherHome.with { home in
            let offline = ["https_proxy": "http://127.0.0.1:1"]
            let refused = try await home.limiq("image", "pull", "ubuntu-24.04", environment: offline)
            #expect(refused.status == 1)
            #expect(
                refused.errors.contains(
                    "limiq: ubuntu-24.04 cannot be downloaded: curl: (5) ")
                    || refused.errors.contains("limiq: ubuntu-24.04 cannot be downloaded: curl: (7) "),
                "\(refused.errors)")
            #expect(
                refused.errors.contains(
                    "put the image into \(home.folder)/cloud-images as ubuntu-24.04.qcow2"))
            try home.image.write(to: URL(fileURLWithPath: home.path("ubuntu-24.04.qcow2")))
            let found = try await home.limiq("image", "pull", "ubuntu-24.04", environment: offline)
            #expect(found.status == 0)
            #expect(found.output == home.path("ubuntu-24.04.qcow2") + "\n")
        }
    }

    @Test func `a publisher's wrong bytes are thrown away, and said so in one line and a hint`() async throws
    {
        try await PublisherHome.with { home in
            try home.publisher.set([PublisherHome.debian: .init(wrong: true)])
            let refused = try await home.limiq("image", "pull", "debian-12")
            #expect(refused.status == 1)
            #expect(
                refused.errors.contains(
                    """

                    limiq: the download of debian-12 is not what its publisher's checksum says, and was thrown away
                      hint:
                    """), "\(refused.errors)")
            #expect(home.names.isEmpty)
        }
    }

    @Test func `an ISO image that is not here is got by the command the error prints`() async throws {
        try await PublisherHome.with { home in
            let drivers =
                home.publisher.files
                + "/fedorapeople.org/groups/virt/virtio-win/direct-downloads/stable-virtio"
            let made = try await command(
                "sh",
                ["-c", "mkdir -p \"$0\" tree && genisoimage -quiet -o \"$0/virtio-win.iso\" tree", drivers],
                folder: home.folder)
            #expect(made.status == 0, "\(made.errors)")
            let script = "print(require \"limiq\".image.iso \"virtio-win\")"
            try Data(script.utf8).write(to: URL(fileURLWithPath: home.folder + "/iso.lua"))
            let refused = try await home.limiq("run", "iso.lua")
            #expect(refused.status == 1)
            let pulled = try await home.limiq("image", "pull", "virtio-win")
            #expect(pulled.status == 1)
            let before = "  hint: download it with: "
            for errors in [refused.errors, pulled.errors] {
                #expect(errors.contains("there is no ISO image virtio-win in \(home.folder)/isos\n\(before)"))
            }
            let listed = try await home.limiq("image", "list")
            #expect(listed.lines.contains { $0.hasPrefix("virtio-win ") && $0.hasSuffix("not here yet") })

            let line = try #require(refused.errors.split(separator: "\n").first { $0.hasPrefix(before) })
            let download = try await command(
                "sh", ["-c", String(line.dropFirst(before.count))], environment: home.network)
            #expect(download.status == 0, "\(download.errors)")
            let found = try await home.limiq("run", "iso.lua")
            #expect(found.output == "\(home.folder)/isos/virtio-win.iso\n", "\(found.errors)")
            let after = try await home.limiq("image", "list")
            let row = try #require(after.lines.first { $0.hasPrefix("virtio-win ") })
            #expect(
                row.contains("  iso   1 MiB ") && row.hasSuffix("\(home.folder)/isos/virtio-win.iso"),
                "\(row)")
        }
    }

    @Test func `add, list and rm`() async throws {
        try await PublisherHome.with { home in
            let file = "disk.qcow2"
            try home.image.write(to: URL(fileURLWithPath: home.folder + "/" + file))
            let added = try await home.limiq("image", "add", "own", file)
            #expect(added.status == 0, "\(added.errors)")
            let list = try await home.limiq("image", "list")
            let own = try #require(list.lines.first { $0.hasPrefix("own ") })
            #expect(own.contains(" disk  4 MiB ") && own.hasSuffix(home.path("own.qcow2")))
            let debian = try #require(list.lines.first { $0.hasPrefix("debian-12 ") })
            #expect(debian.hasSuffix("not here yet"))

            for (words, complaint) in [
                (["add", "own", file], "there is an image own already"),
                (["add", "../own", file], "\"../own\" cannot be an image's name"),
                (["add", "", file], "\"\" cannot be an image's name"),
                (["add", "other", "absent.qcow2"], "absent.qcow2: there is no such file"),
                (["rm", "../disk"], "there is no image ../disk here"),
                (["rm", "own2"], "there is no image own2 here\n  hint: did you mean own?"),
                (["pull", ""], "the image's name is empty"),
                (["pull", "fedora"], "there is no image fedora"),
            ] {
                let refused = try await home.limiq(["image"] + words)
                #expect(refused.status == 1, "\(words)")
                #expect(refused.errors.contains(complaint), "\(refused.errors)")
            }
            #expect(try await home.limiq("image", "rm", "own").status == 0)
            #expect(home.names.isEmpty)
            #expect(FileManager.default.fileExists(atPath: home.folder + "/" + file))
        }
    }
}
