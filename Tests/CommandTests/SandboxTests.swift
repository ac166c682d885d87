import Foundation
import Support
import Testing

/// The whole way: a script that tries every door, on libvirt's test driver.
@Suite struct `limiq run --sandbox` {
    /// Says of each call in `forbidden` that it ended otherwise than with that code, and of each in `allowed` that it failed.
    private static let script = """
        local limiq = require "limiq"
        local perform = require "limiq.runtime".perform
        local out = limiq.params { out = "" }.out .. "/"
        local function forbidden(name, f)
          local ok, e = pcall(f)
          local code = type(e) == "table" and e.code or nil
          if ok or code ~= "forbidden" then print(name, ok, e) end
        end
        local function allowed(name, f)
          local ok, e = pcall(f)
          if not ok then print(name, e) end
        end
        local file = out .. "secret"
        for _, path in ipairs { file, "../out/secret", "link/secret", "file-link", "/proc/self/root" .. file } do
          forbidden("file.read " .. path, function() return limiq.file.read(path) end)
          forbidden("file.exists " .. path, function() return limiq.file.exists(path) end)
          forbidden("json.read " .. path, function() return limiq.json.read(path) end)
          forbidden("yaml.read " .. path, function() return limiq.yaml.read(path) end)
          forbidden("iso.list " .. path, function() return limiq.iso.list(path) end)
          forbidden("iso.read " .. path, function() return limiq.iso.read(path, "x") end)
          forbidden("disk.info " .. path, function() return limiq.disk.info(path) end)
          forbidden("disk.resize " .. path, function() return limiq.disk.resize(path, "1GiB") end)
          forbidden("disk.remove " .. path, function() return limiq.disk.remove(path) end)
          forbidden("disk.create " .. path, function() return limiq.disk.create { path = path, size = "1MiB" } end)
          forbidden("iso.create " .. path, function() return limiq.iso.create { path = path, files = {} } end)
          forbidden("cidata " .. path, function() return limiq.cidata.create { path = path, user_data = "" } end)
          forbidden("image.iso " .. path, function() return limiq.image.iso(path:find "/" and path or "./" .. path) end)
          forbidden("path " .. path, function() return limiq.vm { name = "x", disks = { { path = path } } } end)
          forbidden("base " .. path, function() return limiq.vm { name = "x", disks = { { backing_file = path } } } end)
          forbidden("iso_path " .. path, function() return limiq.vm { name = "x", cdroms = { { iso_path = path } } } end)
          forbidden("overlay " .. path, function()
            return limiq.disk.overlay { path = "overlay.qcow2", backing_file = path, backing_format = "raw" }
          end)
          forbidden("file.write " .. path, function() limiq.file.write(path, "overwritten") end)
          local _, reason, code = perform("runtime.read_file", path)
          if code ~= "forbidden" then print("read_file " .. path, reason) end
        end
        forbidden("file.list", function() return limiq.file.list("..") end)
        assert(#perform("runtime.list_folder", out) == 0)
        assert(not pcall(dofile, file) and not loadfile(file) and not package.searchpath("secret", out .. "?"))
        package.path = out .. "?"
        assert(not pcall(require, "secret"))
        forbidden("host.run", function() return limiq.host.run { "id" } end)
        forbidden("perform host.run", function() return perform("host.run", { "id" }) end)
        forbidden("env", function() return limiq.env.HOME end)
        forbidden("getenv", function() return os.getenv "HOME" end)
        assert(limiq.env.GIVEN == "yes" and os.getenv "GIVEN" == "yes")
        forbidden("connect", function() return limiq.connect "test:///etc/passwd" end)
        forbidden("a handle's host", function() return perform("domain.state", { name = "x", uri = "qemu:///system" }) end)
        forbidden("list's host", function() return limiq.domain.list { uri = "qemu:///system" } end)
        forbidden("image.add", function() return limiq.image.add { name = "x", path = "disk.qcow2" } end)
        forbidden("image.add url", function() return limiq.image.add { name = "x", url = "http://127.0.0.1:1/" } end)
        forbidden("image.export of one's own", function()
          limiq.disk.create { path = "own.qcow2", size = "1MiB" }
          return limiq.image.export("./own.qcow2", "own.raw")
        end)
        forbidden("image.export elsewhere", function() return limiq.image.export("lib", "/tmp/lib.raw") end)
        allowed("image.export", function() limiq.image.export("lib", "lib.vmdk") end)
        forbidden("image to fetch", function() return limiq.image "ubuntu-24.04" end)
        forbidden("image.remove", function() return limiq.image.remove "lib" end)
        forbidden("setuid", function() limiq.file.write("x", "", { mode = "4755" }) end)
        forbidden("other format", function()
          limiq.file.write("x.vmdk", '# Disk DescriptorFile\\nversion=1\\ncreateType="monolithicFlat"\\nRW 4 FLAT "'
            .. file .. '" 0\\n')
          return limiq.disk.info "x.vmdk"
        end)
        forbidden("somebody's machine", function() return limiq.domain.get("test"):state() end)
        forbidden("somebody's machine, removed", function() return limiq.vm { name = "test" }:remove() end)
        forbidden("a disk that others read", function()
          return limiq.vm { name = "x", disks = { { path = limiq.image "lib" } } }
        end)
        allowed("a host key of its own", function() assert(limiq.ssh.host_key("test").public) end)
        forbidden("a pool's volume", function()
          return limiq.vm { name = "x", disks = { { path = "v", pool_id = "default" } } }
        end)
        allowed("file", function() limiq.file.write("own", "1") assert(limiq.file.read "own" == "1") end)
        allowed("link inside", function() limiq.file.write("inner-link/own", "1") assert(limiq.file.exists "inner/own") end)
        allowed("dofile", function() limiq.file.write("m.lua", "return 7") assert(dofile "m.lua" == 7) end)
        allowed("disk", function()
          limiq.disk.create { path = "disk.qcow2", size = "1MiB" }
          limiq.disk.overlay { path = "overlay.qcow2", backing_file = "disk.qcow2" }
          assert(#limiq.disk.info("overlay.qcow2").chain == 2)
        end)
        forbidden("own disk", function() return limiq.vm { name = "x", disks = { { path = "disk.qcow2" } } } end)
        allowed("iso", function()
          limiq.iso.create { path = "own.iso", files = { a = "b" } }
          assert(limiq.iso.read("own.iso", "a") == "b")
          return limiq.vm { name = "x", cdroms = { { iso_path = "own.iso" } } }
        end)
        allowed("library", function()
          return limiq.vm { name = "x", disks = { { backing_file = limiq.image "lib" } } }
        end)
        allowed("machine", function()
          local vm = limiq.vm { name = "box", memory = "64MiB" }
          vm:up { wait = "running" }
          assert(limiq.domain.get("box"):state() == "running")
          forbidden("attach", function() vm:attach_cdrom { id = "t", iso_path = file } end)
          forbidden("screenshot", function() vm:screenshot(out .. "x.png") end)
          vm:remove()
        end)
        print "done"
        """

