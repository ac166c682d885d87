import Basics
import Foundation
import HostFiles
import LuaRuntime
import Records
import Support
import Testing

@testable import Primitives

@Suite struct `A dry run` {
    private struct Outcome {
        /// `error web.lua:3 vm web: text (hint)`
        var findings: [String]
        var isGuessing: Bool
        var error: ScriptError?
        var folder: [String]
    }

    private func look(_ source: String, files: [String: String] = [:]) throws -> Outcome {
        let host = try HostSide()
        for (name, text) in files { try writeBytes(Array(text.utf8), to: "\(host.folder)/\(name)") }
        let dryRun = DryRun(host.environment)
        var options = LuaRuntime.Options(libraryFolder: repository + "/stdlib")
        options.output = { _, _ in }
        options.skipsSleep = true
        let runtime = try LuaRuntime(options: options, primitives: dryRun.primitives(parameters: [:]))
        runtime.observer = { _ in }
        var outcome = Outcome(findings: [], isGuessing: false, error: nil, folder: [])
        do {
            _ = try runtime.run(source: "local limiq = require \"limiq\"\n" + source, name: "web.lua")
        } catch { outcome.error = error }
        outcome.findings = dryRun.findings.map { finding in
            let machines = finding.machines.isEmpty ? "-" : finding.machines.joined(separator: ",")
            return "\(finding.isError ? "error" : "warning") \(finding.location ?? "") \(machines): "
                + finding.text + (finding.hint.map { " (\($0))" } ?? "")
        }
        outcome.isGuessing = dryRun.isGuessing
        outcome.folder = try filesBelow(host.folder)
        return outcome
    }

    @Test func `finds a wait that could never end`() throws {
        let outcome = try look(
            """
            limiq.vm { name = "a", nics = { { forward = { { host = 8080, guest = 80 } } } } }:up { wait = "ssh" }
            limiq.vm { name = "b", nics = {} }:up { wait = "address" }
            limiq.vm { name = "c" }:up { wait = "ssh", start = false }
            limiq.vm { name = "d", nics = { { forward = { { host = 2222, guest = 22 } } } } }:up { wait = "ssh" }
            limiq.vm { name = "e", nics = { { network = "default" } } }:up { wait = "ssh", deadline = "1h" }
            """)
        #expect(outcome.error == nil)
        #expect(outcome.findings.count == 2, "\(outcome.findings)")
        #expect(outcome.findings[0].hasPrefix("error web.lua:2 a: nothing leads to port 22 of a"))
        #expect(outcome.findings[1].hasPrefix("error web.lua:3 b: b has no nic"))
    }

