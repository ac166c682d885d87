import Basics
import GuestConfig
import MachineSpec
import Support
import Testing

@Suite struct `An Ignition configuration` {
    private static let version = #""ignition": {"version": "3.3.0"}"#

    private static let documents: [String] = [
        "{\(version)}",
        "{\(version), \"storage\": {\"files\": [{\"path\": \"/a\"}], \"luks\": []}, \"systemd\": {}}",
        "{\(version), \"kernelArguments\": {\"shouldExist\": [\"quiet\"]}, \"passwd\": {\"users\": []}}",
        #"{"ignition": {"version": "3.0.0", "config": {}, "timeouts": {}, "security": {}}}"#,
        #"{"ignition": {"version": "3.4.0-experimental"}}"#,
        // Keys
        "{\(version), \"storag\": {}}", "{\(version), \"storage\": {\"file\": []}}",
        "{\(version), \"cloud_init\": {}}",
        #"{"ignition": {"version": "3.0.0", "proxy": {}}}"#,
        #"{"ignition": {"version": "3.0.0"}, "kernelArguments": {}}"#,
        #"{"ignition": {"version": "3.1.0"}, "storage": {"luks": []}}"#,
        // Kinds
        "{\(version), \"storage\": {\"files\": {}}}", "{\(version), \"passwd\": []}",
        "{\(version), \"passwd\": \"x\"}",
        "[]", "3", #"{"ignition": []}"#, #"{"ignition": {"version": 3}}"#,
        // Within sections
        "{\(version), \"storage\": {\"files\": [{\"path\": \"/a\", \"mode\": 420, \"contents\": {\"source\": \"data:,x\"}}]}}",
        "{\(version), \"storage\": {\"files\": [{\"path\": \"/a\", \"contnts\": {\"source\": \"data:,x\"}}]}}",
        "{\(version), \"storage\": {\"files\": [{\"path\": \"/a\", \"contents\": {\"source\": \"x\"}}]}}",
        "{\(version), \"storage\": {\"files\": [{\"path\": \"/a\", \"mode\": \"0644\"}]}}",
        "{\(version), \"storage\": {\"files\": [{\"path\": \"/a\", \"mode\": 1.5}]}}",
        "{\(version), \"storage\": {\"files\": [{\"path\": \"a\"}]}}",
        "{\(version), \"storage\": {\"files\": [{}]}}",
        "{\(version), \"storage\": {\"links\": [{\"path\": \"/a\"}]}}",
        "{\(version), \"storage\": {\"links\": [{\"path\": \"/a\", \"target\": \"b\", \"hard\": false}]}}",
        "{\(version), \"storage\": {\"directories\": [{\"path\": \"/a\", \"user\": {\"name\": \"core\"}}]}}",
        "{\(version), \"storage\": {\"directories\": [{\"path\": \"/a\", \"user\": \"core\"}]}}",
        "{\(version), \"storage\": {\"disks\": [{\"partitions\": []}]}}",
        "{\(version), \"storage\": {\"raid\": [{\"name\": \"a\", \"level\": \"raid1\"}]}}",
        "{\(version), \"storage\": {\"luks\": [{\"name\": \"a\", \"device\": \"/dev/a\", \"discard\": true}]}}",
        "{\(version), \"storage\": {\"filesystems\": [{\"format\": \"ext4\"}]}}",
        "{\(version), \"passwd\": {\"users\": [{\"name\": \"core\", \"sshAuthorizedKeys\": [\"ssh-ed25519 A\"]}]}}",
        "{\(version), \"passwd\": {\"users\": [{\"name\": \"core\", \"ssh_authorized_keys\": [\"ssh-ed25519 A\"]}]}}",
        "{\(version), \"passwd\": {\"users\": [{\"name\": \"core\", \"sshAuthorizedKeys\": \"ssh-ed25519 A\"}]}}",
        "{\(version), \"systemd\": {\"units\": [{\"name\": \"a.service\", \"enabled\": true, \"dropins\": [{\"name\": \"b.conf\"}]}]}}",
        "{\(version), \"systemd\": {\"units\": [{\"name\": \"a.service\", \"enable\": true}]}}",
        "{\(version), \"systemd\": {\"units\": [{\"name\": \"a.service\", \"enabled\": \"yes\"}]}}",
        // Versions
        "{}", #"{"ignition": {}}"#, #"{"ignition": {"version": "2.3.0"}}"#,
        #"{"ignition": {"version": "three"}}"#,
        #"{"ignition": {"version": "3.3"}}"#, #"{"ignition": {"version": ""}}"#,
        #"{"ignition": {"version": "3.3.0-x"}}"#,
        // Syntax
        "", "{", "{\(version),}", "variant: fcos\nversion: 1.4.0\n", "{\(version)} x",
    ]

