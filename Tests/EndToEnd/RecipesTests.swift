import Foundation
import Support
import Testing

extension EndToEnd {
    /// Every recipe for cloud-init in one machine. What they made is asked of the guest's own programs.
    @Suite struct `A guest of all recipes` {
        private static let script = #"""
            local limiq = require "limiq"
            local recipes = require "limiq.recipes"

            ---An image of one of Debian's packages: no registry is asked. Installed, it would have the guest rebuild its initramfs.
            local image = [[
            #!/bin/sh -e
            cd "$(mktemp -d)"
            apt-get download busybox-static
            dpkg --extract busybox-static_*.deb .
            echo "from a container" >index.html
            tar --create bin index.html >image.tar
            docker import --change 'CMD ["/bin/busybox", "httpd", "-f"]' image.tar limiq-test
            ]]

            local authority = limiq.host.run({ "sh", "-c",
                "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj '/CN=Authority of a test' 2>/dev/null",
            }).stdout

            -- A recipe of the script's own: a part of any kind.
            local greeting = limiq.recipe {
                name = "greeting", doc = "Words in a file.", options = { words = { required = true } }, short = "words",
                build = function(options)
                    return {
                        memory = "1536MiB", labels = { greeting = "yes" },
                        user_data = { write_files = { { path = "/etc/greeting", content = options.words .. "\n" } } },
                    }
                end,
            }

