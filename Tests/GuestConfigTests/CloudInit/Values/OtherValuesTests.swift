import Foundation
import Support
import Testing

@testable import GuestConfig

struct `Keys, rules, zones and packages of a cloud-config` {
    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUnr3b6bJt6lJw8s6tGm4p0QGJxJ0m0m0m0m0m0m0m0"

    @Test(arguments: [
        (key, PublicKey.Verdict.taken), (key + " me", .taken), ("  \(key) me\n", .taken),
        ("no-pty,command=\"a b\" \(key)", .taken), ("cert-authority \(key)", .taken), ("", .taken),
        ("# mine", .taken),
        ("\(key) me\n\(key) you\n", .taken), ("hello", .dropped), ("ssh-ed25519", .dropped),
        ("ssh-foo AAAA", .dropped),
        ("SSH-RSA AAAA", .dropped), ("1024 35 12345 me", .dropped), ("# mine\n\(key)", .dropped),
        ("AAAAC3NzaC1lZDI1NTE5AAAA me", .dropped), ("\(key)\n\(key)", .oneOfMany),
        ("ssh-ed25519 AAAA me", .spoilt), (String(key.dropLast(4)), .spoilt),
        (key.replacingOccurrences(of: "ssh-ed25519", with: "ssh-rsa"), .spoilt), ("ed25519 AAAA", .spoilt),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----", .isPrivate),
        ("-----BEGIN RSA PRIVATE KEY-----", .isPrivate), ("PuTTY-User-Key-File-3: ssh-ed25519", .isPrivate),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", .dropped),
    ])
    func `A public key is one to cloud-init and to sshd`(_ text: String, _ verdict: PublicKey.Verdict) {
        #expect(PublicKey.verdict(text) == verdict)
    }

