import Support
import Testing

extension EndToEnd {
    @Suite struct `A guest with a static address` {
        /// The static address of the platform's document, on QEMU's user network. One boot: the vendor-data beside it
        /// is a template, and packed.
        @Test
        func `has it, named and reachable as its author wrote it, from a network that stands in user-data`()
            async throws
        {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let vendor = """
                    ## template: jinja
                    #cloud-config
                    write_files:
                    - path: /etc/from-vendor
                      content: "{{ v1.local_hostname }}"
                    """
                let packed = try await command(
                    "/usr/bin/python3",
                    ["-c", "import gzip, sys; gzip.open('vendor.gz', 'wb').write(sys.stdin.buffer.read())"],
                    input: vendor, folder: home.path)
                try #require(packed.status == 0, "\(packed.errors)")
                let port = freePort()
                let script = try home.script(
                    "static",
                    """
                    local limiq = require "limiq"
                    local vm = limiq.vm {
                        name = "static", memory = "1GiB",
                        disks = { { backing_file = limiq.image "debian-12" } },
                        nics = { { forward = { { host = \(port), guest = 80 } } } },
                        cloud_init = { vendor_data = limiq.file.read "vendor.gz", user_data = [[
                    #cloud-config
                    hostname: db-server

                    # Disable cloud-init network after first boot
                    network:
                      version: 2
                      ethernets:
                        ens3:
                          addresses:
                            - 10.0.2.50/24
                          gateway4: 10.0.2.2
                          nameservers:
                            addresses:
                              - 10.0.2.3
                    runcmd:
                    - [systemd-run, --working-directory=/etc, python3, -m, http.server, "80"]
                    ]] },
                    }
                    local report = vm:up { timeout = "10m" }
                    print(#report.warnings > 0, vm:address(), vm:forward(80))
                    local function guest(...) io.write(vm:exec({ ... }).stdout) end
                    guest("ip", "-br", "-4", "addr", "show", "dev", "ens3")
                    guest("ip", "route", "show", "default")
                    guest("resolvectl", "dns", "ens3")
                    guest("hostname")
                    """)
                let result = try await home.limiq("run", script)
                try #require(result.status == 0, "\(result.errors)")
                let lines = result.lines
                try #require(lines.count == 5, "\(lines)")
                #expect(lines[0] == "true\t10.0.2.50\t127.0.0.1:\(port)")
                #expect(lines[1].split(separator: " ") == ["ens3", "UP", "10.0.2.50/24"])
                #expect(lines[2].hasPrefix("default via 10.0.2.2 dev ens3"))
                #expect(lines[3].hasSuffix(": 10.0.2.3"))
                #expect(lines[4] == "db-server")
                #expect(
                    result.errors.contains(
                        "user-data:5:1: network has no effect in user-data: it is moved to network-config"))

                let page = try await command(
                    "curl",
                    [
                        "--silent", "--show-error", "--fail", "--retry", "10", "--retry-all-errors",
                        "http://127.0.0.1:\(port)/from-vendor",
                    ])
                #expect(page.output == "static", "\(page.errors)")
            }
        }
    }
}
