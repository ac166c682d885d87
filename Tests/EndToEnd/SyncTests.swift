import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite(.serialized) struct `In a booted guest a folder is kept in step` {
        private static let exclude = [
            "--exclude", "node_modules", "--exclude", "/build/", "--exclude", "*.log",
        ]

        /// A folder of this host in the test's own, with names, links and modes as people have them.
        private func makeSite(_ name: String) async throws -> (
            guest: BootedGuest, here: String, there: String
        ) {
            let guest = try await BootedGuest.shared()
            let here = "\(guest.home.path)/\(name)"
            let made = try await command(
                "sh",
                [
                    "-ec",
                    """
                    mkdir -p "$1/sub/two words" "$1/node_modules/m" "$1/build" "$1/empty" && cd "$1"
                    echo 1 >a && echo 2 >"sub/two words/é" && echo 3 >.hidden && echo 4 >-rf && chmod 600 -- -rf
                    echo 5 >x.log && echo 6 >node_modules/m/x && echo 7 >build/x && ln -s a link && ln -s . sub/loop
                    chmod 750 sub
                    """, "sh", here,
                ])
            try #require(made.status == 0, "\(made)")
            let there = "/home/admin/\(name)"
            _ = try await guest.shell("rm -rf \(there)")
            return (guest, here, there)
        }

        private func sync(_ guest: BootedGuest, _ words: String...) async throws -> CommandResult {
            try await guest.home.start(["sync"] + words).result()
        }

        /// What is in the guest's folder, with its modes.
        private func list(_ guest: BootedGuest, _ folder: String) async throws -> [String] {
            try await guest.shell(
                "cd '\(folder)' && find . ! -name . -printf '%P %m %u %l\\n' | LC_ALL=C sort"
            )
            .map { $0.trimmingCharacters(in: .whitespaces) }
        }

        private func expectInStep(_ name: String) async throws {
            let (guest, here, there) = try await makeSite(name)
            func sync(_ more: String...) async throws -> String {
                let result = try await guest.home.start(
                    ["sync"] + Self.exclude + more + [name, "guest:\(there)"]
                ).result()
                #expect(result.status == 0 && result.output.isEmpty, "\(result)")
                return result.errors
            }
            #expect(try await sync() == "guest: 6 sent, 0 removed\n")
            let whole = [
                "-rf 600 admin", ".hidden 644 admin", "a 644 admin", "empty 755 admin", "link 777 admin a",
                "sub 750 admin", "sub/loop 777 admin .", "sub/two words 755 admin",
                "sub/two words/é 644 admin",
            ]
            #expect(try await list(guest, there) == whole)
            #expect(try await sync() == "guest: 0 sent, 0 removed\n", "it is the same already")

            // In the guest: what is only there, what is left out, and a folder in the place of a file.
            _ = try await guest.shell(
                "cd \(there) && mkdir -p old/x node_modules/own a.d && touch old/x/y own.log && rm a && mkdir a && chown -R admin ."
            )
            try "22".write(toFile: here + "/.hidden", atomically: true, encoding: .utf8)
            let inTheWay = try await self.sync(guest, name, "guest:\(there)")
            #expect(
                inTheWay.status == 1 && inTheWay.errors.contains("\(there)/a is a folder of the guest"),
                "\(inTheWay.errors)")
            #expect(try await sync("--delete") == "guest: 2 sent, 3 removed\n")
            #expect(
                try await list(guest, there)
                    == (whole + ["node_modules 755 admin", "node_modules/own 755 admin", "own.log 644 admin"])
                    .sorted {
                        $0.utf8.lexicographicallyPrecedes($1.utf8)
                    })
            #expect(try await guest.shell("cat \(there)/.hidden") == ["22"])
        }

        @Test func `has what is here, no more and no less, by tar through ssh`() async throws {
            let guest = try await BootedGuest.shared()
            try #require(try await guest.shell("command -v rsync || echo none") == ["none"])
            try await expectInStep("by-tar")
        }

        @Test func `through the agent alone, where no ssh server answers`() async throws {
            let (guest, _, _) = try await makeSite("by-agent")
            let lines = try await guest.run(
                """
                guest:exec { "systemctl", "stop", "ssh" }
                local _ <close> = setmetatable({}, {
                    __close = function() guest:exec { "systemctl", "start", "ssh" } end,
                })
                guest:exec { "rm", "-rf", "/srv/by-agent" }
                local options = { delete = true, exclude = { "node_modules", "/build/", "*.log" } }
                local function sync() return vm:sync("by-agent", "/srv/by-agent", options) end
                show(sync().sent, sync().sent)
                guest:exec { "sh", "-c", "cd /srv/by-agent && mkdir gone && touch gone/x kept.log && chmod 600 a" }
                show(sync().removed)
                io.write(guest:exec({ "sh", "-c", "cd /srv/by-agent && stat -c '%U %a' a -- -rf && find . | wc -l" }).stdout)
                limiq.host.run { "truncate", "--size", "49MiB", "by-agent/large" }
                local _, e = limiq.try(sync)
                show(e.code, e.message:find("larger than the 48 MiB", 1, true) ~= nil)
                limiq.host.run { "rm", "by-agent/large" }
                """)
            #expect(
                lines == ["6", "0", "1", "root 644", "root 600", "11", #""host_not_able""#, "true"],
                "\(lines)")
        }

        @Test func `refuses what is no folder, and tells what goes wrong in the guest`() async throws {
            let (guest, _, there) = try await makeSite("refused")
            let lines = try await guest.run(
                #"""
                local function refused(from, to, options)
                    local _, e = limiq.try(function() vm:sync(from, to, options) end)
                    show(e.code)
                end
                refused("nowhere", "/srv/x")
                refused("test.lua", "/srv/x")
                refused("refused", "srv")
                refused("refused", "/")
                refused("refused", "/usr/./lib", { delete = true })
                refused("refused", "/srv/x", { exclude = { "" } })
                refused("refused", "/etc/hostname")
                -- A link of the guest's to a folder of the system's.
                guest:exec { "ln", "-sfn", "/etc", "/home/admin/link" }
                refused("refused", "/home/admin/link", { delete = true })
                """#)
            #expect(
                lines == [
                    #""not_found""#, #""bad_field""#, #""bad_field""#, #""bad_field""#, #""bad_field""#,
                    #""bad_field""#, #""bad_field""#, #""bad_field""#,
                ])
            let closed = try await sync(guest, "refused", "guest:/usr/share/x")
            #expect(closed.status == 1 && closed.errors.contains("Permission denied"), "\(closed.errors)")
            _ = try await guest.shell(
                "mkdir -p \(there) && mountpoint -q \(there) || mount -t tmpfs -o size=64k,mode=777 small \(there)"
            )
            let large = try await command(
                "dd", ["if=/dev/urandom", "of=\(guest.home.path)/refused/large", "bs=1M", "count=2"])
            #expect(large.status == 0)
            let full = try await sync(guest, "refused", "guest:\(there)")
            #expect(full.status == 1 && full.errors.contains("No space left on device"), "\(full.errors)")
            let left = try await guest.shell("ls -A \(there) | grep -c limiq; umount \(there)")
            #expect(left == ["0"], "what had arrived is gone")
        }

        @Test func `follows each change, never shows half a file, and waits for a guest that restarts`()
            async throws
        {
            let (guest, here, there) = try await makeSite("watched")
            let watch = try guest.home.start(
                ["sync", "--watch", "--delete"] + Self.exclude + ["watched", "guest:\(there)"])
            /// What a shell in the guest says at last.
            func expect(_ shell: String, _ wanted: [String], _ comment: Comment) async throws {
                var said: [String] = []
                for _ in 0..<60 {
                    said = (try? await guest.shell("cd \(there) && { \(shell); }")) ?? []
                    if said == wanted { return }
                    try await Task.sleep(for: .milliseconds(500))
                }
                #expect(said == wanted, comment)
            }
            try await expect("cat a", ["1"], "all of it at first")

            // Whoever reads meanwhile has all lines of one kind.
            _ = try await guest.shell(
                """
                cat >/tmp/reader <<'END'
                for i in $(seq 3000); do
                    sort -u \(there)/whole 2>/dev/null >/tmp/kinds; wc -l <\(there)/whole 2>/dev/null >>/tmp/kinds
                    [ "$(wc -l </tmp/kinds)" = 2 ] && ! grep -qx 20000 /tmp/kinds && cat /tmp/kinds >>/tmp/halves
                done
                END
                rm -f /tmp/halves; nohup sh /tmp/reader >/dev/null 2>&1 & echo $! >/tmp/reader.pid
                """)
            for kind in ["one", "two", "three", "four"] {
                let text = String(repeating: "\(kind)\n", count: 20000)
                try text.write(toFile: here + "/whole", atomically: true, encoding: .utf8)
                try await expect("uniq whole", [kind], "a file that is written anew")
            }
            _ = try await guest.shell("kill $(cat /tmp/reader.pid); true")
            #expect(try await guest.shell("cat /tmp/halves 2>/dev/null; true").isEmpty)

            let changed = try await command(
                "sh",
                [
                    "-ec",
                    """
                    cd "$1" && mkdir -p new/deep && echo in >new/deep/file && rm -r sub && mv .hidden shown
                    echo no >new/no.log && echo no >node_modules/no && rm a && mkdir a && echo inner >a/inner
                    """, "sh", here,
                ])
            #expect(changed.status == 0, "\(changed.errors)")
            try await expect(
                "find . ! -name . ! -type d -printf '%P\\n' | LC_ALL=C sort",
                ["-rf", "a/inner", "link", "new/deep/file", "shown", "whole"], "folders that come and go")
            try "late".write(toFile: here + "/new/deep/late", atomically: true, encoding: .utf8)
            try await expect("cat new/deep/late", ["late"], "a folder that is new is watched")

            _ = try await guest.run(#"guest:reboot()"#)
            try "meanwhile".write(toFile: here + "/during", atomically: true, encoding: .utf8)
            _ = try await guest.run(#"guest:wait("ssh", { timeout = "10m" })"#)
            try await expect("cat during", ["meanwhile"], "what changed while the guest was away")
            try await expect("ls -A | grep -c limiq-sync || true", ["0"], "nothing is left beside")

            watch.signal(SIGINT)
            let end = await watch.result()
            #expect(end.status == 130, "\(end)")
            #expect(end.errors.contains("guest: 6 sent, 0 removed\n"), "\(end.errors)")
        }

        @Test func `is a task of a script, that ends at once when it is cancelled`() async throws {
            let (guest, _, there) = try await makeSite("task")
            let lines = try await guest.run(
                #"""
                local there = limiq.args[1]
                local function watch() vm:sync("task", there, { watch = true }) end
                local task = limiq.spawn(watch)
                limiq.retry({ times = 60, delay = "500ms" }, function() guest:exec { "test", "-e", there .. "/a" } end)
                limiq.file.write("task/later", "2")
                limiq.retry({ times = 60, delay = "500ms" }, function() guest:exec { "test", "-e", there .. "/later" } end)
                local function seconds() return tonumber(limiq.host.run({ "cat", "/proc/uptime" }).stdout:match "^[%d.]+") end
                local began = seconds()
                task:cancel()
                local _, e = limiq.try(function() task:join() end)
                show(e.code, seconds() - began < 5)
                local _, late = limiq.try(function() limiq.timeout("3s", watch) end)
                show(late.code)
                """#, there)
            #expect(lines == [#""cancelled""#, "true", #""timeout""#])
        }

        @Test func `needs fewer folders than this machine watches, or it says what to do`() async throws {
            let (guest, _, there) = try await makeSite("many")
            // A limit of its own, as root of a namespace of its own.
            let few = ["unshare", "--user", "--map-root-user", "sh", "-ec"]
            let script = "echo 3 >/proc/sys/user/max_inotify_watches; exec \"$@\""
            let possible = try await command("unshare", ["--user", "--map-root-user", "true"])
            try #require(possible.status == 0, "\(possible.errors)")
            let result = try await guest.home.start(
                ["sync", "--watch", "many", "guest:\(there)"], under: few + [script, "sh"]
            ).result()
            #expect(result.status == 3, "\(result)")
            #expect(
                result.errors.contains("hint: sudo sysctl fs.inotify.max_user_watches="), "\(result.errors)")
        }
    }
}
