import Foundation
import Support
import Testing

extension EndToEnd {
    /// What people do by hand to machines that limiq made, with real domains of 64 MiB and libvirt's own words of them.
    @Suite(.enabled(if: geteuid() == 0, "a libvirt daemon of its own is root's to start"))
    struct `Machines that were changed behind limiq's back` {
        /// A machine with a blank disk that holds what its guest has written.
        private struct Site {
            let home: Home
            let daemon: PrivateDaemon
            let script: String

            var folder: String { home.path + "/vms/web" }
            var disk: String { folder + "/data.qcow2" }

            init(_ home: Home, _ daemon: PrivateDaemon) throws {
                self.home = home
                self.daemon = daemon
                script = try home.script(
                    "web",
                    #"local limiq = require "limiq" "# + smallGuest("\"web\"") + #":up { wait = "running" }"#)
            }

            /// Brings it up, and leaves it off with something on its disk.
            func make() async throws {
                try await run(["run", script])
                try await virsh("destroy", "web")
                let written = try await command("qemu-io", ["-f", "qcow2", "-c", "write -P 0xab 0 1M", disk])
                try #require(written.status == 0)
            }

            func run(_ words: [String], on daemon: PrivateDaemon? = nil) async throws {
                let result = try await limiq(words, on: daemon)
                try #require(result.status == 0, "\(words): \(result.errors)")
            }

            func limiq(_ words: [String], on daemon: PrivateDaemon? = nil) async throws -> CommandResult {
                try await home.start(words + ["--connect", (daemon ?? self.daemon).uri]).result()
            }

            /// - Parameter says: a part of what the refusal must say.
            func expectRefused(
                _ words: [String], on daemon: PrivateDaemon? = nil, says: String...
            ) async throws {
                let result = try await limiq(words, on: daemon)
                #expect(result.status == 1, "\(words): \(result.output)")
                for part in says { #expect(result.errors.contains(part), "\(words): \(result.errors)") }
                try await expectWritten()
            }

            func expectWritten() async throws {
                let read = try await command(
                    "qemu-io", ["-U", "-r", "-f", "qcow2", "-c", "read -P 0xab 0 1M", disk])
                #expect(read.status == 0 && !read.output.contains("failed"), "\(read.output) \(read.errors)")
            }

            @discardableResult
            func virsh(_ words: String...) async throws -> String { try await virsh(words, on: daemon) }

            @discardableResult
            func virsh(_ words: [String], on daemon: PrivateDaemon) async throws -> String {
                let result = try await command("virsh", ["-q", "-c", daemon.uri] + words)
                try #require(result.status == 0, "virsh \(words): \(result.errors)")
                return result.output
            }

            /// Defines what a domain is under another name, as virt-clone does.
            func copy(_ name: String, _ change: (String) -> String = { $0 }) async throws {
                var xml = try await virsh("dumpxml", "--inactive", "web")
                xml.replace("<name>web</name>", with: "<name>\(name)</name>")
                xml.replace(/<uuid>.*<\/uuid>/, with: "<uuid>\(UUID().uuidString.lowercased())</uuid>")
                try await virsh("define", try home.document(name, change(xml)))
            }
        }

        private static func with(_ body: (Site) async throws -> Void) async throws {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let site = try Site(home, daemon)
                    try await site.make()
                    try await body(site)
                }
            }
        }

        @Test func `a clone with its own disk, or the original's, is no machine of limiq's`() async throws {
            try await Self.with { site in
                let own = site.home.path + "/copy.qcow2"
                try FileManager.default.copyItem(atPath: site.disk, toPath: own)
                try await site.copy("copy") { $0.replacing(site.disk, with: own) }
                try await site.copy("twin")
                for name in ["copy", "twin"] {
                    try await site.expectRefused(["rm", name], says: "\(name) ", "is a copy of vm web")
                }
                #expect(try await site.limiq(["list"]).output.contains("copy") == false)
                try await site.expectRefused(["rm", "web"], says: site.disk, "the domain twin")
                try await site.virsh("undefine", "twin")
                // The copy writes its console there, and loses nothing else.
                try await site.run(["rm", "web"])
                #expect(!FileManager.default.fileExists(atPath: site.disk))
                #expect(FileManager.default.fileExists(atPath: own))
                try await site.virsh("start", "copy")
                try await site.virsh("destroy", "copy")
                try await site.virsh("undefine", "copy")
                try await site.run(["gc"])
                #expect(site.home.machines == [])
            }
        }

        @Test func `one that was renamed keeps its disk, and the old script says so`() async throws {
            try await Self.with { site in
                try await site.virsh("domrename", "web", "new")
                try await site.virsh("start", "new")
                let says = "vm web was renamed to new by hand"
                for words in [["plan", site.script], ["run", site.script], ["rm", "web"]] {
                    try await site.expectRefused(words, says: says, "domrename new web")
                }
                try await site.expectRefused(["rm", "new"], says: "is vm web, renamed by hand")
                try await site.run(["gc"])
                try await site.virsh("destroy", "new")
                try await site.virsh("domrename", "new", "web")
                try await site.run(["run", site.script])
                try await site.expectWritten()
            }
        }

