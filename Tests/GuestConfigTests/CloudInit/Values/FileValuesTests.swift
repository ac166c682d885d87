import Basics
import Foundation
import Support
import Testing
import YAML

@testable import GuestConfig

struct `Files of a cloud-config` {
    private static func file(_ fields: String, _ rest: String = "", _ found: String...) -> Judged {
        Judged("write_files: [{\(fields)}]\n\(rest)", found)
    }

    @Test(arguments: [
        file("path: /a, permissions: u+x", "", "error write_files[1].permissions is no octal number"),
        file("path: /a, permissions: '0999'", "", "error write_files[1].permissions is no octal number"),
        file("path: /a, permissions: rw-r--r--", "", "error write_files[1].permissions is no octal number"),
        file("path: /a, permissions: ''", "", "error write_files[1].permissions is no octal number"),
        file("path: /a, permissions: '0x1ff'", "", "error write_files[1].permissions is no octal number"),
        file("path: /a, permissions: 644", "", "error write_files[1].permissions is a decimal number"),
        file("path: /a, permissions: 755", "", "error write_files[1].permissions is a decimal number"),
        file("path: /a, permissions: 600", "", "error write_files[1].permissions is a decimal number"),
        file("path: /a, permissions: 400", "", "error write_files[1].permissions is a decimal number"),
        file("path: /a, permissions: '77777'", "", "error write_files[1].permissions is no mode"),
        file("path: /a, permissions: '-644'", "", "error write_files[1].permissions is no mode"),
        file("path: /a, permissions: '0000'", "", "warning write_files[1].permissions is not set"),
        file("path: /a, permissions: '4755'", "", "warning write_files[1].permissions loses its setuid bit"),
        file("path: /a, permissions: '2755'", "", "warning write_files[1].permissions loses its setgid bit"),
        file("path: /a, permissions: 04755", "", "warning write_files[1].permissions loses its setuid bit"),
        file("path: /a, permissions: '4755', owner: none"), file("path: /a, permissions: '2644'"),
        file("path: /a, permissions: '1755'"), file("path: /a, permissions: 0644"),
        file("path: /a, permissions: 0o644"), file("path: /a, permissions: '644'"),
        file("path: /a, permissions: 420"), file("path: /a, permissions: 493"),
        file("path: /a, permissions: '0o755'"), file("path: /a, permissions: '100644'"),
    ])
    func `have permissions as cloud-init reads them`(_ judged: Judged) {
        #expect(judged.actual == judged.found)
    }

