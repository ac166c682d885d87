import Basics
import DiskImages
import Foundation
import Glibc
import HostFiles
import Support
import Testing

@testable import ImageLibrary

@Suite struct `Adding an image` {
    private static func converted(_ fixture: ImageFixture, _ format: String, _ options: String) throws
        -> String
    {
        let name = "disk.\(format)"
        try fixture.scratch.run(
            "sh", "-c",
            "cd publisher/files/latest && qemu-img convert -O \(format) \(options) disk.qcow2 \(name)")
        return "/latest/\(name)"
    }

    @Test(arguments: [
        ("vmdk", ""), ("vmdk", "-o subformat=streamOptimized"), ("vdi", ""), ("vhdx", ""), ("vpc", ""),
        ("vpc", "-o subformat=fixed"),
    ])
    func `makes qcow2 of another maker's format`(_ given: (format: String, options: String)) async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.converted(fixture, given.format, given.options)
            let added = try fixture.add("file", fixture.publisher.files + path)
            #expect(added == fixture.path("file.qcow2"))
            try fixture.add("address", fixture.publisher.url + path)
            try fixture.scratch.run("xz", "publisher/files" + path)
            try fixture.add("packed", fixture.publisher.url + path + ".xz")
            #expect(fixture.names == ["address.qcow2", "file.qcow2", "packed.qcow2"])
            for name in fixture.names {
                try fixture.scratch.run("qemu-img", "check", "-q", fixture.path(name))
                // VHD rounds a disk up to its cylinders.
                try fixture.scratch.run(
                    "qemu-img", "compare", "-q", "publisher/files/latest/disk.qcow2", fixture.path(name))
            }
        }
    }

    @Test func `takes nothing along that an image of another maker names`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.write("secret", Data((0..<1024).map { _ in UInt8(ascii: "s") }))
            try fixture.scratch.run(
                "sh", "-c",
                """
                cd publisher/files/latest
                printf '# Disk DescriptorFile\\nversion=1\\nCID=fffffffe\\nparentCID=ffffffff\\ncreateType="monolithicFlat"\\nRW 2 FLAT "\(fixture.scratch.path("secret"))" 0\\n' > flat.vmdk
                qemu-img create -q -f vmdk base.vmdk 1M
                qemu-img create -q -f vmdk -b "$PWD/base.vmdk" -F vmdk child.vmdk
                qemu-img create -q -f qcow2 -o data_file=\(fixture.scratch.path("secret")),data_file_raw=on 1K.qcow2 1024 || true
                """)
            for file in ["flat.vmdk", "child.vmdk"] {
                for source in [fixture.publisher.files, fixture.publisher.url] {
                    let failure = #expect(throws: Failure.self) {
                        try fixture.add("own", "\(source)/latest/\(file)")
                    }
                    #expect(failure?.code == .badImage, "\(file)")
                }
            }
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `of a cut image of another maker says so`() async throws {
        try await ImageFixture.with { fixture in
            let path = try Self.converted(fixture, "vmdk", "-o subformat=streamOptimized")
            try fixture.scratch.run("truncate", "-s", "2M", "publisher/files" + path)
            let failure = #expect(throws: Failure.self) {
                try fixture.add("own", fixture.publisher.files + path)
            }
            #expect(failure?.code == .badImage)
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `does nothing where the library has the same file's`() async throws {
        try await ImageFixture.with { fixture in
            let file = fixture.publisher.files + "/latest/disk.qcow2"
            let first = try fixture.add("own", file)
            let before = try fixture.scratch.run("stat", "-c", "%i %y", first)
            #expect(try fixture.add("own", file) == first)
            try fixture.scratch.run("cp", file, "copy.img")
            #expect(try fixture.add("own", fixture.scratch.path("copy.img")) == first)
            // And of one that was unpacked and converted.
            let vmdk = try Self.converted(fixture, "vmdk", "")
            try fixture.scratch.run("gzip", "publisher/files" + vmdk)
            let packed = fixture.publisher.files + vmdk + ".gz"
            let second = try fixture.add("packed", packed)
            #expect(try fixture.add("packed", packed) == second)
            try fixture.scratch.run("rm", packed)
            #expect(try fixture.add("packed", packed) == second, "it has done its service")

            try ImageFixture.makeImage(fixture.scratch, "other.qcow2")
            let other = #expect(throws: Failure.self) {
                try fixture.add("own", fixture.scratch.path("other.qcow2"))
            }
            #expect(other?.code == .imageExists)
            let wrong = #expect(throws: Failure.self) {
                try fixture.add(
                    "own", file, checksum: ImageChecksum(parsing: String(repeating: "0", count: 64)))
            }
            #expect(wrong?.code == .imageExists)
            #expect(try fixture.scratch.run("stat", "-c", "%i %y", first) == before)
        }
    }

    @Test func `does nothing where the library has the same address's, and asks nobody`() async throws {
        try await ImageFixture.with { fixture in
            let url = fixture.publisher.url + "/latest/disk.qcow2"
            let sum = try ImageChecksum(
                parsing: String(
                    fixture.scratch.run("sha256sum", "publisher/files/latest/disk.qcow2").prefix(64)))
            try fixture.add("plain", url)
            try fixture.add("known", url, checksum: sum)
            try fixture.add("listed", url, checksums: fixture.publisher.url + "/latest/SUMS")
            let asked = try fixture.publisher.answers().count
            try fixture.add("plain", url)
            try fixture.add("plain", url, checksum: sum)
            try fixture.add("known", url, checksum: sum)
            try fixture.add("known", url)
            try fixture.add("known", "https://mirror.example.org/disk.qcow2", checksum: sum)
            try fixture.add("listed", url, checksums: fixture.publisher.url + "/latest/SUMS")
            #expect(try fixture.publisher.answers().count == asked)
            for (name, source) in [
                ("plain", url + "?other"), ("listed", "https://mirror.example.org/disk.qcow2"),
            ] {
                let failure = #expect(throws: Failure.self) { try fixture.add(name, source) }
                #expect(failure?.code == .imageExists)
            }
            // One that somebody has put in its place is another.
            try fixture.scratch.run("rm", fixture.path("plain.qcow2"))
            try ImageFixture.makeImage(fixture.scratch, "state/cloud-images/plain.qcow2")
            let replaced = #expect(throws: Failure.self) { try fixture.add("plain", url) }
            #expect(replaced?.code == .imageExists)
        }
    }

    @Test func `keeps a private file's copy private, unpacked or not`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run(
                "sh", "-c",
                "umask 077; cp publisher/files/latest/disk.qcow2 mine; xz -k mine; qemu-img convert -O vdi mine vdi"
            )
            for file in ["mine", "mine.xz", "vdi"] {
                let path = try fixture.add(file, fixture.scratch.path(file))
                let mode = try fixture.scratch.run("stat", "-c", "%a", path)
                #expect(["600\n", "640\n"].contains(mode), "\(file): \(mode)")
            }
        }
    }

    @Test(arguments: [
        (401, "wants a name and a password"), (403, "refuses it to you"), (404, "is not there any more"),
        (410, "is not there any more"), (407, "the proxy on the way"),
    ])
    func `says what a server's refusal means`(_ given: (status: Int, says: String)) async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set(["/latest/disk.qcow2": .init(status: given.status)])
            let url = fixture.publisher.url.replacingOccurrences(of: "http://", with: "http://me:secret@")
            let failure = #expect(throws: Failure.self) { try fixture.add("own", url + "/latest/disk.qcow2") }
            #expect(failure?.message.contains(given.says) == true, "\(String(describing: failure))")
            #expect(failure?.message.contains(fixture.publisher.url) == true)
            #expect(failure.map { "\($0)".contains("secret") } == false)
            #expect(failure?.hint != nil && fixture.names.isEmpty)
        }
    }

    @Test func `follows a redirect, but not in a circle, nor to a file`() async throws {
        try await ImageFixture.with { fixture in
            let url = fixture.publisher.url + "/latest/moved.qcow2"
            try fixture.publisher.set(["/latest/moved.qcow2": .init(location: "/latest/disk.qcow2")])
            try fixture.add("moved", url)
            #expect(try fixture.bytes("moved.qcow2") == fixture.image)
            for (place, says) in [
                ("/latest/moved.qcow2", "redirects in a circle"),
                ("file:///etc/passwd", "redirects to what is neither https nor http"),
            ] {
                try fixture.publisher.set(["/latest/moved.qcow2": .init(location: place)])
                let failure = #expect(throws: Failure.self) { try fixture.add("own", url) }
                #expect(failure?.message == "\(url) \(says)")
            }
            // To a page that wants a login.
            try fixture.publisher.set([
                "/latest/moved.qcow2": .init(location: "/login"), "/login": .init(login: true),
            ])
            let login = #expect(throws: Failure.self) { try fixture.add("own", url) }
            #expect(login?.cause == "it is a web page, not an image")
            let nobody = #expect(throws: Failure.self) {
                try fixture.add("own", ImageFixture.nobody + "/x.qcow2")
            }
            #expect(nobody?.hint == "is there a network, or a proxy to name in https_proxy?")
        }
    }

    @Test func `is what an address in the place of a name is answered with`() async throws {
        try await ImageFixture.with { fixture in
            let failure = #expect(throws: Failure.self) {
                try fixture.resolve("https://me:secret@example.org/disk.qcow2")
            }
            #expect(failure?.code == .badField)
            #expect(
                failure?.message == "https://example.org/disk.qcow2 is an address, not the name of an image")
            #expect(failure?.hint?.contains("limiq.image.add { name = \"NAME\", url = ") == true)
            let other = #expect(throws: Failure.self) { try fixture.resolve("docker://debian") }
            #expect(other?.hint == "images come from https:// and http:// addresses, and from files")
            #expect(throws: Failure.self) { try fixture.resolve("/no://such/file") }
        }
    }
}
