import Basics
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `The way into a guest for others` {
    private static func ssh(_ name: String, user: String? = "admin", proxy: [String] = []) -> GuestSSH {
        GuestSSH(
            name: name, endpoint: SSHEndpoint(host: "127.0.0.1", port: 20022, proxy: proxy), user: user,
            key: "/nowhere", knownHosts: "/a folder/\(name)/known_hosts")
    }

    private static let inventory = Inventory([
        Inventory.Entry(
            name: "web-01", ssh: ssh("web-01", proxy: ["ssh", "-W", "127.0.0.1:20022", "--", "it's 5%"]),
            labels: ["fleet": "web", "tier": "front end"], addresses: ["10.0.0.5", "fd00::5"]),
        Inventory.Entry(
            name: "db", ssh: nil, whyNot: "it is off", labels: ["2nd": ""], addresses: []),
    ])

    @Test func `is a block of ssh's configuration that ssh itself reads as it is meant`() throws {
        guard case .text(let text) = try Self.inventory.document(.ssh) else {
            throw Failure(.internal, "no text")
        }
        #expect(text.contains("\n# db: it is off\n"))
        try withScratchState { state throws in
            try writeBytes(Array(text.utf8), to: state.root + "/config")
            let read = try run("ssh", "-F", state.root + "/config", "-G", "web-01").output
            for line in [
                "hostname 127.0.0.1", "port 20022", "user admin", "hostkeyalias guest",
                "userknownhostsfile /a folder/web-01/known_hosts",
                "proxycommand ssh -W 127.0.0.1:20022 -- 'it'\\''s 5%%'",
            ] { #expect(read.contains(line + "\n"), "\(line)\n\(read)") }
        }
    }

    @Test func `is an inventory of Ansible's, with a group of each label and fleet`() throws {
        guard case .json(let file) = try Self.inventory.document(.ansible),
            case .json(let list) = try Self.inventory.document(.list)
        else { throw Failure(.internal, "no JSON") }
        let all = try #require(file["all"])
        #expect(all["hosts"]?.map?.entries.map(\.key) == ["web-01", "db"])
        #expect(all["children"]?.map?.entries.map(\.key) == ["_2nd", "tier_front_end", "web"])
        let host = try #require(all["hosts"]?["web-01"])
        #expect(host["ansible_host"] == "127.0.0.1" && host["ansible_port"] == 20022)
        #expect(host["limiq_label_tier"] == "front end")
        #expect(list["_meta"]?["hostvars"]?["web-01"] == host)
        #expect(list["web"]?["hosts"] == ["web-01"])
        // As Ansible takes it apart, by Python's shlex.
        let options = try #require(host["ansible_ssh_common_args"]?.string)
        let words = try run(
            "/usr/bin/python3", "-c", "import shlex, sys; print('\\n'.join(shlex.split(sys.argv[1])))",
            options)
        #expect(
            words.output.contains("\nUserKnownHostsFile=\"/a folder/web-01/known_hosts\"\n"),
            "\(words.output)")
    }

    @Test func `is a line of a hosts file for a machine with an address of its own`() throws {
        guard case .text(let text) = try Self.inventory.document(.hosts) else {
            throw Failure(.internal, "no text")
        }
        #expect(text == "10.0.0.5\tweb-01\n")
    }

    @Test func `gives a program its variables and its folder, whatever is in them`() throws {
        let surroundings = GuestSurroundings(
            environment: [("A", "it's\n\"$HOME\" `x`"), ("_b2", "")], folder: "/usr/../tmp")
        try surroundings.check()
        let command = surroundings.around([
            "sh", "-c", "pwd; printf '%s|' \"$A\" \"$_b2\" \"$@\"", "sh", "-x", "a b",
        ])
        let result = try HostProgram(command).run(Cancellation())
        #expect(String(decoding: result.output, as: UTF8.self) == "/tmp\nit's\n\"$HOME\" `x`||-x|a b|")
        #expect(GuestSurroundings().around(["ls"]) == ["ls"])
        for name in ["", "1A", "A B", "A=B", "ä", "A;rm"] {
            #expect(throws: Failure.self) { try GuestSurroundings(environment: [(name, "")]).check() }
        }
    }

    /// What cp(1) does, for each kind of target.
    @Test(arguments: [
        ("src", "x", "none", "x"), ("src", "x/", "none", "x"), ("src", "x", "folder", "x/src"),
        ("src/", "x/", "folder", "x/src"), ("src/.", "x", "none", "x"), ("src/.", "x", "folder", "x"),
        ("a/..", "x", "folder", "x"), ("src", "/", "folder", "/src"),
    ])
    func `copies a folder to where cp would`(from: String, to: String, there: String, path: String) throws {
        let kind = try #require(CopyTarget.Kind(rawValue: there))
        #expect(try CopyTarget(of: from, .folder, to: to, kind, isRecursive: true).path == path)
    }

    @Test func `copies nothing that cp would not`() throws {
        func refusal(
            _ from: String, _ kind: CopyTarget.Kind, _ to: String, _ there: CopyTarget.Kind,
            _ recursive: Bool = true
        ) throws -> String {
            try #require(throws: Failure.self) {
                _ = try CopyTarget(of: from, kind, to: to, there, isRecursive: recursive)
            }.message
        }
        #expect(try refusal("a", .none, "b", .none) == "a is not there")
        #expect(try refusal("a", .folder, "b", .none, false) == "a is a folder")
        #expect(try refusal("a", .folder, "b", .file) == "b is there, and no folder")
        #expect(try refusal("a", .file, "b/", .none) == "there is no folder b/")
        #expect(try refusal("a", .file, "b/", .file) == "b/ is there, and no folder")
        #expect(try refusal("a/", .file, "b", .none) == "a/ is no folder")
        #expect(try CopyTarget(of: "a", .file, to: "b", .file, isRecursive: false).path == "b")
    }
}
