import Basics
import Foundation
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec
import Records
import XML
import YAML

@testable import DiskImages
@testable import ImageLibrary
@testable import Provisioning

/// A reader of what others have written. Whatever it is given, it answers or throws a `Failure`, soon, and with little memory.
enum Decoder: String, CaseIterable {
    case yaml, json, xml
    case userData = "user-data"
    case networkConfig = "network-config"
    case ignition, checksums, catalogue, qcow2, iso, memory, console
    case cloudInitResult = "cloud-init-result"

    func read(_ bytes: [UInt8]) {
        switch self {
        case .yaml: _ = try? YAML.documents(String(decoding: bytes, as: UTF8.self))
        case .json: _ = try? parseJSON(bytes)
        case .xml: _ = try? XMLReader.parse(String(decoding: bytes, as: UTF8.self))
        case .userData:
            _ = CloudInitCheck.check(CloudInitSpec(userData: .bytes(bytes)), name: "web")
            _ = CloudInitCheck.check(CloudInitSpec(userData: .bytes(bytes)), system: .windows)
        case .networkConfig:
            _ = CloudInitCheck.check(
                CloudInitSpec(userData: "#cloud-config\n", networkConfig: .bytes(bytes)), name: "web")
        case .ignition: _ = IgnitionCheck.check(String(decoding: bytes, as: UTF8.self))
        case .checksums:
            let list = ChecksumList(
                String(decoding: bytes, as: UTF8.self), from: "https://example.org/a/SUMS")
            _ = list.checksum(of: "disk.qcow2")
        case .catalogue:
            _ = try? CatalogueReader(file: "images.yaml").images(String(decoding: bytes, as: UTF8.self))
        case .qcow2:
            withFile(bytes) { path in
                let file = try ReadableFile(path)
                _ = try FileKind(of: file)
                let header = try QCOW2Header(file)
                try header.requireUsable(path)
                try header.requireComplete(file)
            }
        case .iso:
            withFile(bytes) { path in
                let image = try ISOReader(path)
                for entry in try image.entries().prefix(100) { _ = try image.read(entry) }
            }
        case .memory: withFile(bytes) { path in _ = try SaveImage(path) }
        case .console:
            var seen = CloudInitConsole()
            for line in ConsoleText.lines(bytes) { seen.take(line) }
        case .cloudInitResult: _ = try? CloudInitOutcome(resultJSON: bytes).failure(of: "web")
        }
    }

    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) {
        let path = "/dev/shm/limiq-fuzz-\(getpid())"
        guard (try? Data(bytes).write(to: URL(fileURLWithPath: path))) != nil else { abort() }
        defer { unlink(path) }
        try? body(path)
    }
}