    @Test func `finds a wrong field, and goes on to the next VM`() throws {
        let outcome = try look(
            """
            limiq.vm {
              name = "a", cpu_coers = 2,
            }:up { wait = "running" }
            limiq.vm { name = "A_b" }
            limiq.domain.define { name = "c", memory = "1GB" }
            """)
        #expect(outcome.error == nil)
        #expect(
            outcome.findings == [
                "error web.lua:2 a: cpu_coers is not a field of limiq.VMSpec (did you mean cpu_cores?)",
                "error web.lua:5 A_b: name \"A_b\" is not a host name (use up to 63 lower-case letters, digits and hyphens, "
                    + "such as \"web-01\")",
                "error web.lua:6 c: memory: \"1GB\" has no unit limiq knows (write \"1GiB\": sizes are in powers of 1024)",
            ])
    }

    @Test func `finds each fault of each VM: of fields, of what they say together, and of cloud-init`() throws
    {
        let outcome = try look(
            """
            limiq.vm {
              name = "a", cpu_coers = 2, memory = 5, disks = { { size = "5GB" } },
              cloud_init = { user_data = { runcmds = { "a" } } },
            }
            limiq.vm {
              name = "b", disks = { { id = "x", size = "1GiB" }, { id = "x", size = "1GiB", bootable = true } },
              nics = { { mac_address = "zz" } }, cloud_init = { user_data = "hello" },
            }
            """)
        #expect(outcome.error == nil)
        #expect(
            outcome.findings.map { String($0.prefix { $0 != "(" }) } == [
                "error web.lua:2 a: cpu_coers is not a field of limiq.VMSpec ",
                "error web.lua:2 a: disks[1].size: \"5GB\" has no unit limiq knows ",
                "error web.lua:2 a: memory must be a text with a unit, such as \"4GiB\" ",
                "error web.lua:2 a: cloud_init.user_data.runcmds is no cloud-config key ",
                "error web.lua:6 b: disks[2].id \"x\" is the id of disks[1] already",
                "error web.lua:6 b: nics[1].mac_address \"zz\" is not a MAC address ",
                "error web.lua:6 b: user-data:1:1: the first line is \"hello\", which cloud-init takes for no known type ",
            ])
    }

    @Test
    func
        `finds what is wrong with cloud-init files: in a table at its path, in a text at its line, once for many VMs`()
        throws
    {
        let outcome = try look(
            """
            local tasks = limiq.each({ 1, 2, 3 }, function(i)
              limiq.vm { name = "web-" .. i, cloud_init = { user_data = { runcmds = { "a" } } } }:up()
            end)
            limiq.vm { name = "t", cloud_init = { user_data = "#cloud-config\\nruncmds: [a]\\n" } }
            limiq.cidata.create { path = "x.iso", user_data = "# cloud-config" }
            """)
        #expect(outcome.error == nil)
        #expect(
            outcome.findings == [
                "error web.lua:3 web-1,web-2,web-3: cloud_init.user_data.runcmds is no cloud-config key (did you mean runcmd?)",
                "error web.lua:5 t: user-data:2:1: runcmds is no cloud-config key (did you mean runcmd?)",
                "error web.lua:6 -: user-data:1:1: the first line is \"# cloud-config\", which cloud-init takes for no known "
                    + "type (write it without a space: #cloud-config)",
            ])
    }

    @Test
    func `makes nothing, waits for nothing, asks no machine and no image, but reads the script's files`()
        throws
    {
        let outcome = try look(
            """
            local text = limiq.file.read "user-data"
            assert(#limiq.ssh_keys() > 0 and #limiq.ssh.host_key("web").public > 0)
            local base = limiq.image "no-such-image"
            limiq.disk.create { path = "a.qcow2", size = "1GiB" }
            local vm = limiq.vm {
              name = "web", disks = { { backing_file = base } }, cloud_init = { user_data = text },
            }
            local report = vm:up { wait = "cloud-init" }
            for _, phase in ipairs(report.phases) do print(phase.name) end
            limiq.sleep "10h"
            assert(limiq.retry({ times = 2, delay = "1h" }, function(n) if n == 1 then error "no" end return n end) == 2)
            vm:wait "ssh"
            print(vm:address(), vm:forward(80))
            limiq.connect "qemu+ssh://node2/system".vm { name = "other" }:remove()
            local hosts = limiq.hosts { "qemu+ssh://node2/system", "qemu+ssh://node3/system" }
            assert(hosts.vm({ name = "third" }).uri == "qemu+ssh://node2/system")
            """, files: ["user-data": "#cloud-config\nhostnam: a\n"])
        #expect(outcome.error == nil, "\(outcome.error.map(String.init(describing:)) ?? "")")
        #expect(
            outcome.findings == [
                "warning web.lua:4 -: there is no image no-such-image here "
                    + "(the catalogue has none of this name: limiq image list --available)",
                "error web.lua:6 web: user-data:2:1: hostnam is no cloud-config key (did you mean hostname?)",
            ])
        #expect(outcome.folder == ["user-data"])
    }

    @Test func `answers in the form a run does`() throws {
        let outcome = try look(
            """
            assert(limiq.image.add { name = "tiny", path = "x.raw" }:match "%.raw$")
            assert(limiq.image "tiny":match "tiny%.raw$")
            local vm = limiq.vm { name = "a" }
            local report = vm:up()
            for _, field in ipairs { "changes", "pending", "phases", "addresses", "forwards", "warnings" } do
                assert(type(report[field]) == "table", field)
            end
            assert(vm:screenshot "a.png":match "/a%.png$")
            """, files: ["x.raw": String(repeating: "\u{1}", count: 1 << 20)])
        #expect(
            outcome.error == nil && !outcome.isGuessing,
            "\(outcome.error.map(String.init(describing:)) ?? "")")
    }

    @Test func `knows when a script's error may come of an answer that was made up`() throws {
        let sure = try look("limiq.vm { name = \"a\" }:up { waitt = \"running\" }")
        #expect(!sure.isGuessing)
        #expect(sure.error?.failure.code == .badField)
        #expect(sure.error?.location == "web.lua:2")
        for call in [
            "limiq.host.run { \"date\" }.stdout:match(\"%d+\")",
            "limiq.domain.get \"x\":exec { \"date\" }.stdout:match(\"%d+\")",
            "limiq.domain.list()[1].name", "limiq.disk.info(\"a\").size",
        ] {
            let outcome = try look("print(\(call) + 1)")
            #expect(outcome.isGuessing && outcome.error != nil, "\(call)")
        }
    }

    @Test
    func `answers every primitive of the library, and says what one misses that is called with nothing`()
        throws
    {
        let definitions = libraryDefinitions(try HostSide().environment, parameters: [:]) { _, _ in }
        for definition in definitions {
            let name = definition.primitive.name
            let outcome = try look("require(\"limiq.runtime\").perform(\"\(name)\")")
            let needs = definition.parameters.fields.filter(\.isRequired).map(\.name)
            // What a machine's description misses is found, and the script goes on.
            let complaints =
                outcome.findings.filter { $0.hasPrefix("error ") }.map { _ in Failure.Code.badField }
                + (outcome.error.map { [$0.failure.code] } ?? [])
            #expect(
                complaints == (needs.isEmpty ? [] : [.badField]),
                "\(name) needs \(needs): \(outcome.findings) \(String(describing: outcome.error))")
            #expect(outcome.folder == [], "\(name)")
        }
        #expect(definitions.contains { !$0.parameters.fields.contains(where: \.isRequired) })
    }
}
