import Basics
import DiskImages
import Foundation
import GuestConfig
import MachineSpec
import Support
import Testing

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
        #expect(files(CloudInitSpec(metaData: ""))["meta-data"] == "")
    }

    @Test func `gets an instance-id that changes with anything in it, and with nothing else`() {
        let specs = [
            CloudInitSpec(), CloudInitSpec(userData: ""), CloudInitSpec(userData: "ab"),
            CloudInitSpec(userData: "a", networkConfig: "b"), CloudInitSpec(userData: "a", vendorData: "b"),
            CloudInitSpec(networkConfig: "ab"), CloudInitSpec(vendorData: "ab"),
        ]
        let texts = specs.flatMap {
            [Cidata.metaData(for: $0, name: nil), Cidata.metaData(for: $0, name: "web")]
        }
        let ids = texts.map { $0.split(separator: "\n").first }
        #expect(Set(ids).count == texts.count)
        #expect(Cidata.metaData(for: specs[3], name: "web") == texts[7])
    }

    @Test(arguments: ["007", "no", "a\"b\\c", "ä\u{1}\n", "1e3"])
    func `keeps names text for YAML, whatever they look like`(_ name: String) async throws {
        try await DisksScratch.with { scratch in
            try scratch.write("meta-data", Data(Cidata.metaData(for: CloudInitSpec(), name: name).utf8))
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
