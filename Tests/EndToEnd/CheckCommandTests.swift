import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `limiq check` {
        private func check(_ name: String, _ text: String, _ words: String...) async throws -> CommandResult {
            try await Home.with { home in
                try text.write(toFile: "\(home.path)/\(name)", atomically: true, encoding: .utf8)
                return try await home.start(["check", name] + words).result()
            }
        }

        @Test func `passes the scripts that come with limiq`() async throws {
            let folder = repository + "/scripts/"
            let scripts = folderNames(folder).filter { $0.hasSuffix(".lua") }.map { folder + $0 }
            #expect(scripts.count >= 7)
            let result = try await Home.with { home in
                try await command(
                    program, ["check"] + scripts,
                    environment: ["LIMIQ_HOME": home.path, "ADMIN_PASSWORD": "Passw0rd"])
            }
            #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
            // A rolling replacement goes by what the machines answer.
            let findings = result.errors.split(separator: "\n").filter { !$0.hasPrefix("rolling.lua:") }
            #expect(findings.isEmpty, "\(findings)")
        }

        @Test
        func
            `windows-server.lua says which ISO image is missing and how to get it, then asks for the password`()
            async throws
        {
            try await Home.with { home in
                let script = repository + "/scripts/windows-server.lua"
                let isos = home.path + "/isos"
                try FileManager.default.createDirectory(atPath: isos, withIntermediateDirectories: true)
                for (name, way) in [
                    ("windows-server-2022", "get it from https://www.microsoft.com/evalcenter/"),
                    ("virtio-win", "download it with: "),
                ] {
                    let run = try await home.limiq("run", script)
                    #expect(run.status == 1)
                    #expect(
                        run.errors.contains("there is no ISO image \(name) in \(isos)\n  hint: \(way)"),
                        "\(run.errors)")
                    try FileManager.default.copyItem(
                        atPath: "/usr/lib/ipxe/ipxe.iso", toPath: "\(isos)/\(name).iso")
                }
                let run = try await home.limiq("run", script)
                #expect(run.errors.contains("ADMIN_PASSWORD is not set"), "\(run.errors)")
                try await expectNothing(in: home)
            }
        }

        @Test func `names the script's line, the VM and the way out, and fails`() async throws {
            let result = try await check(
                "web.lua",
                """
                local limiq = require "limiq"
                local p = limiq.params { name = "web-01" }
                print "hello"
                limiq.vm { name = p.name, cloud_init = { user_data = { runcmds = { "a" } } } }:up()
                """, "--set", "name=db-01")
            #expect(result.status == 1)
            #expect(
                result.errors == """
                    web.lua:4: vm db-01: cloud_init.user_data.runcmds is no cloud-config key
                      hint: did you mean runcmd?

                    """)
            #expect(result.output.isEmpty)
        }

        @Test func `passes what is only a warning, and says it`() async throws {
            let result = try await check(
                "web.lua",
                """
                local limiq = require "limiq"
                limiq.vm { name = "web", cloud_init = { user_data = { apt_update = true } } }
                """)
            #expect(result.status == 0)
            #expect(
                result.errors == """
                    web.lua:2: warning: vm web: cloud_init.user_data.apt_update is deprecated
                      hint: use package_update instead

                    """)
        }

        @Test func `holds user-data to the release of cloud-init that the image has`() async throws {
            func result(_ image: String, _ check: String) async throws -> (status: Int32, errors: String) {
                let result = try await self.check(
                    "web.lua",
                    """
                    local limiq = require "limiq"
                    limiq.vm {
                      name = "web", disks = { { size = "10GiB", backing_file = limiq.image "\(image)" } },
                      cloud_init = { user_data = { packages = { { snap = { "a" } } }, runcmds = {} }, check = "\(check)" },
                    }

                    """)
                return (result.status, result.errors)
            }
            let old = try await result("debian-12", "error")
            #expect(old.status != 0)
            #expect(
                old.errors.contains(
                    "user_data.packages[1] is taken by cloud-init 25.1, but not by 22.4.2, which debian-12 has"
                ))
            let new = try await result("debian", "warn")
            #expect(new.status == 0 && !new.errors.contains("packages"))
            #expect(
                new.errors.contains("warning: vm web: cloud_init.user_data.runcmds is no cloud-config key"))
        }

        @Test func `says where it stopped when the rest depends on words or answers it does not have`()
            async throws
        {
            let words = try await check(
                "web.lua", "local limiq = require \"limiq\"\nlocal name = limiq.args[1]:lower()\n")
            #expect(words.status == 0)
            #expect(words.errors == "web.lua:2: not checked from here on: that depends on its words\n")
            let answers = try await check(
                "web.lua",
                "local limiq = require \"limiq\"\nlocal n = limiq.host.run { \"nproc\" }.stdout:match \"%d\" + 1\n"
            )
            #expect(answers.status == 0)
            #expect(
                answers.errors
                    == "web.lua:2: not checked from here on: that depends on what a machine answers\n")
        }

        @Test func `reports an error of the script itself, a syntax error and an undeclared global`()
            async throws
        {
            let own = try await check(
                "web.lua", "local limiq = require \"limiq\"\nlimiq.vm { name = nil .. 1 }\n")
            #expect(
                own.status == 1 && own.errors.hasPrefix("web.lua:2: attempt to concatenate"), "\(own.errors)")
            let syntax = try await check("web.lua", "local = 1\n")
            #expect(syntax.status == 1 && syntax.errors.hasPrefix("web.lua:1:"), "\(syntax.errors)")
            let global = try await check("web.lua", "prnt(1)\n")
            #expect(global.status == 1 && global.errors.contains("did you mean print?"), "\(global.errors)")
        }

        @Test(arguments: [
            ("web.yaml", "name: web-01\ncpu_coers: 2\n", "cpu_coers is not a field of limiq.VMSpec"),
            ("web.yml", "name: web_01\n", "name \"web_01\" is not a host name"),
            (
                "web.json", #"{"name": "web-01", "spec": {"disks": [{"backing_file": "a.qcow2"}]}}"#,
                "/a.qcow2 is not there"
            ),
            ("web.yaml", "name: [\n", ":2:1: expected a value but found the end of the text"),
            ("web.yaml", "- a\n", "the argument must be a table of fields, not a list"),
            (
                "web.yaml", "name: web-01\ncloud_init: {user_data: hello}\n",
                "user-data:1:1: the first line is \"hello\""
            ),
        ])
        func `refuses of a document what limiq up refuses`(name: String, text: String, message: String)
            async throws
        {
            let checked = try await check(name, text)
            #expect(checked.status == 1 && checked.errors.contains(message), "\(checked.errors)")
            try await Home.with { home in
                try text.write(toFile: "\(home.path)/\(name)", atomically: true, encoding: .utf8)
                let up = try await home.start(["up", name]).result()
                #expect(up.status == 1 && up.errors.contains(message), "\(up.errors)")
            }
        }

        @Test func `takes the API's document as well`() async throws {
            let text =
                #"{"name": "web-01", "spec": {"memory_mib": 512, "cloud_init": {"meta_data": "instance-id: 007\n"}}}"#
            let result = try await check("web.json", text)
            #expect(result.status == 1)
            #expect(
                result.errors == """
                    web.json: vm web-01: meta-data:1:14: instance-id is not a text: YAML takes 007 for a number
                      hint: quote it: instance-id: '007'

                    """)
            #expect(try await check("web.json", #"{"name": "web-01"}"#).status == 0)
        }
    }
}
