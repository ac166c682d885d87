import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `A person gets into a booted guest` {
        @Test func `by ssh, and by exec with words, variables, folder and exit code as they are`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            let ssh = try await guest.home.limiq("ssh", BootedGuest.name, "--", "id -un; exit", "5")
            #expect(ssh.status == 5 && ssh.output == "admin\n", "\(ssh)")
            let exec = try await guest.home.limiq(
                "exec", BootedGuest.name, "--env", "A=it's $HOME", "--cwd", "/etc", "--",
                "sh", "-c", #"pwd; printf '%s|' "$A" "$@"; echo oops >&2; exit 7"#, "sh", "two words", "*", ""
            )
            #expect(exec.status == 7 && exec.output == "/etc\nit's $HOME|two words|*||", "\(exec)")
            #expect(exec.errors == "oops\n")
            let missing = try await guest.home.limiq("exec", BootedGuest.name, "--", "no-such-program")
            #expect(missing.status == 127, "\(missing)")
        }

        @Test func `and copies folders in and out, links, modes and odd names included`() async throws {
            let guest = try await BootedGuest.shared()
            let home = guest.home
            let made = try await command(
                "sh",
                [
                    "-c",
                    """
                    mkdir -p site/sub site/empty && echo 1 >site/f && chmod 600 site/f && chmod 751 site/sub
                    ln -s f site/link && ln -s nowhere site/broken && echo 2 >"site/sub/a b'c*" && echo 3 >site/.hidden
                    """,
                ], folder: home.path)
            try #require(made.status == 0, "\(made)")
            _ = try await guest.shell("rm -rf /tmp/site /tmp/there")
            for words in [
                ["cp", "-r", "site", "guest:/tmp/site"], ["cp", "-r", "guest:/tmp/site", "back"],
                // The same again, into what is there.
                ["cp", "-r", "site/.", "guest:/tmp/site"], ["cp", "-r", "site", "guest:/tmp/site/"],
                ["cp", "-r", "guest:/tmp/site/site/.", "again"],
                ["cp", "guest:/etc/hostname", "guest:/tmp/site/f", "again"],
            ] {
                let copy = try await home.start(words).result()
                #expect(copy.status == 0 && copy.output.isEmpty && copy.errors.isEmpty, "\(words) \(copy)")
            }
            for folder in ["back", "again"] {
                let same = try await command(
                    "diff", ["-r", "--no-dereference", "-x", "hostname", "site", folder], folder: home.path)
                #expect(same.status == 0, "\(same.output)")
                let modes = try await command(
                    "stat", ["-c", "%a", "\(folder)/f", "\(folder)/sub"], folder: home.path)
                #expect(modes.lines == ["600", "751"])
            }
            #expect(
                try await guest.shell("cat /etc/hostname") == [
                    fileText("\(home.path)/again/hostname").trimmingCharacters(in: .newlines)
                ])
            let folder = try await home.limiq("cp", "site", "guest:/tmp")
            #expect(folder.status == 1 && folder.errors.contains("hint: -r"), "\(folder.errors)")
            let closed = try await home.limiq("cp", "guest:/etc/shadow", ".")
            #expect(closed.status == 1 && closed.errors.contains("Permission denied"), "\(closed.errors)")
        }

        @Test func `from a script: by ssh as the user, by the agent as root, with lines as they come`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            try FileManager.default.createDirectory(
                atPath: guest.home.path + "/pages/sub", withIntermediateDirectories: true)
            try Data("1\n".utf8).write(to: URL(fileURLWithPath: guest.home.path + "/pages/a"))
            try Data("2\n".utf8).write(to: URL(fileURLWithPath: guest.home.path + "/pages/sub/b.tmp"))
            for user in ["nil", #""admin""#] {
                let lines = try await guest.run(
                    #"""
                    local lines = {}
                    local result = guest:exec {
                        "sh", "-c", "echo one; sleep 1; echo $A >&2; pwd; printf end; exit 3", check = false,
                        env = { A = "two words" }, cwd = "/tmp", user = \#(user),
                        on_output = function(line) lines[#lines + 1] = line end,
                    }
                    show(result.code, result.stdout, result.stderr)
                    table.sort(lines)
                    show(table.concat(lines, "|"))
                    local _, e = limiq.try(function()
                        guest:exec { "sh", "-c", "echo 1; sleep 600", user = \#(user), on_output = function() error "enough" end }
                    end)
                    show(tostring(e):find("enough", 1, true) ~= nil)
                    """#)
                #expect(
                    lines == [
                        "3", #""one\n/tmp\nend""#, #""two words\n""#, #""/tmp|end|one|two words""#,
                        "true",
                    ])
            }
            let copied = try await guest.run(
                """
                guest:exec { "rm", "-rf", "/tmp/pages" }
                for _ = 1, 2 do vm:copy_in("pages/.", "/tmp/pages", { exclude = { "*.tmp" } }) end
                io.write(guest:exec({ "sh", "-c", "cd /tmp/pages && find . -printf '%P %u\\\\n' | sort" }).stdout)
                vm:copy_out("/tmp/pages/.", "out")
                print(limiq.file.read "out/a")
                local words = vm:ssh_command()
                words[#words + 1] = "uname -s"
                io.write(limiq.host.run(words).stdout)
                """)
            #expect(copied == [" admin", "a admin", "sub admin", "1", "Linux"])
        }

        @Test func `through the agent alone, where no ssh server answers`() async throws {
            let guest = try await BootedGuest.shared()
            try FileManager.default.createDirectory(
                atPath: guest.home.path + "/sent", withIntermediateDirectories: true)
            let lines = try await guest.run(
                """
                guest:exec { "systemctl", "stop", "ssh" }
                local _ <close> = setmetatable({}, {
                    __close = function() guest:exec { "systemctl", "start", "ssh" } end,
                })
                limiq.file.write("sent/a b", "1")
                guest:exec { "rm", "-rf", "/tmp/sent" }
                guest:copy_in("sent", "/tmp/sent")
                guest:copy_in("sent/a b", "/tmp/sent/c")
                io.write(guest:exec({ "sh", "-c", "cd /tmp/sent && find . | sort && stat -c %U c" }).stdout)
                guest:exec { "chmod", "4755", "/tmp/sent/c" }
                guest:copy_out("/tmp/sent/.", "got")
                guest:copy_out("/etc/shadow", "got")
                print(limiq.file.read "got/a b", limiq.file.read "got/c", #limiq.file.read "got/shadow" > 0)
                """)
            #expect(lines == [".", "./a b", "./c", "root", "1\t1\ttrue"])
            let mode = try await command("stat", ["-c", "%a", "got/c"], folder: guest.home.path)
            #expect(mode.output == "755\n", "a guest gives nobody here another's rights")
        }

        @Test func `with ssh's own programs and Ansible, at the first contact`() async throws {
            let guest = try await BootedGuest.shared()
            let home = guest.home
            let config = try await home.limiq("ssh-config")
            try config.output.write(toFile: home.path + "/ssh.conf", atomically: true, encoding: .utf8)
            let ssh = try await command(
                "ssh", ["-F", "ssh.conf", "-o", "BatchMode=yes", BootedGuest.name, "id", "-un"],
                folder: home.path)
            #expect(ssh.output == "admin\n", "\(ssh) \(config)")

            let inventory = try await home.limiq("inventory")
            try inventory.output.write(
                toFile: home.path + "/inventory.json", atomically: true, encoding: .utf8)
            let program = home.path + "/inventory"
            let list = try await home.limiq("inventory", "--list")
            try list.output.write(toFile: home.path + "/list.json", atomically: true, encoding: .utf8)
            try "#!/bin/sh\ncat '\(home.path)/list.json'\n".write(
                toFile: program, atomically: true, encoding: .utf8)
            chmod(program, 0o755)
            // A pipe, of which Ansible loses the beginning; a file; a program.
            let pipe = "{ printf '%8192s\\n' ''; cat inventory.json; }"
            for line in [
                "ansible -i inventory.json all -m ping", "ansible -i ./inventory all -m ping",
                "ansible -i <(\(pipe)) all -m ping",
            ] {
                let ping = try await command(
                    "bash", ["-c", line],
                    environment: ["HOME": home.path, "ANSIBLE_HOME": home.path + "/.ansible"],
                    folder: home.path)
                #expect(ping.status == 0 && ping.output.contains("guest | SUCCESS"), "\(line)\n\(ping)")
            }
        }
    }
}
