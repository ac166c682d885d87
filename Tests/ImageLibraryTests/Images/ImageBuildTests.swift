import Basics
import Foundation
import HostFiles
import Steps
import Support
import Testing

@Suite("Building an image where its publisher cannot be reached")
struct ImagesBuildTests {
    private static let copy = "cp \"$(dirname \"$0\")/../publisher/files/latest/disk.qcow2\" \"$1\""

    @Test("calls the builder and shows what it says")
    func build() async throws {
        try await ImagesBench.with { bench in
            try bench.builder(
                "echo 'debian-12: unpacking' >&2; echo noise >&2; \(Self.copy); echo 'debian-12: done' >&2")
            let library = bench.library(url: ImagesBench.nobody)
            #expect(try bench.resolve(in: library) == bench.path("debian-12.qcow2"))
            #expect(try bench.bytes("debian-12.qcow2") == bench.image)
            #expect(bench.names == ["debian-12.qcow2"])
            #expect(
                bench.steps.lines == [
                    "download asking for its checksum", "download failed",
                    "build its publisher cannot be reached; building it from packages", "build unpacking",
                    "build done", "image",
                ])
        }
    }

    @Test("a network's login page in place of the list is no publisher")
    func loginPage() async throws {
        try await ImagesBench.with { bench in
            try bench.publisher.set(["/latest/SUMS": .init(login: true)])
            let failure = #expect(throws: Failure.self) { try bench.resolve() }
            #expect(failure?.code == .unreachable)
            #expect(
                failure?.message
                    == "debian-12 cannot be downloaded: a web page answers in place of \(bench.publisher.url)/latest/SUMS"
            )
            #expect(
                failure?.hint
                    == "does this network want a login? or put the image into \(bench.state.cloudImages) as debian-12.qcow2"
            )
            try bench.builder(Self.copy)
            #expect(try bench.resolve() == bench.path("debian-12.qcow2"))
        }
    }

    @Test("is not tried where the publisher answers", arguments: [404, 503])
    func reachable(_ status: Int) async throws {
        try await ImagesBench.with { bench in
            try bench.builder(Self.copy)
            try bench.publisher.set(["/latest/SUMS": .init(status: status)])
            #expect(throws: Failure.self) { try bench.resolve() }
            #expect(bench.names.isEmpty)
        }
    }

    @Test("without a builder the way out is a file", arguments: [false, true])
    func noBuilder(_ isThere: Bool) async throws {
        try await ImagesBench.with { bench in
            if isThere {
                // One that may not be run is none.
                try bench.builder(Self.copy)
                chmod(bench.scratch.path("builders/debian-12"), 0o644)
            }
            let library = bench.library(url: ImagesBench.nobody)
            let failure = #expect(throws: Failure.self) { try bench.resolve(in: library) }
            #expect(failure?.code == .unreachable)
            #expect(failure?.message == "debian-12 cannot be downloaded")
            #expect(failure?.cause?.contains("Failed to connect to 127.0.0.1 port 1") == true)
            #expect(
                failure?.hint
                    == "is there a network, or a proxy to name in https_proxy? or put the image into \(bench.state.cloudImages) as debian-12.qcow2"
            )
            #expect(bench.names.isEmpty)
        }
    }

    @Test("a builder that fails is quoted, and what it left half-made is gone")
    func failing() async throws {
        try await ImagesBench.with { bench in
            try bench.builder(
                """
                head -c 100000 /dev/zero > "$1"
                echo half > "$(dirname "$1")/.$(basename "$1").12345678"
                echo 'debian-12: these Debian packages are missing: mtools' >&2
                echo '  hint: apt-get install mtools' >&2
                exit 1
                """)
            let failure = #expect(throws: Failure.self) {
                try bench.resolve(in: bench.library(url: ImagesBench.nobody))
            }
            #expect(failure?.code == .program)
            #expect(failure?.message == "debian-12 can be neither downloaded nor built here")
            #expect(failure?.cause == "these Debian packages are missing: mtools")
            #expect(
                failure?.hint
                    == "apt-get install mtools, or put the image into \(bench.state.cloudImages) as debian-12.qcow2"
            )
            #expect(bench.names.isEmpty)
        }
    }

    @Test("a builder that was killed, or made no image, leaves nothing under the name")
    func half() async throws {
        try await ImagesBench.with { bench in
            for script in ["\(Self.copy); kill -9 $$", "printf '<html>' > \"$1\"", ": > \"$1\"", ":"] {
                try bench.builder(script)
                #expect(throws: Failure.self, "\(script)") {
                    try bench.resolve(in: bench.library(url: ImagesBench.nobody))
                }
                #expect(bench.names.isEmpty, "\(script)")
            }
        }
    }

    @Test("can be cancelled: the builder has time to clean up")
    func cancelled() async throws {
        try await ImagesBench.with { bench in
            try bench.builder(
                """
                trap 'sleep 0.2; touch "$(dirname "$0")/cleaned"; exit 1' TERM
                echo 'debian-12: begun' >&2
                sleep 300 & wait
                """)
            let cancellation = Cancellation()
            bench.steps.watch { if $0.event == .detail(Step(.build), "begun") { cancellation.cancel() } }
            let failure = #expect(throws: Failure.self) {
                try bench.resolve(in: bench.library(url: ImagesBench.nobody), cancellation)
            }
            #expect(failure?.code == .cancelled)
            #expect(failure?.message == "debian-12: the build was cancelled")
            #expect(access(bench.scratch.path("builders/cleaned"), F_OK) == 0)
            #expect(bench.names.isEmpty)
        }
    }

    @Test("a file that somebody put there meanwhile is not written over")
    func putMeanwhile() async throws {
        try await ImagesBench.with { bench in
            try bench.builder("\(Self.copy); echo mine > \"$(dirname \"$1\")/debian-12.qcow2\"")
            let failure = #expect(throws: Failure.self) {
                try bench.resolve(in: bench.library(url: ImagesBench.nobody))
            }
            #expect(failure?.cause == "\(bench.path("debian-12.qcow2")) exists")
            #expect(
                try bench.bytes("debian-12.qcow2")
                    == Data("mine\n".utf8))
        }
    }
}
