import Basics
import DiskImages
import Foundation
import MachineSpec
import Support
import Testing
import YAML

@testable import GuestConfig

@Suite struct `A seed` {
    private func files(_ spec: CloudInitSpec, name: String? = nil) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: Cidata.files(spec, name: name).map {
                ($0.path, String(decoding: $0.contents, as: UTF8.self))
            })
    }

    @Test func `is what cloud-init looks for, to blkid and bsdtar`() async throws {
        try await DisksScratch.with { scratch in
            try Cidata.create(
                scratch.path("seed.iso"),
                CloudInitSpec(
                    userData: "#cloud-config\n", metaData: "instance-id: x\n", networkConfig: "version: 2\n"))
            let probe = try scratch.run("blkid", "-p", "-o", "export", "seed.iso")
            #expect(probe.contains("LABEL=cidata\n"))
            #expect(probe.contains("TYPE=iso9660\n"))
            #expect(try scratch.run("bsdtar", "-x", "-O", "-f", "seed.iso", "user-data") == "#cloud-config\n")
            #expect(
                try scratch.run("bsdtar", "-x", "-O", "-f", "seed.iso", "meta-data") == "instance-id: x\n")
            #expect(
                try scratch.run("bsdtar", "-t", "-f", "seed.iso")
                    == ".\nmeta-data\nnetwork-config\nuser-data\n")
        }
    }

    @Test func `has both files the datasource needs, and no others, where nothing is given`() {
        #expect(files(CloudInitSpec()).keys.sorted() == ["meta-data", "user-data"])
        #expect(files(CloudInitSpec())["user-data"] == "")
    }

    private func metaData(_ spec: CloudInitSpec, name: String? = nil) -> String {
        files(spec, name: name)["meta-data"] ?? ""
    }

    private func instanceID(_ spec: CloudInitSpec, name: String? = nil) throws -> String {
        let root = try #require(try YAML.nodes(metaData(spec, name: name)).root)
        return try #require(root.entry("instance-id")?.node.value.string)
    }

    @Test func `gets an instance-id that changes with anything in it, and with nothing else`() throws {
        let specs = [
            CloudInitSpec(), CloudInitSpec(userData: ""), CloudInitSpec(userData: "ab"),
            CloudInitSpec(userData: "a", networkConfig: "b"), CloudInitSpec(userData: "a", vendorData: "b"),
            CloudInitSpec(networkConfig: "ab"), CloudInitSpec(vendorData: "ab"),
            CloudInitSpec(metaData: ""), CloudInitSpec(metaData: "local-hostname: a\n"),
            CloudInitSpec(metaData: .table(["local-hostname": "b"])),
            CloudInitSpec(userData: "a", metaData: "local-hostname: a\n"),
        ]
        let ids = try specs.flatMap { [try instanceID($0), try instanceID($0, name: "web")] }
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.hasPrefix("iid-") })
        #expect(try instanceID(specs[3], name: "web") == ids[7])
        // The id of a seed without meta-data is the one it has always had: its machine takes nothing anew.
        #expect(ids[5] == "iid-e4bed2dfc229ac6727d90fad090fc485")
    }

    @Test(arguments: [
        "local-hostname: web\n", "# mine\nlocal-hostname: web # here\n", "---\nlocal-hostname: web\n",
        "--- {local-hostname: web}\n", "{\"local-hostname\": \"web\", \"a\": [1, 2]}", "{}", "",
        "# nothing\n", "---\n",
        "  local-hostname: web\n  public-keys: [a]\n", "%YAML 1.1\n---\nlocal-hostname: web\n...\n",
        "local-hostname: web\r\na: 1\r\n", "a: &x 007\nlocal-hostname: web\nb: *x\n",
        "!!map\nlocal-hostname: web\n",
        "? local-hostname\n: web\n", "'local-hostname': w\u{e9}b",
        "local-hostname: web\na: |\n  instance-id: x\n",
        "&all\nlocal-hostname: web\n", "\"local-hostname\":\n  web",
        "local-hostname: web\ninstance_id: i-1\n",
    ])
    func `gets one beside what its author says of it, which stays as it was`(text: String) async throws {
        let spec = CloudInitSpec(userData: "a", metaData: .text(text))
        let whole = metaData(spec)
        var expected = Map([.init(key: "instance-id", value: .string(try instanceID(spec)))])
        for entry in try YAML.nodes(text).root?.value.map?.entries ?? [] {
            expected.append(entry.key, entry.value)
        }
        #expect(try YAML.nodes(whole).root?.value == .map(expected))
        #expect(try YAML.nodes(whole).second == nil)
        try await DisksScratch.with { scratch in
            try scratch.write("meta-data", Data(whole.utf8))
            let read = try scratch.run(
                "python3", "-c", "import yaml; print(yaml.safe_load(open('meta-data', 'rb'))['instance-id'])")
            #expect(read == (try instanceID(spec)) + "\n", "as PyYAML reads it")
        }
        // What no line can be added to is written anew.
        if !["!!map", "&all"].contains(where: text.hasPrefix), text != "---\n" {
            #expect(SeedIdentity.givenMetaData(whole) { $0 == text } == text)
        }
    }

    @Test(arguments: [
        "instance-id: i-1\n", "{instance-id: i-1}", "\"instance-id\": i-1\nlocal-hostname: web\n", "- a\n",
        "web\n",
        "a: b: c\n", "a: 1\n---\nb: 1\n",
    ])
    func `gets none beside its author's, and none where the guest reads no meta-data`(text: String) {
        let spec = CloudInitSpec(userData: "a", metaData: .text(text))
        #expect(metaData(spec, name: "web") == text)
        let identity = SeedIdentity(spec, name: "web")
        #expect(identity.isGiven)
        #expect(identity.instanceID == (text.contains("i-1") ? "i-1" : "nocloud"))
        #expect(SeedIdentity.givenMetaData(text) { _ in false } == text)
    }

    @Test(arguments: ["007", "no", "a\"b\\c", "ä\u{1}\n", "1e3"])
    func `keeps names text for YAML, whatever they look like`(_ name: String) async throws {
        try await DisksScratch.with { scratch in
            try scratch.write("meta-data", Data(metaData(CloudInitSpec(), name: name).utf8))
            let read = try scratch.run(
                "python3", "-c",
                "import yaml; d = yaml.safe_load(open('meta-data')); assert d['instance-id'].startswith('iid-'); "
                    + "print(d['local-hostname'].encode().hex())")
            #expect(read == name.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\n")
        }
    }

    @Test func `is the same bytes for the same input`() async throws {
        try await DisksScratch.with { scratch in
            let spec = CloudInitSpec(userData: "#cloud-config\n")
            try Cidata.create(scratch.path("a.iso"), spec, name: "web")
            try Cidata.create(scratch.path("b.iso"), spec, name: "web")
            #expect(try scratch.bytes("a.iso") == scratch.bytes("b.iso"))
        }
    }
}
