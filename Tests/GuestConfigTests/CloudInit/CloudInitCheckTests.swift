import Basics
import MachineSpec
import Testing
import YAML

@testable import GuestConfig

struct `A check of cloud-init documents` {
    @Test(arguments: [
        "", "\n", "#cloud-config\n", "#cloud-config\npackages: [nginx]\n",
        "#cloud-config # mine\ntimezone: UTC\n",
        "#Cloud-Config\n",
        "#!/bin/sh\necho\n", "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\n",
        "#include\n",
        "#cloud-boothook\n#!/bin/sh\n",
        "#part-handler\n", "#cloud-config-archive\n- 'timezone: UTC'\n",
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
                "user-data:3:12: mapping values are not allowed here: \"  - name: a: b\""
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
                \.mark?.line) == [3])
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

    private func found(_ userData: CloudInitDocument, in release: String?) -> [String] {
        let guest = release.flatMap(CloudInitRelease.init).map { GuestCloudInit($0, image: "debian") }
        // Of the values that every schema lets through.
        let root = userData.text(as: .userData).flatMap { try? YAML.nodes($0).root }
        let values = root.map { CloudConfigCheck.values(of: $0, file: .userData) } ?? []
        return CloudInitCheck.check(CloudInitSpec(userData: userData), guest: guest)
            .filter { !values.contains($0) }.map { "\($0.severity) \($0.text)" }
    }

