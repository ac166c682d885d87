import Foundation
import Support
import Testing

/// A state folder for one test, and the official publishers of limiq's images answered for by a proxy on loopback.
struct PublisherHome: Sendable {
    /// Where the proxy has Debian's image.
    static let debian = "/cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-amd64.qcow2"

    /// `LIMIQ_HOME`, and the folder the commands run in.
    let folder: String
    let publisher: LocalPublisher
    /// Debian's image: a qcow2 of a little more than 4 MiB.
    let image: Data

    static func with(_ body: (PublisherHome) async throws -> Void) async throws {
        try await ScratchFolder.with { folder in
            let publisher = try LocalPublisher(
                folder + "/publisher", hosts: ["cloud.debian.org", "fedorapeople.org"])
            defer { publisher.stop() }
            let debian = URL(fileURLWithPath: publisher.files + debian)
            let place = debian.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let making = try await command(
                "sh",
                [
                    "-c",
                    """
                    head -c 4194304 /dev/urandom > raw && qemu-img convert -f raw -O qcow2 raw "$1" && rm raw &&
                    sha512sum "$1" > SHA512SUMS
                    """, "sh", debian.lastPathComponent,
                ], folder: place.path)
            try #require(making.status == 0, "\(making.errors)")
            try await body(
                PublisherHome(folder: folder, publisher: publisher, image: Data(contentsOf: debian)))
        }
    }

    /// The state folder, and the way to the publishers.
    var network: [String: String] {
        [
            "LIMIQ_HOME": folder, "https_proxy": publisher.url, "no_proxy": "", "NO_PROXY": "",
            "CURL_CA_BUNDLE": publisher.certificate,
        ]
    }

    func start(_ words: [String], environment: [String: String] = [:]) throws -> RunningCommand {
        return try RunningCommand(
            "\(repository)/.build/debug/limiq", words,
            environment: network.merging(environment) { $1 }, folder: folder)
    }

    func start(_ words: String...) throws -> RunningCommand { try start(words) }

    func limiq(_ words: [String], environment: [String: String] = [:]) async throws -> CommandResult {
        await (try start(words, environment: environment)).result()
    }

    func limiq(_ words: String..., environment: [String: String] = [:]) async throws -> CommandResult {
        try await limiq(words, environment: environment)
    }

    /// Of a file in `cloud-images`.
    func path(_ name: String) -> String { "\(folder)/cloud-images/\(name)" }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }

    /// What is in `cloud-images`, hidden files included, beside what is known of the images that are there.
    var names: [String] {
        folderNames("\(folder)/cloud-images").filter { $0 != ".digests" && $0 != ".origins" }.sorted()
    }

    /// What has come of a download.
    var part: Data {
        guard let name = names.first(where: { $0.hasSuffix(".part") }) else { return Data() }
        return (try? bytes(name)) ?? Data()
    }

    /// Waits until so many bytes came.
    func waitForPart(of count: Int) async throws {
        for _ in 0..<600 {
            if part.count >= count { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("no download of \(count) bytes within 30 s: \(names)")
    }

    /// The processes that run with this state folder.
    func processes() -> [String] {
        folderNames("/proc").filter {
            Int($0) != nil && fileText("/proc/\($0)/environ").contains("LIMIQ_HOME=\(folder)\0")
        }
    }
}
