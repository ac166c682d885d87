import Basics
import GuestConfig
import MachineSpec
import Testing

struct `A check of cloud-init documents` {
    @Test(arguments: [
        "", "\n", "#cloud-config\n", "#cloud-config\npackages: [nginx]\n",
        "#cloud-config # mine\ntimezone: UTC\n",
        "#Cloud-Config\n",
        "#!/bin/sh\necho\n", "## template: jinja\n#cloud-config\na: {{ x }}\n", "#include\nhttp://x/\n",
        "#cloud-boothook\nx",
        "#part-handler\n", "#cloud-config-archive\n- x\n",
        "Content-Type: multipart/mixed; boundary=\"x\"\nMIME-Version: 1.0\n\n--x",
        "\n#cloud-config\ntimezone: UTC\n",
    ])
    func `Headers cloud-init knows are taken`(text: String) {
        #expect(CloudInitCheck.check(CloudInitSpec(userData: .text(text))) == [])
        #expect(CloudInitCheck.check(CloudInitSpec(vendorData: .text(text))) == [])
    }

    @Test(arguments: [
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
    func `A first line the guest would ignore is an error with the way out`(
        text: String, message: String, hint: String
    ) throws {
        let finding = try #require(CloudInitCheck.check(CloudInitSpec(userData: .text(text))).first)
        #expect(finding.severity == .error)
        #expect(finding.mark?.line == 1)
        #expect(finding.message.hasPrefix(message))
        #expect(finding.hint == hint)
    }

    @Test func `A syntax error is found with its line and column, the header counted`() {
        let findings = CloudInitCheck.check(
            CloudInitSpec(userData: "#cloud-config\nusers:\n  - name: a: b\n"))
        #expect(
            findings.map(\.text) == [
                "user-data:3:12: mapping values are not allowed in this context: \"  - name: a: b\""
            ])
    }

    @Test
    func `Keys without an effect and keys that are there twice are warnings, in the order of their lines`() {
        let findings = CloudInitCheck.check(
            CloudInitSpec(userData: "#cloud-config\nnetwork: {version: 2}\nruncmd: [a]\nruncmd: [b]\n"))
        #expect(findings.map(\.severity) == [.warning, .warning])
        #expect(
            findings.map(\.text) == [
                "user-data:2:1: network has no effect in user-data: it is moved to network-config",
                "user-data:4:1: the key runcmd is there twice, first in line 3",
            ])
    }

