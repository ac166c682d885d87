import Basics
import Foundation
import GuestConfig
import MachineSpec
import Support
import Testing

@Suite struct `User-data in containers` {
    private func findings(
        _ bytes: [UInt8], system: CloudInitCheck.System = .linux
    ) -> [CloudInitCheck.Finding] {
        CloudInitCheck.check(CloudInitSpec(userData: .bytes(bytes)), name: "web-01", system: system)
    }

    private func found(_ text: String, system: CloudInitCheck.System = .linux) -> [String] {
        findings(Array(text.utf8), system: system).map { finding in
            "\(finding.severity) \(finding.text)" + (finding.hint.map { " (\($0))" } ?? "")
        }
    }

    /// A multipart message of parts with their headers.
    private static func message(_ parts: String..., preamble: String = "") -> String {
        "Content-Type: multipart/mixed; boundary=\"===B==\"\nMIME-Version: 1.0\n\n\(preamble)"
            + parts.map { "--===B==\n\($0)\n" }.joined() + "--===B==--\n"
    }

    private static let config = "Content-Type: text/cloud-config\n\n#cloud-config\ntimezone: UTC\n"
    private static let script = "Content-Type: text/x-shellscript\n\n#!/bin/sh\necho hi\n"

    private func gzip(_ bytes: [UInt8]) async throws -> [UInt8] {
        try await ScratchFolder.with { folder in
            try Data(bytes).write(to: URL(filePath: folder + "/a"))
            try #require(try await command("gzip", ["-n", folder + "/a"]).status == 0)
            return Array(try Data(contentsOf: URL(filePath: folder + "/a.gz")))
        }
    }

    // MARK: - What is said