    /// `ignition-validate` is Ignition's own; a key it does not know is a warning to it, and an error here.
    @Test func `is taken where Ignition's own validator has nothing against it`() async throws {
        let verdicts = try await IgnitionOracle.verdicts(Self.documents)
        for (text, theirs) in zip(Self.documents, verdicts) {
            let errors = IgnitionCheck.check(text).filter(\.isError)
            #expect(
                errors.isEmpty == (theirs.error == nil && !theirs.hasUnusedKey),
                "\(text)\n  limiq: \(errors.map(\.text)); Ignition: \(theirs.error ?? "takes it")")
        }
    }

    @Test(arguments: [
        (
            #"{"ignition": {"version": "3.3.0"}, "storag": {}}"#,
            "ignition.storag is no key of Ignition 3.3.0", "did you mean storage?"
        ),
        (
            #"{"ignition": {"version": "3.1.0"}, "storage": {"luks": []}}"#,
            "ignition.storage.luks is no key of Ignition 3.1.0", "version 3.2.0 brings it"
        ),
        (
            #"{"ignition": {"version": "2.3.0"}}"#,
            "ignition.ignition.version is 2.3.0, and limiq knows 3.0.0 and newer", "butane writes version 3"
        ),
        ("{}", "ignition.ignition is missing", #"ignition = { ignition = { version = "3.4.0" } }"#),
        ("{\n  \"ignition\": {\n", "ignition:3:1: expected a key in double quotes", nil),
        (
            "variant: fcos\n", "ignition:1:1: a value should be here: \"variant: fcos\"",
            "it is Butane's form: butane --strict makes Ignition's of it"
        ),
        (
            #"{"ignition": {"version": "3.3.0"}, "storage": {"files": {}}}"#,
            "ignition.storage.files must be a list, not a table with names",
            "leave it out"
        ),
        (
            #"{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a"}, {"path": "/b", "contnts": {}}]}}"#,
            "ignition.storage.files[2].contnts is no key of Ignition 3.4.0", "did you mean contents?"
        ),
        (
            #"{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "hi"}}]}}"#,
            "ignition.storage.files[1].contents.source is no address",
            "a text stands in one as data:,hello%20there"
        ),
        (
            #"{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "mode": "0644"}]}}"#,
            "ignition.storage.files[1].mode must be a whole number, not a string",
            "0644 is 420, as neither JSON nor Lua has octal numbers"
        ),
        (
            #"{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "mode": 420.5}]}}"#,
            "ignition.storage.files[1].mode must be a whole number, not 420.5", nil
        ),
    ])
    func `is refused with the place and the way out`(text: String, message: String, hint: String?) throws {
        let finding = try #require(IgnitionCheck.check(text).first)
        #expect(finding.isError)
        #expect(finding.text == message)
        #expect(finding.hint == hint)
    }

    // MARK: - Values

    /// What is said of the parts of a configuration, without the word `ignition.` before each path.
    private func said(_ parts: String, version: String = "3.3.0") -> [String] {
        IgnitionCheck.check("{\"ignition\": {\"version\": \"\(version)\"}, \(parts)}").map { finding in
            let text = finding.text.replacing("ignition.", with: "", maxReplacements: 1)
            return "\(finding.isError ? "error" : "warning") \(text)"
                + (finding.hint.map { " (\($0))" } ?? "")
        }
    }

    private func file(_ members: String, version: String = "3.3.0") -> [String] {
        said("\"storage\": {\"files\": [{\"path\": \"/a\", \(members)}]}", version: version)
    }

    @Test(
        arguments: [
            (420, nil), (0, nil), (511, nil), (493, nil), (384, nil), (256, nil), (7, nil),
            (644, "warning 644, which is the mode 01204 (0644 is 420"),
            (755, "warning 755, which is the mode 01363 (0755 is 493"),
            (600, "warning 600, which is the mode 01130 (0600 is 384"),
            (640, "warning 640, which is the mode 01200 (0640 is 416"),
            (400, "warning 400, which is the mode 0620 (0400 is 256"),
            (440, "warning 440, which is the mode 0670 (0440 is 288"),
            (444, "warning 444, which is the mode 0674 (0444 is 292"),
            (500, "warning 500, which is the mode 0764 (0500 is 320"),
            (700, "warning 700, which is the mode 01274 (0700 is 448"),
            (750, "warning 750, which is the mode 01356 (0750 is 488"),
            (777, "warning 777, which is the mode 01411 (0777 is 511"),
            (664, "warning 664, which is the mode 01230 (0664 is 436"),
            (1777, "warning 1777, which is the mode 03361 (01777 is 1023"),
            (2755, "warning 2755, which is the mode 05303 (02755 is 1517"),
            (4755, "error no mode: 4755, and they go to 4095, 07777 (04755 is 2541"),
            (99999, "error no mode: 99999, and they go to 4095, 07777"),
            (-1, "error no mode: -1, and they go to 4095, 07777"),
        ] as [(Int, String?)])
    func `has modes that are decimal, and one that reads as octal is asked about`(mode: Int, says: String?) {
        let octal = ", as neither JSON nor Lua has octal numbers)"
        let wanted = says.map { says in
            let word = says.prefix { $0 != " " }
            let rest = says.dropFirst(word.count + 1)
            return ["\(word) storage.files[1].mode is \(rest)" + (rest.contains("(") ? octal : "")]
        }
        #expect(file("\"mode\": \(mode)", version: "3.6.0") == wanted ?? [])
    }

    @Test func `keeps setuid, setgid and sticky bits since 3.6.0`() {
        let lost =
            "warning storage.files[1].mode is 02755, of which setuid, setgid and sticky bit get lost before version 3.6.0"
        #expect(file("\"mode\": 1517", version: "3.6.0") == [])
        #expect(file("\"mode\": 1517", version: "3.5.0") == [lost])
        #expect(file("\"mode\": 1517") == [lost])
    }

    @Test(
        arguments: [
            ("3.0.0", nil), ("3.3.0", nil), ("3.4.0", nil), ("3.5.0", nil), ("3.6.0", nil),
            ("3.7.0-experimental", nil),
            (
                "3.4.0-experimental",
                "warning ignition.version is 3.4.0-experimental, which Ignition takes no more since 3.4.0 is out"
            ),
            (
                "3.5.0-experimental",
                "error ignition.version is 3.5.0-experimental, which Ignition takes no more since 3.5.0 is out"
            ),
            ("3.7.0", "error ignition.version is 3.7.0, which Ignition does not take: its newest is 3.6.0"),
            ("3.9.0", "error ignition.version is 3.9.0, which Ignition does not take: its newest is 3.6.0"),
            ("3.3.1", "error ignition.version is 3.3.1, which Ignition does not take: its newest is 3.6.0"),
            (
                "3.8.0-experimental",
                "error ignition.version is 3.8.0-experimental, which Ignition does not take: its newest is 3.6.0"
            ),
        ] as [(String, String?)])
    func `has a version that a released Ignition takes`(version: String, says: String?) {
        let found = said("\"storage\": {}", version: version)
        #expect(
            found.map { String($0.prefix { $0 != "(" }).trimmingSuffix(" ") } == (says.map { [$0] } ?? []))
    }

    /// What each version has brought, and is unknown to the ones before.
    @Test(arguments: [
        (
            4,
            #""storage": {"luks": [{"name": "a", "device": "/dev/a", "discard": true, "openOptions": ["x"]}]}"#
        ),
        (4, #""storage": {"files": [{"path": "/a", "contents": {"source": "arn:aws:s3:::bucket/key"}}]}"#),
        (5, #""storage": {"luks": [{"name": "a", "device": "/dev/a", "cex": {"enabled": true}}]}"#),
        (
            6,
            #""storage": {"luks": [{"name": "a", "device": "/dev/a", "clevis": {"custom": {"pin": "own", "config": "{}"}}}]}"#
        ),
        (7, #""storage": {"filesystems": [{"device": "tag", "format": "virtiofs", "path": "/mnt"}]}"#),
        (7, #""storage": {"files": [{"path": "/a", "contents": {"source": "file:///etc/b"}}]}"#),
        (
            7,
            #""storage": {"disks": [{"device": "/dev/a", "partitions": [{"number": 1, "label": "a", "shouldExist": false}]}]}"#
        ),
        (3, #""kernelArguments": {"shouldExist": ["quiet"]}"#),
        (3, #""storage": {"filesystems": [{"device": "/dev/a", "format": "none"}]}"#),
        (2, #""storage": {"disks": [{"device": "/dev/a", "partitions": [{"number": 1, "resize": true}]}]}"#),
        (2, #""storage": {"files": [{"path": "/a", "contents": {"source": "gs://bucket/object"}}]}"#),
        (
            1,
            #""storage": {"filesystems": [{"device": "/dev/a", "format": "btrfs", "mountOptions": ["subvolid=5"]}]}"#
        ),
    ])
    func `has what its version has`(since: Int, parts: String) {
        for minor in 0...7 {
            let found = said(parts, version: "3.\(minor).0" + (minor == 7 ? "-experimental" : ""))
            #expect(found.contains { $0.hasPrefix("error") } == (minor < since), "3.\(minor).0: \(found)")
        }
    }

    @Test(
        arguments: [
            // Accounts
            (
                #""passwd": {"users": [{"name": "a"}, {"name": "a"}, {}]}"#,
                [
                    "warning passwd.users[3].name is missing, and the guest can make nothing without one",
                    "error passwd.users[2].name is there already, as ignition.passwd.users[1].name",
                ]
            ),
            (
                #""passwd": {"users": [{"name": "a", "sshAuthorizedKeys": ["k", "k"]}]}"#,
                [
                    "error passwd.users[1].sshAuthorizedKeys[2] is there already, as ignition.passwd.users[1].sshAuthorizedKeys[1]"
                ]
            ),
            // Files
            (
                #""storage": {"files": [{"path": "/etc/../x"}, {"path": "a"}, {"path": "/a/"}]}"#,
                [
                    #"error storage.files[1].path is no path in its simplest form: "/etc/../x" (write "/x")"#,
                    #"error storage.files[2].path is no absolute path: "a" (begin with a slash)"#,
                    #"error storage.files[3].path is no path in its simplest form: "/a/" (write "/a")"#,
                ]
            ),
            (
                #""storage": {"files": [{"path": "/a"}], "links": [{"path": "/a", "target": "/b"}]}"#,
                ["error storage.links[1].path is there already, as ignition.storage.files[1].path"]
            ),
            (
                #""storage": {"links": [{"path": "/a", "target": "/b"}], "files": [{"path": "/a/c"}], "directories": [{"path": "/ab"}]}"#,
                ["error storage.files[1].path is below a link: ignition.storage.links[1].path"]
            ),
            (
                #""storage": {"files": [{"path": "/a"}, {"path": "/a/b/c"}]}"#,
                ["warning storage.files[2].path is below a file: ignition.storage.files[1].path"]
            ),
            (
                #""storage": {"links": [{"path": "/l", "target": "/d", "hard": true, "user": {"id": 1}}], "directories": [{"path": "/d"}]}"#,
                [
                    "error storage.links[1] is a hard link to a folder: /d",
                    "warning storage.links[1].user.id has no effect on a hard link",
                ]
            ),
            (
                #""storage": {"files": [{"path": "/a", "overwrite": true, "user": {"id": 1, "name": "a"}}]}"#,
                [
                    "error storage.files[1].user has both id and name (leave one of them out)",
                    #"error storage.files[1].overwrite is true, and there is no contents.source to write (source = "data:," makes an empty file)"#,
                ]
            ),
            // Disks
            (
                #""storage": {"disks": [{"device": "/dev/a", "partitions": [{"number": 1, "startMiB": 1, "sizeMiB": 100}, {"number": 2, "startMiB": 50, "sizeMiB": 100}, {"number": 1, "sizeMiB": 0}]}]}"#,
                [
                    "error storage.disks[1].partitions[2] overlaps partitions[1]",
                    "error storage.disks[1].partitions[3].number is there already: partitions[1] is number 1 too",
                ]
            ),
            (
                #""storage": {"disks": [{"device": "/dev/a", "partitions": [{"label": "a:b"}, {"guid": "x", "number": 1, "shouldExist": false}, {}]}]}"#,
                [
                    #"error storage.disks[1].partitions[1].label has a colon, at which it would be cut off: "a:b""#,
                    #"error storage.disks[1].partitions[2].guid is no GUID: "x" (such as 0fc63daf-8483-4772-8e79-3d69d8477de4)"#,
                    "error storage.disks[1].partitions[2] has shouldExist = false and guid (one that goes has its number alone)",
                    "error storage.disks[1].partitions[3] has neither number nor label",
                    "error storage.disks[1].partitions has one with shouldExist = false and one without a number (give each its number)",
                ]
            ),
            (
                #""storage": {"raid": [{"name": "a", "level": "raid7", "devices": ["/dev/a", "/dev/a"]}, {"name": "b", "level": "raid0", "spares": 1}]}"#,
                [
                    "error storage.raid[1].devices[2] is there already, as ignition.storage.raid[1].devices[1]",
                    #"error storage.raid[1].level cannot be "raid7" (did you mean raid0?)"#,
                    "error storage.raid[2].spares cannot be at the level raid0",
                    "error storage.raid[2].devices is missing",
                ]
            ),
            (
                #""storage": {"filesystems": [{"device": "/dev/a", "format": "zfs"}, {"device": "/dev/a", "format": "xfs", "label": "1234567890123"}, {"device": "/dev/b", "path": "/b"}]}"#,
                [
                    #"error storage.filesystems[1].format cannot be "zfs" (there are btrfs, ext4, none, swap, vfat, xfs)"#,
                    "error storage.filesystems[2].label has 13 bytes, and xfs takes 12",
                    #"error storage.filesystems[3].format is missing, and path is given (format = "ext4")"#,
                    "error storage.filesystems[2].device is there already, as ignition.storage.filesystems[1].device",
                ]
            ),
            (
                #""storage": {"disks": [{"device": "/dev/a", "partitions": [{"number": 1}]}, {"device": "/dev/b", "wipeTable": true}], "filesystems": [{"device": "/dev/a", "format": "xfs"}, {"device": "/dev/b", "format": "xfs"}]}"#,
                [
                    "warning storage.filesystems[1].device is ignition.storage.disks[1], whose partitions are written over",
                    "warning storage.filesystems[2].device is ignition.storage.disks[2], whose wipeTable takes the filesystem with it",
                ]
            ),
            (
                #""storage": {"luks": [{"name": "a/b", "device": "/dev/a"}, {"name": "c", "device": "/dev/c", "clevis": {"tpm2": true, "custom": {"pin": "x"}}}]}"#,
                [
                    #"error storage.luks[1].name has a slash: "a/b" (it is a name, not a path)"#,
                    #"error storage.luks[2].clevis.custom.pin cannot be "x" before version 3.6.0 (there are sss, tang, tpm2)"#,
                    "error storage.luks[2].clevis.custom.config is missing",
                    "error storage.luks[2].clevis.custom cannot stand beside tpm2 (leave one of them out)",
                ]
            ),
            (
                #""storage": {"luks": [{"name": "a", "device": "/dev/a", "clevis": {"tang": [{"url": "tang"}]}}]}"#,
                [
                    "error storage.luks[1].clevis.tang[1].url is no http or https address",
                    "error storage.luks[1].clevis.tang[1].thumbprint is missing (tang-show-keys prints it)",
                ]
            ),
            // Units
            (
                #""systemd": {"units": [{"name": "a"}, {"name": "b.service", "contents": "[Service\nExec"}, {"name": "c.service", "dropins": [{"name": "x", "contents": "[Service]\nA\n"}]}]}"#,
                [
                    #"error systemd.units[1].name is no unit's name: "a" (name its type, such as a.service)"#,
                    "error systemd.units[2].contents is no unit: its line 1 begins a section that has no ] (as in [Service], and below it ExecStart=/usr/bin/web)",
                    #"error systemd.units[3].dropins[1].name is no drop-in's name: "x" (it ends in .conf)"#,
                    "error systemd.units[3].dropins[1].contents is no unit: its line 2 is no NAME=VALUE (as in [Service], and below it ExecStart=/usr/bin/web)",
                ]
            ),
            (
                #""systemd": {"units": [{"name": "a.service", "enabled": true, "contents": "[Service]\nExecStart=/a\n"}, {"name": "b@.service", "contents": "[Service]\nExecStart=/b\n"}, {"name": "b@1.service", "enabled": true}]}"#,
                [
                    "warning systemd.units[1].contents has no [Install] section, so that enabled = true does nothing ([Install] with WantedBy=multi-user.target)",
                    "warning systemd.units[3].enabled has no effect: b@.service has no [Install] section ([Install] with WantedBy=multi-user.target, in ignition.systemd.units[2])",
                ]
            ),
            (
                #""systemd": {"units": [{"name": "a.service", "contents": "[Service]\nA=b\n"}]}, "storage": {"files": [{"path": "/etc/systemd/system/a.service"}]}"#,
                [
                    "error storage.files[1].path is where ignition.systemd.units[1] is written (leave one of them out)"
                ]
            ),
            // Kernel arguments
            (
                #""kernelArguments": {"shouldExist": ["a", "b"], "shouldNotExist": ["b"]}"#,
                [
                    "error kernelArguments.shouldNotExist[1] is there already, as ignition.kernelArguments.shouldExist[2]"
                ]
            ),
        ] as [(String, [String])])
    func `has each of its faults told at its place`(parts: String, says: [String]) {
        #expect(said(parts) == says)
    }

    @Test(
        arguments: [
            (
                #""source": "data:,a b""#,
                "error source is a data: address that holds a character that cannot stand in it (write it as %20)"
            ),
            (
                #""source": "data:hello""#,
                "error source is a data: address that has no comma before its data (a text stands in one as data:,hello%20there)"
            ),
            (
                #""source": "data:;base64,aGk""#,
                "error source is a data: address that holds what is not base64 (base64 -w 0 FILE writes it)"
            ),
            (
                #""source": "data:,100%""#,
                "error source is a data: address that holds a % without two digits (a percent sign itself is %25)"
            ),
            (
                #""source": "ftp://x/y""#,
                "error source has the scheme ftp, which Ignition does not fetch (it fetches data, gs, http, https, s3, tftp)"
            ),
            (
                #""source": "arn:aws:s3:::b/k""#,
                "error source has the scheme arn, which 3.3.0 does not have (version 3.4.0 brings it)"
            ),
            (#""source": "s3://b/k?versionId=""#, "error source has an empty versionId"),
            (
                #""source": "oem:///x""#,
                "warning source is an oem: address, which Flatcar's Ignition alone fetches"
            ),
            (
                #""source": "data:,a", "compression": "xz""#,
                #"error compression cannot be "xz" (Ignition unpacks gzip alone)"#
            ),
            (
                #""source": "data:,a", "verification": {"hash": "sha512-00"}"#,
                "error verification.hash has 2 digits where sha512 has 128"
            ),
            (
                #""source": "data:,a", "verification": {"hash": "md5-00"}"#,
                #"error verification.hash has a function that is none of Ignition's: "md5" (there are sha512 and sha256)"#
            ),
            (
                #""source": "data:,a", "verification": {"hash": "00"}"#,
                "error verification.hash is no hash (write sha512- and 128 hexadecimal digits)"
            ),
            (
                #""source": "data:,a", "verification": {"hash": "sha256-0000000000000000000000000000000000000000000000000000000000000000"}"#,
                "warning verification.hash is not that of what the data: address holds (it has sha256-ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb)"
            ),
            (
                #""source": "data:,a", "verification": {"hash": "sha256-ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}"#,
                nil
            ),
            (
                #""source": "http://x", "verification": {"hash": "sha256-CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}"#,
                "warning verification.hash matches nothing: its digits must be 0 to 9 and a to f"
            ),
            (
                #""verification": {"hash": "sha256-ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}"#,
                "error verification.hash is given, and source is not"
            ),
            (
                #""source": "data:,a", "httpHeaders": [{"name": "A", "value": "b"}]"#,
                "error httpHeaders are sent with an http or https address alone, which source is not"
            ),
            (#""source": "https://x", "httpHeaders": [{"name": "A", "value": "b"}]"#, nil),
            (#""source": """#, nil), (#""source": null"#, nil),
            (#""source": "data:text/plain;charset=utf-8;base64,aGk=""#, nil),
        ] as [(String, String?)])
    func `fetches what can be fetched`(resource: String, says: String?) {
        let wanted = says.map { says in
            let word = says.prefix { $0 != " " }
            return ["\(word) storage.files[1].contents.\(says.dropFirst(word.count + 1))"]
        }
        #expect(file("\"contents\": {\(resource)}") == wanted ?? [])
    }

    @Test(arguments: [
        (#"{"ignition": {"version": "3.3.0"}, "a\nb": 1, "": 2}"#, #"["a\nb"]"#),
        (
            #"{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "a\u001b[2J\n"}]}}"#,
            #""a\u{1B}[2J\n""#
        ),
        (
            "{\"ignition\": {\"version\": \"3.3.0\"}, \"storage\": {\"files\": [{\"path\": \""
                + String(repeating: "ab", count: 500_000) + "\"}]}}", "ab…"
        ),
        (
            "{\"ignition\": {\"version\": \"3.3.0\"}, \"" + String(repeating: "ab", count: 500_000)
                + "\": 1}", "abab"
        ),
        (#"{"ignition": {"version": "3.3.0\\n\\n"}}"#, "is not a version"),
    ])
    func `that is hostile is told of on one short line`(text: String, part: String) {
        let found = IgnitionCheck.check(text)
        #expect(found.contains { $0.text.contains(part) }, "\(found.map { $0.text.prefix(300) })")
        for finding in found {
            #expect(finding.text.count < 300)
            #expect(!finding.text.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
    }

    @Test func `begins with no byte order mark`() {
        let text = "\u{feff}{\(Self.version), \"storag\": {}}"
        #expect(
            IgnitionCheck.check(text).map(\.text) == [
                "ignition begins with a byte order mark, which Ignition does not read",
                "ignition.storag is no key of Ignition 3.3.0",
            ])
    }

    @Test func `of a machine has its first error raised, and the others as its cause`() throws {
        var spec = VMSpec(name: "web")
        spec.ignition =
            "{\(Self.version), \"a\": 1, \"b\": 2, \"storage\": {\"files\": [{\"path\": \"/a\", \"mode\": 644}]}}"
        #expect(spec.guestFindings(nil).map(\.isError) == [true, true, false])
        let failure = try #require(throws: Failure.self) { try spec.guestFindings(nil).requireNoErrors() }
        #expect(failure.code == .badField)
        #expect(failure.message == "ignition.a is no key of Ignition 3.3.0")
        #expect(failure.cause == "ignition.b is no key of Ignition 3.3.0")
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
