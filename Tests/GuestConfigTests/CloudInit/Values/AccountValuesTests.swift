import Foundation
import Support
import Testing
import YAML

@testable import GuestConfig

struct `Accounts of a cloud-config` {
    static let hash = "$6$abcdefgh$" + String(repeating: "A", count: 86)
    static let yescrypt = "$y$j9T$abcdefghijklmnop$" + String(repeating: "A", count: 43)

    @Test(arguments: [
        Judged(
            "chpasswd: {users: [{name: a, password: hunter22}]}\n",
            "error chpasswd.users[1].password is plain"),
        Judged(
            "chpasswd: {users: [{name: a, password: hunter22, type: hash}]}\n",
            "error chpasswd.users[1].password is plain"),
        Judged(
            "chpasswd: {users: [{name: a, password: $ecret}]}\n", "error chpasswd.users[1].password is plain"),
        Judged(
            "chpasswd: {users: [{name: a, password: correcthorse1}]}\n",
            "warning chpasswd.users[1].password is a hash of DES, or"),
        Judged(
            "chpasswd: {users: [{name: a, type: text, password: '\(hash)'}]}\n",
            "error chpasswd.users[1].password is a hash"),
        Judged(
            "chpasswd: {users: [{name: a, password: \"a\\nb\"}]}\n",
            "error chpasswd.users[1].password has a line break"),
        Judged("chpasswd: {users: [{name: a, password: hunter22, type: text}]}\n"),
        Judged("chpasswd: {users: [{name: a, type: RANDOM}]}\n"),
        Judged("chpasswd: {users: [{name: a, password: '\(hash)'}]}\n"),
        Judged("chpasswd: {users: [{name: a, password: '\(yescrypt)'}]}\n"),
        Judged("chpasswd: {users: [{name: a, password: '!'}, {name: b, password: '*'}]}\n"),
    ])
    func `have hashes where hashes are meant`(_ judged: Judged) { #expect(judged.actual == judged.found) }

    @Test(arguments: [
        Judged(
            "chpasswd:\n  list: |\n    root:x\n    nobody\n", "warning chpasswd.list is deprecated",
            "error chpasswd.list line 2 of it has no colon"),
        Judged(
            "chpasswd:\n  list: |\n    root:x\n\n    a:b\n", "warning chpasswd.list is deprecated",
            "error chpasswd.list line 2 of it has no colon"),
        Judged(
            "chpasswd: {list: ['root:\(yescrypt)']}\n", "warning chpasswd.list is deprecated",
            "error chpasswd.list[1] is a hash of a kind"),
        Judged("chpasswd:\n  list: |\n    root:x\n    a:R\n", "warning chpasswd.list is deprecated"),
        Judged("chpasswd: {list: ['root:\(hash)', 'a:RANDOM']}\n", "warning chpasswd.list is deprecated"),
        Judged(
            "users: [{name: a}]\npassword: x\n", "warning password is the default user's, and there is none"),
        Judged("password: '\(yescrypt)'\n", "error password is a hash of a kind"),
        Judged("password: x\n"),
        Judged("password: x\nusers: [default, {name: a}]\n"),
        Judged("password: x\nuser: {name: a}\nusers: [{name: b}]\n"),
        Judged(
            "password: x\nchpasswd: {users: [{name: a, type: RANDOM}]}\n",
            "warning password is passed over where chpasswd"),
    ])
    func `are set by chpasswd as it reads its lines`(_ judged: Judged) {
        #expect(judged.actual == judged.found)
    }

    @Test(arguments: [
        Judged(
            "users: [{name: a, passwd: '\(hash)'}]\n",
            "warning users[1].passwd opens the account to nobody: it is"),
        Judged("users: [{name: a, hashed_passwd: '\(hash)'}]\n", "warning users[1].hashed_passwd opens"),
        Judged(
            "users: [{name: a, plain_text_passwd: b}]\n",
            "warning users[1].plain_text_passwd is a password anyone",
            "warning users[1].plain_text_passwd opens the account to nobody"),
        Judged(
            "users: [{name: a, passwd: hunter2, lock_passwd: false}]\n",
            "error users[1].passwd is not the hash"),
        Judged(
            "users: [{name: root, passwd: '\(hash)', lock_passwd: false}]\n",
            "warning users[1].passwd has no effect"),
        Judged("users: [{name: a, passwd: '\(hash)', lock_passwd: false}]\n"),
        Judged("users: [{name: a, passwd: '\(hash)', lock_passwd: true}]\n"),
        Judged("users: [{name: a, hashed_passwd: '!'}]\n"),
        Judged(
            "users: [{name: a, hashed_passwd: '\(hash)'}]\nchpasswd: {users: [{name: a, type: RANDOM}]}\n"),
    ])
    func `are told where they stay locked`(_ judged: Judged) { #expect(judged.actual == judged.found) }

    @Test(arguments: [
        Judged("users: [{name: a b}]\n", "error users[1].name \"a b\" is no name of a user: it has a blank"),
        Judged("users: [{name: 'a:b'}]\n", "error users[1].name"),
        Judged("users: [{name: '-a'}]\n", "error users[1].name"),
        Judged("users: [{name: ''}]\n", "error users[1].name"),
        Judged("users: [{name: \(String(repeating: "u", count: 33))}]\n", "error users[1].name"),
        Judged("users: [öps]\n", "warning users[1] \"öps\" is a name that only some"),
        Judged("users: ['123', a@b]\n", "warning users[1] \"123\"", "warning users[2] \"a@b\""),
        Judged("users: [Ops, a.b, samba$, 1a, _x]\n"),
        Judged(
            "users: [{name: a, groups: 'x, y z'}]\n", "error users[1].groups \"y z\" is no name of a group"),
        Judged("users: [{name: a, groups: [sudo docker]}]\n", "error users[1].groups[1]"),
        Judged("groups: 'a, b'\n", "error groups \" b\" is no name of a group"),
        Judged("groups: [a b]\n", "error groups[1]"),
        Judged(
            "groups: [docker: [ops]]\nusers: [{name: ops}]\n", "warning groups[1].docker[1] puts \"ops\" into"
        ),
        Judged("groups: [ops]\nusers: [{name: ops}]\n", "error users[1].name \"ops\" is a group by then"),
        Judged("users: [{name: ops, groups: [ops, sudo]}]\n", "error users[1].name"),
        Judged("users: [{name: staff}]\n", "warning users[1].name \"staff\" is a group of Debian's"),
        Judged("users: [{name: a, primary_group: team}]\n", "warning users[1].primary_group"),
        Judged("users: [{name: a, primary_group: a}]\n", "error users[1].primary_group is no group by then"),
        Judged("users: [{name: a, groups: [b]}, {name: b}]\n", "error users[2].name \"b\" is a group"),
        Judged("users: [{name: b}, {name: a, groups: [b]}]\n"),
        Judged("groups: [ops]\nusers: [{name: ops, primary_group: ops}, {name: b, no_user_group: true}]\n"),
        Judged("users: [{name: a, groups: 'x, y', primary_group: team}, default, ops, {name: www-data}]\n"),
        Judged("groups: [docker: [root, sys], cloud-users]\n"),
        Judged("groups: {docker: [root], a: root}\n"),
    ])
    func `have names that useradd and groupadd take`(_ judged: Judged) {
        #expect(judged.actual == judged.found)
    }

    @Test(arguments: [
        Judged("users: [{name: a, shell: bash}]\n", "error users[1].shell \"bash\" is no absolute path"),
        Judged("users: [{name: a, homedir: a}]\n", "error users[1].homedir"),
        Judged("users: [{name: a, gecos: 'x:y'}]\n", "error users[1].gecos"),
        Judged("users: [{name: a, uid: 0}]\n", "error users[1].uid is root's"),
        Judged("users: [{name: a, uid: -5}]\n", "error users[1].uid"),
        Judged("users: [{name: a, uid: 4294967295}]\n", "error users[1].uid"),
        Judged(
            "users: [{name: a, uid: 1500}, {name: b, uid: 1500}]\n",
            "error users[2].uid is there already, in line 2"),
        Judged(
            "users: [{name: a, system: true, ssh_authorized_keys: [ssh-ed25519 AAAA a]}]\n",
            "error users[1].system leaves no home", "warning users[1].ssh_authorized_keys[1]"),
        Judged(
            "users: [{name: a, ssh_redirect_user: true, ssh_import_id: [gh:a]}]\n",
            "error users[1].ssh_import_id cannot stand beside"),
        Judged(
            "users: [{name: a, shell: /bin/sh}, {name: a, shell: /bin/bash}]\n",
            "warning users[2].shell is passed over: what line 2 says"),
        Judged("users: [{name: a, shell: /no/such}, {name: b, shell: ''}, {name: c, gecos: 'Ann, Lee'}]\n"),
        Judged("users: [{name: a, uid: 1500}, {name: b, uid: 1501}, {name: a, uid: 1500}]\n"),
        Judged("users: [{name: a, system: true}, {name: b, no_create_home: true}]\n"),
    ])
    func `have no fields that useradd refuses`(_ judged: Judged) { #expect(judged.actual == judged.found) }

    @Test func `No password is shown`() {
        let found = findings(
            in: """
                chpasswd: {list: "a:hunter2\\nhunter2", users: [{name: a, password: hunter2}]}
                users: [{name: b, passwd: hunter2}, {name: c, plain_text_passwd: "hunter2\\nhunter2"}]

                """)
        #expect(found.count >= 5)
        #expect(!found.contains { $0.text.contains("hunter2") || ($0.hint ?? "").contains("hunter2") })
    }

    @Test func `Ten thousand users and files are judged in seconds`() {
        let users = (0..<10_000).map { "- {name: u\($0), groups: [g\($0)]}\n" }.joined()
        let files = (0..<10_000).map { "- {path: /home/u\($0)/x, owner: 'u\($0):g\($0)'}\n" }.joined()
        let root = try? YAML.nodes(
            "users:\n\(users)write_files:\n\(files)timezone: \(String(repeating: "x", count: 1 << 20))\n"
        ).root
        let time = ContinuousClock().measure {
            let found = root.map { CloudConfigValues.problems(of: $0) } ?? []
            #expect(found.count == 20_001)
        }
        #expect(time < .seconds(20))
    }

    // MARK: - Beside useradd itself

    @Test(.enabled(if: geteuid() == 0, "useradd is root's"))
    func `The names that are refused are those that Debian's useradd refuses`() async throws {
        let names = [
            "ops", "Ops", "öps", "123", "a.b", "a$", "a b", " a", "a\tb", "a:b", "a,b", "+a", "~a", "a@b", "",
            "_x",
            String(repeating: "u", count: 32), String(repeating: "u", count: 33),
            String(repeating: "é", count: 17),
            "a\u{A0}b", "1e3", "a%b",
        ]
        try await ScratchFolder.with { root in
            try FileManager.default.createDirectory(atPath: root + "/etc", withIntermediateDirectories: true)
            for name in ["passwd", "shadow", "group", "gshadow"] {
                try Data().write(to: URL(filePath: "\(root)/etc/\(name)"))
            }
            for name in names {
                let result = try await command("/usr/sbin/useradd", ["-P", root, "-M", name])
                #expect(
                    (AccountName.problem(name) == nil) == (result.status == 0), "\(name): \(result.errors)")
            }
        }
    }
}
