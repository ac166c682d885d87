import Basics
import HostFiles
import Hypervisors
import LuaRuntime
import Provisioning
import Records
import Support
import Testing

@testable import Primitives

/// On libvirt's test driver, whose domains have no files.
@Suite(.serialized) struct `A plan` {
    private struct Outcome {
        /// `+ make vm web`
        var steps: [String]
        var plan: PlanRun
        var error: ScriptError?
        var folder: [String]
    }

    private let prefix = "p\(UInt32.random(in: 0...UInt32.max))"

    /// A folder that goes with it, and the primitives' environment.
    private struct Host {
        let side: HostSide
        let environment: Environment

        init() throws {
            let hypervisor = LibvirtHypervisor(uri: "test:///default")
            side = try HostSide()
            environment = Environment(
                state: side.environment.state, images: side.environment.images, scriptFolder: side.folder
            ) { _ throws(Failure) in hypervisor }
        }
    }

    /// Runs a script, as a plan or for real; `NAME` in it is a prefix of this test's own.
    private func plan(_ source: String, _ host: Host, files: [String: String] = [:]) throws
        -> Outcome
    {
        for (name, text) in files { try writeBytes(Array(text.utf8), to: host.environment.absolute(name)) }
        let plan = PlanRun(host.environment)
        let error = try perform(source, plan.primitives(parameters: [:]))
        let steps = plan.steps.map { step in
            let changes = (step.changes + step.pending).map { " \($0.path):\($0.kind.rawValue)" }.joined()
            let name = step.name.replacing(prefix, with: "NAME").replacing(
                host.side.folder, with: ".")
            return "\(step.action.rawValue) \(step.kind) \(name)\(changes)"
        }
        return Outcome(
            steps: steps, plan: plan, error: error, folder: try filesBelow(host.side.folder))
    }

    private func run(_ source: String, _ host: Host) throws {
        let definitions = libraryDefinitions(host.environment, parameters: [:]) { _, _ in }
        if let error = try perform(source, definitions.map(\.primitive)) { throw error }
    }

    private func perform(_ source: String, _ primitives: [Primitive]) throws -> ScriptError? {
        var options = LuaRuntime.Options(libraryFolder: repository + "/stdlib")
        options.output = { _, _ in }
        options.skipsSleep = true
        let runtime = try LuaRuntime(options: options, primitives: primitives)
        runtime.observer = { _ in }
        let text = "local limiq = require \"limiq\"\n" + source.replacing("NAME", with: prefix)
        do { _ = try runtime.run(source: text, name: "web.lua") } catch { return error }
        return nil
    }

    private func perform(_ source: String, returning primitives: [Primitive]) throws -> [Value] {
        var options = LuaRuntime.Options(libraryFolder: repository + "/stdlib")
        options.output = { _, _ in }
        let runtime = try LuaRuntime(options: options, primitives: primitives)
        return try runtime.run(
            source: "local limiq = require \"limiq\"\n" + source.replacing("NAME", with: prefix),
            name: "web.lua")
    }

    private static let web = #"limiq.vm { name = "NAME-web", memory = "512MiB" }:up()"#

    @Test func `of a new VM makes nothing; after the run there is nothing left to do`() throws {
        let host = try Host()
        let before = try plan(Self.web, host)
        #expect(before.steps == ["make vm NAME-web"] && before.plan.isChange)
        #expect(try host.environment.hypervisor(nil).domain(prefix + "-web") == nil)
        try run(Self.web, host)
        let after = try plan(Self.web, host)
        #expect(after.steps == ["none vm NAME-web"] && !after.plan.isChange)
        let changed = try plan(Self.web.replacing("512MiB", with: "256MiB"), host)
        #expect(changed.steps == ["change vm NAME-web memory_mib:live"])
        try run(#"limiq.vm { name = "NAME-web" }:remove()"#, host)
    }

    @Test func `warns of what the guest takes otherwise than it was meant`() throws {
        let host = try Host()
        let outcome = try plan(
            """
            limiq.vm {
              name = "NAME-core",
              ignition = {
                ignition = { version = "3.3.0" },
                storage = { files = { { path = "/a", mode = 0644 } } },
              },
            }:up { start = false }
            """, host)
        #expect(outcome.error == nil)
        #expect(
            outcome.plan.steps.map(\.warnings) == [
                [
                    "ignition.storage.files[1].mode is 644, which is the mode 01204 "
                        + "(0644 is 420, as neither JSON nor Lua has octal numbers)"
                ]
            ])
    }

