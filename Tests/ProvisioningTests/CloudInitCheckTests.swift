import Basics
import Provisioning
import Testing

struct CloudInitCheckTests {
    @Test(
        "Headers cloud-init knows are taken",
        arguments: [
            "", "\n", "#cloud-config\n", "#cloud-config\npackages: [nginx]\n",
            "#cloud-config # mine\ntimezone: UTC\n",
            "#Cloud-Config\n",
            "#!/bin/sh\necho\n", "## template: jinja\n#cloud-config\na: {{ x }}\n", "#include\nhttp://x/\n",
            "#cloud-boothook\nx",
            "#part-handler\n", "#cloud-config-archive\n- x\n",
            "Content-Type: multipart/mixed; boundary=\"x\"\nMIME-Version: 1.0\n\n--x",
            "\n#cloud-config\ntimezone: UTC\n",
        ])
    func knownHeaders(text: String) {
        #expect(CloudInitCheck.check(CloudInitSpec(userData: text)) == [])
        #expect(CloudInitCheck.check(CloudInitSpec(vendorData: text)) == [])
    }

    @Test(
        "A first line the guest would ignore is an error with the way out",
        arguments: [
            (
                "\u{feff}#cloud-config\na: 1\n", "begins with a byte order mark",
                "save it as UTF-8 without a BOM"
            ),
            (
                "# cloud-config\na: 1\n", "the first line is \"# cloud-config\"",
                "write it without a space: #cloud-config"
            ),
            (
                "cloud-config\na: 1\n", "the first line is \"cloud-config\"",
                "write it without a space: #cloud-config"
            ),
            (
                "#cloud_config\na: 1\n", "the first line is \"#cloud_config\"",
                "write it without a space: #cloud-config"
            ),
            (
                "#cloud-configs\na: 1\n", "the first line is \"#cloud-configs\"",
                "make the first line #cloud-config"
            ),
            (
                "# my server\n#cloud-config\na: 1\n", "the first line is \"# my server\"",
                "move the line #cloud-config to the top"
            ),
            (
                "packages: [nginx]\n", "the first line is \"packages: [nginx]\"",
                "make the first line #cloud-config, or #! for a script"
            ),
        ])
    func unknownHeaders(text: String, message: String, hint: String) throws {
        let finding = try #require(CloudInitCheck.check(CloudInitSpec(userData: text)).first)
        #expect(finding.severity == .error)
        #expect(finding.line == 1)
        #expect(finding.message.hasPrefix(message))
        #expect(finding.hint == hint)
    }

    @Test("A syntax error is found with its line and column, the header counted")
    func syntax() {
        let findings = CloudInitCheck.check(
            CloudInitSpec(userData: "#cloud-config\nusers:\n  - name: a: b\n"))
        #expect(
            findings.map(\.text) == [
                "user-data:3:12: mapping values are not allowed in this context: \"  - name: a: b\""
            ])
    }

    @Test("Keys without an effect and keys that are there twice are warnings, in the order of their lines")
    func warnings() {
        let findings = CloudInitCheck.check(
            CloudInitSpec(userData: "#cloud-config\nnetwork: {version: 2}\nruncmd: [a]\nruncmd: [b]\n"))
        #expect(findings.map(\.severity) == [.warning, .warning])
        #expect(
            findings.map(\.text) == [
                "user-data:2:1: network has no effect in user-data",
                "user-data:4:1: the key runcmd is there twice, first in line 3",
            ])
    }

    @Test("User-data that is no map, or two documents, is an error")
    func shape() {
        #expect(
            CloudInitCheck.check(CloudInitSpec(userData: "#cloud-config\n- a\n")).map(\.severity) == [.error])
        #expect(
            CloudInitCheck.check(CloudInitSpec(userData: "#cloud-config\ntimezone: UTC\n---\nb: 1\n")).map(
                \.line) == [
                    4
                ])
    }

    @Test("Meta-data must be a map, and its instance-id a text")
    func metaData() {
        func found(_ text: String) -> [String] {
            CloudInitCheck.check(CloudInitSpec(metaData: text)).map(\.text)
        }
        #expect(found("") == [])
        #expect(found("instance-id: web-1\nlocal-hostname: web\n") == [])
        #expect(found("web-01\n") == ["meta-data:1:1: meta-data must be a map of keys and values"])
        #expect(
            found("instance-id: 007\n") == [
                "meta-data:1:14: instance-id is not a text: YAML takes 007 for a number"
            ])
        #expect(
            found("local-hostname: on\n") == [
                "meta-data:1:17: local-hostname is not a text: YAML takes on for a boolean"
            ])
        #expect(found("instance-id: 'x\n").count == 1)
    }

    @Test("Network-config needs its version, below network: or not")
    func networkConfig() {
        func found(_ text: String) -> [String] {
            CloudInitCheck.check(CloudInitSpec(networkConfig: text)).map(\.message)
        }
        #expect(found("version: 2\nethernets: {}\n") == [])
        #expect(found("network:\n  version: 1\n  config: []\n") == [])
        #expect(found("config: disabled\n") == [])
        #expect(found("ethernets: {}\n") == ["version is missing"])
        #expect(found("version: 3\n") == ["version must be 1 or 2"])
        #expect(found("- a\n") == ["network-config must be a map of keys and values"])
    }

    @Test("The first error is thrown with the others as its cause; warnings pass")
    func throwing() throws {
        let warning = CloudInitCheck.check(CloudInitSpec(userData: "#cloud-config\nnetwork: {}\n"))
        #expect(warning.count == 1)
        try CloudInitCheck.requireNoErrors(in: warning)

        let errors = CloudInitCheck.check(CloudInitSpec(userData: "# cloud-config\n", metaData: "x\n"))
        let failure = #expect(throws: Failure.self) { try CloudInitCheck.requireNoErrors(in: errors) }
        #expect(failure?.code == "cloud_init")
        #expect(failure?.message.hasPrefix("user-data:1:1: the first line is") == true)
        #expect(failure?.cause == "meta-data:1:1: meta-data must be a map of keys and values")
    }
}