    @Test(arguments: [
        (
            message(config, "Content-Type: text/cloud-config\n\n#cloud-config\nruncmds: [a]"),
            ["error user-data part 2:2:1: runcmds is no cloud-config key (did you mean runcmd?)"]
        ),
        (
            message(
                "Content-Type: text/cloud-config\nContent-Disposition: attachment; filename=\"web.cfg\"\n\n#cloud-config\na: [",
                script),
            [
                "error user-data part 1 \"web.cfg\":2:5: expected a value but found the end of the text: \"a: [\""
            ]
        ),
        (
            message("Content-Type: text/x-cloudconfig\n\n#cloud-config\ntimezone: UTC"),
            [
                "error user-data part 1:1:1: is of the type text/x-cloudconfig, which cloud-init does not know, and passes over (did you mean text/cloud-config?)"
            ]
        ),
        (
            message("Content-Type: application/x-mine\n\nhello"),
            [
                "warning user-data part 1:1:1: is of the type application/x-mine, which cloud-init does not know, and passes over"
            ]
        ),
        (
            message(
                "Content-Type: text/part-handler\n\n#part-handler\n",
                "Content-Type: application/x-mine\n\nhello"), []
        ),
        (
            message("Content-Type: text/plain\n\nhello"),
            [
                "error user-data part 1:1:1: the first line is \"hello\", which cloud-init takes for no known type (make the first line #cloud-config, or #! for a script)"
            ]
        ),
        (
            message("Content-Type: text/x-shellscript\n\necho hi"),
            [
                "error user-data part 1:1:1: is a script without #! in front, and the guest cannot run it (begin with #!/bin/sh)"
            ]
        ),
        (
            message(
                "Content-Type: text/cloud-config\n\n## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}"
            ),
            [
                "error user-data part 1:1:1: is a template, and its type has cloud-init take it as it is (give it the type text/jinja2)"
            ]
        ),
        (
            message(
                "Content-Type: text/jinja2\n\n## template: jinja\n#cloud-config\nhostnam: {{ v1.local_hostname }}"
            ), ["error user-data part 1:3:1: hostnam is no cloud-config key (did you mean hostname?)"]
        ),
        (
            message(
                "Content-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\nI2Nsb3VkLWNvbmZpZwpydW5jbWRzOiBbYV0K"
            ),
            ["error user-data part 1:2:1: runcmds is no cloud-config key (did you mean runcmd?)"]
        ),
        (
            message(
                "Content-Type: text/cloud-config\nContent-Transfer-Encoding: quoted-printable\n\n#cloud-config\nruncm=\nds: [a]"
            ),
            ["error user-data part 1:2:1: runcmds is no cloud-config key (did you mean runcmd?)"]
        ),
        (
            message("Content-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\nI2Nsb"),
            [
                "warning user-data part 1:1:1: is no base64, as its Content-Transfer-Encoding says, and cloud-init takes it as it is",
                "error user-data part 1:1:1: must be a map of keys and values (begin with a key, as in \"packages: [nginx]\")",
            ]
        ),
        (
            message("Content-Type: text/cloud-config\n\n#cloud-config\n# é\ntimezone: UTC"),
            [
                "error user-data part 1:1:1: is not UTF-8 to cloud-init: characters beyond ASCII stand in the message (give the part the Content-Transfer-Encoding base64)"
            ]
        ),
        (
            message(
                "Content-Type: multipart/mixed; boundary=C\n\n--C\n\(config)--C\nContent-Type: text/cloud-config\n\nhostnam: x\n--C--\n"
            ),
            ["error user-data part 2:1:1: hostnam is no cloud-config key (did you mean hostname?)"]
        ),
        (
            message("Content-Type: text/cloud-config\n\n#cloud-config\nnetwork: {version: 2}"),
            ["warning user-data part 1:2:1: network has no effect in user-data (move it to network_config)"]
        ),
        (
            "Content-Type: multipart/mixed; boundary=X\nMIME-Version: 1.0\n\n--Y\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--Y--\n",
            [
                "error user-data:1:1: has no line \"--X\", which its Content-Type names as the boundary of its parts (begin each part with that line, at the first column)"
            ]
        ),
        (
            "Content-Type: multipart/mixed\nMIME-Version: 1.0\n\n--Y\n",
            [
                "error user-data:1:1: is a multipart message without a boundary, and cloud-init finds no part in it (Content-Type: multipart/mixed; boundary=\"…\")"
            ]
        ),
        (
            "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    runcmds: [a]\n",
            ["error user-data part 1:1:1: runcmds is no cloud-config key (did you mean runcmd?)"]
        ),
        (
            "#cloud-config-archive\n- type: cloud-config\n  content: x\n",
            [
                "error user-data:2:9: [1].type is no type, and cloud-init then reads nothing of user-data (such as text/cloud-config)"
            ]
        ),
        (
            "#cloud-config-archive\n- content: {a: b}\n",
            [
                "error user-data:2:12: [1].content must be a text, and cloud-init then reads nothing of user-data (write it behind |)"
            ]
        ),
        (
            "#cloud-config-archive\na: b\n",
            [
                "error user-data:2:1: must be a list of parts (such as \"- {type: text/cloud-config, content: …}\")"
            ]
        ),
        (
            "#cloud-config-archive\n- {type: text/x-include-url, content: 'https://x/y'}\n",
            [
                "error user-data part 1:1:1: is of the type text/x-include-url, which cloud-init does not open in an archive"
            ]
        ),
        (
            "#cloud-config-archive\n- |\n  #!/bin/sh\n- |\n  #cloud-config\n  timezone: UTC\n- {content: \"#!/bin/sh\", filename: a.sh}\n",
            []
        ),
        (
            "#include\nhttps://example.org/a\n#include-once https://example.org/b\n",
            ["warning user-data:1:1: what it includes is not checked here: the guest fetches it"]
        ),
        (
            "#include\nexample.org/a\n",
            [
                "warning user-data:1:1: what it includes is not checked here: the guest fetches it",
                "error user-data:2:1: \"example.org/a\" is no address, and cloud-init then reads nothing of user-data (such as https://example.org/example.org/a)",
            ]
        ),
        ("#cloud-config-jsonp\n[{\"op\": \"add\", \"path\": \"/runcmd\", \"value\": [\"a\"]}]\n", []),
        (
            "#cloud-config-jsonp\n[{\"op\": \"ad\", \"path\": \"/runcmd\"}]\n",
            [
                "error user-data:1:1: operation 1 has no \"op\" of add, copy, move, remove, replace, test, and cloud-init leaves the whole part out"
            ]
        ),
        ("#cloud-boothook\n#!/bin/sh\n", []),
        (
            "#cloud-boothook\necho hi\n",
            [
                "error user-data:1:1: is a script without #! in front, and the guest cannot run it (begin with #!/bin/sh)"
            ]
        ),
        (
            "\n#!/bin/sh\n",
            ["error user-data:1:1: has space in front of #!, and the guest cannot run it (begin with #!)"]
        ),
        (
            "# my vm\r\n#cloud-config\r\npackages: [a]\r\n",
            [
                "error user-data:1:1: the first line is \"# my vm\", which cloud-init takes for no known type (move the line #cloud-config to the top)"
            ]
        ),
    ])
    func `The part is named, and its lines are its own`(text: String, expected: [String]) {
        #expect(found(text) == expected)
    }