    private func withBox(_ body: (String, [String: String]) async throws -> Void) async throws {
        try await ScratchFolder.with { folder in
            for name in ["box/inner", "out", "home/cloud-images"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            }
            try Data(Self.script.utf8).write(to: URL(fileURLWithPath: folder + "/box/script.lua"))
            try Data("return 'kept'".utf8).write(to: URL(fileURLWithPath: folder + "/out/secret"))
            symlink("../out", folder + "/box/link")
            symlink("../out/secret", folder + "/box/file-link")
            symlink("inner", folder + "/box/inner-link")
            let made = try await command(
                "qemu-img", ["create", "-q", "-f", "qcow2", folder + "/home/cloud-images/lib.qcow2", "1M"])
            #expect(made.status == 0)
            try await body(
                folder,
                [
                    "LIMIQ_HOME": folder + "/home", "LIMIQ_URI": "test:///default", "GIVEN": "yes",
                    "LIBVIRT_DEFAULT_URI": "", "TERM": "dumb",
                ])
        }
    }

    @Test func `closes every door, and leaves the script its folder and the images`() async throws {
        try await withBox { folder, environment in
            let result = try await command(
                program,
                [
                    "run", "--sandbox", "--allow-env", "GIVEN", "--set", "out=\(folder)/out",
                    folder + "/box/script.lua",
                ], environment: environment)
            #expect(result.output == "done\n", "\(result.errors)")
            #expect(fileText(folder + "/out/secret") == "return 'kept'")
            #expect(folderNames(folder + "/out") == ["secret"])
        }
    }

    @Test func `bounds a plan and a check as well`() async throws {
        try await withBox { folder, environment in
            for (call, complaint) in [
                ("limiq.file.read '../out/secret'", "is outside of what --sandbox lets the script read"),
                ("limiq.file.write('../out/new', '')", "is outside of what --sandbox lets the script write"),
                ("limiq.host.run { 'id' }", "limiq.host.run is forbidden by --sandbox"),
                ("dofile '../out/secret'", "is outside of what --sandbox lets the script read"),
            ] {
                try Data("local limiq = require 'limiq'\n\(call)\n".utf8).write(
                    to: URL(fileURLWithPath: folder + "/box/one.lua"))
                for words in [["plan"], ["check"], ["run"]] {
                    let result = try await command(
                        program, words + ["--sandbox", folder + "/box/one.lua"], environment: environment)
                    // A check writes nothing, and reads no path that it would write.
                    if words == ["check"], call.contains("write") { continue }
                    #expect(result.status == 1, "\(words) \(call)")
                    #expect(result.errors.contains(complaint), "\(words) \(call): \(result.errors)")
                }
            }
            #expect(folderNames(folder + "/out") == ["secret"])
        }
    }

    @Test func `opens what --allow-read and --allow-write name`() async throws {
        try await withBox { folder, environment in
            let script = """
                local limiq = require "limiq"
                print(limiq.file.read "../out/secret", (pcall(limiq.file.write, "../out/new", "1")))
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: folder + "/box/one.lua"))
            func run(_ words: String...) async throws -> CommandResult {
                try await command(
                    program, ["run"] + words + [folder + "/box/one.lua"], environment: environment)
            }
            let read = try await run("--sandbox", "--allow-read", folder + "/out")
            #expect(read.output.hasPrefix("return 'kept'\tfalse"))
            #expect(folderNames(folder + "/out") == ["secret"])
            #expect(
                try await run("--sandbox", "--allow-write", folder + "/out").output == "return 'kept'\ttrue\n"
            )
            #expect(folderNames(folder + "/out").contains("new"))
            #expect(try await run("--allow-read", folder + "/out").status == 2)
        }
    }
}