            local vm = limiq.vm {
                greeting "hello",
                recipes.user { name = "deploy", groups = { "adm" }, gecos = "De Ploy" },
                recipes.user { name = "app", system = true },
                recipes.ssh_hardening(),
                recipes.ntp "127.0.0.1",
                recipes.certificate { trusted = authority },
                recipes.systemd_unit {
                    name = "beat.service",
                    sections = {
                        Service = { ExecStart = '/bin/sh -c "echo beat >/run/beat; exec sleep infinity"', User = "root" },
                        Install = { WantedBy = "multi-user.target" },
                    },
                },
                name = "recipes", memory = "1GiB",
                disks = {
                    { id = "boot", size = "20GiB", bootable = true, backing_file = limiq.image "debian-12" },
                    { id = "data", size = "1GiB" },
                },
                nics = { { id = "lan", forward = {
                    { host = tonumber(limiq.args[1]), guest = 22 }, { host = tonumber(limiq.args[2]), guest = 80 },
                    { host = tonumber(limiq.args[3]), guest = 8080 },
                } } },
                cdroms = { { id = "notes", label = "NOTES", files = { ["docs/a note.txt"] = "of files\n" } } },
                shares = { { host = "site", guest = "/srv/shared" } },
                ignition = '{ "ignition": { "version": "3.4.0" } }',
                cloud_init = recipes.compose {
                    recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
                    recipes.ssh_host_keys(),
                    recipes.guest_agent(),
                    recipes.packages { "pv" },
                    recipes.timezone "Europe/Zurich",
                    recipes.swap "64MiB",
                    recipes.mounts { { disk = "data", path = "/srv/data" } },
                    recipes.files {
                        { path = "/etc/apt/apt.conf.d/needed-only", content = 'APT::Install-Recommends "false";\n' },
                        { path = "/etc/secret", content = limiq.secret "hunter2\n", permissions = "0640",
                            owner = "root:daemon" },
                        { path = "/var/lib/cloud/scripts/per-instance/40-image", content = image, permissions = "0755" },
                    },
                    recipes.static_ip {
                        addresses = "10.0.2.50/24", gateway = "10.0.2.2", nameservers = "10.0.2.3",
                        routes = { { to = "192.0.2.0/24", via = "10.0.2.4" } }, search = "example.org",
                    },
                    recipes.web { root = "site" },
                    recipes.docker {
                        users = { "admin" },
                        run = { { image = "limiq-test", name = "pages", args = { "--publish", "8080:80" } } },
                    },
                },
            }
            vm:up { timeout = "20m" }
            print(vm:address(), vm:mac_address())
            """#

        @Test func `has what each of them says, and is reached on its address`() async throws {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let site = home.path + "/site"
                try FileManager.default.createDirectory(atPath: site, withIntermediateDirectories: false)
                try "a page\n".write(toFile: site + "/index.html", atomically: true, encoding: .utf8)
                let (ssh, web, container) = (freePort(), freePort(), freePort())
                let script = try home.script("recipes", Self.script)
                let up = try await home.limiq("run", script, "--", "\(ssh)", "\(web)", "\(container)")
                try #require(up.status == 0, "\(up.errors)")
                let own = up.output.split(whereSeparator: \.isWhitespace)
                try #require(own.count == 2)
                #expect(own[0] == "10.0.2.50")

                try await expectSystem(home)
                try await expectNetwork(home, mac: String(own[1]))
                try await expectDocker(home)
                try await expectServices(home)
                try await expectMedia(home)
                try await expectReached(home, ssh: ssh, web: web, container: container)
            }
        }

        /// What a shell in the guest, as root, writes.
        private func guest(_ home: Home, _ shell: String) async throws -> [String] {
            let script = try home.script(
                "guest",
                """
                local guest = require("limiq").domain.get "recipes"
                io.write(guest:exec({ "sh", "-c", [==[\(shell)]==], timeout = "2m" }).stdout)
                """)
            let result = try await home.limiq("run", script)
            try #require(result.status == 0, "\(shell): \(result.errors)")
            return result.lines
        }

        private func expectSystem(_ home: Home) async throws {
            #expect(
                try await guest(
                    home,
                    """
                    id --name --groups admin
                    sudo --user admin sudo --non-interactive id --user
                    systemctl is-active qemu-guest-agent
                    dpkg-query --show --showformat '${db:Status-Status}\\n' pv
                    date --date @0 '+%Z %H'
                    swapon --show=NAME,SIZE --noheadings --bytes | tr --squeeze-repeats ' '
                    findmnt --noheadings --output FSTYPE,SOURCE /srv/data | tr --squeeze-repeats ' '
                    realpath /dev/disk/by-id/virtio-data
                    findmnt --noheadings --output FSTYPE,SOURCE /srv/shared | tr --squeeze-repeats ' '
                    cat /srv/shared/index.html
                    echo 'from the guest' >/srv/shared/answer
                    stat --format '%a %U:%G' /etc/secret
                    cat /etc/secret
                    """
                ) == [
                    "admin sudo docker", "0", "active", "installed", "CET 01", "/swapfile 67104768",
                    "ext4 /dev/vdb", "/dev/vdb", "virtiofs limiq:share1", "a page", "640 root:daemon",
                    "hunter2",
                ])
            #expect(
                try String(contentsOfFile: home.path + "/site/answer", encoding: .utf8) == "from the guest\n",
                "what the guest writes into a shared folder is here")
        }

        /// That address, those routes and those nameservers, and no others.
        private func expectNetwork(_ home: Home, mac: String) async throws {
            let lines = try await guest(
                home,
                """
                cat /sys/class/net/eth0/address
                ip -oneline address show dev eth0 scope global | tr --squeeze-repeats ' ' | cut --delimiter ' ' --fields 3,4
                echo routes
                ip route show dev eth0 | sed 's/ proto static//; s/ onlink//; s/ *$//' | sort
                echo routes of IPv6
                ip -6 route show default
                echo nameservers
                resolvectl dns eth0 | sed 's/.*: //'
                resolvectl domain eth0 | sed 's/.*: //'
                """)
            #expect(
                lines == [
                    mac, "inet 10.0.2.50/24", "routes",
                    "10.0.2.0/24 proto kernel scope link src 10.0.2.50", "192.0.2.0/24 via 10.0.2.4",
                    "default via 10.0.2.2", "routes of IPv6", "nameservers", "10.0.2.3", "example.org",
                ])
        }

        private func expectDocker(_ home: Home) async throws {
            #expect(
                try await guest(
                    home,
                    """
                    docker info --format '{{.ContainersRunning}} of {{.Containers}} run on {{.OperatingSystem}}'
                    sudo --user admin docker ps --format '{{.Names}} {{.Image}} {{.State}} {{.Ports}}'
                    docker run --rm limiq-test /bin/busybox echo from another
                    docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' pages
                    """
                ) == [
                    "1 of 1 run on Debian GNU/Linux 12 (bookworm)",
                    "pages limiq-test running 0.0.0.0:8080->80/tcp, :::8080->80/tcp",
                    "from another", "unless-stopped",
                ])
        }

        private func expectServices(_ home: Home) async throws {
            #expect(
                try await guest(
                    home,
                    """
                    cat /etc/greeting
                    id --name --groups deploy
                    getent passwd deploy app | cut --delimiter : --fields 1,5,7
                    sshd -T | grep -E '^(passwordauthentication|permitrootlogin|maxauthtries) ' | sort
                    systemctl is-active beat
                    cat /run/beat
                    openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /usr/share/ca-certificates/cloud-init-ca-cert*.crt | sed 's/.*: //'
                    grep --quiet 127.0.0.1 /etc/systemd/timesyncd.conf.d/cloud-init.conf /etc/chrony/chrony.conf 2>/dev/null && echo asks
                    """
                ) == [
                    "hello", "deploy adm", "deploy:De Ploy:/bin/bash", "app::/usr/sbin/nologin",
                    "maxauthtries 3", "passwordauthentication no", "permitrootlogin no", "active", "beat",
                    "OK", "asks",
                ])
            let spec = try await home.limiq("show", "--spec", "recipes")
            #expect(spec.output.contains("greeting"), "\(spec)")
        }

        /// What stands beside cloud-init's: a CD-ROM that was made of files, and what Ignition would read.
        private func expectMedia(_ home: Home) async throws {
            #expect(
                try await guest(
                    home,
                    """
                    modprobe qemu_fw_cfg
                    cd /sys/firmware/qemu_fw_cfg/by_name/opt
                    cat com.coreos/config/raw && echo
                    cat org.flatcar-linux/config/raw && echo
                    mount --read-only LABEL=NOTES /mnt && cat '/mnt/docs/a note.txt'
                    """
                ) == [
                    #"{ "ignition": { "version": "3.4.0" } }"#, #"{ "ignition": { "version": "3.4.0" } }"#,
                    "of files",
                ])
        }

        /// From this machine, by forwards that lead to its one address; by ssh with the host key that was made for it.
        private func expectReached(_ home: Home, ssh: UInt16, web: UInt16, container: UInt16) async throws {
            for (port, page) in [(web, "a page\n"), (container, "from a container\n")] {
                let got = try await command(
                    "curl", ["--silent", "--show-error", "--fail", "http://127.0.0.1:\(port)/"])
                #expect(got.output == page, "\(got.errors)")
            }
            let key = try await guest(home, "cat /etc/ssh/ssh_host_ed25519_key.pub")
            let scanned = try await command("ssh-keyscan", ["-t", "ed25519", "-p", "\(ssh)", "127.0.0.1"])
            let words = key.first?.split(separator: " ") ?? []
            #expect(words.count >= 2 && scanned.output.contains(words.prefix(2).joined(separator: " ")))
            let trusted = try await home.limiq(
                "run",
                home.script(
                    "trusted",
                    """
                    local limiq = require "limiq"
                    print(limiq.ssh.host_key("recipes").public)
                    io.write(limiq.domain.get("recipes"):exec({ "id", "-un", user = "admin" }).stdout)
                    """))
            #expect(
                trusted.lines.count == 2
                    && trusted.lines[0].split(separator: " ").prefix(2) == words.prefix(2)
                    && trusted.lines[1] == "admin", "\(trusted.output)\(trusted.errors)")
        }
    }
}