    @Test func `A private key is an error that shows nothing of it, wherever keys stand`() {
        let found = findings(
            in: """
                ssh_authorized_keys: ["-----BEGIN OPENSSH PRIVATE KEY-----\\nhunter2\\n"]
                users: [{name: a, ssh_authorized_keys: ["-----BEGIN RSA PRIVATE KEY-----\\nhunter2\\n", hunter2]}]
                ssh_keys: {rsa_private: hunter2, rsa_public: "-----BEGIN RSA PRIVATE KEY-----\\nhunter2\\n"}

                """)
        #expect(
            found.map { "\($0.severity) \($0.path)" } == [
                "error ssh_authorized_keys[1]", "error users[1].ssh_authorized_keys[1]",
                "error users[1].ssh_authorized_keys[2]", "error ssh_keys.rsa_private",
                "error ssh_keys.rsa_public",
            ])
        #expect(!found.contains { $0.text.contains("hunter2") || ($0.hint ?? "").contains("hunter2") })
    }

    @Test func `Whatever ssh-keygen makes is taken`() async throws {
        try await ScratchFolder.with { folder in
            for (type, bits) in [("ed25519", "256"), ("rsa", "1024"), ("ecdsa", "256"), ("ecdsa", "521")] {
                let file = "\(folder)/\(type)\(bits)"
                let made = try await command(
                    "/usr/bin/ssh-keygen", ["-q", "-t", type, "-b", bits, "-N", "", "-f", file])
                #expect(made.status == 0, "\(made.errors)")
                let text = try String(contentsOfFile: file + ".pub", encoding: .utf8)
                #expect(PublicKey.verdict(text) == .taken)
                #expect(PublicKey.verdict(try String(contentsOfFile: file, encoding: .utf8)) == .isPrivate)
            }
        }
    }

    @Test func `What nobody knows yet is not judged`() {
        let found = findings(
            in: """
                users: [{name: a, ssh_authorized_keys: [(known after boot)], passwd: unknown, lock_passwd: false}]
                write_files: [{path: /a, encoding: b64, content: (known after boot)}]
                timezone: (known after boot)

                """)
        #expect(found == [])
    }

    // MARK: - sudo

    /// Rules, right and wrong ones: visudo is asked which.
    private static let rules = [
        "ALL=(ALL) NOPASSWD:ALL", "ALL=(ALL:ALL) ALL", "ALL", "NOPASSWD:ALL", "ALL=(ALL) NOPASSWD: ALL",
        "ALL = (ALL) ALL",
        "ALL=ALL", "(ALL) NOPASSWD:ALL", "ALL=(ALL NOPASSWD:ALL", "ALL=(ALL)NOPASSWD:ALL",
        "ALL=(ALL) NOPASSWORD:ALL",
        "ALL=(ALL) NOPASSWD:/usr/bin/apt", "ALL=(ALL) NOPASSWD:/usr/bin/apt update, /usr/bin/apt upgrade",
        "ALL=(ALL) NOPASSWD:apt", "ALL=(ALL) apt", "all=(all) nopasswd:all", "ALL=(root) sudoedit /etc/hosts",
        "ALL=(ALL) !/bin/su", "ALL=(ALL) NOPASSWD:SETENV: ALL", "ALL=(ALL) NOPASSWD:ALL, !/bin/su",
        "web1,web2=(ALL) ALL", "ALL=(%admin) ALL", "ALL=(ALL:) ALL", "ALL=() ALL", "ALL=(:docker) ALL",
        "ALL=(ALL) CMDS", "ALL=(ALL) NOPASSWD:CMD_A", "ALL=(ALL) /bin/ls \"\"", "ALL=(ALL) TIMEOUT=10 ALL",
        "ALL=(ALL) ALL : OTHER=(ALL) ALL", "ALL=(ALL) NOPASSWD:ALL # why", "ALL=", "=ALL", "ALL=(ALL)",
        "ALL=(ALL) ,ALL", "ALL=(ALL) ALL,", "ALL=(ALL) NOPASSWD:ALL;", "ALL ALL=(ALL) ALL",
        "ops ALL=(ALL) ALL",
        "ALL==(ALL) ALL", "ALL=(ALL) NOPASSWD:ALL ALL", "ALL=(ALL) ./x", "ALL=(ALL) list",
        "ALL=(ALL) ^/bin/ls$",
        "ALL=(ALL) NOEXEC:NOPASSWD:/bin/ls", "ALL=(ALL) /usr/bin/", "10.0.0.0/8=(ALL) ALL", "ALL=(#1000) ALL",
        "ALL=(ALL) CWD=/tmp ALL", "true", "ALL=(ALL) /bin/a=b", "ALL=(ALL, !root) ALL", "!ALL=(ALL) ALL",
        "ALL=(ALL) NOPASSWD:ALL)", "ALL=(ALL)) ALL", "ALL=(ALL) 'ALL'", "ALL=(ALL) LOG_INPUT:LOG_OUTPUT:ALL",
        "ALL=(ALL) NOPASSWD : ALL", "ALL=(ALL) NOPASSWD:: ALL", "ALL=(ALL) all", "ALL=(ops user) ALL",
        "ALL=(\"ops user\") ALL", "ALL=NOPASSWD:ALL", "ALL=(ALL) sudo", "ALL=(ALL) cmd_A",
        "ALL=(ALL) /bin/ls;ls",
        "ALL=(ALL) ALL=x", "ALL=(ALL) NOPASSWD:ALL\n",
        "ALL=(root,www-data) NOPASSWD: /bin/a, /bin/b *, !/bin/c",
        "ALL=(ALL) NOPASSWD: /bin/systemctl restart nginx, PASSWD: ALL", "localhost=(root) /sbin/reboot",
        "ALL=(%#100) ALL", "ALL=(ALL) MAIL:/bin/true", "ALL=(root) NOPASSWD:/bin/true, bash",
    ]

    @Test func `A rule is understood where visudo understands it`() async throws {
        try await ScratchFolder.with { folder in
            for rule in Self.rules {
                try "ops \(rule)\n".write(toFile: folder + "/rule", atomically: true, encoding: .utf8)
                let result = try await command("/usr/sbin/visudo", ["-cf", folder + "/rule"])
                #expect(
                    (SudoRule.problem(rule) == nil) == (result.status == 0),
                    "\(rule): \(String(describing: SudoRule.problem(rule))), visudo \(result.errors)")
            }
        }
    }

    @Test func `A wrong rule is an error with the way out`() {
        #expect(
            Judged("users: [{name: a, sudo: ALL}]\n", "error users[1].sudo \"ALL\" is no rule").actual
                == ["error users[1].sudo \"ALL\" is no rule"])
        #expect(SudoRule.problem("ALL=(ALL) NOPASWD:ALL")?.hint == "did you mean NOPASSWD?")
        #expect(findings(in: "users: [{name: a, sudo: ''}, {name: b, sudo: null}]\n") == [])
    }

    // MARK: - Zones and packages

    @Test func `Each zone of tzdata is one`() throws {
        let names = try run("find", "/usr/share/zoneinfo", "!", "-type", "d", "-printf", "%P\n").output
        let others = ["leapseconds", "localtime", "posixrules"]
        let zones = names.split(separator: "\n").map(String.init).filter {
            !$0.contains(".") && !$0.hasPrefix("posix/") && !$0.hasPrefix("right/") && !others.contains($0)
        }
        #expect(zones.count > 400)
        #expect(zones.filter { !TimeZones.has($0) } == [])
    }

    @Test(arguments: [
        ("Europe/Zuric", "Europe/Zurich"), ("europe/zurich", "Europe/Zurich"), ("Zurich", "Europe/Zurich"),
        ("America/New York", "America/New_York"), ("Etc/UTC ", "Etc/UTC"), ("Mars/Phobos", nil),
        ("W. Europe Standard Time", nil),
    ])
    func `What is no zone is an error with the nearest`(_ zone: String, _ nearest: String?) {
        let found = findings(in: "timezone: '\(zone)'\n")
        #expect(found.map(\.severity) == [.error])
        #expect(
            found.first?.hint == nearest.map { "did you mean \($0)?" }
                ?? "such as Europe/Zurich; timedatectl list-timezones prints them")
    }

    @Test(arguments: [
        Judged("packages: ['a b']\n", "error packages[1] \"a b\" is no name of a package: it has a blank"),
        Judged("packages: ['']\n", "error packages[1] is no package"),
        Judged("packages: [nginx, '-y']\n", "warning packages[2] \"-y\" is an option"),
        Judged("packages: ['a;reboot']\n", "error packages[1]"),
        Judged("packages: ['a,b']\n", "error packages[1]"),
        Judged("packages: ['nginx', ['é', '1']]\n", "error packages[2][1]"),
        Judged(
            "packages: [nginx=1.22.1-9, 'libc6:amd64', 'php8.*', g++, '@development', 'a>=1', /x.deb, nginx/stable]\n"
        ),
        Judged(
            "packages: [[nginx, 1.22.1-9], 'https://a.example.org/x(1).rpm', 'task^', 'a~=1', '~nrich']\n"),
        Judged("timezone: Europe/Zurich\n"), Judged("timezone: /usr/share/zoneinfo/UTC\n"),
        Judged("timezone: ''\n"),
    ])
    func `Names are those a package manager takes`(_ judged: Judged) {
        #expect(judged.actual == judged.found)
    }
}