    @Test(
        arguments: [
            (
                "packages: [a, {snap: [b]}]", "20.4.1",
                "2:15: packages[2] is taken by cloud-init 25.1, but not by 20.4.1"
            ),
            (
                "packages: [a, {snap: [b]}]", "22.4.2",
                "2:15: packages[2] is taken by cloud-init 25.1, but not by 22.4.2"
            ),
            // It came with one of the releases between 22.4 and 25.1.
            ("packages: [a, {snap: [b]}]", "23.4", nil),
            ("packages: [a, {snap: [b]}]", "25.1.4", nil),
            ("packages: [a, {snap: [b]}]", nil, nil),
            (
                "users: [{name: a, doas: [b], sudo: [c]}]", "22.4.2",
                "2:19: users[1].doas is taken by cloud-init 25.1, but not by 22.4.2"
            ),
            (
                "ansible: {pull: [{url: a, playbook_names: [b]}]}", "25.1.4",
                "2:17: ansible.pull is taken by cloud-init 26.2, but not by 25.1.4"
            ),
            ("ansible: {pull: [{url: a, playbook_names: [b]}]}", "25.2", nil),
            ("ansible: {pull: [{url: a, playbook_names: [b]}]}", "newest", nil),
            ("ansible: {pull: [{url: a, playbook_names: [b]}]}", nil, nil),
            ("ubuntu_pro: {}", "22.4.2", "2:1: ubuntu_pro is taken by cloud-init 25.1, but not by 22.4.2"),
            ("ubuntu_pro: {}", "27.1", nil),
            (
                "rpi: {enable_usb_gadget: true}", "25.1.4",
                "2:1: rpi is taken by cloud-init 26.2, but not by 25.1.4"
            ),
            (
                "ssh_genkeytypes: [dsa]", "newest",
                "2:19: ssh_genkeytypes[1] is taken by cloud-init 22.4, but not by the newest"
            ),
            ("ssh_genkeytypes: [dsa]", nil, nil),
        ] as [(String, String?, String?)])
    func `What another release takes is a warning with it, where the guest's is known`(
        text: String, release: String?, warning: String?
    ) {
        #expect(
            found(.text("#cloud-config\n\(text)\n"), in: release)
                == (warning.map { ["warning user-data:\($0), which debian has"] } ?? []))
    }

    @Test(arguments: ["22.4.2", "25.1.4", "newest", nil])
    func `What a release takes without saying so in its schema passes`(release: String?) {
        for text in [
            "users: []", "locale: false", "users: [{name: a, hashed-passwd: $6$x$y, lock-passwd: false}]",
            "users: [default, {name: a, ssh-authorized-keys: [b], no-create-home: true}]",
            "user: {name: a, no-log-init: true}", "users: [{name: a, sudo: [b, c]}]",
            "disk_setup: {/dev/vdb: {table_type: gpt, layout: [[50, 0FC63DAF-8483-4772-8E79-3D69D8477DE4], 50]}}",
            "disk_setup: {ephemeral0: {table_type: gpt, layout: [[50, 0FC63DAF-8483-4772-8E79-3D69D8477DE4], 50]}}",
            "ansible: {pull: {url: a, playbook_name: b, verify_commit: true}}",
        ] {
            let found = found(.text("#cloud-config\n\(text)\n"), in: release)
            #expect(found.filter { !$0.hasSuffix("is deprecated") } == [], "\(text)")
        }
        // Yet not what none takes.
        for text in [
            "users: 1", "locale: [a]", "users: [{name: a, hashed-passwd: [b]}]",
            "users: [{name: a, lock-paswd: true}]",
            "disk_setup: {/dev/vdb: {layout: [[50, [a]], 50]}}", "users: [{name: a, sudo: [[b]]}]",
            "rh_subscription: {activation_key: a, activation-key: b}", "ubuntu_pro: {tokn: a}",
            "ansible: {pull: [{url: a, playbok_name: b}]}", "yum_repos: {a: {name: b}}",
        ] {
            let found = found(.text("#cloud-config\n\(text)\n"), in: release)
            // Of what 22.4 does not know at all nothing is looked at.
            let isUnknown = text.hasPrefix("ubuntu_pro") && release == "22.4.2"
            #expect(isUnknown || found.contains { $0.hasPrefix("error") }, "\(text): \(found)")
        }
    }

    @Test func `What a guest's release has not deprecated yet is not told of`() {
        let pull = "ansible: {pull: {url: a, playbook_name: b}}"
        let told = "warning user-data:2:11: ansible.pull is deprecated"
        for (release, deprecations) in [(nil, 0), ("22.4.2", 0), ("25.1.4", 0), ("25.2", 2), ("newest", 2)] {
            let found = found(.text("#cloud-config\n\(pull)\n"), in: release)
            #expect(found.count == deprecations && (found.isEmpty || found[0] == told), "\(found)")
        }
        // What is advised in its place came with 22.3.
        for (release, deprecations) in [("20.4.1", 0), ("22.4.2", 1), ("newest", 1)] {
            let found = found(.text("#cloud-config\nca-certs: {trusted: [a]}\n"), in: release)
            #expect(
                found.map { $0.hasSuffix("ca-certs is deprecated") }
                    == Array(repeating: true, count: deprecations))
        }
    }

    @Test func `With check = warn each error is a warning`() {
        let spec = CloudInitSpec(
            userData: "#cloud-config\nruncmds: [a]\n", metaData: "web\n", networkConfig: "version: 3\n",
            check: .warn)
        #expect(CloudInitCheck.check(spec).map(\.severity) == [.warning, .warning, .warning])
        #expect(throws: Never.self) {
            try CloudInitCheck.check(spec).map(GuestFinding.init).requireNoErrors()
        }
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
                "warning user-data:2:1: apt_update is deprecated (use package_update instead)",
                "warning user-data:3:19: users[1].sudo is deprecated (the value false is deprecated for this key, "
                    + "use null instead)",
            ])
    }

    @Test func `Passwords that are no hashes are errors, and names that are no host names warnings`() {
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
                    "error user-data:7:11: users[2].passwd is not the hash of a password, and opens the account to nobody "
                        + "(write what openssl passwd -6 prints)",
                    "warning user-data:7:11: users[2].passwd opens the account to nobody: it is locked, as lock_passwd is "
                        + "left out (add lock_passwd: false)",
                    "warning user-data:8:22: users[2].plain_text_passwd is a password anyone can read who reads the seed "
                        + "(write what openssl passwd -6 prints into hashed_passwd)",
                    "warning user-data:10:11: users[3].passwd opens the account to nobody: it is locked, as lock_passwd is "
                        + "left out (add lock_passwd: false)",
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

    @Test func `What is no UTF-8 is an error`() {
        #expect(
            found(.bytes(Array("#cloud-config\ntimezone: ".utf8) + [0xE9])) == [
                "error user-data:1:1: is not UTF-8"
            ])
        #expect(
            CloudInitCheck.check(CloudInitSpec(networkConfig: .bytes([0x1F, 0x8B, 0xFF]))).map(\.text)
                == ["network-config:1:1: is not UTF-8"])
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
        #expect(found("instance-id: ''\n") == ["meta-data:1:14: instance-id is empty"])
        #expect(found("local-hostname: ''\n") == ["meta-data:1:17: local-hostname \"\" is no host name"])
        #expect(found("instance-id: [a]\n") == ["meta-data:1:14: instance-id must be a text, not a list"])
        #expect(
            found("local-hostname: {a: b}\n") == ["meta-data:1:17: local-hostname must be a text, not a map"])
    }

    @Test func `Keys that are nearly the datasource's are told with the right spelling`() {
        func found(_ text: String) -> [String] {
            CloudInitCheck.check(CloudInitSpec(metaData: .text(text))).map {
                "\($0.severity) \($0.path) \($0.hint ?? "")"
            }
        }
        #expect(found("instance_id: i-1\n") == ["warning instance_id write instance-id"])
        #expect(
            found("Instance-ID: i-1\nlocal_hostname: a\n") == [
                "warning Instance-ID write instance-id", "warning local_hostname write local-hostname",
            ])
        #expect(found("hostname: a\n") == ["warning hostname write local-hostname"])
        // What stands beside the right one is for templates.
        #expect(
            found("instance-id: i-1\ninstance_id: i-1\nlocal-hostname: a\nhostname: a\nregion: b\n") == [])
        #expect(found("instance-type: m1\ninstance-name: a\nlocal-ipv4: b\npublic-keys: [c]\n") == [])
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
        try warning.map(GuestFinding.init).requireNoErrors()

        let errors = CloudInitCheck.check(CloudInitSpec(userData: "# cloud-config\n", metaData: "x\n"))
        let failure = #expect(throws: Failure.self) { try errors.map(GuestFinding.init).requireNoErrors() }
        #expect(failure?.code == .cloudInit)
        #expect(failure?.message.hasPrefix("user-data:1:1: the first line is") == true)
        #expect(failure?.cause == "meta-data:1:1: must be a map of keys and values")
    }
}
