import Basics
import Foundation
import GuestConfig
import MachineSpec
import Support
import Testing

/// What a guest's cloud-init makes of a seed's bytes: its own code reads the files that bsdtar takes out of the image.
struct `The files of a seed` {
    private struct Reading: Decodable {
        /// Each part of the user-data as `text/cloud-config:` and its text in hexadecimal.
        let userData: [String]
        let vendorData: [String]
        let hostname: String?
        /// network-config as netplan and ifupdown get it, and which nics are renamed.
        let netplan: String?
        let eni: String?
        let renamed: [[String?]]

        enum CodingKeys: String, CodingKey {
            case hostname, netplan, eni, renamed
            case userData = "user_data"
            case vendorData = "vendor_data"
        }
    }

    private static let program = """
        import json, sys
        sys.path.insert(0, "/usr/lib/python3/dist-packages")
        from cloudinit import helpers, net, user_data, util
        from cloudinit.net import eni, netplan, network_state
        from cloudinit.sources import DataSourceNoCloud as nocloud
        files = util.pathprefix2dict(
            sys.argv[1], required=["user-data", "meta-data"], optional=["vendor-data", "network-config"])
        seed = nocloud._merge_new_seed({"meta-data": {}}, files)
        def parts(data):
            if data is None: return []
            message = user_data.UserDataProcessor(helpers.Paths({})).process(data)
            return [p.get_content_type() + ":" + p.get_payload(decode=True).hex()
                    for p in message.walk() if p.get_content_maintype() != "multipart"]
        answer = {"user_data": parts(seed["user-data"]), "vendor_data": parts(seed.get("vendor-data")),
                  "hostname": seed["meta-data"].get("local-hostname"), "renamed": []}
        config = seed.get("network-config")
        if config is not None and config.get("config") != "disabled":
            config = config.get("network", config)
            state = network_state.parse_net_config_data(config)
            answer["netplan"] = netplan.Renderer()._render_content(state)
            answer["eni"] = eni.Renderer()._render_interfaces(state)
            answer["renamed"] = [d[:2] for d in net.extract_physdevs(config)]
        print(json.dumps(answer))
        """

    private func read(_ spec: CloudInitSpec, nics: [NICSpec] = []) async throws -> Reading {
        try await ScratchFolder.with { folder in
            try Cidata.create("\(folder)/seed.iso", spec, name: "web", nics: nics)
            let unpacked = try await command("bsdtar", ["-x", "-f", "seed.iso"], folder: folder)
            try #require(unpacked.status == 0, "\(unpacked.errors)")
            let result = try await command("/usr/bin/python3", ["-c", Self.program, folder])
            try #require(result.status == 0, "\(result.errors)")
            return try JSONDecoder().decode(Reading.self, from: Data(result.output.utf8))
        }
    }

    private func part(_ type: String, _ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return "text/\(type):" + String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    @Test func `Gzip, MIME, a template and what is no UTF-8 come out as they went in`() async throws {
        let config = "#cloud-config\ntimezone: UTC\n"
        let packed = try await command(
            "/usr/bin/python3",
            ["-c", "import gzip, sys; print(gzip.compress(sys.stdin.buffer.read()).hex())"], input: config)
        let hex = Array(packed.output.utf8.filter { $0 != UInt8(ascii: "\n") })
        let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
            UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        #expect(bytes.starts(with: [0x1F, 0x8B]))
        let script = Array("#!/bin/sh\necho ".utf8) + [0xE9, 0x0A]
        let mime = """
            Content-Type: multipart/mixed; boundary="x"
            MIME-Version: 1.0

            --x
            Content-Type: text/cloud-config

            #cloud-config
            package_update: true
            --x
            Content-Type: text/x-shellscript

            #!/bin/sh
            true
            --x--

            """
        let template = "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}-x\n"

        let first = CloudInitSpec(userData: .bytes(bytes), vendorData: .text(template))
        #expect(CloudInitCheck.check(first) == [])
        let one = try await read(first)
        #expect(one.userData == [part("cloud-config", Array(config.utf8))])
        #expect(one.vendorData == [part("jinja2", Array(template.utf8))])

        let second = CloudInitSpec(userData: .text(mime), vendorData: .bytes(script))
        // A file it is, and no script that cloud-init could write.
        #expect(CloudInitCheck.check(second).map(\.text) == ["vendor-data:1:1: is not UTF-8"])
        let two = try await read(second)
        #expect(
            two.userData == [
                part("cloud-config", Array("#cloud-config\npackage_update: true".utf8)),
                part("x-shellscript", Array("#!/bin/sh\ntrue".utf8)),
            ])
        #expect(two.vendorData == [part("x-shellscript", script)])
        #expect(two.hostname == "web")
    }