    @Test(arguments: [
        ("## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\n", []),
        (
            "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }\n",
            ["error user-data:3:1: \"}\" cannot stand here, in {{ … }} (end it with }})"]
        ),
        (
            "## template: jinja\nhostname: x\n",
            [
                "error user-data:2:1: the template's first line is \"hostname: x\", which cloud-init takes for no known type (make the first line #cloud-config, or #! for a script)"
            ]
        ),
        (
            "## template: jinja\n#cloud-config\n{% if v1.instance_id %}\nruncmds: [a]\n{% endif %}\n",
            ["error user-data:4:1: runcmds is no cloud-config key (did you mean runcmd?)"]
        ),
        (
            "## template: jinja\n#cloud-config\nhostname: {{ v1.instance-id }}\n",
            [
                "error user-data:3:1: instance stands for nothing that cloud-init has, and it leaves the whole template out "
                    + "(did you mean instance_id? To Jinja a hyphen subtracts)"
            ]
        ),
        (
            "## template: jinja\n#!/bin/sh\necho {{ ds.meta_data.rol }}\n",
            [
                "warning user-data:3:1: rol stands for nothing, and cloud-init writes CI_MISSING_JINJA_VAR/rol "
                    + "(cloud-init query --all shows in a guest what there is)"
            ]
        ),
        ("## template: jinja\n#!/bin/sh\necho {{ v1.distro }} {{ merged_cfg.x }}\n", []),
        (
            "## template: jinja\n#cloud-config\nhostname: {{ v1.distro }}-1\n{{ v1.region }}: [a]\nruncmds: [a]\n",
            ["error user-data:5:1: runcmds is no cloud-config key (did you mean runcmd?)"]
        ),
        (
            "## template: jinja\n#cloud-config\n{% if v1.distro == 'debian' %}\nruncmds: [a]\n{% endif %}\n",
            []
        ),
        ("## template: jinja\n#cloud-config\nhostname: {{ v1.distro | upper }}\nruncmds: [a]\n", []),
        (
            "## template: jinja2\n#cloud-config\n",
            [
                "error user-data:1:1: the first line is \"## template: jinja2\", and cloud-init knows no such templates (make the first line ## template: jinja)"
            ]
        ),
        (
            "\n## template: jinja\n#cloud-config\n",
            [
                "error user-data:1:1: is a template whose first line is not \"## template: jinja\", and cloud-init leaves it out "
                    + "(make that its first line, without space or an empty line in front)"
            ]
        ),
        (
            "## template: jinja\n#include\nhttps://x/\n",
            [
                "error user-data:2:1: makes a text of the type text/x-include-url, which cloud-init takes of no template"
            ]
        ),
        ("## template: jinja\n{% if %}\n", ["error user-data:2:1: %} stands where an expression should be"]),
        (
            "## template: jinja\n#!/bin/sh\necho ${#a[@]}\n",
            ["error user-data:3:1: a comment begins here, with {#, and does not end (end it with #})"]
        ),
    ])
    func `A template is rendered with the instance's own data, and what comes of it is checked`(
        text: String, expected: [String]
    ) {
        #expect(found(text) == expected)
    }

