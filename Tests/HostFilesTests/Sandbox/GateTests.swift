import Basics
import DiskImages
import Foundation
import HostFiles
import Hypervisors
import Support
import Testing

@Suite struct `What a script may reach` {
    /// A folder with `box` for the script, `out` outside of it, and links from one to the other.
    private func withFolders(_ body: (String) throws -> Void) async throws {
        try await ScratchFolder.with { folder in
            for name in ["box/inner", "out", "state/cloud-images", "state/isos", "state/vms"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            }
            try Data("secret".utf8).write(to: URL(fileURLWithPath: folder + "/out/file"))
            symlink("../out", folder + "/box/link")
            symlink("../out/file", folder + "/box/file-link")
            symlink("../out/none", folder + "/box/dangling")
            symlink("inner", folder + "/box/inner-link")
            try body(folder)
        }
    }

    private func gate(_ folder: String, _ allowed: GateBounds.Allowed = .init(), state: String? = nil) throws
        -> Gate
    {
        .sandbox(
            try GateBounds(
                script: try resolved(folder) + "/box/script.lua",
                state: StateFolder(root: state ?? folder + "/state"),
                library: [], host: "test:///default", allowed: allowed))
    }

    private func mayRead(_ gate: Gate, _ path: String) -> Bool { (try? gate.reading(path)) != nil }
    private func mayWrite(_ gate: Gate, _ path: String) -> Bool { (try? gate.writing(path)) != nil }

    @Test func `is below its folder, wherever links and dots lead`() async throws {
        try await withFolders { folder in
            let gate = try gate(folder)
            for path in [
                "box", "box/script.lua", "box/new", "box/inner/../new", "box/inner-link/new", "box/./new",
            ] {
                #expect(mayRead(gate, "\(folder)/\(path)"), "\(path)")
            }
            for path in ["box/new", "box/inner/new", "box/inner-link/new", "box/inner/../new"] {
                #expect(mayWrite(gate, "\(folder)/\(path)"), "\(path)")
            }
            for path in [
                "out/file", "box/../out/file", "box/link/file", "box/link/new", "box/file-link",
                "box/dangling",
                "box/none/../../out/file", "box/inner-link/../../out/file", "boxer/file",
                "box/inner/../../out/file",
                "box/link/../box/../out/file",
            ] {
                #expect(!mayRead(gate, "\(folder)/\(path)"), "\(path)")
                #expect(!mayWrite(gate, "\(folder)/\(path)"), "\(path)")
            }
            for path in ["/", "/etc/passwd", "/proc/self/environ", "/proc/self/root/etc/passwd", ""] {
                #expect(!mayRead(gate, path) && !mayWrite(gate, path), "\(path)")
            }
        }
    }

    @Test
    func `reads the images of the state folder and nothing else there, be it below the script's folder`()
        async throws
    {
        try await withFolders { folder in
            for state in ["state", "box/state"] {
                let root = "\(folder)/\(state)"
                let gate = try gate(folder, state: root)
                #expect(mayRead(gate, root + "/cloud-images/debian-12.qcow2"))
                #expect(mayRead(gate, root + "/isos/tools.iso"))
                for path in ["cloud-images/x", "isos/x", "vms/web/disk.qcow2", "ssh/id_ed25519", "x"] {
                    #expect(!mayWrite(gate, "\(root)/\(path)"), "\(path)")
                }
                for path in ["vms/web/disk.qcow2", "ssh/id_ed25519", "runs/x"] {
                    #expect(!mayRead(gate, "\(root)/\(path)"), "\(path)")
                }
            }
        }
    }

    @Test func `has what the caller allows, through links as well`() async throws {
        try await withFolders { folder in
            let reads = try gate(folder, .init(reading: [folder + "/box/link"]))
            #expect(mayRead(reads, folder + "/out/file") && mayRead(reads, folder + "/box/file-link"))
            #expect(!mayWrite(reads, folder + "/out/file") && !mayWrite(reads, folder + "/box/link/new"))
            let writes = try gate(folder, .init(writing: [folder + "/out/new"]))
            #expect(mayWrite(writes, folder + "/out/new") && mayRead(writes, folder + "/out/new"))
            #expect(!mayWrite(writes, folder + "/out/newer") && !mayRead(writes, folder + "/out/file"))
            #expect(throws: Failure.self) { try gate(folder, .init(reading: [folder + "/box/dangling"])) }
            let variables = try gate(folder, .init(variables: ["A"]))
            try variables.variable("A")
            #expect(throws: Failure.self) { try variables.variable("AB") }
        }
    }