    @Test func `refuses what a run would: a machine whose disk another stands on, until that would be gone`()
        throws
    {
        let host = try Host()
        try run(
            """
            local gold = limiq.vm { name = "NAME-gold", disks = { { id = "boot", size = "1GiB" } } }
            gold:up { start = false }
            limiq.vm { name = "NAME-child", disks = { { backing_file = "state/vms/NAME-gold/boot.qcow2" } } }
                :up { start = false }
            """, host)
        let (remove, removeChild) = (
            #"limiq.vm { name = "NAME-gold" }:remove() "#, #"limiq.vm { name = "NAME-child" }:remove() "#
        )
        let up =
            #"limiq.vm { name = "NAME-gold", disks = { { id = "boot", size = "1GiB" } } }:up { wait = "running" } "#
        for attempt in [remove, up] {
            let refused = try plan(attempt, host)
            #expect(refused.error?.failure.code == .inUse && refused.steps == [], "\(refused.steps)")
            #expect(try plan(removeChild + attempt, host).error == nil)
        }
        #expect(throws: ScriptError.self) { try run(remove, host) }
        try run(removeChild + remove, host)
    }

    @Test func `shows what a guest would do otherwise than a VM or a seed says`() throws {
        let outcome = try plan(
            """
            limiq.vm {
              name = "NAME", memory = "64MiB", nics = {}, cloud_init = { user_data = { apt_update = true } },
            }:up { start = false }
            limiq.cidata.create { path = "seed.iso", user_data = "#include\\nhttps://example.org/a\\n" }
            """, Host())
        #expect(outcome.error == nil)
        #expect(
            outcome.plan.steps.map(\.warnings) == [
                [
                    "cloud_init.user_data.apt_update is deprecated (use package_update instead)"
                ],
                ["user-data:1:1: what it includes is not checked here: the guest fetches it"],
            ])
        #expect(outcome.plan.steps[1].value["warnings"]?.list?.count == 1)
    }

    @Test func `answers from what the calls before would have made`() throws {
        let host = try Host()
        let outcome = try plan(
            """
            local vm = limiq.vm { name = "NAME-a", nics = { { forward = { { host = 24301, guest = 80 } } } } }
            assert(vm:diff()[1].kind == "make")
            assert(vm:up().changed and not vm:up().changed)
            assert(#vm:diff() == 0 and vm.domain:state() == "running" and vm:forward(80) == "127.0.0.1:24301")
            assert(#limiq.domain.list { prefix = "NAME" } == 1 and limiq.domain.get("NAME-a"))
            local other = limiq.vm { name = "NAME-a", nics = {}, memory = "512MiB", labels = { a = "b" } }
            assert(#other:diff() == 3)
            other:up()
            assert(other:down() and not other:down() and vm.domain:state() == "shut off")
            assert(other:remove() and not other:remove())
            assert(#limiq.domain.list { prefix = "NAME" } == 0)
            local _, e = limiq.try(limiq.domain.get, "NAME-a")
            assert(e.code == "not_found")
            vm:up()
            """, host)
        #expect(outcome.error == nil, "\(outcome.error.map(String.init(describing:)) ?? "")")
        #expect(
            outcome.steps == [
                "make vm NAME-a", "none vm NAME-a",
                "change vm NAME-a labels.a:live memory_mib:live nics[1]:live", "stop vm NAME-a",
                "remove vm NAME-a", "make vm NAME-a",
            ])
        #expect(outcome.folder == [])
    }

    @Test func `marks what only a running guest knows, and ends where the script needs it`() throws {
        let host = try Host()
        let outcome = try plan(
            """
            local a = limiq.vm { name = "NAME-a" }
            a:up()
            limiq.vm { name = "NAME-b", labels = { peer = a:address() } }:up()
            local out = a:exec({ "nproc" }).stdout
            print(out + 1)
            """, host)
        #expect(outcome.steps == ["make vm NAME-a", "make vm NAME-b", "run program NAME-a"])
        #expect(outcome.plan.steps[1].afterBoot == ["labels.peer"])
        #expect(outcome.error?.location == "web.lua:6" && outcome.plan.isGuessing)
        #expect(try host.environment.hypervisor(nil).domain(prefix + "-a") == nil)
    }

    @Test func `writes no file, and answers as if it had`() throws {
        let host = try Host()
        let outcome = try plan(
            """
            limiq.file.write("same", "same")
            assert(limiq.file.read "same" == "same")
            limiq.file.write("other", "new")
            limiq.file.write("fresh", "text")
            assert(limiq.file.read "other" == "new" and limiq.file.read "fresh" == "text" and limiq.file.exists "fresh")
            local disk = limiq.disk.create { path = "a.qcow2", size = "1GiB" }
            local _, e = limiq.try(limiq.disk.create, { path = "a.qcow2", size = "1GiB" })
            assert(e.code == "disk_exists" and limiq.file.exists(disk))
            limiq.disk.remove "a.qcow2"
            assert(not limiq.file.exists(disk))
            limiq.cidata.create { path = "seed.iso", user_data = "#cloud-config" }
            """, host, files: ["same": "same", "other": "old"])
        #expect(outcome.error == nil, "\(outcome.error.map(String.init(describing:)) ?? "")")
        #expect(
            outcome.steps == [
                "change file ./other", "make file ./fresh", "make disk ./a.qcow2", "remove disk ./a.qcow2",
                "make seed ./seed.iso",
            ])
        #expect(outcome.folder == ["other", "same"])
        let other = try fileBytes(host.environment.absolute("other"), atMost: ReadLimit.bytes)
        #expect(String(decoding: other, as: UTF8.self) == "old")
    }

    @Test func `leaves a domain alone that is not ours, with the error of the run`() throws {
        let host = try Host()
        let outcome = try plan(#"limiq.vm { name = "test" }:up()"#, host)
        #expect(outcome.error?.failure.code == .notOurs && outcome.steps == [])
    }

    /// Scripts that answer something, without a machine that boots. `NAME` is a name of nobody else's.
    static let questions = [
        // Raw: bytes without a format's mark.
        #"return limiq.image.add { name = "tiny", path = "x.raw" }"#,
        #"limiq.image.add { name = "tiny", path = "x.raw" } return limiq.image "tiny""#,
        """
        limiq.image.add { name = "tiny", path = "x.raw" }
        local found = {}
        for _, image in ipairs(limiq.image.list()) do
            if image.path then found[#found + 1] = image end
        end
        limiq.image.remove "tiny"
        found[#found + 1] = select(2, limiq.try(limiq.image, "tiny")).code
        found[#found + 1] = limiq.image.add { name = "tiny", path = "x.raw" }
        return found
        """,
        """
        limiq.image.add { name = "tiny", path = "x.raw" }
        return limiq.image.add { name = "tiny", path = "./x.raw" }
        """,
        """
        limiq.image.add { name = "tiny", path = "x.raw" }
        local other = { name = "tiny", path = "x.raw", checksum = ("0"):rep(64) }
        return select(2, limiq.try(limiq.image.add, other)).code
        """,
        #"return select(2, limiq.try(limiq.image, "https://example.org/disk.qcow2")).message"#,
        #"return select(2, limiq.try(limiq.image.export, "none", "disk.vmdk")).code"#,
        #"return select(2, limiq.try(limiq.image.export, "./x.raw", "disk.zip")).message"#,
        #"return select(2, limiq.try(limiq.image.export, "./x.raw", "none/disk.vmdk")).code"#,
        #"return select(2, limiq.try(limiq.image.add, { name = "tiny", path = "missing.raw" })).code"#,
        #"return select(2, limiq.try(limiq.image.add, { name = "a/b", path = "x.raw" })).code"#,
        #"return select(2, limiq.try(limiq.image.add, { name = "tiny" })).message"#,
        #"return select(2, limiq.try(limiq.image.add, { name = "a", url = "ftp://x" })).message"#,
        #"return select(2, limiq.try(limiq.image.remove, "tiny")).message"#,
        #"limiq.file.write("a.json", '{"b": [1, "c"]}') return limiq.json.read("a.json")"#,
        #"limiq.file.write("./a.json", '{"b": 1}') return limiq.json.read(".//a.json")"#,
        #"limiq.file.write("a.yaml", "b: [1, c]") return limiq.yaml.read("a.yaml")"#,
        #"limiq.file.write("a.json", "") return select(2, limiq.try(limiq.json.read, "a.json")).message"#,
        #"limiq.file.write("b", "") limiq.file.write("a", "") return limiq.file.list ".""#,
        #"return select(2, limiq.try(limiq.file.write, "none/b", "")).message"#,
        #"return select(2, limiq.try(limiq.disk.create, { path = "none/b", size = "1GiB" })).message"#,
        #"return select(2, limiq.try(limiq.iso.create, { path = "none/b", files = {} })).message"#,
        #"return limiq.try(limiq.file.write, "a", "", { mode = "0999" }) == nil"#,
        #"return select(2, limiq.try(limiq.disk.overlay, { path = "a.qcow2", backing_file = "none.raw" })).code"#,
        #"return select(2, limiq.try(limiq.disk.resize, "none.raw", "1GiB")).code"#,
        #"return select(2, limiq.try(limiq.cidata.create, { path = "a", user_data = "no header" })).code"#,
        """
        local found = {}
        for _, call in ipairs { "wait", "address", "exec", "screenshot", "state", "start", "console" } do
            local method = limiq.domain.get "test"[call]
            local argument = ({ wait = "running", exec = { "true" }, screenshot = "a.png" })[call]
            found[#found + 1] = select(2, limiq.try(method, "NAME-none", argument)).code
        end
        return found
        """,
        """
        local vm = limiq.vm { name = "NAME-s" }
        vm:up { start = false }
        local found = {}
        local function ask(method, ...)
            local answer, e = limiq.try(vm[method], vm, ...)
            found[#found + 1] = method .. " " .. (e and e.code or tostring(answer))
        end
        for _, method in ipairs { "suspend", "resume", "reset", "reboot", "state", "start", "start", "suspend", "state" } do
            ask(method)
        end
        found[#found + 1] = #limiq.domain.list { prefix = "NAME-s", state = "paused" }
        for _, method in ipairs { "resume", "state", "save", "state", "save", "start", "state", "destroy", "state" } do
            ask(method)
        end
        ask("revert", "none")
        ask("delete_snapshot", "none")
        ask("insert_media", "tools", "none.iso")
        vm:remove()
        return found
        """,
        """
        local state
        local value = limiq.with({ name = "NAME-w" }, function(vm) state = vm:state() return 7 end)
        local gone = select(2, limiq.try(limiq.domain.get, "NAME-w")).code
        limiq.vm { name = "NAME-w" }:up()
        local taken = select(2, limiq.try(limiq.with, { name = "NAME-w" }, function() end)).message
        local kept = limiq.vm { name = "NAME-w" }:remove()
        return { state, value, gone, taken, kept }
        """,
        #"limiq.file.write("a.json", "{") return select(2, limiq.try(limiq.json.read, "a.json")).message"#,
        #"return select(2, limiq.try(limiq.domain.get "test".undefine, "NAME-none")).code"#,
        """
        limiq.vm { name = "NAME-l", labels = { tier = "a" } }:up()
        local found = {}
        for _, filter in ipairs { { labels = { tier = "a" } }, { labels = { tier = "b" } }, { ours = true } } do
            filter.prefix = "NAME-"
            found[#found + 1] = #limiq.domain.list(filter)
        end
        found[#found + 1] = tostring(limiq.vm { name = "NAME-l" }:remove())
        return found
        """,
        """
        local keys, report = {}, limiq.vm { name = "NAME-k" }:up()
        limiq.vm { name = "NAME-k" }:remove()
        for key in pairs(report) do keys[#keys + 1] = key end
        table.sort(keys)
        return keys
        """,
    ]

    @Test(arguments: questions)
    func `answers what the run answers`(question: String) throws {
        func ask(_ primitives: (Environment) -> [Primitive]) throws -> String {
            let host = try Host()
            try writeBytes([UInt8](repeating: 7, count: 1 << 20), to: host.environment.absolute("x.raw"))
            let values = try perform(question, returning: primitives(host.environment))
            return try jsonText(.list(values)).replacing(host.side.folder, with: ".")
        }
        let plan = try ask { PlanRun($0).primitives(parameters: [:]) }
        let run = try ask { libraryDefinitions($0, parameters: [:]) { _, _ in }.map(\.primitive) }
        #expect(plan == run && plan != "[]")
    }

    @Test func `gives no forward to a guest that will not have it before it starts anew`() throws {
        let host = try Host()
        let wanted = #"{ name = "NAME-f", nics = { { forward = { { host = 24303, guest = 80 } } } } }"#
        let outcome = try plan(
            """
            limiq.vm { name = "NAME-f" }:up()
            local vm = limiq.vm \(wanted)
            vm:up()
            local _, e = limiq.try(vm.forward, vm, 80)
            assert(e and e.code == "not_found" and e.message:find "pending", tostring(e))
            vm:up { restart = true }
            assert(vm:forward(80) == "127.0.0.1:24303")
            """, host)
        #expect(outcome.error == nil, "\(outcome.error.map(String.init(describing:)) ?? "")")
    }
}
