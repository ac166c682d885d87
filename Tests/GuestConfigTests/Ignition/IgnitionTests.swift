import Basics
import Glibc
import GuestConfig
import HostFiles
import Support
import Testing

@Suite struct `An Ignition configuration` {
    private static let version = #""ignition": {"version": "3.3.0"}"#

    /// `ignition-validate` is Ignition's own; a key it does not know is a warning to it, and an error here.
    @Test(arguments: [
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
    ])
    func `is taken where Ignition's own validator has nothing against it`(text: String) throws {
        let file = "/tmp/limiq-ignition-\(UInt64.random(in: 0 ... .max)).json"
        defer { unlink(file) }
        try writeBytes(Array(text.utf8), to: file)
        let theirs = try run("ignition-validate", file)
        let isValid = theirs.status == 0 && !(theirs.output + theirs.errors).contains("Unused key")
        let failure: Failure?
        do {
            try IgnitionCheck.requireValid(text)
            failure = nil
        } catch { failure = error }
        #expect(
            (failure == nil) == isValid,
            "limiq: \(failure?.message ?? "valid"); Ignition: \(theirs.output)\(theirs.errors)")
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
            "ignition.storage.files[1].mode must be a whole number, not a string", nil
        ),
    ])
    func `is refused with the place and the way out`(text: String, message: String, hint: String?) throws {
        let failure = try #require(throws: Failure.self) { try IgnitionCheck.requireValid(text) }
        #expect(failure.message == message)
        #expect(failure.hint == hint)
    }

    @Test func `of a newer version may have keys that are not known here`() throws {
        try IgnitionCheck.requireValid(#"{"ignition": {"version": "3.9.0", "new": 1}, "newer": []}"#)
    }
}
