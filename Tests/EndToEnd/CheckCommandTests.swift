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
                      hint: dropped after April 2027; use package_update

                    """)
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