    /// The static address of the platform's document.
    private static let page = """
        #cloud-config
        hostname: db-server

        # Disable cloud-init network after first boot
        network:
          version: 2
          ethernets:
            ens3:
              addresses:
                - 10.0.0.10/24
              gateway4: 10.0.0.1
              nameservers:
                addresses:
                  - 8.8.8.8
                  - 8.8.4.4
        timezone: UTC
        """

    private var bridged: NICSpec {
        var nic = NICSpec(id: "nic1")
        nic.bridge = "br0"
        nic.macAddress = "52:54:00:AB:cd:01"
        return nic
    }

    @Test
    func `A network in user-data becomes the guest's, bound to its only nic, for netplan and for ifupdown`()
        async throws
    {
        let spec = CloudInitSpec(userData: .text(Self.page))
        let reading = try await read(spec, nics: [bridged])
        #expect(
            reading.userData == [
                part(
                    "cloud-config",
                    Array(
                        "#cloud-config\nhostname: db-server\n\n# Disable cloud-init network after first boot\ntimezone: UTC\n"
                            .utf8))
            ])
        let netplan = try #require(reading.netplan)
        for wanted in [
            "set-name: ens3", "macaddress: 52:54:00:ab:cd:01", "- 10.0.0.10/24", "gateway4: 10.0.0.1",
            "- 8.8.4.4",
        ] {
            #expect(netplan.contains(wanted), "\(netplan)")
        }
        let eni = try #require(reading.eni)
        for wanted in ["iface ens3 inet static", "address 10.0.0.10/24", "gateway 10.0.0.1", "8.8.8.8"] {
            #expect(eni.contains(wanted), "\(eni)")
        }
        #expect(reading.renamed == [["52:54:00:ab:cd:01", "ens3"]])
        #expect(
            CloudInitCheck.check(spec, name: "web", nics: [bridged]).map { "\($0.severity) \($0.text)" } == [
                "warning user-data:5:1: network has no effect in user-data: it is moved to network-config",
                "warning user-data:8:5: network.ethernets.ens3 is bound to the VM's only nic, 52:54:00:ab:cd:01, which the "
                    + "guest is to call ens3",
                "warning user-data:11:7: network.ethernets.ens3.gateway4 is deprecated by netplan, which takes it still",
            ])
    }

    @Test func `A nic that nothing configures is told of, and how to configure it`() {
        var nics = [NICSpec(id: "lan"), NICSpec(id: "wan")]
        nics[1].macAddress = "52:54:00:AB:CD:02"
        func warnings(_ config: CloudInitDocument?) -> [String] {
            CloudInitCheck.check(CloudInitSpec(networkConfig: config), name: "web", nics: nics)
                .filter { $0.text.contains("nothing configures") }.map { "\($0.text); \($0.hint ?? "")" }
        }
        let untouched = warnings(nil)
        #expect(
            untouched.count == 1 && untouched[0].contains("nics[2], wan") && untouched[0].contains("nic = 2"),
            "\(untouched)")
        let second: CloudInitDocument = .text(
            """
            version: 2
            ethernets:
              eth1: {match: {macaddress: "52:54:00:ab:cd:02"}, dhcp4: true}
            """)
        #expect(warnings(second).map { $0.contains("nics[1], lan") } == [true])
        // Named by the kernel's names, nobody knows.
        #expect(warnings(.text("version: 2\nethernets:\n  ens3: {dhcp4: true}\n")).isEmpty)
        nics.removeLast()
        #expect(warnings(nil).isEmpty)
    }

    @Test
    func
        `What is advised in the place of a deprecated gateway is a default route for every renderer, and gateway6 stays`()
        async throws
    {
        func config(_ more: String) -> CloudInitSpec {
            CloudInitSpec(
                networkConfig: .text(
                    """
                    version: 2
                    ethernets:
                      eth0:
                        match: {macaddress: "52:54:00:ab:cd:01"}
                        set-name: eth0
                        addresses: [10.0.0.10/24, "fd00::10/64"]
                        \(more)
                    """))
        }
        let findings = CloudInitCheck.check(config("gateway4: 10.0.0.1"), name: "web", nics: [bridged])
        let advised = try await read(config(try #require(findings.first?.hint)), nics: [bridged])
        #expect(advised.eni?.contains("add default gw 10.0.0.1") == true, "\(advised.eni ?? "")")
        #expect(advised.netplan?.contains("to: 0.0.0.0/0") == true)
        let gateway6 = config("gateway6: \"fd00::1\"")
        #expect(CloudInitCheck.check(gateway6, name: "web", nics: [bridged]) == [])
        #expect(try await read(gateway6, nics: [bridged]).eni?.contains("gateway fd00::1") == true)
    }

    @Test func `So does one in a table, in braces, in version 1, and one with an anchor others use`()
        async throws
    {
        let nic = NICSpec(id: "nic1")
        let table = try await read(
            CloudInitSpec(
                userData: .table([
                    "timezone": "UTC",
                    "network": ["version": 2, "ethernets": ["eth7": ["addresses": ["10.0.2.50/24"]]]],
                ])), nics: [nic])
        #expect(table.userData == [part("cloud-config", Array("#cloud-config\ntimezone: UTC\n".utf8))])
        #expect(table.renamed.map { $0[1] } == ["eth7"])

        let version1 =
            "#cloud-config\n{timezone: UTC, network: {version: 1, config: [{type: physical, name: ens9, "
            + "subnets: [{type: static, address: 10.0.2.50/24, gateway: 10.0.2.2}]}]}}\n"
        let braces = try await read(CloudInitSpec(userData: .text(version1)), nics: [nic])
        #expect(braces.userData == [part("cloud-config", Array("#cloud-config\ntimezone: UTC\n".utf8))])
        #expect(braces.eni?.contains("iface ens9 inet static") == true)
        #expect(braces.netplan?.contains("10.0.2.50/24") == true)
        #expect(braces.renamed.map { $0[1] } == ["ens9"])

        let anchored =
            "#cloud-config\r\nnetwork: {version: 2, ethernets: {a: {dhcp4: true, nameservers: &dns {search: [x]}}}}\r\n"
            + "resolv_conf:\r\n  searchdomains: [z]\r\n  options: *dns\r\n"
        let withAnchor = try await read(CloudInitSpec(userData: .text(anchored)), nics: [nic])
        #expect(
            withAnchor.userData == [
                part(
                    "cloud-config",
                    Array(
                        "#cloud-config\nresolv_conf:\n  searchdomains:\n  - z\n  options:\n    search:\n    - x\n"
                            .utf8))
            ])

        let alone = try await read(CloudInitSpec(userData: "#cloud-config\nnetwork: {config: disabled}\n"))
        #expect(alone.userData == [part("cloud-config", Array("#cloud-config\n".utf8))])
    }

    @Test func `A network of the VM's own stays, and one in user-data beside it is an error`() {
        let spec = CloudInitSpec(userData: .text(Self.page), networkConfig: "version: 2\nethernets: {}\n")
        #expect(
            CloudInitCheck.check(spec).map { "\($0.severity) \($0.text)" } == [
                "error user-data:5:1: network is there beside network_config, which alone has an effect"
            ])
    }

    @Test func `With several nics, and with a match, names stay as they are; without a match it is said`()
        async throws
    {
        let nics = [NICSpec(id: "a"), NICSpec(id: "b")]
        func spec(_ ethernets: String) -> CloudInitSpec {
            CloudInitSpec(
                userData: .text("#cloud-config\nnetwork:\n  version: 2\n  ethernets:\n    \(ethernets)\n"))
        }
        let named = spec("ens3: {dhcp4: true}")
        #expect(
            CloudInitCheck.check(named, name: "web", nics: nics).map(\.text).contains(
                "user-data:5:5: network.ethernets.ens3 has an effect only if the guest itself calls a nic ens3"
            ))
        #expect(try await read(named, nics: nics).renamed == [])

        let matched = spec("ens3: {match: {name: 'en*'}, dhcp4: true}")
        #expect(CloudInitCheck.check(matched, name: "web", nics: [NICSpec(id: "a")]).count == 1)
        #expect(try await read(matched, nics: [NICSpec(id: "a")]).renamed == [])
    }

    @Test func `An error in a network that is moved is said where it was written`() {
        #expect(
            CloudInitCheck.check(CloudInitSpec(userData: "#cloud-config\nnetwork:\n  ethernets: {}\n")).map {
                "\($0.severity) \($0.text)"
            } == [
                "warning user-data:2:1: network has no effect in user-data: it is moved to network-config",
                "error user-data:3:3: network has no version",
            ])
    }

    @Test func `A static address that user networking does not lead to is a warning`() {
        func found(_ address: String, _ nic: NICSpec) -> [String] {
            let config =
                "version: 2\nethernets:\n  ens3:\n    match: {name: 'en*'}\n    addresses: [\(address)]\n"
            return CloudInitCheck.check(
                CloudInitSpec(networkConfig: .text(config)), name: "web", nics: [nic]
            ).map(\.text)
        }
        #expect(found("10.0.2.50/24", NICSpec(id: "a")) == [])
        #expect(found("10.0.0.10/24", bridged) == [])
        #expect(
            found("10.0.0.10/24", NICSpec(id: "a")) == [
                "network-config:5:17: gives the guest 10.0.0.10, and on user networking it reaches nothing from there"
            ])
    }
}
