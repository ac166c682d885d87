import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite(
        .enabled(
            if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
    struct `Images that are made once` {
        private static let recipe = """
            local limiq = require "limiq"
            local base = limiq.image.bake {
                name = "base", from = "debian-12", memory = "512MiB",
                cloud_init = { user_data = { write_files = { { path = "/etc/recipe", content = "written" } } } },
                run = function(vm) vm:exec { "sh", "-c", "echo run >/etc/run-by-the-script" } end,
            }
            """

        /// Two runs at once make it once, here, though one of them is for another host. That one gets the image once.
        private func bake(_ home: Home, for host: RemoteHost) async throws -> String {
            let script = try home.script("bake", Self.recipe + "\nprint(base)\n")
            let elsewhere = try home.start(["run", "--connect", host.uri, script])
            let deadline = ContinuousClock.now + .seconds(60)
            while home.guests.isEmpty, .now < deadline { try await Task.sleep(for: .milliseconds(50)) }
            let results = try await [home.limiq("run", script), elsewhere.result()]
            #expect(results.map(\.status) == [0, 0], "\(results.map(\.errors))")
            #expect(results[0].output == results[1].output, "both have the same image")
            let sealed = results.filter { $0.errors.contains(": seal") }
            #expect(sealed.count == 1, "one of them has made it: \(results.map(\.errors))")
            #expect(home.machines == [], "the machine it was made of is gone")
            #expect(host.processes(with: "guest=").isEmpty && host.volumes.isEmpty, "\(host.volumes)")
            let image = results[0].output.trimmingCharacters(in: .whitespacesAndNewlines)
            let machines = try home.script(
                "elsewhere",
                Self.recipe + """
                    for _, name in ipairs { "far-1", "far-2" } do
                        limiq.vm { name = name, disks = { { backing_file = base } }, nics = {} }:up { start = false }
                    end
                    """)
            let there = try await home.limiq("run", "--connect", host.uri, machines)
            #expect(there.status == 0, "\(there.errors)")
            let name = try #require(image.split(separator: "/").last?.split(separator: "@").first)
            #expect(host.volumes.filter { $0.hasPrefix("\(name)") }.count == 1, "once: \(host.volumes)")
            let gone = try await home.limiq("rm", "--connect", host.uri, "far-1", "far-2")
            #expect(gone.status == 0, "\(gone.errors)")
            return image
        }

        @Test func `are there the next time, and machines that go on from one are machines of their own`()
            async throws
        {
            try await Self.withHost { home, host in
                try await home.linkImage("debian-12")
                let image = try await bake(home, for: host)
                #expect(image.hasPrefix("\(home.path)/cloud-images/base@"))
                let info = try await command("qemu-img", ["info", image])
                #expect(!info.output.contains("backing file"), "it is one file: \(info.output)")
                #expect(
                    try await home.limiq("plan", home.path + "/bake.lua").status == 0,
                    "the same call is an image that is there")

                let warm =
                    Self.recipe + """
                        local warm = limiq.warm {
                            name = "warm", from = base, memory = "512MiB",
                            run = function(vm)
                                vm:exec { "bash", "-c", [[
                                exec 3<>/dev/tcp/$(hostname -I | cut -d " " -f 1)/22
                                setsid sleep 1000 <&3 >/dev/null 2>&1 &
                                ]] }
                                assert(vm:exec { "ss", "-Htn", "state", "established", "dport = :22" }.stdout ~= "")
                            end,
                        }

                        """
                let made = try await home.limiq("run", home.script("warm", warm))
                #expect(made.status == 0, "\(made.errors)")
                try await compare(home, warm)
                try await restart(home, warm)
                try await configure(home, warm)
                try await protect(home)
            }
        }

        private static func withHost(_ body: (Home, RemoteHost) async throws -> Void) async throws {
            try await RemoteHost.with(1) { hosts in try await Home.with { try await body($0, hosts[0]) } }
        }

        /// Four at once, and what tells one guest from another.
        private func compare(_ home: Home, _ warm: String) async throws {
            let script = try home.script(
                "four",
                warm + #"""
                    local asked = [[
                    cat /etc/machine-id /proc/sys/kernel/random/boot_id /etc/hostname /etc/ssh/ssh_host_ed25519_key.pub
                    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; echo
                    cat /sys/class/net/e*/address
                    grep -h CLIENTID /run/systemd/netif/leases/*
                    date +%s; cat /etc/recipe /etc/run-by-the-script
                    ]]
                    limiq.each({ "w-1", "w-2", "w-3", "w-4" }, function(name)
                        local vm = limiq.vm { name = name, warm = warm }
                        local report = vm:up()
                        local before = os.time()
                        local clock = tonumber(vm:exec { "date", "+%s" }.stdout)
                        assert(clock >= before - 1 and clock <= os.time() + 1, name .. "'s clock is wrong: " .. clock - before)
                        local held = vm:exec { "ss", "-Htn", "state", "established", "dport = :22" }.stdout
                        assert(held == "", "what was connected at the save is not any more: " .. held)
                        limiq.file.write(name .. ".id", vm:exec { "sh", "-c", asked }.stdout)
                        limiq.file.write(name .. ".port", vm:forward(22))
                    end)
                    """#)
            let run = try await home.limiq("run", script)
            #expect(run.status == 0, "\(run.errors)")
            let guests = try (1...4).map { number in
                try String(contentsOfFile: "\(home.path)/w-\(number).id", encoding: .utf8).split(
                    separator: "\n"
                ).map(String.init)
            }
            for (number, words) in guests.enumerated() {
                try #require(words.count >= 9, "\(words)")
                #expect(words[2] == "w-\(number + 1)")
                #expect(words.suffix(1) == ["writtenrun"], "it has what was baked: \(words)")
            }
            for (place, what) in [
                (0, "machine-id"), (1, "boot id"), (3, "ssh host key"), (4, "random number"),
                (5, "MAC address"),
                (6, "DHCP client id"),
            ] {
                #expect(
                    Set(guests.map { $0[place] }).count == 4,
                    "each has a \(what) of its own: \(guests.map { $0[place] })")
            }
            let again = try await home.limiq("run", "--json", script)
            #expect(
                !again.output.contains(#""changed":true"#), "a second run changes nothing: \(again.output)")

            // The forwarded port leads to the guest, which has the key that limiq knows of.
            let port = try String(contentsOfFile: "\(home.path)/w-1.port", encoding: .utf8).split(
                separator: ":")[1]
            let keys = try await command(
                "ssh-keyscan", ["-t", "ed25519", "-T", "60", "-p", String(port), "127.0.0.1"])
            let key = guests[0][3].split(separator: " ")[1]
            #expect(keys.output.contains(key), "\(keys.output) \(keys.errors)")
            for name in ["w-2", "w-3", "w-4"] { #expect(try await home.limiq("rm", name).status == 0) }
        }

        /// A guest that boots again stays who it is.
        private func restart(_ home: Home, _ warm: String) async throws {
            let script = try home.script(
                "again",
                warm + #"""
                    local vm = limiq.vm { name = "w-1", warm = warm }
                    vm:reboot()
                    vm:wait "agent"
                    limiq.retry({ times = 60, delay = "1s" }, function() assert(vm:address()) end)
                    limiq.file.write("w-1.again", vm:exec { "sh", "-c", [[
                    cat /etc/machine-id /etc/hostname /etc/ssh/ssh_host_ed25519_key.pub
                    ]] }.stdout)
                    """#)
            let run = try await home.limiq("run", script)
            #expect(run.status == 0, "\(run.errors)")
            let before = try String(contentsOfFile: "\(home.path)/w-1.id", encoding: .utf8).split(
                separator: "\n")
            let after = try String(contentsOfFile: "\(home.path)/w-1.again", encoding: .utf8).split(
                separator: "\n")
            #expect(after == [before[0], before[2], before[3]])
            try await clone(home)
            #expect(try await home.limiq("rm", "w-1").status == 0)
        }

        /// A clone of a machine that runs has what that holds, and is another.
        private func clone(_ home: Home) async throws {
            let script = try home.script(
                "clone",
                #"""
                local limiq = require "limiq"
                local source = limiq.domain.get "w-1"
                source:exec { "sh", "-c", "echo mine >/root/data; sync" }
                local clone = source:clone { name = "w-7" }
                local asked = [[
                cat /root/data /etc/machine-id /etc/hostname /etc/ssh/ssh_host_ed25519_key.pub /sys/class/net/e*/address
                grep -q "w-7\|w-1" /etc/hosts && cat /etc/recipe
                ]]
                for _, machine in ipairs { source, clone } do
                    limiq.file.write(machine.name .. ".clone", machine:exec { "sh", "-c", asked }.stdout)
                end
                """#)
            let run = try await home.limiq("run", script)
            #expect(run.status == 0, "\(run.errors)")
            let guests = try ["w-1", "w-7"].map {
                try String(contentsOfFile: "\(home.path)/\($0).clone", encoding: .utf8).split(separator: "\n")
            }
            for words in guests { try #require(words.count == 6 && words[0] == "mine", "\(words)") }
            #expect(guests.map { String($0[2]) } == ["w-1", "w-7"])
            for (place, what) in [(1, "machine-id"), (3, "ssh host key"), (4, "MAC address")] {
                #expect(guests[0][place] != guests[1][place], "each has a \(what) of its own")
            }
            #expect(home.machines == ["w-1", "w-7"], "the machine that sealed it is gone")
            let images = try await home.limiq("image", "list", "--json")
            #expect(images.output.contains("w-7@") && !images.output.contains("unsealed"), "\(images.output)")
            let again = try await home.limiq("clone", "w-1", "w-7")
            #expect(again.output == "w-7\n" && !again.errors.contains("seal"), "\(again.errors)")
            #expect(try await home.limiq("rm", "w-7").status == 0)
        }

        /// One with a cloud-init of its own has what that says, and one of another size boots and says why.
        private func configure(_ home: Home, _ warm: String) async throws {
            let script = try home.script(
                "own",
                warm + #"""
                    local recipes = require "limiq.recipes"
                    local vm = limiq.vm {
                        name = "w-5", warm = warm,
                        cloud_init = recipes.compose { recipes.admin { name = "ann", ssh_authorized_keys = limiq.ssh_keys() } },
                    }
                    vm:up()
                    limiq.file.write("w-5.id", vm:exec { "id", "ann" }.stdout)
                    limiq.vm { name = "w-6", warm = warm, memory = "640MiB" }:up { wait = "running" }
                    """#)
            let run = try await home.limiq("run", script)
            #expect(run.status == 0, "\(run.errors)")
            #expect(try String(contentsOfFile: "\(home.path)/w-5.id", encoding: .utf8).contains("(ann)"))
            let word = try await home.limiq("ssh", "w-5", "--", "hostname")
            #expect(word.output == "w-5\n", "\(word.errors)")
            #expect(
                run.errors.contains("w-6 boots, and does not go on from")
                    && run.errors.contains("it has 512 MiB of memory, and the spec says 640"), "\(run.errors)"
            )
            let disk = try await command("qemu-img", ["info", "-U", "\(home.path)/vms/w-6/boot.qcow2"])
            #expect(
                disk.output.contains("/base@"),
                "it does not boot from the disk of a guest that was running: \(disk.output)")
            #expect(try await home.limiq("plan", script).status == 2, "only what the script runs is left")
        }

        /// An image that machines stand on is not removed, and with it goes its memory.
        private func protect(_ home: Home) async throws {
            let images = try await home.limiq("image", "list", "--json")
            #expect(images.status == 0, "\(images.errors)")
            let name = try #require(images.output.firstMatch(of: #/"(warm@[0-9a-f]+)"/#)?.output.1)
            let refused = try await home.limiq("image", "rm", String(name))
            #expect(refused.status == 1)
            #expect(refused.errors.contains("w-5"), "\(refused.errors)")
            #expect(try await home.limiq("rm", "w-5", "w-6").status == 0)
            #expect(try await home.limiq("image", "rm", String(name)).status == 0)
            #expect(!FileManager.default.fileExists(atPath: "\(home.path)/cloud-images/.warm/\(name)"))
        }

        @Test func `keep machines with UEFI on a network of limiq's, each with its own address there`()
            async throws
        {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let script = try home.script(
                    "network",
                    #"""
                    local limiq = require "limiq"
                    local lab = limiq.network { name = "warm", cidr = "10.93.7.0/24", domain = "warm.internal" }
                    local warm = limiq.warm {
                        name = "uefi", from = "debian-12", memory = "512MiB", firmware = "uefi",
                        nics = { { network = lab } },
                    }
                    local names = { "n-1", "n-2" }
                    local machines = limiq.each(names, function(name)
                        local vm = limiq.vm { name = name, warm = warm, nics = { { network = lab } } }
                        vm:up()
                        return vm
                    end)
                    for index, vm in ipairs(machines) do
                        local other = names[3 - index]
                        local asked = "test -d /sys/firmware/efi; ip -4 -br address show up scope global; ping -c 1 -W 20 " .. other
                        print(vm:address(), (vm:exec { "sh", "-ec", asked }.stdout:gsub("\n", " ")))
                    end
                    """#)
                let run = try await home.limiq("run", script)
                #expect(run.status == 0, "\(run.errors)")
                let lines = run.lines
                try #require(lines.count == 2, "\(run.output)")
                for line in lines {
                    let address = try #require(line.split(separator: "\t").first)
                    #expect(
                        line.contains("\(address)/24"), "the guest has the address it is known by: \(line)")
                    #expect(line.contains("1 received"), "it reaches the other by its name: \(line)")
                }
                #expect(Set(lines.map { $0.split(separator: "\t")[0] }).count == 2)
                #expect(!run.errors.contains("n-1: cloud-init"), "nothing is run again: \(run.errors)")
                try await kill(home, script)
                #expect(try await home.limiq("rm", "n-1", "n-2").status == 0)
                #expect(try await home.limiq("network", "rm", "warm").status == 0)
            }
        }

        /// What a run leaves that is killed while its machine is not one of its own yet is made anew.
        private func kill(_ home: Home, _ script: String) async throws {
            #expect(try await home.limiq("rm", "n-2").status == 0)
            let run = try home.start(["run", script])
            let mark = home.path + "/vms/n-2/warm-start"
            let deadline = ContinuousClock.now + .seconds(60)
            while !FileManager.default.fileExists(atPath: mark), .now < deadline {
                try await Task.sleep(for: .milliseconds(10))
            }
            run.signal(SIGKILL)
            _ = await run.result()
            let again = try await home.limiq("run", script)
            #expect(again.status == 0, "\(again.errors)")
            #expect(again.lines.count == 2, "\(again.output)")
            #expect(!FileManager.default.fileExists(atPath: mark))
        }

        @Test func `leave nothing of a run that was killed in the middle`() async throws {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let script = try home.script("bake", Self.recipe)
                let run = try home.start(["run", script])
                let deadline = ContinuousClock.now + .seconds(120)
                while home.guests.isEmpty, .now < deadline { try await Task.sleep(for: .milliseconds(50)) }
                run.signal(SIGKILL)
                _ = await run.result()
                #expect(home.machines.count == 1)
                let gc = try await home.limiq("gc")
                #expect(gc.status == 0, "\(gc.errors)")
                #expect(home.machines == [])
                let images = try await home.limiq("image", "list")
                #expect(!images.output.contains("base"), "\(images.output)")
                #expect(try await home.limiq("plan", script).status == 2, "it is still to be made")
            }
        }
    }
}