    @Test func `User-data that is no map, or two documents, is an error`() {
        #expect(
            CloudInitCheck.check(CloudInitSpec(userData: "#cloud-config\n- a\n")).map(\.severity) == [.error])
        #expect(
            CloudInitCheck.check(CloudInitSpec(userData: "#cloud-config\ntimezone: UTC\n---\nb: 1\n")).map(
                \.mark?.line) == [4])
    }

    private func found(_ userData: CloudInitDocument) -> [String] {
        CloudInitCheck.check(CloudInitSpec(userData: userData)).map { finding in
            "\(finding.severity) \(finding.text)" + (finding.hint.map { " (\($0))" } ?? "")
        }
    }

    @Test func `A misspelt key is an error with the nearest name, one that is like none a warning`() {
        #expect(
            found("#cloud-config\nusers:\n- name: a\n  shel: /bin/sh\nruncmds: [a]\ndocker: {}\n") == [
                "error user-data:4:3: users[1].shel is no cloud-config key (did you mean shell?)",
                "error user-data:5:1: runcmds is no cloud-config key (did you mean runcmd?)",
                "warning user-data:6:1: docker is no cloud-config key, and cloud-init passes over it",
            ])
        #expect(found("#cloud-config\nlaunch-index: 1\nubuntu_pro: {}\noutput: {}\n") == [])
    }

    @Test func `What only a newer cloud-init takes is a warning`() {
        let told = "is taken by newer versions of cloud-init, but not by 22.4, which Debian 12 has"
        #expect(
            found("#cloud-config\npackages: [a, {snap: [b]}]\nusers: [{name: a, doas: [b], sudo: [c]}]\n")
                == [
                    "warning user-data:2:15: packages[2] \(told)",
                    "warning user-data:3:19: users[1].doas \(told)",
                    "warning user-data:3:36: users[1].sudo \(told)",
                ])
    }

    @Test func `Of a table the place is given as its author wrote it`() {
        #expect(
            found(.table(["runcmds": ["a"], "users": [["name": "a"], ["name": true]]])) == [
                "error user_data.runcmds is no cloud-config key (did you mean runcmd?)",
                "error user_data.users[2].name must be a text, not true (quote it: 'true')",
            ])
        let spec = CloudInitSpec(metaData: .table(["local-hostname": "a_b"]), networkConfig: .table(["a": 1]))
        #expect(
            CloudInitCheck.check(spec).map(\.text) == [
                "meta_data.local-hostname \"a_b\" is no host name", "network_config: has no version",
            ])
    }

    @Test func `What cloud-init deprecates is a warning with the way out`() {
        #expect(
            found("#cloud-config\napt_update: true\nusers: [{name: a, sudo: false}]\n") == [
                "warning user-data:2:1: apt_update is deprecated (dropped after April 2027; use package_update)",
                "warning user-data:3:19: users[1].sudo is deprecated (the value false will be dropped after April 2027; "
                    + "use null or no sudo key instead)",
            ])
    }

    @Test func `Passwords that are no hashes and names that are no host names are warnings`() {
        #expect(
            found(
                """
                #cloud-config
                hostname: web_01
                fqdn: web-01.example.org
                users:
                - default
                - name: a
                  passwd: hunter2
                  plain_text_passwd: hunter2
                - name: b
                  passwd: $6$x$y
                - name: c
                  hashed_passwd: '!'

                """) == [
                    "warning user-data:2:11: hostname \"web_01\" is no host name (use letters, digits and hyphens, such as web-01)",
                    "warning user-data:7:11: users[2].passwd is not the hash of a password, and opens the account to nobody "
                        + "(write what openssl passwd -6 prints)",
                    "warning user-data:8:3: users[2].plain_text_passwd is a password anyone can read who reads the seed "
                        + "(write what openssl passwd -6 prints into hashed_passwd)",
                ])
    }

    @Test func `No message shows a text that may be a secret`() {
        let texts: [CloudInitDocument] = [
            "#cloud-config\nchpasswd: {list: [hunter2]}\n", "#cloud-config\nchpasswd: hunter2\n",
            "#cloud-config\nusers: [{name: a, passwd: hunter2, ssh_authorized_keys: hunter2, uid: hunter2}]\n",
            "#cloud-config\nssh_keys: hunter2\nrandom_seed: hunter2\npassword: [hunter2]\n",
        ]
        for text in texts {
            #expect(!found(text).contains { $0.contains("hunter2") } && !found(text).isEmpty)
        }
    }

    @Test func `What is no text passes where cloud-init unpacks it, and is an error where it reads it`() {
        #expect(found(.bytes([0x1F, 0x8B, 8, 0, 0xFF])) == [])
        #expect(found(.bytes(Array("#!/bin/sh\necho ".utf8) + [0xE9])) == [])
        #expect(
            found(.bytes(Array("#cloud-config\ntimezone: ".utf8) + [0xE9])) == [
                "error user-data:1:1: is not UTF-8"
            ])
        #expect(
            CloudInitCheck.check(CloudInitSpec(networkConfig: .bytes([0x1F, 0x8B, 0xFF]))).map(\.text)
                == ["network-config:1:1: is not UTF-8"])
    }

    @Test func `A template is checked as far as the header of what it makes`() {
        #expect(found("## template: jinja\n#cloud-config\nruncmds: [{{ x }}]\n") == [])
        #expect(found("## template: jinja\n{% if x %}\n# cloud-config\n{% endif %}\n") == [])
        #expect(found("## template: jinja\n") == [])
        #expect(
            found("## template: jinja\r\n\r\n# cloud-config\r\n") == [
                "error user-data:3:1: the template's first line is \"# cloud-config\", which cloud-init takes for no known "
                    + "type (write it without a space: #cloud-config)"
            ])
    }

    @Test func `A text that was checked is not read again`() {
        let text =
            "#cloud-config\nwrite_files:\n" + (0..<2000).map { "- {path: /f\($0), content: x}\n" }.joined()
        let clock = ContinuousClock()
        let first = clock.measure { _ = found(.text(text)) }
        let second = clock.measure { _ = found(.text(text)) }
        #expect(second * 5 < first)
    }

    @Test func `Meta-data must be a map, and its instance-id a text`() {
        func found(_ text: String) -> [String] {
            CloudInitCheck.check(CloudInitSpec(metaData: .text(text))).map(\.text)
        }
        #expect(found("") == [])
        #expect(found("instance-id: web-1\nlocal-hostname: web\n") == [])
        #expect(found("web-01\n") == ["meta-data:1:1: must be a map of keys and values"])
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

    @Test func `Network-config needs its version, below network: or not`() {
        func found(_ text: String) -> [String] {
            CloudInitCheck.check(CloudInitSpec(networkConfig: .text(text))).map(\.message)
        }
        #expect(found("version: 2\nethernets: {}\n") == [])
        #expect(found("network:\n  version: 1\n  config: []\n") == [])
        #expect(found("config: disabled\n") == [])
        #expect(found("ethernets: {}\n") == ["has no version"])
        #expect(found("version: 3\n") == ["must be 1 or 2"])
        #expect(found("- a\n") == ["must be a map of keys and values"])
    }

    @Test func `The first error is thrown with the others as its cause; warnings pass`() throws {
        let warning = CloudInitCheck.check(CloudInitSpec(userData: "#cloud-config\nnetwork: {version: 2}\n"))
        #expect(warning.count == 1)
        try CloudInitCheck.requireNoErrors(in: warning)

        let errors = CloudInitCheck.check(CloudInitSpec(userData: "# cloud-config\n", metaData: "x\n"))
        let failure = #expect(throws: Failure.self) { try CloudInitCheck.requireNoErrors(in: errors) }
        #expect(failure?.code == .cloudInit)
        #expect(failure?.message.hasPrefix("user-data:1:1: the first line is") == true)
        #expect(failure?.cause == "meta-data:1:1: must be a map of keys and values")
    }
}
