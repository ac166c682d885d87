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

    @Test func `add takes an address, export writes it out, and prune lets it go`() async throws {
        try await PublisherHome.with { home in
            let url = home.publisher.url + PublisherHome.debian
            let list = url.replacingOccurrences(of: "debian-12-generic-amd64.qcow2", with: "SHA512SUMS")
            let added = try await home.limiq("image", "add", "own", url, "--checksums", list)
            #expect(added.status == 0, "\(added.errors)")
            #expect(added.output == home.path("own.qcow2") + "\n")
            let exported = try await home.limiq("image", "export", "own", "own.vmdk")
            #expect(exported.status == 0, "\(exported.errors)")
            let compared = try await command(
                "qemu-img", ["compare", home.path("own.qcow2"), "own.vmdk"], folder: home.folder)
            #expect(compared.status == 0, "\(compared.output)")
            // And back, under another name.
            #expect(try await home.limiq("image", "add", "back", "own.vmdk").status == 0)
            try home.image.write(to: URL(fileURLWithPath: home.path("mine.qcow2")))

            let looked = try await home.limiq("image", "prune", "--dry-run")
            #expect(looked.lines == [home.path("back.qcow2"), home.path("own.qcow2")])
            #expect(home.names == ["back.qcow2", "mine.qcow2", "own.qcow2"])
            let pruned = try await home.limiq("image", "prune")
            #expect(pruned.lines == looked.lines && pruned.status == 0)
            #expect(
                pruned.errors.contains("left alone: \(home.path("mine.qcow2")): limiq has not put it there"))
            #expect(home.names == ["mine.qcow2"])

            for (words, complaint) in [
                (["add", "a", url, "--checksum", "1"], "checksum is no SHA-256"),
                (["add", "a", url, "--format", "iso"], "--format is qcow2 or raw"),
                (["add", "a", "ftp://example.org/a"], "not an address"),
                (["pull", url], "is an address, not the name of an image"),
                (["export", "mine", "mine.zip"], "take .qcow2, .raw or .vmdk"),
            ] {
                let refused = try await home.limiq(["image"] + words)
                #expect(refused.status != 0 && refused.errors.contains(complaint), "\(refused.errors)")
            }
        }
    }

    @Test func `a program that is missing to unpack is named with its package`() async throws {
        try await PublisherHome.with { home in
            try home.image.write(to: URL(fileURLWithPath: home.folder + "/disk"))
            let packed = try await command(
                "sh", ["-c", "xz -k disk; mkdir bin; ln -s \"$(command -v qemu-img)\" bin"],
                folder: home.folder)
            #expect(packed.status == 0, "\(packed.errors)")
            let refused = try await home.limiq(
                "image", "add", "own", "disk.xz", environment: ["PATH": home.folder + "/bin"])
            #expect(refused.status == 3)
            #expect(
                refused.errors.contains("limiq: xz is not installed, by which own is unpacked"),
                "\(refused.errors)")
            #expect(refused.errors.contains("apt-get install xz-utils"))
            #expect(home.names.isEmpty)
        }
    }

    @Test func `add, list and rm`() async throws {
        try await PublisherHome.with { home in
            let file = "disk.qcow2"
            try home.image.write(to: URL(fileURLWithPath: home.folder + "/" + file))
            let added = try await home.limiq("image", "add", "own", file)
            #expect(added.status == 0, "\(added.errors)")
            #expect(added.output == home.path("own.qcow2") + "\n")
            let again = try await home.limiq("image", "add", "own", file)
            #expect(again.status == 0 && again.output == added.output, "it is there already")
            try (home.image + Data(count: 512)).write(to: URL(fileURLWithPath: home.folder + "/other.qcow2"))
            let list = try await home.limiq("image", "list")
            let own = try #require(list.lines.first { $0.hasPrefix("own ") })
            #expect(own.contains(" disk  4 MiB ") && own.hasSuffix(home.path("own.qcow2")))
            let debian = try #require(list.lines.first { $0.hasPrefix("debian-12 ") })
            #expect(debian.hasSuffix("not here yet"))

            for (words, complaint) in [
                (["add", "own", "other.qcow2"], "there is an image own already"),
                (["add", "../own", file], "\"../own\" cannot be an image's name"),
                (["add", "", file], "\"\" cannot be an image's name"),
                (["add", "other", "absent.qcow2"], "absent.qcow2: there is no such file"),
                (["rm", "../disk"], "there is no image ../disk here"),
                (["rm", "own2"], "there is no image own2 here\n  hint: did you mean own?"),
                (["pull", ""], "the image's name is empty"),
                (["pull", "fedroa"], "there is no image fedroa\n  hint: did you mean fedora?"),
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

    @Test func `lock writes what a script uses beside it, and a run keeps to it`() async throws {
        try await PublisherHome.with { home in
            let script = """
                local limiq = require "limiq"
                limiq.image.add { name = "made", path = "disk.qcow2" }
                print(limiq.image "debian-12", limiq.image "debian-bookworm")
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: home.folder + "/use.lua"))
            try home.image.write(to: URL(fileURLWithPath: home.folder + "/disk.qcow2"))
            let lock = home.folder + "/limiq.lock"
            let refused = try await home.limiq("run", "--locked", "use.lua")
            #expect(refused.status == 1)
            #expect(
                refused.errors.contains(
                    """
                    use.lua:3: limiq.lock has no entry for the image debian-12
                      hint: limiq image lock SCRIPT writes one
                    """), "\(refused.errors)")
            #expect(try await home.limiq("image", "rm", "made").status == 0)
            let checked = try await home.limiq("check", "--locked", "use.lua")
            #expect(
                checked.status == 1
                    && checked.errors.contains("limiq.lock has no entry for the image debian-12"))
            let planned = try await home.limiq("plan", "--locked", "use.lua")
            #expect(planned.status == 1 && planned.errors.contains("limiq.lock has no entry for the image"))
            #expect(!FileManager.default.fileExists(atPath: lock))

            let locked = try await home.limiq("image", "lock", "use.lua")
            #expect(locked.status == 0, "\(locked.errors)")
            #expect(locked.lines.map { $0.prefix(while: { $0 != " " }) } == ["debian-12", "debian-bookworm"])
            let text = try String(contentsOfFile: lock, encoding: .utf8)
            #expect(
                text.contains("debian-bookworm:\n  image: debian-12\n  url: https://cloud.debian.org/"),
                "\(text)")
            #expect(home.names.isEmpty, "nothing is downloaded for it")

            let run = try await home.limiq("run", "--locked", "use.lua")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output == "\(home.path("debian-12.qcow2"))\t\(home.path("debian-12.qcow2"))\n")

            try Data(text.replacingOccurrences(of: "digest:", with: "digset:").utf8)
                .write(to: URL(fileURLWithPath: lock))
            let broken = try await home.limiq("run", "use.lua")
            #expect(broken.status == 1)
            #expect(
                broken.errors.contains("limiq.lock:5:3: image debian-12: digset is not one of its fields"))
            #expect(broken.errors.contains("did you mean digest?"))
        }
    }

    @Test func `a user's own catalogue, aliases and ends of life are listed and told`() async throws {
        try await PublisherHome.with { home in
            let own = home.folder + "/images.yaml"
            try Data(
                """
                house:
                  aliases: [home]
                  url: https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-amd64.qcow2
                  checksums: SHA512SUMS
                  digest: sha512
                  architecture: x86_64
                  family: debian
                  user: me
                  end_of_life: 2020-02-29
                """.utf8
            ).write(to: URL(fileURLWithPath: own))
            let environment = ["LIMIQ_IMAGES": own]
            let pulled = try await home.limiq("image", "pull", "home", environment: environment)
            #expect(pulled.output == home.path("house.qcow2") + "\n", "\(pulled.errors)")
            #expect(pulled.errors.contains("house: warning its publisher gives no updates since 2020-02-29"))
            let again = try await home.limiq("image", "pull", "house", environment: environment)
            #expect(again.errors == "house: warning its publisher gives no updates since 2020-02-29\n")

            let list = try await home.limiq("image", "list", "--available", environment: environment)
            let house = try #require(list.lines.first { $0.hasPrefix("house ") })
            #expect(
                house.split(separator: " ").map(String.init) == [
                    "house", "debian", "me", "2020-02-29", "(past)", "yes", "home",
                ])
            #expect(
                list.lines.contains {
                    $0.hasPrefix("rocky-9 ") && $0.contains(" rhel ") && $0.contains(" 2032-05-31 ")
                })
            #expect(!list.lines.contains { $0.hasPrefix("virtio-win ") })

            let show = try await home.limiq("image", "show", "home", "--json", environment: environment)
            let document = try #require(
                JSONSerialization.jsonObject(with: Data(show.output.utf8)) as? [String: Any])
            #expect(document["name"] as? String == "house" && document["user"] as? String == "me")
            #expect(document["path"] as? String == home.path("house.qcow2"))

            let script = """
                local limiq = require "limiq"
                limiq.image "home"
                limiq.image "debain"
                limiq.image "golden"
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: home.folder + "/names.lua"))
            let checked = try await home.limiq(["check", "names.lua"], environment: environment)
            #expect(checked.status == 1)
            #expect(
                checked.errors == """
                    names.lua:2: warning: image home: its publisher gives no updates since 2020-02-29
                    names.lua:3: there is no image debain
                      hint: did you mean debian?
                    names.lua:4: warning: there is no image golden here
                      hint: the catalogue has none of this name: limiq image list --available

                    """, "\(checked.errors)")

            try Data("house: {}\n".utf8).write(to: URL(fileURLWithPath: own))
            let broken = try await home.limiq("image", "pull", "debian-12", environment: environment)
            #expect(broken.status == 1)
            #expect(broken.errors.contains("images.yaml:1:1: image house: "), "\(broken.errors)")
        }
    }
}