    @Test func `gives a machine no disk that it can write, and none that stands on what it may not read`()
        async throws
    {
        try await withFolders { folder in
            let base = folder + "/state/cloud-images/base.qcow2"
            try Disk.create(base, size: ByteSize(mib: 1))
            let gate = try gate(folder)
            #expect(try gate.disk(base, "path") == (try resolved(base)))
            #expect(throws: Failure.self) { try gate.writableDisk(base, "path") }
            try Gate.open.writableDisk(base, "path")
            #expect(Gate.open.hostKeyName("db-01") == "db-01")
            #expect(gate.hostKeyName("db-01") != "db-01", "nobody else's host key")
            try Disk.create(folder + "/box/own.raw", size: ByteSize(mib: 1), format: .raw)
            #expect(throws: Failure.self) { try gate.disk(folder + "/box/own.raw", "path") }
            #expect(throws: Failure.self) { try gate.disk(folder + "/box/not-yet.raw", "path") }
            // An image of the library that somebody's own hands made an overlay of a file elsewhere.
            try Disk.create(folder + "/out/below.qcow2", size: ByteSize(mib: 1))
            try Overlay.create(
                folder + "/state/cloud-images/overlay.qcow2", base: folder + "/out/below.qcow2")
            #expect(throws: Failure.self) {
                try gate.disk(folder + "/state/cloud-images/overlay.qcow2", "path")
            }
            #expect(throws: Failure.self) {
                try DiskImage.inspect(folder + "/state/cloud-images/overlay.qcow2", gate)
            }
        }
    }

    @Test func `is no other host than the run's own under --sandbox`() async throws {
        try await withFolders { folder in
            let gate = try gate(folder)
            try gate.host(nil)
            try gate.host("test:///default")
            for uri in ["qemu:///system", "test:///etc/passwd", "test:///default?x", "TEST:///default", ""] {
                #expect(throws: Failure.self, "\(uri)") { try gate.host(uri) }
            }
        }
    }

    @Test(arguments: [
        "qemu+ext:///system?command=/tmp/x", "qemu+EXT:///system?command=/tmp/x", "QEMU+ext:///system",
        "qemu+ssh://h/system?command=/tmp/x", "qemu+ssh://h/system?socket=/s&command=/tmp/x",
        "qemu+ssh://h/system?socket=/s;command=/tmp/x", "qemu+ssh://h/system?COMMAND=/tmp/x",
        "qemu+ssh://h/system?c%6fmmand=/tmp/x", "qemu+ssh://-oProxyCommand=x/system",
        "qemu+ssh://user@-oProxyCommand=x/system", "qemu+ssh://%2doProxyCommand=x/system",
        "qemu+ssh://-oProxyCommand=x@h/system", "qemu+libssh://h/system?proxy=/tmp/x",
        "qemu+ssh://h/system?netcat=/tmp/x", "vz:///system", "vbox:///session", "lxc:///",
        "test+ext:///default",
    ])
    func `is no host whose URI may run a program under --no-host`(_ uri: String) throws {
        let failure = #expect(throws: Failure.self) { try Gate.withoutPrograms.host(uri) }
        #expect(failure?.code == .forbidden)
        try Gate.open.host(uri)
    }

    @Test(arguments: [
        "qemu:///system", "qemu:///session", "qemu+ssh://root@node2/system",
        "qemu+tls://node2/system?no_verify=1",
        "qemu+unix:///system?socket=/run/libvirt/sock", "test:///default",
        "qemu+ssh://node2:2222/system?keyfile=/k",
    ])
    func `is every plain host under --no-host`(_ uri: String) throws { try Gate.withoutPrograms.host(uri) }
}