    @Test(arguments: [
        file(
            "path: /a, owner: ops", "users: [{name: ops}]\n",
            "error write_files[1].owner is set before the user \"ops\""),
        file(
            "path: /a, owner: 'root:ops'", "users: [{name: ops}]\n",
            "error write_files[1].owner is set before the group \"ops\""),
        file(
            "path: /a, owner: 'root:docker'", "groups: [docker]\n",
            "error write_files[1].owner is set before the group \"docker\""),
        file("path: /a, owner: nginx", "", "warning write_files[1].owner is a user that the image must have"),
        file("path: /a, owner: '1000:1000'", "", "error write_files[1].owner is a number"),
        file("path: /a, owner: '1000', defer: true", "", "error write_files[1].owner is a number"),
        file("path: /a, owner: 'ops:ops', defer: true", "users: [{name: ops}]\n"),
        file("path: /a, owner: 'nginx:nginx', defer: true"), file("path: /a, owner: 'root:root'"),
        file("path: /a, owner: 'www-data:www-data'"), file("path: /a, owner: 'root:adm'"),
        file("path: /a, owner: '-1:-1'"), file("path: /a, owner: ''"), file("path: /a, owner: root"),
    ])
    func `have owners that are there by then`(_ judged: Judged) { #expect(judged.actual == judged.found) }

    @Test(arguments: [
        file("path: a/b", "", "warning write_files[1].path is no absolute path: cloud-init writes \"/a/b\""),
        file("path: ~/a", "", "error write_files[1].path is no path"),
        file("path: $HOME/a", "", "error write_files[1].path is no path"),
        file("path: ''", "", "error write_files[1].path is empty"),
        file("path: /etc", "", "error write_files[1].path is a folder"),
        file("path: /etc/", "", "error write_files[1].path is a folder"),
        file("path: /etc/x/../", "", "error write_files[1].path is a folder"),
        file("path: /srv/x/", "", "warning write_files[1].path ends in a slash"),
        file("path: \"/a\\0b\"", "", "error write_files[1].path has a NUL"),
        file(
            "path: /\(String(repeating: "x", count: 256))", "",
            "error write_files[1].path has a name of more than 255"),
        file(
            "path: /home/ops/x", "users: [{name: ops}]\n",
            "warning write_files[1].path is written before \"ops\""),
        file(
            "path: /srv/ops/x", "users: [{name: ops, homedir: /srv/ops}]\n",
            "warning write_files[1].path is written before"),
        Judged("write_files: [{path: /a}, {path: /b/../a}]\n", "warning write_files[1].path is written over"),
        Judged(
            "write_files: [{path: /a, defer: true}, {path: /a}]\n",
            "warning write_files[2].path is written over"),
        Judged("write_files: [{path: /a}, {path: /a, append: true}]\n"),
        file("path: /home/ops/x, defer: true", "users: [{name: ops}]\n"),
        file("path: /opt/ops/x", "users: [{name: ops, system: true, homedir: /opt/ops}]\n"),
        file("path: /etc/../srv/x"), file("path: /tmp/x"),
    ])
    func `have paths that lead where they seem to`(_ judged: Judged) {
        #expect(judged.actual == judged.found)
    }

    @Test(arguments: [
        file(
            "path: /etc/hosts, content: x", "",
            "warning write_files[1].path is written over at each start where"),
        file(
            "path: /etc//hosts, append: true", "",
            "warning write_files[1].path is written over at each start where"),
        file(
            "path: /etc/hosts", "manage_etc_hosts: true\n",
            "error write_files[1].path is written over at each start: line 3"),
        file("path: /etc/hosts", "manage_etc_hosts: false\n"),
        file("path: /etc/hosts", "manage_etc_hosts: localhost\n"),
        file("path: /etc/hosts.allow"),
    ])
    func `are none that cloud-init writes over`(_ judged: Judged) { #expect(judged.actual == judged.found) }

    @Test(arguments: [
        file(
            "path: /a, encoding: b64, content: 'not base64!'", "", "error write_files[1].content is no base64"
        ),
        file("path: /a, encoding: b64, content: 'YQ'", "", "error write_files[1].content is no base64"),
        file("path: /a, encoding: base64, content: 'é'", "", "error write_files[1].content is no base64"),
        file(
            "path: /a, encoding: b64, content: 'YWJj-_'", "", "warning write_files[1].content has characters"),
        file("path: /a, encoding: gz, content: hello", "", "error write_files[1].content is not compressed"),
        file(
            "path: /a, encoding: gz+b64, content: aGVsbG8=", "",
            "error write_files[1].content is not compressed"),
        file(
            "path: /a, encoding: gzip, content: !!binary aGVsbG8=", "", "error write_files[1].content is not"),
        file(
            "path: /a, content: \"#!/bin/sh\\r\\necho\\r\\n\"", "",
            "warning write_files[1].content is a script"),
        file("path: /a, encoding: b64, content: YQ=="),
        file("path: /a, encoding: b64, content: \"YW\\n Jj\\n\""),
        file("path: /a, encoding: b64, content: ''"), file("path: /a, encoding: gz, content: ''"),
        file("path: /a, content: \"x\\r\\n\""),
        file(
            "path: /a, encoding: gzip, content: !!binary "
                + "H4sIAIDb/U8C/1NW1E/KzNMvzuBKTc7IV8hIzcnJVyjPL8pJ4QIA6N+MVxsAAAA="),
        file(
            "path: /a, encoding: gz+base64, content: "
                + "H4sIAIDb/U8C/1NW1E/KzNMvzuBKTc7IV8hIzcnJVyjPL8pJ4QIA6N+MVxsAAAA="),
    ])
    func `have contents that can be decoded`(_ judged: Judged) { #expect(judged.actual == judged.found) }

    // MARK: - Beside cloud-init's own modules

    private func python<Answer: Decodable>(_ program: String, _ values: [String], _ type: Answer.Type)
        async throws
        -> Answer
    {
        let prelude = """
            import base64, json, logging, os, sys, tempfile
            sys.path.insert(0, "/usr/lib/python3/dist-packages")
            from cloudinit.config import cc_write_files as w
            logging.disable()
            values = json.load(sys.stdin)

            """
        let input = String(decoding: try JSONEncoder().encode(values), as: UTF8.self)
        return try await Support.python(prelude + program, input: input, as: type)
    }

    @Test func `Permissions are those that cloud-init sets`() async throws {
        let texts = [
            "0644", "644", "u+x", "0999", "0o644", "0O644", " 0644 ", "0_644", "+644", "", "100644", "0b11",
            "0x1a", "06440",
            "7", "0o_644", "0__644", "_644", "644_", "0600", "755", "1777", "o644", "0644x", "6 44", "0o",
            "-", "0777",
        ]
        let modes = try await python(
            "json.dump([w.decode_perms(v, None) for v in values], sys.stdout)", texts, [Int64?].self)
        for (text, mode) in zip(texts, modes) {
            let node = try #require(try YAML.nodes(YAML.write(.string(text))).root)
            let judged = FilePermissions(node)
            #expect(judged == (mode.map { .mode($0 & 0o7777) } ?? .unreadable), "\(text)")
        }
    }

    @Test func `A bit is lost where the file that cloud-init writes lacks it`() async throws {
        let modes = ["4755", "2755", "2745", "6755", "4644", "1755", "2644", "0755", "4700"]
        let written = try await python(
            """
            def mode(v):
                path = tempfile.mkdtemp() + "/f"
                w.write_files("x", [{"path": path, "content": "", "permissions": v}], "%d:%d" % (os.getuid(), os.getgid()))
                return os.stat(path).st_mode & 0o7777
            import pwd, grp
            w.util.chownbyname = lambda p, u, g: os.chown(p, os.getuid(), os.getgid())
            json.dump([mode(v) for v in values], sys.stdout)
            """, modes, [Int].self)
        for (mode, kept) in zip(modes, written) {
            let isLost = kept != Int(mode, radix: 8)
            let found = findings(in: "write_files: [{path: /a, permissions: '\(mode)'}]\n")
            #expect(found.contains { $0.message.contains("loses its") } == isLost, "\(mode)")
        }
    }

    @Test func `Base64 is decoded as Python does`() async throws {
        let texts = [
            "not base64!", "YWJj=", "YQ", "YQ==", "YQ==YQ==", "YW Jj\n", "YWJj-_", "=", "====", "é", "YWJ=j",
            "a-_b", "", "Y",
            "YWJ", "Y=Q=", "YQ=", "=YQ==", "YWJj\u{0}", "aGVsbG8gd29ybGQ=",
        ]
        let decoded = try await python(
            """
            def decode(v):
                try: return base64.b64encode(base64.b64decode(v)).decode()
                except Exception: return None
            json.dump([decode(v) for v in values], sys.stdout)
            """, texts, [String?].self)
        for (text, expected) in zip(texts, decoded) {
            switch PythonBase64.decode(Array(text.utf8)) {
            case .bytes(let bytes): #expect(Base64.encode(bytes) == expected, "\(text)")
            case .skipping: #expect(expected != nil, "\(text)")
            case .unreadable: #expect(expected == nil, "\(text)")
            }
        }
    }
}