    @Test func `A template knows the seed's own meta-data, and each machine's name`() {
        let text: CloudInitDocument =
            "## template: jinja\n#cloud-config\n{{ v1.local_hostname }}: [a]\n{{ ds.meta_data.role }}: x\n"
        func errors(_ name: String) -> [String] {
            CloudInitCheck.check(
                CloudInitSpec(
                    userData: text,
                    metaData: .text("instance-id: i\nlocal-hostname: \(name)\nrole: fqdn\n"))
            )
            .map(\.text)
        }
        #expect(errors("runcmd") == [])
        #expect(errors("runcmds") == ["user-data:3:1: runcmds is no cloud-config key"])
    }

    @Test func `Gzip is unpacked, and refused where it is cut short, spoilt or a bomb`() async throws {
        let good = try await gzip(Array("#cloud-config\nruncmds: [a]\n".utf8))
        #expect(findings(good).map(\.text) == ["user-data:2:1: runcmds is no cloud-config key"])
        // Members and zeros behind each other, as Python's reader takes them.
        let rest = try await gzip(Array("hostnam: a\n".utf8))
        #expect(findings(good + rest + [0, 0]).count == 2)
        #expect(
            findings(good + [1]).map(\.message) == ["is gzip that is spoilt, and the guest cannot unpack it"])
        for count in [2, 5, 12, good.count - 8, good.count - 1] {
            #expect(
                findings(Array(good.prefix(count))).map(\.message) == [
                    "is gzip that is cut short, and the guest cannot unpack it"
                ], "\(count)")
        }
        var spoilt = good
        spoilt[good.count - 6] ^= 1
        #expect(findings(spoilt).map(\.message) == ["is gzip that is spoilt, and the guest cannot unpack it"])
        let bomb = try await gzip([UInt8](repeating: 0x20, count: 40 << 20))
        let clock = ContinuousClock()
        let took = clock.measure { #expect(findings(bomb).map(\.message) == ["unpacks to more than 16 MiB"]) }
        #expect(took < .seconds(20))

        let packed = Base64.encode(good)
        let part = "Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n\(packed)"
        #expect(
            findings(Array(Self.message(Self.script, part).utf8)).map(\.text) == [
                "user-data part 2:2:1: runcmds is no cloud-config key"
            ])
        #expect(
            findings(
                Array(Self.message(part.replacing("application/gzip", with: "text/cloud-config")).utf8)
            ).map(\.text) == [
                "user-data part 1:1:1: is gzip, and cloud-init does not unpack the type text/cloud-config"
            ])
        let message = try await gzip(Array(Self.message(part).utf8))
        #expect(findings(message).count == 1, "a message in gzip, gzip in a part")
    }

    @Test(
        arguments: [
            (
                [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 0x00],
                "is compressed with xz, which cloud-init cannot read"
            ),
            (Array("BZh91AY&SY".utf8), "is compressed with bzip2, which cloud-init cannot read"),
            ([0x28, 0xB5, 0x2F, 0xFD, 0x00], "is compressed with zstd, which cloud-init cannot read"),
            (Array("#!/bin/sh\necho ".utf8) + [0xE9], "is not UTF-8"),
            ([0xFF, 0xFE, 0x23, 0x00], "is UTF-16, which cloud-init cannot read"),
            (
                Array("#cloud-config\n".utf16).flatMap { [UInt8($0 & 255), 0] },
                "is UTF-16, which cloud-init cannot read"
            ),
            ([0x7F, 0x45, 0x4C, 0x46, 0x00, 0xFF], "is no text"),
        ] as [([UInt8], String)])
    func `What no reader of cloud-init's takes is an error`(bytes: [UInt8], message: String) {
        #expect(findings(bytes).map(\.message) == [message])
        #expect(findings(bytes).map(\.severity) == [.error])
    }

    @Test func `What is nested or long beyond measure ends, and nothing is claimed of it`() {
        let jinja = "## template: jinja\n#cloud-config\n"
        let texts = [
            jinja
                + "x: {{ \(String(repeating: "(", count: 3000))1\(String(repeating: ")", count: 3000)) }}\n",
            jinja + String(repeating: "{% if a %}", count: 5000)
                + String(repeating: "{% endif %}", count: 5000),
            jinja + "x: {{ \(String(repeating: "not ", count: 900))1 }}\n",
            jinja + "x: {{ \(String(repeating: "1+", count: 100_000))1 }}\n",
            jinja + "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}\n",
            jinja + "{% set x = 'ab' %}" + String(repeating: "{% set x = x ~ x %}", count: 60) + "{{ x }}\n",
        ]
        for text in texts { #expect(found(text) == [], "\(text.prefix(80))") }
    }

    // MARK: - Windows

    @Test(arguments: [
        "#ps1_sysnative\nWrite-Host hi\n", "#ps1\r\nx\r\n", "#ps1_x86\nx\n", "rem cmd\ndir\n",
        "#!/usr/bin/env python\n", "#!/bin/bash\n", "<powershell>x</powershell>",
        "#cloud-config\nwrite_files: []\nset_timezone: x\nset_hostname: a\nusers: [{name: a, passwd: Passw0rd}]\n",
        message(script, config.replacing("timezone", with: "set_timezone")),
        "-----BEGIN CERTIFICATE-----\nx\n", "",
    ])
    func `Of a Windows the headers of cloudbase-init are taken`(text: String) {
        #expect(found(text, system: .windows) == [])
    }

    @Test func `Of a Windows other headers and keys are told, and of a Linux those of a Windows`() {
        #expect(
            found("Write-Host hi\n", system: .windows) == [
                "error user-data:1:1: the first line is \"Write-Host hi\", which cloudbase-init takes for no known type "
                    + "(make it #ps1_sysnative for PowerShell, rem cmd for a batch file, or #cloud-config)"
            ])
        #expect(
            found("#cloud-config\nwrite_file: []\npackages: [a]\n", system: .windows) == [
                "error user-data:2:1: write_file is no key of cloudbase-init's, which passes over it (did you mean write_files?)",
                "warning user-data:3:1: packages is no key of cloudbase-init's, which passes over it",
            ])
        #expect(
            found("#ps1_sysnative\nx\n") == [
                "error user-data:1:1: is a PowerShell script, which cloudbase-init in a Windows runs, and cloud-init does not "
                    + "(guest_os = \"windows\" for a Windows; else begin a script with #!/bin/sh)"
            ])
        #expect(findings(Array("rem cmd\nx\n".utf8), system: .unknown).map(\.severity) == [.warning])
    }

    // MARK: - Beside cloud-init

    @Test func `Of messages, archives and templates limiq says what cloud-init does with them`() async throws
    {
        var texts: [String] = [
            Self.message(Self.config, Self.script), Self.message(Self.config, preamble: "a preamble\n"),
            Self.message(Self.script).replacing("\n", with: "\r\n"),
            Self.message("Content-Type: text/plain\n\n#cloud-config\ntimezone: UTC\n"),
            Self.message("\n#cloud-config\ntimezone: UTC\n"), Self.message(""),
            Self.message("Content-Type: text/x-shellscript\n\n#cloud-config\ntimezone: UTC\n"),
            Self.message("Content-Type: TEXT/Cloud-Config; charset=\"us-ascii\"\n\ntimezone: UTC\n"),
            Self.message("Content-Type: text/x-shellscript-per-boot\n\n#!/bin/sh\n"),
            Self.message("Content-Type: text/cloud-boothook\n\n#cloud-boothook\n#!/bin/sh\n"),
            Self.message("Content-Type: text/cloud-boothook\n\n#!/bin/sh\n"),
            Self.message(
                "Content-Type: text/cloud-config\nContent-Transfer-Encoding: quoted-printable\n\n#cloud-config\ntimezone: =55TC=\n\n"
            ),
            Self.message("Content-Type: text/cloud-config-archive\n\n- timezone: UTC\n"),
            Self.message("Content-Type: text/cloud-config-archive\n\n- 'timezone: UTC'\n"),
            Self.message("Content-Type: text/x-include-url\n\n\n"),
            Self.message(
                "Content-Type: message/rfc822\n\nContent-Type: text/cloud-config\n\ntimezone: UTC\n"),
            Self.message("Content-Type: multipart/mixed; boundary=C\n\n--C\n\(Self.config)--C--\n"),
            Self.message(
                "Content-Type: text/cloud-config\nContent-Type: text/x-shellscript\n\n#cloud-config\ntimezone: UTC\n"
            ), Self.message("Content-Type: text/cloud-config; x=\";\"; name=a\n\ntimezone: UTC\n"),
            "MIME-Version: 1.0\nContent-Type: text/cloud-config\n\n#cloud-config\ntimezone: UTC\n",
            "MIME-Version: 1.0\n\n#cloud-config\ntimezone: UTC\n",
            "#cloud-config\ntimezone: UTC\n# MIME-Version: 1.0\n",
            "#!/bin/sh\ncat <<E\nMIME-Version: 1.0\nE\n",
            "Content-Type: text/cloud-config\n\ntimezone: UTC\n",
            "\nContent-Type: text/cloud-config\nMIME-Version: 1.0\n\ntimezone: UTC\n",
            Self.message(Self.config).replacing("--===B==--\n", with: ""),
            Self.message(Self.config, Self.script).replacing("MIME-Version: 1.0\n", with: ""),
            "#cloud-config-archive\n- 'timezone: UTC'\n- {type: text/x-shellscript, content: '#!/bin/sh'}\n",
            "#cloud-config-archive\n- {type: text/x-shellscript, content: 'echo'}\n",
            "#cloud-config-archive\n- {type: text/plain, content: '#cloud-config'}\n",
            "#cloud-config-archive\n- 1\n- [a]\n- {content: 'timezone: UTC', filename: 1, launch-index: 2, x-y: z}\n",
            "#cloud-config-archive\n- {content: 'timezone: UTC', x: 1}\n", "#cloud-config-archive\n",
            "#cloud-config-archive\n- {type: text/cloud-config}\n",
            "#cloud-config-archive\n- {content: !!binary I2Nsb3VkLWNvbmZpZw==, type: text/cloud-config}\n",
            "#cloud-config-archive\n- content: |\n    ## template: jinja\n    #cloud-config\n    hostname: {{ v1.local_hostname }}\n",
            "#cloud-config-jsonp\n[{\"op\": \"add\", \"path\": \"/a\", \"value\": 1}]",
            "#cloud-config-jsonp\n{}", "#cloud-config-jsonp\n[1]",
            "#cloud-config-jsonp\n[{\"op\": \"add\", \"path\": \"a\", \"value\": 1}]",
            "#cloud-config-jsonp\n[", "#cloud-config-jsonp\n[{\"op\": \"add\", \"path\": \"/a\"}]",
            "#include\n", "#include\n# x\n\n", "#include x\n", "## template: jinja\n",
            "## template: jinja\n#cloud-config\nfqdn: {{ v1.instance_id }}\n",
            "##template: jinja\n#cloud-config\n", "## template:jinja\n#cloud-config\n",
            "## TEMPLATE: JINJA\n#cloud-config\ntimezone: UTC\n",
            "## template: jinja \r\n#cloud-config\r\ntimezone: UTC\r\n", "## template: jinja\n\n#!/bin/sh\n",
            "## template: jinja\n{# x #}#!/bin/sh\n", "## template: jinja\n#cloud-config-jsonp\n[]\n",
            "## template: jinja\n#cloud-boothook\n#!/bin/sh\n", "## template: basic\n",
            "#cloud-boothook\n#!/bin/sh\n", "#cloud-boothook\n\n\n#!/bin/sh\n", "#cloud-boothook #!/bin/sh\n",
            "#CLOUD-BOOTHOOK\n#!/bin/sh\n", "#!/bin/sh\n", " #!/bin/sh\n", "#cloud-config\n- a\n", "hello",
            "\u{feff}#cloud-config\na: 1\n",
        ]
        texts += ["é", "日本", "Ã©"].map {
            Self.message("Content-Type: text/x-shellscript\n\n#!/bin/sh\necho \($0)\n")
        }
        texts += ["é", "日本"].map {
            Self.message(
                "Content-Type: text/x-shellscript\nContent-Transfer-Encoding: 8bit\n\n#!/bin/sh\necho \($0)\n"
            )
        }
        try await compare(texts)
    }

    @Test func `Of 3000 messages with lines changed limiq refuses those that cloud-init loses something of`()
        async throws
    {
        var generator = SeededGenerator(state: 20_261_130)
        let seeds = [
            Self.message(Self.config, Self.script),
            Self.message(
                "Content-Type: multipart/mixed; boundary=C\n\n--C\n\(Self.config)--C\n\(Self.script)--C--\n",
                Self.script),
            Self.message(
                "Content-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\nI2Nsb3VkLWNvbmZpZwp0aW1lem9uZTogVVRDCg==\n",
                "Content-Type: text/jinja2\n\n## template: jinja\n#cloud-config\nfqdn: {{ v1.instance_id }}\n"
            ),
        ]
        let others = [
            "", "--===B==", "--===B==--", "--C", "--C--", "Content-Type: text/plain",
            "Content-Type: text/x-shellscript", "Content-Transfer-Encoding: base64",
            "Content-Transfer-Encoding: quoted-printable", "MIME-Version: 1.0",
            "Content-Type: text/html", "Content-Type: x", "Content-Type: multipart/mixed; boundary=C",
            "Content-Type: message/rfc822", " folded", "#!/bin/sh", "#cloud-config",
            "Content-Type: text/cloud-boothook",
        ]
        var texts: [String] = []
        while texts.count < 3000 {
            var lines = (seeds.randomElement(using: &generator) ?? "").components(separatedBy: "\n")
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<lines.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0 where lines.count > 1: lines.remove(at: place)
                case 1: lines.insert(others.randomElement(using: &generator) ?? "", at: place)
                case 2: lines[place] = others.randomElement(using: &generator) ?? ""
                default: lines.swapAt(place, Int.random(in: 0..<lines.count, using: &generator))
                }
            }
            texts.append(lines.joined(separator: "\n"))
        }
        try await compare(texts)
    }

    private func compare(_ texts: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let answers = try await UserDataOracle.answers(texts.map { Array($0.utf8) })
        for (text, answer) in zip(texts, answers) {
            let found = findings(Array(text.utf8))
            // cloud-init says so of a cloud-config that is empty, of which nothing is lost.
            let isEmpty =
                answer.log.split(separator: "\n").allSatisfy { $0.contains("empty cloud config") }
                && answer.fatal == nil
            // It says nothing of a message in which it finds no part.
            let errors = found.filter {
                // Whether there is such a time zone is not asked before the guest sets it.
                $0.severity == .error && $0.path != "timezone" && !$0.message.hasPrefix("has no line")
                    && !$0.message.hasPrefix("is a multipart message without")
            }
            #expect(
                errors.isEmpty || answer.isTroubled,
                "\(errors.map(\.text)), and cloud-init takes it:\n\(text)",
                sourceLocation: sourceLocation)
            #expect(
                !found.isEmpty || !answer.isTroubled || isEmpty,
                "nothing is said, and cloud-init \(answer):\n\(text)", sourceLocation: sourceLocation)
        }
    }
}