        @Test func `one that was undefined is taken up again with its disk, off or running`() async throws {
            try await Self.with { site in
                let uuid = try await site.virsh("domuuid", "web")
                try await site.virsh("undefine", "web")
                try await site.run(["gc"])
                let plan = try await site.limiq(["plan", site.script])
                #expect(plan.status == 2)
                #expect(plan.output.contains("taken up again: its domain is gone, its disks are kept"))
                #expect(plan.output.contains("\(site.disk), as it is"))
                try await site.run(["run", site.script])
                try await site.expectWritten()
                #expect(try await site.virsh("domuuid", "web") == uuid)

                try await site.virsh("undefine", "web")
                let again = try await site.limiq(["plan", site.script])
                #expect(again.status == 2 && again.output.contains("it was undefined while it runs"))
                try await site.run(["run", site.script])
                #expect(try await site.virsh("dominfo", "web").contains(/Persistent: *yes/))
                #expect(try await site.limiq(["plan", site.script]).status == 0)
                try await site.virsh("destroy", "web")
                try await site.run(["run", site.script])
                try await site.expectWritten()
            }
        }

        @Test func `one that was moved to another daemon is left alone from the old one, running or off`()
            async throws
        {
            try await Self.with { site in
                try await PrivateDaemon.with { other in
                    let xml = try await site.virsh("dumpxml", "--inactive", "web")
                    try await site.virsh("undefine", "web")
                    try await site.virsh(["define", try site.home.document("moved", xml)], on: other)
                    for verb in ["start", "destroy"] {
                        try await site.virsh([verb, "web"], on: other)
                        for words in [["rm", "web"], ["run", site.script]] {
                            try await site.expectRefused(words, says: "vm web is on \(other.uri)")
                        }
                        try await site.run(["gc"])
                        try await site.expectWritten()
                    }
                    // Nobody can be asked, and the guest runs.
                    try await site.virsh(["start", "web"], on: other)
                    other.kill()
                    try await site.expectRefused(["rm", "web"], says: site.disk, "qemu-system")
                    try await other.start()
                    try await site.run(["rm", "web"], on: other)
                    #expect(site.home.machines == [])
                }
            }
        }

        @Test func `gc follows no journal and no link out of a machine's folder, and waits for no FIFO`()
            async throws
        {
            try await Self.with { site in
                let home = site.home
                let precious = try home.document("precious", "precious")
                func put(_ name: String, _ journal: String) throws {
                    try FileManager.default.createDirectory(
                        atPath: "\(home.path)/vms/\(name)", withIntermediateDirectories: true)
                    try journal.write(
                        toFile: "\(home.path)/vms/\(name)/making.json", atomically: false, encoding: .utf8)
                }
                let head = #"{"machine":"evil","uri":"\#(site.daemon.uri)","files":"#
                try put("evil", #"\#(head)["\#(precious)","\#(home.path)/vms/evil/../../precious"]}"#)
                try put("other", #"{"machine":"../precious","uri":"\#(site.daemon.uri)","files":[]}"#)
                try FileManager.default.createDirectory(
                    atPath: home.path + "/vms/waiting", withIntermediateDirectories: true)
                for name in ["waiting/making.json", "waiting/made.json", ".fifo.lock"] {
                    try #require(mkfifo("\(home.path)/vms/\(name)", 0o600) == 0)
                }
                try FileManager.default.createSymbolicLink(
                    atPath: home.path + "/vms/.y1.lock", withDestinationPath: precious)
                try FileManager.default.createSymbolicLink(
                    atPath: home.path + "/vms/link", withDestinationPath: site.folder)
                for words in [["gc", "--dry-run"], ["gc"]] {
                    let result = try await site.limiq(words)
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(result.errors.contains("vms/link is a link"))
                }
                for name in ["y1", "fifo", "link", "waiting"] {
                    #expect(try await site.limiq(["rm", name]).status == 1)
                }
                #expect(fileText(precious) == "precious")
                try await site.expectWritten()
                // What was of the journal's own folder is gone.
                #expect(!home.machines.contains("evil"))
            }
        }

        @Test func `a rolling replacement with a spec that cannot be made removes nothing`() async throws {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let script = try home.script(
                        "rolling",
                        """
                        local limiq = require "limiq"
                        local p = limiq.params { go = false }
                        local fleet = limiq.fleet { name = "web", count = 3, spec = function(i)
                            local disk = { size = "1GiB" }
                            if p.go and i == 2 then disk = { backing_file = "/nonexistent.qcow2" } end
                            return { memory = p.go and "72MiB" or "64MiB", disks = { disk } }
                        end }
                        if not p.go then return fleet:up { wait = "running" } end
                        local ok, e = pcall(fleet.rolling, fleet, { wait = "running" })
                        print(ok, tostring(e))
                        for _, vm in ipairs(fleet:members()) do print(vm.name, vm:state()) end
                        """)
                    #expect(try await home.limiq("run", script).status == 0)
                    let uuids = try await daemon.virsh("list", "--uuid").output
                    let result = try await home.limiq("run", script, "--set", "go=true")
                    #expect(result.output.contains("web-02 cannot be made, and nothing was replaced"))
                    #expect(result.output.contains("/nonexistent.qcow2"), "\(result.output)")
                    for name in ["web-01", "web-02", "web-03"] {
                        #expect(result.output.contains("\(name)\trunning"))
                    }
                    #expect(try await daemon.virsh("list", "--uuid").output == uuids)
                }
            }
        }
    }
}

extension Home {
    /// Writes a file into this folder and returns its path.
    fileprivate func document(_ name: String, _ text: String) throws -> String {
        let path = "\(self.path)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
